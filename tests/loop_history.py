"""The law of the loops: five minutes occupied with no weight, and somebody was called."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from gate_agent.domain.effects import Effect, Record
from gate_agent.domain.events import AgentStarted, Event, InputsChanged, WeightObserved
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.records import Alarm, AlarmRaised
from gate_agent.domain.vocabulary import Instant, WeightState

LOOPS = {
    "entry_loop": Alarm.ENTRY_LOOP_STUCK,
    "exit_loop": Alarm.EXIT_LOOP_STUCK,
}
BEARS = (WeightState.MOVING, WeightState.SETTLED)


@dataclass
class LoopHistory:
    """Since when each loop is occupied with nothing on the scale, by an account of its own."""

    policy: ReleasePolicy
    seen: Counter[str]
    occupied: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(LOOPS, False))
    is_borne: bool = False
    since: dict[str, Instant] = field(default_factory=dict)
    called: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LOOPS, 0))

    def turn(self, event: Event, at: Instant, effects: tuple[Effect, ...]) -> None:
        """Take one step into the account and check it."""
        self._sense(event)
        alarms = [
            effect.body.code
            for effect in effects
            if isinstance(effect, Record) and isinstance(effect.body, AlarmRaised)
        ]
        for loop, code in LOOPS.items():
            lasted = self.since.get(loop)
            self.called[loop] += alarms.count(code)
            if not self.occupied[loop] or self.is_borne:
                self.since.pop(loop, None)
                assert not alarms.count(code), f"{code}: over a loop that is not stuck"
                self.called[loop] = 0
                continue
            if lasted is None:
                self.since[loop], self.called[loop] = at, 0
                continue
            is_due = at.mono_s - lasted.mono_s >= 300.001
            assert self.called[loop] or not is_due, f"{loop} stuck, and nobody was called"
            assert self.called[loop] <= 1, f"{code} twice for one time"
            self.seen["called to a stuck loop"] += alarms.count(code)

    def _sense(self, event: Event) -> None:
        match event:
            case AgentStarted():
                self.occupied = dict.fromkeys(LOOPS, False)
                self.is_borne = False
            case InputsChanged():
                self.occupied = {
                    "entry_loop": event.entry_loop is True,
                    "exit_loop": event.exit_loop is True,
                }
            case WeightObserved():
                gross_kg = event.gross_kg or 0
                self.is_borne = event.state in BEARS and gross_kg >= self.policy.min_vehicle_kg
