"""Frames for sign boards: values in, bytes out, and back; no I/O."""
