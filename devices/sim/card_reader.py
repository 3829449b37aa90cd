"""Simulated card readers: the drivers' codecs in the other direction, on a serial line or TCP."""

from __future__ import annotations

import queue
import random
import threading
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from devices.card_reader.codecs import resident_id
from devices.card_reader.numbers import Spelling, written
from devices.card_reader.protocols import PROTOCOLS, STX_LEN, spelling_of
from devices.errors import DeviceConfigError

if TYPE_CHECKING:
    from devices.card_reader.protocols import CardProtocol
    from devices.clock import Clock
    from devices.config import CardReaderConfig
    from devices.sim.line_host import LineHost

LISTEN_S = 0.05
ASKED_MAX_BYTES = 64
LATE_S = 1.3  # later than a driver waits that has the usual `reply_s`
HELD_S = 1.0  # how long a card that must be asked for lies on its reader


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


def sim_card_reader(config: CardReaderConfig, host: LineHost, clock: Clock) -> SimulatedCardReader:
    """The simulator of the reader that a lane file names, at the far end of the line `host`.

    Raises:
        DeviceConfigError: there is no simulator for it.
    """
    if config.driver == "resident-id":
        return SimResidentIdReader(host, clock)
    protocol = PROTOCOLS.get(config.driver)
    if protocol is None:
        raise DeviceConfigError(f"card_reader.driver: no simulator for {config.driver!r}")
    return SimCardReader(host, protocol=protocol, spelling=spelling_of(config, protocol.formats))


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


class SimResidentIdReader:
    """Answers the questions of the driver; a card that is presented lies there for a second."""

    def __init__(self, host: LineHost, clock: Clock, *, seed: int = 0) -> None:
        self._host = host
        self._clock = clock
        self._damage = Damage(seed)
        self._card: tuple[str, float] | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.fault = CardFault.NONE

    @property
    def host(self) -> LineHost:
        """The line: `unplug()` and `plug()` it while the reader goes on."""
        return self._host

    def start(self) -> None:
        """Plug in and wait for questions. No effect when it runs."""
        if self._thread is not None:
            return
        self._host.plug()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="sim-resident-id", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop and unplug. May be called twice."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        self._host.unplug()

    def present(self, uid: str, times: int = 1) -> None:
        """Lay down the card with the identity number `uid`; another one takes its place."""
        self._card = (uid, self._clock.now().mono_s + HELD_S)

    def _run(self) -> None:
        asked = b""
        while not self._stopping.is_set():
            asked += self._host.read(LISTEN_S)
            while (question := _first_question(asked)) is not None:
                asked = asked.partition(question)[2]
                if self.fault is CardFault.LATE:
                    self._stopping.wait(LATE_S)
                answer = resident_id.encode(self._answer(question))
                self._host.write(self._damage.done_to(answer, self.fault))
            asked = asked[-ASKED_MAX_BYTES:]

    def _answer(self, question: bytes) -> resident_id.SamFrame:
        status = resident_id.Status
        if question == resident_id.MODULE:
            number = bytes(range(resident_id.MODULE_ANSWER_BYTES))
            return resident_id.SamFrame(status=status.OK, content=number)
        uid = self._lying()
        if question == resident_id.FIND:
            found = status.NO_CARD if uid is None else status.FOUND
            return resident_id.SamFrame(status=found, content=bytes(4) if uid else b"")
        if question == resident_id.SELECT:
            selected = status.NOT_SELECTED if uid is None else status.OK
            return resident_id.SamFrame(status=selected, content=bytes(8) if uid else b"")
        if uid is None:
            return resident_id.SamFrame(status=status.READ_FAILED)
        return resident_id.SamFrame(status=status.OK, content=resident_id.card_content(uid))

    def _lying(self) -> str | None:
        card = self._card
        return card[0] if card is not None and self._clock.now().mono_s < card[1] else None


def _first_question(asked: bytes) -> bytes | None:
    """The question that comes first in `asked`."""
    known = (resident_id.FIND, resident_id.SELECT, resident_id.READ, resident_id.MODULE)
    found = {asked.find(question): question for question in known if question in asked}
    return found[min(found)] if found else None
