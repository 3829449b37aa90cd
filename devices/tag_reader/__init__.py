"""Readers of tags on vehicles: what one is, and the drivers."""
