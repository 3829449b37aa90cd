"""Driver of resident identity card readers: asked for a card, then for what is on it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from devices.asked_line import AskedLine
from devices.card_reader.codecs.resident_id import (
    FIND,
    MODULE,
    MODULE_ANSWER_BYTES,
    READ,
    SELECT,
    SamAnswers,
    SamFrame,
    Status,
    number_of,
)
from devices.card_reader.repeat import RepeatFilter
from devices.readings import CardReading

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from devices.config import CardReaderConfig
    from devices.link import Transport

_FOUND = frozenset({Status.FOUND, Status.NO_CARD})
_SELECTED = frozenset({Status.OK, Status.NOT_SELECTED})
_READ = frozenset({Status.OK, Status.READ_FAILED})


class ResidentIdReader(AskedLine[SamFrame]):
    """A reader of resident identity cards. Fulfills `devices.card_reader.api.CardReader`.

    `uid` is the identity number, and nothing else on the card is kept. `received_s` is the moment
    the card was asked for: never younger than the card's being there.
    """

    def __init__(
        self,
        config: CardReaderConfig,
        clock: Clock,
        *,
        connect: Callable[[], Transport] | None = None,
    ) -> None:
        super().__init__(
            "card reader",
            config,
            clock,
            make_decoder=SamAnswers,
            check=MODULE,
            is_check=_is_module_answer,
            connect=connect,
        )
        self._repeats = RepeatFilter(config.repeat_s)

    def read(self, timeout_s: float) -> list[CardReading]:
        """Ask when it is time, else wait up to `timeout_s`; see the contract in `api`."""
        asked_s = self.turn(timeout_s)
        number = self._number() if asked_s is not None else None
        if asked_s is None or number is None or self._repeats.is_repeat(number, asked_s):
            return []
        return [CardReading(uid=number, received_s=asked_s)]

    def _number(self) -> str | None:
        """The number of the card that lies on the reader, None when there is none."""
        if (
            self._status(FIND, _FOUND) != Status.FOUND
            or self._status(SELECT, _SELECTED) != Status.OK
        ):
            return None
        answer = self.ask(READ, partial(_is_one_of, _READ))
        return number_of(answer[-1]) if answer else None

    def _status(self, question: bytes, statuses: frozenset[Status]) -> int | None:
        answer = self.ask(question, partial(_is_one_of, statuses))
        return answer[-1].status if answer else None


def _is_one_of(statuses: frozenset[Status], answer: SamFrame) -> bool:
    return answer.status in statuses and not _is_module_answer(answer)


def _is_module_answer(answer: SamFrame) -> bool:
    return answer.status == Status.OK and len(answer.content) == MODULE_ANSWER_BYTES
