"""Simulated card readers: the drivers' codecs in the other direction, on a serial line or TCP."""

from __future__ import annotations

import queue
import random
import threading
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from devices.card_reader.numbers import Spelling, written
from devices.card_reader.protocols import STX_LEN

if TYPE_CHECKING:
    from devices.card_reader.protocols import CardProtocol
    from devices.sim.line_host import LineHost


class CardFault(StrEnum):
    """What can go wrong with a presentation. One at a time, settable while it runs."""

    NONE = "none"
    HALF_FRAME = "half_frame"  # the card is pulled away: the first half of the packet
    GARBAGE = "garbage"  # random bytes instead of the packet
    NOISE = "noise"  # random bytes before the good packet
    DOUBLE_READ = "double_read"  # every packet twice
    SILENCE = "silence"  # powered off, cable in place
    LATE = "late"  # every answer of a reader that is asked comes after its time


class SimulatedCardReader(Protocol):
    """What the bench and its faults do with a simulated reader, whatever it speaks."""

    fault: CardFault

    @property
    def host(self) -> LineHost:
        """The line: `unplug()` and `plug()` it while the reader goes on."""
        ...

    def start(self) -> None:
        """Plug in and wait for cards. No effect when it runs."""
        ...

    def stop(self) -> None:
        """Stop and unplug; leaves no thread, descriptor or link. May be called twice."""
        ...

    def present(self, uid: str, times: int = 1) -> None:
        """Hold a card to the reader; `uid` as the lane is to read it. From any thread, at once."""
        ...


class Damage:
    """Does to a packet what the fault says; the same seed, the same damage."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def done_to(self, packet: bytes, fault: CardFault) -> bytes:
        """`packet` as it comes out of a reader with `fault`."""
        match fault:
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


class SimCardReader:
    """Sends one packet each time a card is presented, as `protocol` and `spelling` have it.

    `present` may be called from any thread and returns at once. `start` plugs the line in, `stop`
    sends what was presented and leaves no thread, descriptor or link.
    """

    def __init__(
        self,
        host: LineHost,
        *,
        protocol: CardProtocol = STX_LEN,
        spelling: Spelling | None = None,
        seed: int = 0,
    ) -> None:
        self._host = host
        self._protocol = protocol
        self._spelling = spelling or Spelling(number_format=protocol.formats[0])
        self._damage = Damage(seed)
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
        """Hold the card that the lane is to read as `uid` to the reader `times` times.

        Raises:
            ValueError: no packet of the protocol carries it.
        """
        packet = self._protocol.packet_of(
            written(uid, self._spelling, as_text=self._protocol.is_text)
        )
        for _ in range(times):
            self._outgoing.put(self._damage.done_to(packet, self.fault))

    def _run(self) -> None:
        outgoing = self._outgoing
        while (packet := outgoing.get()) is not None:
            self._host.write(packet)
