"""Breaking things on purpose, and counting what was lost or opened that should not have been."""
