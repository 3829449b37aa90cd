"""Codecs under seeded damage: what lies beneath `make fuzz` and the laws of the codecs."""
