"""Simulated card readers: the drivers' codecs in the other direction, on a serial line or TCP."""

from __future__ import annotations

import queue
import random
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from devices.card_reader.numbers import Spelling, written
from devices.card_reader.protocols import STX_LEN
from devices.sim.line_server import LineServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devices.card_reader.protocols import CardProtocol
    from devices.sim.line_host import Cable, LineHost

LATE_S = 1.5  # a driver has long drawn his card back, and not yet holds it out again


class CardFault(StrEnum):
    """What can go wrong with a presentation. One at a time, settable while it runs."""

    NONE = "none"
    HALF_FRAME = "half_frame"  # the card is pulled away: the first half of the packet
    GARBAGE = "garbage"  # random bytes instead of the packet
    NOISE = "noise"  # random bytes before the good packet
    DOUBLE_READ = "double_read"  # every card twice
    REVERSED = "reversed"  # the bytes of its number the other way round
    SILENCE = "silence"  # powered off, cable in place
    NAK = "nak"  # OSDP: every command is refused
    BUSY = "busy"  # OSDP: every command is to be asked again
    WRONG_SUM = "wrong_sum"  # OSDP: no CRC fits
    LATE = "late"  # a card is told late; every answer of a reader that is asked, after its time


class SimulatedCardReader(Protocol):
    """What the bench and its faults do with a simulated reader, whatever it speaks."""

    fault: CardFault
    beside: str | None  # the number of a card that is read together with whichever is presented

    @property
    def host(self) -> Cable:
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

    @property
    def is_presenting(self) -> bool:
        """Whether a card that was presented still lies at it, or is yet to be laid there."""
        ...


def presented(uid: str, times: int, fault: CardFault, beside: str | None) -> Iterator[str]:
    """The numbers that a reader reads, one after the other, of a card that is presented."""
    if fault is CardFault.REVERSED:
        uid = bytes.fromhex(uid)[::-1].hex().upper()
    for _ in range(times * (2 if fault is CardFault.DOUBLE_READ else 1)):
        yield uid
        if beside is not None:
            yield beside


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
            case CardFault.SILENCE:
                return b""
            case _:
                return packet


class SimCardReader(LineServer):
    """Sends one packet each time a card is presented, as `protocol` and `spelling` have it.

    `present` may be called from any thread and returns at once; `stop` sends what was presented.
    """

    def __init__(
        self,
        host: LineHost,
        *,
        protocol: CardProtocol = STX_LEN,
        spelling: Spelling | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(host, "sim-card-reader")
        self._protocol = protocol
        self._spelling = spelling or Spelling(number_format=protocol.formats[0])
        self._damage = Damage(seed)
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.fault = CardFault.NONE
        self.beside: str | None = None

    def stop(self) -> None:
        """Send what was presented, then stop and unplug. May be called twice."""
        if self._thread is not None:
            self._outgoing.put(None)
        super().stop()

    def present(self, uid: str, times: int = 1) -> None:
        """Hold the card that the lane is to read as `uid` to the reader `times` times.

        Raises:
            ValueError: no packet of the protocol carries it.
        """
        for each in presented(uid, times, self.fault, self.beside):
            number = written(each, self._spelling, as_text=self._protocol.is_text)
            packet = self._protocol.packet_of(number)
            self._outgoing.put(self._damage.done_to(packet, self.fault))

    @property
    def is_presenting(self) -> bool:
        """Whether a packet waits to be sent."""
        return not self._outgoing.empty()

    def _serve(self) -> None:
        while (packet := self._outgoing.get()) is not None:
            if self.fault is CardFault.LATE:
                self._stopping.wait(LATE_S)
            self._host.write(packet)
