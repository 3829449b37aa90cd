"""What a bench cannot do: why a scenario is skipped on it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil_tests.lane_bench.scenario import Card, Phase, Plate, Scenario

if TYPE_CHECKING:
    from hil_tests.lane_bench.bench_file import BenchFile

_JUDGED_BLIND = frozenset({None, Phase.BEFORE, Phase.CAPTURING})
QUICK_S = 1.0  # a platform that rests sooner does not swing


def lacks(bench: BenchFile, scenario: Scenario) -> str | None:
    """What `bench` has nobody and nothing for; None where it can play the scenario."""
    needs_person, is_driven = bench.needs_person, bench.moves == "prompt"
    if needs_person and scenario.card is Card.OTHER:
        return "a second card is not in the bench file"
    if is_driven and scenario.weighs != 1.0:
        return "a real truck's weight cannot be changed"
    if not is_driven and "camera" not in bench.simulated and _needs_all(scenario):
        return "no plate drives past a real camera"
    if not is_driven and "weighbridge" not in bench.simulated:
        return _lacks_load(bench, scenario)
    return None


def _lacks_load(bench: BenchFile, scenario: Scenario) -> str | None:
    if bench.relay_box is None or bench.relay_box.load is None:
        why = "no weight moves on a real weighbridge: the relay box has no load"
        return why if _needs_all(scenario) else None
    if scenario.weighs != 1.0:
        return "the relay box has one load: its weight cannot be changed"
    if scenario.settle_s > QUICK_S:
        return "the load of a relay box does not swing"
    return None


def _needs_all(scenario: Scenario) -> bool:
    """Whether it says something only of a lane that has plate, card and weight."""
    is_blind = scenario.phase in _JUDGED_BLIND and scenario.person is None
    return scenario.expected.outcome is not None or not is_blind or scenario.plate is Plate.COVERED
