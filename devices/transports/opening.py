"""From the `port` of a lane file to an open transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.errors import DeviceConfigError
from devices.transports.serial import SerialTransport
from devices.transports.tcp import SCHEME, TcpTransport

if TYPE_CHECKING:
    from devices.link import Transport


def open_transport(port: str, baud: int) -> Transport:
    """Open `port`: a device path (`/dev/kakou/scale`) or `tcp://host:port`. TCP ignores `baud`.

    Raises:
        LinkDown: the port is missing, taken, or nobody answers. Trying again later may help.
        DeviceConfigError: `port` is neither. Trying again cannot help.
    """
    if port.startswith(SCHEME):
        return TcpTransport(port)
    if not port or "://" in port:
        raise DeviceConfigError(f"port: {port!r} is neither a device path nor tcp://host:port")
    return SerialTransport(port, baud)
