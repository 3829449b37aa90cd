"""Frames with the time they arrived, from a device that talks by itself or when it is asked.

Shared by the drivers of indicators and card readers: it owns the transport and the decoder, and
knows neither weights nor cards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from devices.errors import LinkDown

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from devices.framing import FrameDecoder
    from devices.link import Transport

F = TypeVar("F")

READ_MAX_BYTES = 4096  # one tty buffer of the kernel
UNATTENDED_MAX_S = 0.25  # longer than this between two reads: the age of waiting bytes is unknown


class FrameStream(Generic[F]):
    """One device's stream of frames. Used by one thread; only `close` may come from another."""

    def __init__(
        self,
        name: str,
        *,
        connect: Callable[[], Transport],
        make_decoder: Callable[[], FrameDecoder[F]],
        clock: Clock,
    ) -> None:
        self._name = name
        self._connect = connect
        self._make_decoder = make_decoder
        self._clock = clock
        self._decoder = make_decoder()
        self._transport: Transport | None = None
        self._attended_s = 0.0
        self.opened_s = 0.0  # when the wire was taken
        self._earlier_discarded_bytes = 0
        self.good_frames = 0
        self.heard_s = 0.0  # when bytes were last taken from the wire, whatever they were

    @property
    def discarded_bytes(self) -> int:
        """Bytes that belonged to no good frame, over all openings."""
        return self._earlier_discarded_bytes + self._decoder.discarded_bytes

    def open(self) -> None:
        """Take the wire, with a decoder that remembers nothing. No effect when it is taken.

        Raises:
            LinkDown: as the transport, with the device's name before it.
        """
        if self._transport is not None:
            return
        try:
            self._transport = self._connect()
        except LinkDown as exc:
            raise LinkDown(f"{self._name}: {exc}") from exc
        self._earlier_discarded_bytes += self._decoder.discarded_bytes
        self._decoder = self._make_decoder()
        self.opened_s = self._attended_s = self._clock.now().mono_s

    def read(self, timeout_s: float) -> list[tuple[F, float]]:
        """Wait up to `timeout_s` for bytes; the frames they complete, each with its time.

        The time is monotonic seconds at which the last byte arrived. Bytes that lay waiting
        while nobody read get the moment the last read ended, the earliest they can have come.

        Raises:
            LinkDown: the wire is gone or was never opened.
        """
        transport = self._transport
        if transport is None:
            raise LinkDown(f"{self._name}: not open")
        try:
            if self._clock.now().mono_s - self._attended_s > UNATTENDED_MAX_S:
                waiting = transport.read(READ_MAX_BYTES, 0.0)
                if waiting:
                    return self._frames(waiting, self._attended_s)
            chunk = transport.read(READ_MAX_BYTES, timeout_s)
        except LinkDown as exc:
            raise LinkDown(f"{self._name}: {exc}") from exc
        self._attended_s = self._clock.now().mono_s
        return self._frames(chunk, self._attended_s)

    def write(self, request: bytes) -> None:
        """Send `request`.

        Raises:
            LinkDown: the wire is gone or was never opened.
        """
        transport = self._transport
        if transport is None:
            raise LinkDown(f"{self._name}: not open")
        try:
            transport.write(request)
        except LinkDown as exc:
            raise LinkDown(f"{self._name}: {exc}") from exc

    def abandon_frame(self) -> None:
        """Forget a frame that has begun and not ended."""
        self._earlier_discarded_bytes += self._decoder.discarded_bytes + self._decoder.pending_bytes
        self._decoder = self._make_decoder()

    def close(self) -> None:
        """Give the wire back; a blocked `read` ends with `LinkDown`. May be called twice."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def _frames(self, chunk: bytes, received_s: float) -> list[tuple[F, float]]:
        if chunk:
            self.heard_s = self._clock.now().mono_s
        frames = self._decoder.feed(chunk)
        self.good_frames += len(frames)
        return [(frame, received_s) for frame in frames]
