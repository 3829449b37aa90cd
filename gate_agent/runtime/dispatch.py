"""Effects to the adapters that carry them out. Decides nothing; called after the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from gate_agent.adapters.lane_camera import Began, Ended, Judged, Keep
from gate_agent.adapters.lane_io import LampOrder, LowerOrder, RaiseOrder
from gate_agent.adapters.plate_reader import PlateOrder
from gate_agent.domain import effects
from gate_agent.domain.records import PassageClosed, PassageDecided, PassageOpened

if TYPE_CHECKING:
    from collections.abc import Callable

    from gate_agent.adapters.lane_camera import ClipOrder
    from gate_agent.adapters.lane_io import BoardOrder
    from gate_agent.domain.records import RecordBody
    from gate_agent.domain.vocabulary import Instant
    from gate_agent.logs import Log
    from gate_agent.runtime.deadlines import Deadlines


class Dispatch:
    """Knows which adapter each effect belongs to."""

    def __init__(
        self,
        board: Callable[[BoardOrder], None],
        plates: Callable[[PlateOrder], None],
        deadlines: Deadlines,
        find: Callable[[effects.FindDeclarations], None],
        claim: Callable[[effects.ClaimDeclaration], None],
        log: Log,
        show: Callable[[effects.Show], None] | None = None,
        film: Callable[[ClipOrder], None] | None = None,
        told: Callable[[RecordBody], None] | None = None,
    ) -> None:
        self._board = board
        self._plates = plates
        self._deadlines = deadlines
        self._find = find
        self._claim = claim
        self._log = log
        self._show = show
        self._film = film
        self._told = told

    def carry_out(  # noqa: C901, PLR0912 - one case each
        self, effect: effects.Effect, at: Instant
    ) -> None:
        """Hand one committed effect on; `at` is the moment of the step that asked for it."""
        match effect:
            case effects.Record():
                self._follow(effect.body)  # itself it was part of the commit
            case effects.MarkUsed():
                pass  # done: it was part of the commit
            case effects.KeepClip():
                self._order_film(Keep(effect.passage_id))
            case effects.RequestPlate():
                self._plates(_plate_order(effect, at))
            case effects.FindDeclarations():
                self._find(effect)
            case effects.ClaimDeclaration():
                self._claim(effect)
            case effects.ArmDeadline():
                self._deadlines.arm(effect.token, at.mono_s + effect.after_s)
            case effects.SetLamp():
                self._board(LampOrder(effect.lamp, effect.on))
            case effects.Show():
                self._log.info("sign", shows=effect.sign.value, reason=effect.reason)
                if self._show is not None:
                    self._show(effect)
            case effects.RaiseBarrier() | effects.RaiseForEvacuation():
                self._board(RaiseOrder(effect.command_id, at.mono_s + effect.valid_for_s))
            case effects.LowerBarrier():
                self._board(LowerOrder(effect.command_id))
            case effects.Ignored():
                self._log.debug("event_ignored", why=effect.why)
            case _:
                assert_never(effect)

    def _follow(self, body: RecordBody) -> None:
        """The lane camera follows the passage by its records, and so does who ordered here."""
        if self._told is not None:
            self._told(body)
        match body:
            case PassageOpened():
                self._order_film(Began(body.passage_id))
            case PassageDecided():
                self._order_film(Judged(body.passage_id))
            case PassageClosed():
                self._order_film(Ended(body.passage_id))
            case _:
                pass

    def _order_film(self, order: ClipOrder) -> None:
        if self._film is not None:
            self._film(order)


def _plate_order(effect: effects.RequestPlate, at: Instant) -> PlateOrder:
    return PlateOrder(effect.passage_id, effect.attempt, at.mono_s, effect.card_uid)
