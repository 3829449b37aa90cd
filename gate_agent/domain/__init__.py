"""PURE: what a lane knows and decides. No clock, no I/O, no logging, no randomness."""
