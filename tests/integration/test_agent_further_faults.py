"""A whole lane whose sign hangs, whose plate camera is wrong, whose antenna sees the next lane."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from devices.config import PlateCameraConfig, SignConfig, TagReaderConfig
from devices.sim.bench import Bench
from devices.sim.faults.table import FaultSwitches
from devices.sim.lane_world import TruckVisit
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.reasons import Reason
from gate_agent.wire import v1
from hil_tests.rig import BOOM_TRAVEL_S, HOST, SHORT_LANE, Papers, free_ports, visit_of
from tests.agent_rig import CLOCK, AgentRig, declaration_row, hold_manifest

TAG = "E2003411B802011383258566"
PAPERS = tuple(
    Papers(plate=f"粤B1234{number}", card_uid=f"04A1B2C{number}", gross_kg=21_000)
    for number in range(3)
)


def rig_with_everything(folder: Path) -> AgentRig:
    rig = AgentRig(folder)
    rows = [msgspec.structs.replace(declaration_row(each), tag_id=TAG) for each in PAPERS]
    hold_manifest(rig.state_dir, rows, version=2)
    sign_port, plates_port = free_ports(2)
    devices = msgspec.structs.replace(
        rig.config.devices,
        tag_reader=TagReaderConfig(port=str(folder / "tags")),
        sign=SignConfig(driver="http", url=f"http://{HOST}:{sign_port}/"),
        plate_camera=PlateCameraConfig(
            driver="isapi", listen=HOST, port=plates_port, allow=("127.0.0.1",)
        ),
    )
    rig.config = msgspec.structs.replace(rig.config, devices=devices)
    rig.bench = Bench(devices, CLOCK, geometry=SHORT_LANE, boom_travel_s=BOOM_TRAVEL_S)
    return rig


def truck(number: int) -> TruckVisit:
    papers = PAPERS[number]
    return replace(visit_of(papers), plate=papers.plate, tag_id=TAG)


def last_verdict(rig: AgentRig) -> v1.PassageDecided:
    return [body for body in rig.records() if isinstance(body, v1.PassageDecided)][-1]


@pytest.mark.timeout(240)
def test_a_hanging_sign_and_a_post_too_many_keep_nobody_and_what_contradicts_goes_to_a_person(
    tmp_path: Path,
) -> None:
    with rig_with_everything(tmp_path) as rig:
        switches = FaultSwitches(rig.bench)
        for name in ("sign_hangs", "plate_camera_twice", "tag_two"):
            switches.turn(name, on=True)
        assert rig.see_off(rig.send(truck(0))) == "exit"
        rig.wait_fault(FaultCode.SIGN_LINK, raised=True)
        switches.clear()
        rig.wait_fault(FaultCode.SIGN_LINK, raised=False)
        verdict = last_verdict(rig)
        assert verdict.outcome == "release"
        assert rig.fault_changes(FaultCode.SIGN_LINK) == [True, False]

        for number, name, reason in (
            (1, "plate_camera_another", Reason.PLATE_DOUBTFUL),
            (2, "tag_of_next_lane", Reason.IDENTITY_UNPROVEN),
        ):
            rig.wait_inviting()
            switches.turn(name, on=True)
            assert rig.see_off(rig.send(truck(number))) == "entry"
            verdict = last_verdict(rig)
            assert (verdict.outcome, verdict.reasons) == ("hold", (reason.value,)), name
            switches.clear()
        assert rig.bench.world.violations == ()
