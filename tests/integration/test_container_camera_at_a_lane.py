"""A whole lane with a camera that reads container numbers: from the post to the sealed dossier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from devices.config import ContainerCameraConfig
from devices.sim.bench import Bench
from devices.sim.faults.table import FaultSwitches
from devices.sim.lane_world import TruckVisit
from devices.sim.posting_camera import PostingFault
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.policy_pack import canonical, default_pack
from gate_agent.domain.reasons import Reason
from gate_agent.proof.files import Found
from gate_agent.proof.replay import again
from gate_agent.store.hub_cache import HubCache
from gate_agent.wire import digest, v1
from hil_tests.rig import BOOM_TRAVEL_S, HOST, SHORT_LANE, Papers, free_ports, visit_of
from tests.agent_rig import CLOCK, AgentRig, declaration_row, hold_manifest
from tests.builders import BOX
from tests.kept_lane import contents

PAPERS = tuple(
    Papers(plate=f"粤B1234{number}", card_uid=f"04A1B2C{number}", gross_kg=21_000)
    for number in range(7)
)


def rig_with_a_container_camera(folder: Path) -> AgentRig:
    rig = AgentRig(folder)
    rows = [msgspec.structs.replace(declaration_row(each), containers=(BOX,)) for each in PAPERS]
    hold_manifest(rig.state_dir, rows, version=2)
    (port,) = free_ports(1)
    camera = ContainerCameraConfig(listen=HOST, port=port, allow=("127.0.0.1",))
    devices = msgspec.structs.replace(rig.config.devices, container_camera=camera)
    rig.config = msgspec.structs.replace(rig.config, devices=devices)
    rig.bench = Bench(devices, CLOCK, geometry=SHORT_LANE, boom_travel_s=BOOM_TRAVEL_S)
    return rig


def truck(number: int) -> TruckVisit:
    return replace(visit_of(PAPERS[number]), containers=(BOX,))


def verdicts(rig: AgentRig) -> list[v1.PassageDecided]:
    return [body for body in rig.records() if isinstance(body, v1.PassageDecided)]


@pytest.mark.timeout(180)
def test_the_declared_container_is_released_another_one_held_and_both_verdicts_are_made_again(
    tmp_path: Path,
) -> None:
    with rig_with_a_container_camera(tmp_path) as rig:
        assert rig.bench.container_camera is not None
        assert rig.see_off(rig.send(truck(0))) == "exit"
        rig.wait_inviting()
        rig.bench.container_camera.fault = PostingFault.ANOTHER
        assert rig.see_off(rig.send(truck(1))) == "entry"
        rig.wait_inviting()
        own, other = verdicts(rig)
    assert own.outcome == "release"
    assert own.evidence.containers is not None
    assert own.evidence.containers.numbers == (BOX,)
    assert (other.outcome, other.reasons) == ("hold", (Reason.CONTAINER_DIFFERS.value,))
    sealed = contents(rig.state_dir / "lane.db")
    made = [each for content in sealed for each in again(Found(place="lane.db", content=content))]
    assert [each.now.outcome.value for each in made] == ["release", "hold"]
    assert all(each.is_identical for each in made)


def demand_container_numbers(rig: AgentRig) -> None:
    """Give the lane a pack that demands them, as the hub would have, and a short patience."""
    timings = {"verified_plate_suffices": True, "gather_timeout_s": 6.0}
    rig.config = msgspec.structs.replace(rig.config, policy=timings)
    pack = default_pack(ReleasePolicy(verified_plate_suffices=True))
    identity = msgspec.structs.replace(pack.identity, agree=("plate", "card", "container"))
    body = canonical(msgspec.structs.replace(pack, owner="test", identity=identity))
    cache = HubCache(rig.state_dir / "hub.db")
    cache.keep_policy(digest.policy_digest([body], ()), [body], ())
    cache.close()


@pytest.mark.timeout(240)
def test_where_the_container_is_demanded_whatever_keeps_its_number_from_being_read_holds_the_truck(
    tmp_path: Path,
) -> None:
    rig = rig_with_a_container_camera(tmp_path)
    demand_container_numbers(rig)
    courses = {
        "twice": ("exit", ()),
        "unplugged": ("entry", (Reason.IDENTITY_UNPROVEN.value,)),
        "late": ("entry", (Reason.IDENTITY_UNPROVEN.value,)),
        "misread": ("entry", (Reason.IDENTITY_UNPROVEN.value,)),
        "garbled": ("entry", (Reason.IDENTITY_UNPROVEN.value,)),
        "half": ("entry", (Reason.IDENTITY_UNPROVEN.value,)),
        "another": ("entry", (Reason.IDENTITY_UNPROVEN.value, Reason.CONTAINER_DIFFERS.value)),
    }
    with rig:
        switches = FaultSwitches(rig.bench)
        for number, (name, (left, reasons)) in enumerate(courses.items()):
            rig.wait_inviting()
            switches.turn(f"container_camera_{name}", on=True)
            assert rig.see_off(rig.send(truck(number))) == left, name
            switches.clear()
            assert verdicts(rig)[-1].reasons == reasons, name
    assert rig.bench.world.violations == ()
