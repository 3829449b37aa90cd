"""The composition root and the loop that decides."""
