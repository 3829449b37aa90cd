"""Weighbridges: what one is, the drivers, and the rule for a settled weight."""
