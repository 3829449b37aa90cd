"""Teaches the nets; needs PyTorch, which the lane does not: an extra, never a run-time part."""
