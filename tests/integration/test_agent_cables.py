"""Each cable pulled in each phase of a passage: nothing opens meanwhile, the lane recovers."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from devices.sim.bench import Bench
from devices.sim.lane_world import VisitHandle
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.signals import is_inviting
from gate_agent.domain.vocabulary import Phase
from hil_tests.rig import Papers, visit_of
from tests.agent_rig import AgentRig, wait_until


@dataclass(frozen=True)
class Cable:
    fault: FaultCode
    ends: Callable[[Bench], tuple[Callable[[], None], Callable[[], None]]]
    is_needed_to_release: bool  # by a lane that has plate and card already
    longest_s: float


def _camera(bench: Bench) -> tuple[Callable[[], None], Callable[[], None]]:
    assert bench.camera is not None
    return bench.camera.unplug, bench.camera.plug


CABLES = {
    "scale": Cable(
        FaultCode.SCALE_LINK, lambda b: (b.scale.host.unplug, b.scale.host.plug), True, 10.0
    ),
    "card": Cable(
        FaultCode.CARD_LINK,
        lambda b: (b.card_reader.host.unplug, b.card_reader.host.plug),
        True,  # pulled before the card is presented
        1.5,
    ),
    "board": Cable(FaultCode.BUS_LINK, lambda b: (b.board.unplug, b.board.plug), True, 1.5),
    "camera": Cable(FaultCode.CAMERA_LINK, _camera, False, 1.5),
}
PHASES = ("arriving", "weighing", "opening", "leaving")


def _reached(phase: str, bench: Bench, handle: VisitHandle) -> bool:
    truck = bench.world.truck
    if handle.is_gone.is_set():
        return True
    match phase:
        case "arriving":
            return handle.entered_s is not None
        case "weighing":
            return handle.has_stopped.is_set()
        case "opening":
            return handle.raise_contact_s is not None
        case _:
            return truck is not None and truck.front_m > bench.world.geometry.boom_m


def _recovers(rig: AgentRig) -> None:
    """Everything is plugged in: the lane invites, a forgotten boom by a person's order."""
    deadline_s = time.monotonic() + 40
    ordered_s = time.monotonic() + 3
    while not is_inviting(rig.lane):
        assert time.monotonic() < deadline_s, f"does not invite: {rig.lane}"
        if time.monotonic() > ordered_s and rig.bench.world.boom.position > 0:
            rig.order_boom_down()
            ordered_s = time.monotonic() + 3
        time.sleep(0.05)


def _try_cable(name: str, folder: Path) -> None:
    cable = CABLES[name]
    papers = [
        Papers(plate=f"粤B{n}24{n}5", card_uid=f"04A1B2C{n}", gross_kg=20_000 + 1_000 * n)
        for n in range(len(PHASES) + 1)
    ]
    outages = 0
    with AgentRig(folder, papers) as rig:
        pull, plug = cable.ends(rig.bench)
        boom = rig.bench.world.boom
        for number, phase in enumerate(PHASES):
            handle = rig.send(visit_of(papers[number], seed=number))
            wait_until(partial(_reached, phase, rig.bench, handle), f"{name}: {phase}")
            if name == "board":  # a truck that came in unseen is held, which takes its time
                rig.wait_phase(*(set(Phase) - {Phase.IDLE}))
            pull()
            before = boom.raise_count
            rig.wait_fault(cable.fault, raised=True)
            outages += 1
            time.sleep(cable.longest_s if phase == "weighing" else 0.7)
            if cable.is_needed_to_release or phase == "arriving":
                assert boom.raise_count == before, f"{name}: opened while pulled, {phase}"
            plug()
            rig.wait_fault(cable.fault, raised=False)
            rig.see_off(handle)
            _recovers(rig)
        handle = rig.send(visit_of(papers[-1], seed=9))
        assert rig.see_off(handle) == "exit", f"{name}: the next truck was not released"
        rig.wait_inviting()
        assert rig.outcomes()[-1] == ("release", "lane", "exit")
        assert rig.fault_changes(cable.fault) == [True, False] * outages
        assert len(rig.outcomes()) == len(papers)
        assert not rig.bench.world.violations


@pytest.mark.timeout(240)
def test_a_pulled_cable_opens_nothing_and_the_lane_recovers_without_a_restart(
    tmp_path: Path,
) -> None:
    with ThreadPoolExecutor(len(CABLES)) as lanes:
        tried = {name: lanes.submit(_try_cable, name, tmp_path / name) for name in CABLES}
    errors = {name: trial.exception() for name, trial in tried.items()}
    for name, error in errors.items():
        if error is not None:
            raise AssertionError(f"{name}: {error}") from error
