"""Who makes a fault: the bench where the device is simulated, a person where it is real."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.sim.faults.table import FAULTS, Allows, FaultSwitches
from hil_tests.lane_bench.boom_watcher import line
from hil_tests.lane_bench.scenario import WITHIN_A_SECOND
from hil_tests.lane_bench.wording import Said, fault_word, making_of, said, word

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.sim.bench import Bench
    from hil_tests.lane_bench.scenario import Scenario


class FaultMaker:
    """The faults of one lane. `ask` tells a person a line and waits for Enter; None: no person."""

    def __init__(self, bench: Bench, ask: Callable[[str], str] | None) -> None:
        self._bench = bench
        self._switches = FaultSwitches(bench)
        self._ask = ask
        self.not_undone: list[str] = []  # what a person has made and not yet said to be over

    def why_not(self, scenario: Scenario) -> Said | None:
        """What this lane lacks for the scenario; None when it can be played."""
        if scenario.fault is None:
            return None
        fault = FAULTS[scenario.fault]
        if self._is_simulated(scenario.fault):
            return fault.refusal(self._bench)
        if self._ask is None or not fault.by_hand:
            return said("skip.not_by_hand", fault=fault_word(fault.name), device=word(fault.device))
        unheard = fault.why_not_by_hand(self._bench)
        if unheard is not None:
            return unheard
        if scenario.phase in WITHIN_A_SECOND:
            phase = word(scenario.phase)
            return said("skip.too_quick", fault=fault_word(fault.name), phase=phase)
        return None

    def turn(self, name: str, *, on: bool) -> None:
        """Make it or end it."""
        if self._is_simulated(name):
            self._switches.turn(name, on=on)
        elif self._ask is not None:
            if on:
                self.not_undone.append(name)
            self._ask(line("prompt.fault_on" if on else "prompt.fault_off", what=making_of(name)))
            if not on and name in self.not_undone:
                self.not_undone.remove(name)

    def clear(self) -> None:
        """End every fault that the bench makes."""
        self._switches.clear()

    def is_by_hand(self, name: str) -> bool:
        """Whether a person makes it: then it comes and goes some time before he presses Enter."""
        return not self._is_simulated(name)

    def code_of(self, name: str | None) -> str | None:
        """The lasting condition that a lane reports while the fault lasts, if it can know."""
        return FAULTS[name].code if name is not None else None

    def lasts_s(self, name: str | None) -> float:
        """How long the fault must last to be one."""
        return FAULTS[name].lasts_s if name is not None else 0.0

    def is_under_load(self, name: str | None) -> bool:
        """Whether it is a fault only where a vehicle's weight rests on the scale."""
        return name is not None and FAULTS[name].under_load

    def is_harmless(self, name: str | None) -> bool:
        """Whether a good truck must be released in spite of it."""
        return name is not None and FAULTS[name].allows is Allows.RELEASE

    def _is_simulated(self, name: str) -> bool:
        device = FAULTS[name].device
        return ("bus" if device == "barrier" else device) in self._bench.simulated
