"""The port's rules by family: pure functions from evidence, declaration and pack to reasons."""
