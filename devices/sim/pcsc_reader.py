"""A simulated PC/SC reader: cards laid on the virtual reader of the machine's own pcscd.

The lane's driver asks pcscd, as it does with a real reader. Needs pcscd with vsmartcard's vpcd
driver (Debian: pcscd, vsmartcard-vpcd). The reader itself belongs to pcscd and cannot be pulled:
`unplug` takes the card away and lays none until `plug`.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from typing import TYPE_CHECKING

from devices.card_reader import apdu
from devices.card_reader.customs_card import NUMBER
from devices.card_reader.keys import read_key
from devices.card_reader.numbers import written
from devices.card_reader.pcsc import FORMATS
from devices.card_reader.protocols import spelling_of
from devices.errors import LinkDown
from devices.sim.card_reader import CardFault, Damage, presented
from devices.sim.virtual_card import VPCD_PORT, VirtualCard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devices.config import CardReaderConfig

READER = "Virtual PCD 00 00"
"""The first slot of vpcd, as pcscd names it."""
HELD_S = 2.5  # how long a driver holds his card to it
AWAY_S = 1.0  # pcscd looks that often
LATE_S = 1.5
ASK_S = 1.0
AGAIN_S, TRIES = 0.5, 6  # a slot that was just let go takes a moment
_FACTORY_KEY = b"\xff" * apdu.KEY_BYTES
NEEDED = "a simulated PC/SC reader needs pcscd with vpcd (Debian: pcscd, vsmartcard-vpcd)"


def vpcd_answers() -> bool:
    """Whether pcscd is there, with a virtual reader."""
    with socket.socket() as probe:
        probe.settimeout(ASK_S)
        return probe.connect_ex(("127.0.0.1", VPCD_PORT)) == 0


def has_virtual_reader() -> bool:
    """The same of a reader that may just have been let go, which takes a moment."""
    pause = threading.Event()
    for _ in range(TRIES):
        if vpcd_answers():
            return True
        pause.wait(AGAIN_S)
    return vpcd_answers()


class _Slot:
    """Where cards are laid. Fulfills `devices.sim.line_host.Cable`."""

    def __init__(self) -> None:
        self.is_plugged = False

    def plug(self) -> None:
        """Let cards be laid. Raises `LinkDown` where there is no virtual reader."""
        if not self.is_plugged and not has_virtual_reader():
            raise LinkDown(f"simulated card reader: nobody at 127.0.0.1:{VPCD_PORT}: {NEEDED}")
        self.is_plugged = True

    def unplug(self) -> None:
        """Let none be laid."""
        self.is_plugged = False


class SimPcscReader:
    """Lays a card for each that is presented, for `HELD_S`. Fulfills `SimulatedCardReader`.

    Where the lane file has `field_blocks`, the card's number stands in `DR_IC_NO` if that is among
    them; the other fields are empty.
    """

    def __init__(self, config: CardReaderConfig, *, seed: int = 0) -> None:
        """Raises `DeviceConfigError`: no key for the fields of the lane file."""
        self._fields = dict(config.field_blocks)
        self._key = read_key(config.key_file, apdu.KEY_BYTES) if self._fields else b""
        self._spelling = spelling_of(config, FORMATS)
        self._damage = Damage(seed)
        self._slot = _Slot()
        self._presented: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._is_laying = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.fault = CardFault.NONE
        self.beside: str | None = None

    @property
    def host(self) -> _Slot:
        """Where cards are laid."""
        return self._slot

    def start(self) -> None:
        """Wait for cards. Raises `LinkDown` where pcscd has no virtual reader."""
        if self._thread is not None:
            return
        self._slot.plug()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._serve, name="sim-pcsc-reader", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take the card away; leaves no thread or socket. May be called twice."""
        thread, self._thread = self._thread, None
        self._stopping.set()
        if thread is not None:
            self._presented.put(None)
            thread.join()
        self._slot.unplug()

    def present(self, uid: str, times: int = 1) -> None:
        """Hold the card that the lane is to read as `uid` to the reader; returns at once.

        Raises:
            ValueError: no such card has that number.
        """
        for each in presented(uid, times, self.fault, self.beside):
            self._card(each)
            self._presented.put(each)

    @property
    def is_presenting(self) -> bool:
        """Whether a card lies there or is to be laid: a second one seconds after the first."""
        return self._is_laying or not self._presented.empty()

    def _card(self, uid: str) -> VirtualCard:
        if NUMBER in self._fields:
            texts = {name: (first, "") for name, first in self._fields.items()}
            texts[NUMBER] = (self._fields[NUMBER], uid)
            return _Card(self._damaged, bytes(apdu.UID_LENGTHS[0]), key=self._key, texts=texts)
        octets = written(uid, self._spelling, as_text=False)
        if not isinstance(octets, bytes) or len(octets) > max(apdu.UID_LENGTHS):
            raise ValueError(f"no card has the number {uid}")
        length = min(each for each in apdu.UID_LENGTHS if each >= len(octets))
        return _Card(self._damaged, octets.rjust(length, b"\x00"), key=self._key or _FACTORY_KEY)

    def _damaged(self, answer: bytes) -> bytes:
        return self._damage.done_to(answer, self.fault)

    def _serve(self) -> None:
        while (uid := self._presented.get()) is not None:
            if self.fault is CardFault.LATE:
                self._stopping.wait(LATE_S)
            if not self._slot.is_plugged or self.fault is CardFault.SILENCE:
                continue
            self._is_laying = True
            card = self._card(uid)
            if self._lay(card):
                self._hold()
            card.take()
            self._stopping.wait(AWAY_S)
            self._is_laying = False

    def _lay(self, card: VirtualCard) -> bool:
        """Whether it lies there; where pcscd has ended the lane is told by it."""
        for _ in range(TRIES):
            with contextlib.suppress(OSError):
                card.lay()
                return True
            self._stopping.wait(AGAIN_S)
        return False

    def _hold(self) -> None:
        for _ in range(round(HELD_S / 0.1)):
            if not self._slot.is_plugged or self._stopping.wait(0.1):
                return


class _Card(VirtualCard):
    """A card whose answers `damaged` changes on their way."""

    def __init__(
        self,
        damaged: Callable[[bytes], bytes],
        uid: bytes,
        *,
        key: bytes,
        texts: Mapping[str, tuple[int, str]] | None = None,
    ) -> None:
        super().__init__(uid, key=key, texts=texts)
        self._damaged = damaged

    def answer(self, command: bytes) -> bytes:
        """As the card's, damaged."""
        return self._damaged(super().answer(command))
