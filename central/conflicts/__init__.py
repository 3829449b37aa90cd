"""Declarations that were used twice, for those who ask."""
