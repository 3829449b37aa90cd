"""The scale's stream into `WeightObserved`: changes of state, and a keep-alive while it rests.

While it swings, the interval in which it must settle is reported as soon as there is one, when it
becomes clearly narrower, and at once when it no longer holds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from devices.weighbridge.settle import SettleFilter, WeightPhase
from devices.weighbridge.settle import WeightState as Settling
from gate_agent.clock import instant, instant_of
from gate_agent.domain.events import FaultCleared, FaultRaised, WeightObserved
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.vocabulary import WeightState

if TYPE_CHECKING:
    from devices.clock import Clock
    from devices.config import WeighbridgeConfig
    from devices.weighbridge.api import Weighbridge
    from gate_agent.inbox import Inbox

KEEP_ALIVE_S = 1.0
MOVING_EVERY_S = 0.5
NARROWER_PERCENT = 5  # a bracket this much narrower than the one reported is news
BEYOND_PERCENT = 10  # and one that reaches this much of its width beyond it
READ_S = 0.1
USABLE_AFTER_S = 1.5  # without an unusable value: one that flickers about a limit is one fault

_STATES = {
    WeightPhase.EMPTY: WeightState.EMPTY,
    WeightPhase.MOVING: WeightState.MOVING,
    WeightPhase.SETTLED: WeightState.SETTLED,
    WeightPhase.STALE: WeightState.UNAVAILABLE,
    WeightPhase.INVALID: WeightState.UNAVAILABLE,
}


class WeighbridgeAdapter:
    """Serves one weighbridge."""

    def __init__(
        self, scale: Weighbridge, config: WeighbridgeConfig, inbox: Inbox, clock: Clock
    ) -> None:
        self._scale = scale
        self._config = config
        self._inbox = inbox
        self._clock = clock
        self._filter = SettleFilter(config)
        self._sent: WeightObserved | None = None
        self._sent_s = 0.0
        self._value_fault = False
        self._invalid_s = -math.inf  # when the last unusable value came

    def open(self) -> None:
        """Take the wire."""
        self._filter = SettleFilter(self._config)
        self._scale.open()

    def serve(self) -> bool:
        """Read for a moment and report what changed."""
        readings = self._scale.read(READ_S)
        for reading in readings:
            if self._value_fault and reading.received_s - self._invalid_s >= USABLE_AFTER_S:
                self._filter = SettleFilter(self._config)  # it comes to rest before the lane's eyes
            self._report(self._filter.feed(reading), reading.received_s)
        if not readings:
            self._report_stale()
        return bool(readings)

    def _report_stale(self) -> None:
        """Silence says nothing new, until what was said last is too old to count."""
        now_s = self._clock.now().mono_s
        state = self._filter.at(now_s)
        if state.phase is WeightPhase.STALE:
            self._report(state, now_s)

    def lost(self) -> None:
        """The weight is not to be had."""
        if self._sent is not _UNAVAILABLE:
            self._send(_UNAVAILABLE, self._clock.now().mono_s)

    def close(self) -> None:
        """Give the wire back."""
        self._scale.close()

    def _report(self, settling: Settling, at_s: float) -> None:
        if settling.phase is WeightPhase.INVALID:
            self._invalid_s = at_s
        is_unusable = at_s - self._invalid_s < USABLE_AFTER_S
        self._report_fault(settling, is_unusable=is_unusable)
        event = _UNAVAILABLE if is_unusable else self._event(settling, at_s)
        if self._is_news(event, at_s):
            self._send(event, at_s)

    def _event(self, settling: Settling, at_s: float) -> WeightObserved:
        state = _STATES[settling.phase]
        if state is WeightState.UNAVAILABLE:
            return _UNAVAILABLE
        low_kg, high_kg = settling.bracket_kg or (None, None)
        is_evidence = state is WeightState.SETTLED or low_kg is not None
        return WeightObserved(
            state=state,
            gross_kg=settling.shown_kg,
            division_kg=self._config.division_kg,
            spread_kg=settling.spread_kg,
            window_kg=tuple(seen.gross_kg for seen in settling.readings) if is_evidence else (),
            low_kg=low_kg,
            high_kg=high_kg,
            judged_ms=math.ceil((at_s - settling.judged_since_s) * 1000) if is_evidence else 0,
        )

    def _is_news(self, event: WeightObserved, at_s: float) -> bool:
        sent = self._sent
        if sent is None or sent.state is not event.state:
            return True
        age_s = at_s - self._sent_s
        match event.state:
            case WeightState.SETTLED:
                changed_kg = abs((event.gross_kg or 0) - (sent.gross_kg or 0))
                return age_s >= KEEP_ALIVE_S or changed_kg > self._config.division_kg
            case WeightState.MOVING:
                return age_s >= MOVING_EVERY_S or _is_bracket_news(event, sent)
            case WeightState.EMPTY | WeightState.UNAVAILABLE:
                return False

    def _send(self, event: WeightObserved, at_s: float) -> None:
        if self._inbox.put(event, instant_of(self._clock, at_s)):
            self._sent, self._sent_s = event, at_s

    def _report_fault(self, settling: Settling, *, is_unusable: bool) -> None:
        if is_unusable == self._value_fault:
            return
        event: FaultRaised | FaultCleared = FaultCleared(code=FaultCode.SCALE_VALUE)
        if is_unusable:
            event = FaultRaised(code=FaultCode.SCALE_VALUE, detail=settling.status.value)
        if self._inbox.put(event, instant(self._clock)):
            self._value_fault = is_unusable


def _is_bracket_news(event: WeightObserved, sent: WeightObserved) -> bool:
    """A bracket that appeared, was taken back, moved outside the last one or became narrower."""
    if event.low_kg is None or event.high_kg is None or sent.low_kg is None or sent.high_kg is None:
        return (event.low_kg is None) != (sent.low_kg is None)
    width_kg, sent_kg = event.high_kg - event.low_kg, sent.high_kg - sent.low_kg
    beyond_kg = max(sent.low_kg - event.low_kg, event.high_kg - sent.high_kg)
    if beyond_kg * 100 > width_kg * BEYOND_PERCENT:
        return True
    return width_kg * 100 <= sent_kg * (100 - NARROWER_PERCENT)


_UNAVAILABLE = WeightObserved(state=WeightState.UNAVAILABLE, gross_kg=None, division_kg=0)
