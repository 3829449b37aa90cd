"""Byte pipes: serial port, TCP, null modem, and a pipe that misbehaves on purpose."""
