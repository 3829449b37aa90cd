"""Cameras that read container numbers: what one is, and the listener."""
