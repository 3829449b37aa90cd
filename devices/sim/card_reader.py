"""A simulated card reader: the driver's codec in the other direction, on a serial line."""

from __future__ import annotations

import queue
import random
import threading
from enum import StrEnum
from typing import TYPE_CHECKING

from devices.card_reader.codecs.stx_len import CardFrame, CardType, encode

if TYPE_CHECKING:
    from devices.sim.line_host import LineHost


class CardFault(StrEnum):
    """What can go wrong with a presentation. One at a time, settable while it runs."""

    NONE = "none"
    HALF_FRAME = "half_frame"  # the card is pulled away: the first half of the packet
    GARBAGE = "garbage"  # random bytes instead of the packet
    NOISE = "noise"  # random bytes before the good packet
    DOUBLE_READ = "double_read"  # every packet twice
    SILENCE = "silence"  # powered off, cable in place


class SimCardReader:
    """Sends one packet each time a card is presented.

    `present` may be called from any thread and returns at once. `start` plugs the line in, `stop`
    leaves no thread, descriptor or link. `reversed_bytes` sends the serial's last byte
    first.
    """

    def __init__(
        self,
        host: LineHost,
        *,
        card_type: CardType = CardType.MIFARE,
        batch: int = 0,
        reversed_bytes: bool = False,
        seed: int = 0,
    ) -> None:
        self._host = host
        self._card_type = card_type
        self._batch = batch
        self._reversed_bytes = reversed_bytes
        self._random = random.Random(seed)
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.fault = CardFault.NONE

    @property
    def host(self) -> LineHost:
        """The line: `unplug()` and `plug()` it while the reader goes on."""
        return self._host

    def start(self) -> None:
        """Plug in and wait for cards. No effect when it runs."""
        if self._thread is not None:
            return
        self._host.plug()
        self._outgoing = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sim-card-reader", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send what was presented, then stop and unplug. May be called twice."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._outgoing.put(None)
            thread.join()
        self._host.unplug()

    def present(self, uid: str, times: int = 1) -> None:
        """Hold the card with `uid` (hex, most significant byte first) to the reader `times` times.

        Raises:
            ValueError: `uid` is not 4, 7 or 10 bytes in hex.
        """
        serial = bytes.fromhex(uid)
        packet = encode(
            CardFrame(
                card_type=self._card_type,
                batch=self._batch,
                serial=serial[::-1] if self._reversed_bytes else serial,
            )
        )
        for _ in range(times):
            self._outgoing.put(self._damaged(packet))

    def _run(self) -> None:
        outgoing = self._outgoing
        while (packet := outgoing.get()) is not None:
            self._host.write(packet)

    def _damaged(self, packet: bytes) -> bytes:
        match self.fault:
            case CardFault.HALF_FRAME:
                return packet[: len(packet) // 2]
            case CardFault.GARBAGE:
                return self._random.randbytes(len(packet))
            case CardFault.NOISE:
                return self._random.randbytes(self._random.randrange(1, 12)) + packet
            case CardFault.DOUBLE_READ:
                return packet * 2
            case CardFault.SILENCE:
                return b""
            case _:
                return packet
