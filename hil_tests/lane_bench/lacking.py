"""What a bench cannot do: why a scenario is skipped on it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.sim.faults.table import FAULTS
from hil_tests.lane_bench.scenario import UNDECIDED, Card, Phase, Plate, Scenario
from hil_tests.lane_bench.wording import Said, said

if TYPE_CHECKING:
    from hil_tests.lane_bench.bench_file import BenchFile

_JUDGED_BLIND = UNDECIDED | {None}
QUICK_S = 1.0  # a platform that rests sooner does not swing


def lacks(bench: BenchFile, scenario: Scenario) -> Said | None:
    """What `bench` has nobody and nothing for; None where it can play the scenario."""
    is_driven, has_scale = bench.moves == "prompt", "weighbridge" not in bench.simulated
    if bench.truck is not None and scenario.card is Card.OTHER:  # its last trip is on record
        return said("skip.second_card")
    if is_driven and has_scale and scenario.weighs != 1.0:
        return said("skip.real_weight")
    if is_driven and not has_scale and _is_of_a_coming_weight(scenario):
        return said("skip.shown_load_rests")
    if not is_driven and "camera" not in bench.simulated and _needs_all(scenario):
        return said("skip.real_camera")
    if not is_driven and has_scale:
        return _lacks_load(bench, scenario)
    return None


def _is_of_a_coming_weight(scenario: Scenario) -> bool:
    """Whether its fault strikes a scale between the truck's arrival and its rest."""
    of_scale = scenario.fault is not None and FAULTS[scenario.fault].device == "weighbridge"
    return of_scale and scenario.phase in (Phase.ROLLING_ON, Phase.CAPTURING)


def _lacks_load(bench: BenchFile, scenario: Scenario) -> Said | None:
    if bench.relay_box is None or bench.relay_box.load is None:
        why = said("skip.no_load")
        return why if _needs_all(scenario) else None
    if scenario.weighs != 1.0:
        return said("skip.one_load")
    if scenario.settle_s > QUICK_S:
        return said("skip.load_rests")
    return None


def _needs_all(scenario: Scenario) -> bool:
    """Whether it says something only of a lane that has plate, card and weight."""
    is_blind = scenario.phase in _JUDGED_BLIND and scenario.person is None
    return scenario.expected.outcome is not None or not is_blind or scenario.plate is Plate.COVERED
