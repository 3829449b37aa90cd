"""The device's end of a line, whatever the line is: chosen by how its port is spelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from devices.errors import DeviceConfigError
from devices.sim.pty_host import PtyHost
from devices.sim.tcp_host import TcpHost
from devices.transports.tcp import SCHEME

if TYPE_CHECKING:
    from devices.clock import Clock


class Cable(Protocol):
    """What a test may pull."""

    @property
    def is_plugged(self) -> bool:
        """True from `plug` to `unplug`."""
        ...

    def plug(self) -> None:
        """Be there for a driver to open. No effect when it is plugged."""
        ...

    def unplug(self) -> None:
        """Pull the cable: the driver's open port dies. May be called twice."""
        ...


class LineHost(Cable, Protocol):
    """One end of a byte line that a simulator serves and a test may pull."""

    def write(self, payload: bytes) -> None:
        """Send `payload` at the line's speed; bytes that nobody can receive are lost."""
        ...

    def read(self, timeout_s: float) -> bytes:
        """What the driver sent, after at most `timeout_s`; b"" when it sent nothing."""
        ...


def line_host(device: str, port: str, *, baud: int, clock: Clock) -> LineHost:
    """The far end of the line that a lane file names as `device`.port.

    Raises:
        DeviceConfigError: neither a path nor `tcp://host:port`.
    """
    if port.startswith(SCHEME):
        return TcpHost(port, baud=baud, clock=clock)
    if "://" in port:
        raise DeviceConfigError(
            f"{device}.port: the bench serves serial ports and tcp:// only, not {port}"
        )
    return PtyHost(port, baud=baud, clock=clock)
