"""A simulated reader of resident identity cards: the driver's codec in the other direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.card_reader.codecs import resident_id
from devices.sim.card_reader import CardFault, Damage
from devices.sim.line_server import LineServer

if TYPE_CHECKING:
    from devices.clock import Clock
    from devices.sim.line_host import LineHost

LATE_S = 1.5  # later than a driver waits that has the usual `reply_s`
HELD_S = 3.0  # how long a card lies on its reader
QUESTIONS = (resident_id.FIND, resident_id.SELECT, resident_id.READ, resident_id.MODULE)


class SimResidentIdReader(LineServer):
    """Answers the questions of the driver; a card that is presented lies there for a while."""

    def __init__(self, host: LineHost, clock: Clock, *, seed: int = 0) -> None:
        super().__init__(host, "sim-resident-id")
        self._clock = clock
        self._damage = Damage(seed)
        self._card: tuple[str, float] | None = None
        self.fault = CardFault.NONE
        self.beside: str | None = None

    def present(self, uid: str, times: int = 1) -> None:
        """Lay down the card with the identity number `uid`; another one takes its place."""
        self._card = (uid, self._clock.now().mono_s + HELD_S)

    @property
    def is_presenting(self) -> bool:
        """Whether a card lies there."""
        return self._lying() is not None

    def _serve(self) -> None:
        for question in self._asked(QUESTIONS):
            if self.fault is CardFault.LATE:
                self._stopping.wait(LATE_S)
            answer = resident_id.encode(self._answer(question))
            self._host.write(self._damage.done_to(answer, self.fault))

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
            if uid is None:
                return resident_id.SamFrame(status=status.NOT_SELECTED)
            selected = bytes(resident_id.SELECT_ANSWER_BYTES)
            return resident_id.SamFrame(status=status.OK, content=selected)
        if uid is None:
            return resident_id.SamFrame(status=status.READ_FAILED)
        return resident_id.SamFrame(status=status.OK, content=resident_id.card_content(uid))

    def _lying(self) -> str | None:
        card = self._card
        return card[0] if card is not None and self._clock.now().mono_s < card[1] else None
