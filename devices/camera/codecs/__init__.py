"""What cameras that recognize plates post: bytes in, values out, no I/O."""
