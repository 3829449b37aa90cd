"""What every driver of a device on a byte line has in common: its wire, and what was lost on it.

The drivers of indicators, card readers and tag readers derive from it, those that listen and those
that ask. What a frame means is theirs.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from devices.frame_stream import FrameStream
from devices.transports.opening import open_transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from devices.framing import FrameDecoder
    from devices.link import Transport

F = TypeVar("F")


class LineConfig(Protocol):
    """The keys that the table of every such device has."""

    @property
    def port(self) -> str:
        """A serial device path, or tcp://host:port."""
        ...

    @property
    def baud(self) -> int:
        """The line's speed; TCP ignores it."""
        ...


class LineDevice(Generic[F]):
    """One device on one line. Used by one thread; only `close` may come from another.

    `name` begins every error. `connect` opens the wire; the default takes `port` and `baud` of the
    table.
    """

    def __init__(
        self,
        name: str,
        config: LineConfig,
        clock: Clock,
        *,
        make_decoder: Callable[[], FrameDecoder[F]],
        connect: Callable[[], Transport] | None = None,
    ) -> None:
        self._place = f"{config.port} at {config.baud} baud"
        self._clock = clock
        self._stream: FrameStream[F] = FrameStream(
            name,
            connect=connect or partial(open_transport, config.port, config.baud),
            make_decoder=make_decoder,
            clock=clock,
        )

    @property
    def good_frames(self) -> int:
        """See `devices.line_api.OnALine`."""
        return self._stream.good_frames

    @property
    def discarded_bytes(self) -> int:
        """See `devices.line_api.OnALine`."""
        return self._stream.discarded_bytes

    def open(self) -> None:
        """Take the wire; see `devices.line_api.OnALine`."""
        self._stream.open()

    def close(self) -> None:
        """Give the wire back; see `devices.line_api.OnALine`."""
        self._stream.close()
