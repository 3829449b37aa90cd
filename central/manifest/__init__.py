"""Declarations: import, versions, distribution to the lanes."""
