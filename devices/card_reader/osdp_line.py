"""Between libosdp and a byte line: packets that came whole, packets to send, and what went wrong.

libosdp calls `read` and `write` from inside `refresh`, where nothing may block or raise: what went
wrong is kept and raised after it.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from devices.card_reader.codecs.osdp_packet import OsdpPackets, encode
from devices.errors import DeviceConfigError, LinkDown

if TYPE_CHECKING:
    from collections.abc import Callable

KEY_BYTES = 16
ANSWER = 0x80  # set in the address of an answer
BUSY = bytes((0x79,))  # the answer that asks to be asked again


def libosdp() -> ModuleType:
    """The library, which comes with the extra `osdp`.

    Raises:
        DeviceConfigError: it is not installed.
    """
    try:
        import osdp  # noqa: PLC0415 - an extra: most lanes have no such reader
    except ImportError:
        raise DeviceConfigError(
            "card_reader.driver: 'osdp' needs libosdp, which the extra kakou[osdp] installs"
        ) from None
    library: ModuleType = osdp
    return library


class OsdpLine:
    """One end of a line as libosdp wants it. `send` puts bytes on the wire.

    `hears`: the number of the reader whose answers count; None: whatever comes counts.
    """

    def __init__(self, send: Callable[[bytes], None], *, hears: int | None = None) -> None:
        self.id = 0  # libosdp tells lines apart by it
        self._send = send
        self._hears = None if hears is None else hears | ANSWER
        self._packets = OsdpPackets()
        self._waiting = b""
        self._trouble: LinkDown | None = None

    @property
    def discarded_bytes(self) -> int:
        """Bytes that belonged to no good packet."""
        return self._packets.discarded_bytes

    def feed(self, chunk: bytes) -> bool:
        """Take bytes that came from the wire; whether they completed a good packet.

        BUSY is none: who says nothing else for long is as good as silent. Nor is what a converter
        echoes of our own questions, or what another reader on the line says.
        """
        packets = self._packets.feed(chunk)
        for packet in packets:
            self._waiting += encode(packet)
        return any(
            packet.content != BUSY and self._hears in (None, packet.address) for packet in packets
        )

    def read(self, max_bytes: int) -> bytes:
        """For libosdp: what has come, never waiting."""
        taken, self._waiting = self._waiting[:max_bytes], self._waiting[max_bytes:]
        return taken

    def write(self, packet: bytes) -> int:
        """For libosdp: send a packet."""
        try:
            self._send(bytes(packet))
        except LinkDown as exc:
            self._trouble = exc
        return len(packet)

    def flush(self) -> None:
        """For libosdp, before it sends: forget what has come."""
        self._waiting = b""

    def raise_trouble(self) -> None:
        """Raise what went wrong inside libosdp, once."""
        trouble, self._trouble = self._trouble, None
        if trouble is not None:
            raise trouble
