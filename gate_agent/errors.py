"""What the agent itself can fail at. Device errors are in `devices.errors`."""

from __future__ import annotations


class GateError(Exception):
    """Base of the agent's own errors. The message names the place and the values."""


class ConfigError(GateError):
    """The lane file cannot work; the message names file and key. Exit status 78."""


class StoreError(GateError):
    """A database of the lane cannot be read or written; the message names the file."""


class DamagedError(StoreError):
    """A database whose file is damaged: no try will ever read it."""
