"""API v1: the same services as the console, as JSON for other systems."""
