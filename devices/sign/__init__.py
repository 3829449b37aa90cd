"""Text signs, and the voice of those that have one."""
