"""What can go wrong with a device. Raised at the edge, translated into faults by the caller."""

from __future__ import annotations


class DeviceError(Exception):
    """Base of every device error. The message names the device and the place."""


class LinkDown(DeviceError):
    """The wire is gone: port missing, connection refused, cable pulled. Retry with backoff."""


class DeviceTimeout(DeviceError):
    """The link is up but the device did not answer in time."""


class RemoteProtocolError(DeviceError):
    """The device said something its protocol does not allow (or a Modbus exception)."""


class DeviceFault(DeviceError):
    """The device answered that it is broken."""


class CommandRefused(DeviceError):
    """We refused to send a command because it would not be safe, or it came too late."""


class DeviceConfigError(DeviceError):
    """The device's table in the configuration cannot work; the message names the key."""
