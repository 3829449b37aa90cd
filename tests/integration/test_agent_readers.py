"""A whole lane whose card reader is an OSDP one and which has a reader of windshield tags."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from devices.config import CardReaderConfig, TagReaderConfig
from devices.sim.bench import Bench
from devices.sim.tag_reader import STRAY, TagFault
from gate_agent.domain.evidence import TagEvidence
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.signals import is_inviting
from hil_tests.rig import BOOM_TRAVEL_S, SHORT_LANE, Papers, visit_of
from tests.agent_rig import CLOCK, AgentRig, wait_until

TAG = "E2003411B802011383258566"
FIRST = Papers(plate="粤B12345", card_uid="04A1B2C3", gross_kg=21_000)
SECOND = Papers(plate="粤B54321", card_uid="04A1B2C4", gross_kg=24_000)


def rig_with_readers(folder: Path) -> AgentRig:
    folder.mkdir(exist_ok=True)
    (folder / "scbk").write_text("00112233445566778899AABBCCDDEEFF", encoding="ascii")
    rig = AgentRig(folder, [FIRST, SECOND])
    devices = msgspec.structs.replace(
        rig.config.devices,
        card_reader=CardReaderConfig(
            driver="osdp",
            port=str(folder / "card"),
            baud=115_200,
            address=5,
            number_format="wiegand-34",
            key_file=str(folder / "scbk"),
        ),
        tag_reader=TagReaderConfig(port=str(folder / "tags")),
    )
    rig.config = msgspec.structs.replace(rig.config, devices=devices)
    rig.bench = Bench(devices, CLOCK, geometry=SHORT_LANE, boom_travel_s=BOOM_TRAVEL_S)
    return rig


@pytest.mark.timeout(180)
def test_card_and_tag_reach_the_evidence_and_a_lost_tag_reader_releases_nobody(
    tmp_path: Path,
) -> None:
    with rig_with_readers(tmp_path) as rig:
        tags: list[TagEvidence | None] = []

        def is_decided() -> bool:
            passage = rig.lane.passage
            if passage is not None:
                tags.append(passage.tag)
            return passage is not None and passage.verdict is not None

        assert rig.bench.tag_reader is not None
        rig.bench.tag_reader.fault = TagFault.TWO_TAGS
        first = rig.send(replace(visit_of(FIRST), tag_id=TAG))
        wait_until(is_decided, "decided", 60.0)
        assert rig.see_off(first) == "exit"
        seen = next(tag for tag in reversed(tags) if tag is not None)
        assert {seen.tag_id, *seen.others} == {TAG, STRAY}

        rig.wait_inviting()
        second = rig.send(replace(visit_of(SECOND), tag_id=TAG))
        wait_until(lambda: second.entered_s is not None, "arrives")
        rig.bench.tag_reader.host.unplug()
        rig.wait_fault(FaultCode.TAG_LINK, raised=True)
        raised = rig.bench.world.boom.raise_count
        assert rig.see_off(second) == "entry"
        assert rig.bench.world.boom.raise_count == raised
        assert not is_inviting(rig.lane)
        rig.bench.tag_reader.host.plug()
        rig.wait_inviting()
        assert rig.fault_changes(FaultCode.TAG_LINK) == [True, False]
