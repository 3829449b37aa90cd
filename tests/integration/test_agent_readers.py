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
from hil_tests.rig import BOOM_TRAVEL_S, SHORT_LANE, Papers, visit_of
from tests.agent_rig import CLOCK, AgentRig, declaration_row, hold_manifest, wait_until

TAG = "E2003411B802011383258566"
FIRST = Papers(plate="粤B12345", card_uid="04A1B2C3", gross_kg=21_000)
SECOND = Papers(plate="粤B54321", card_uid="04A1B2C4", gross_kg=24_000)


def rig_with_readers(folder: Path) -> AgentRig:
    folder.mkdir(exist_ok=True)
    (folder / "scbk").write_text("00112233445566778899AABBCCDDEEFF", encoding="ascii")
    rig = AgentRig(folder)
    rows = [declaration_row(papers) for papers in (FIRST, SECOND)]
    hold_manifest(rig.state_dir, [msgspec.structs.replace(row, tag_id=TAG) for row in rows], 2)
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
def test_card_and_tag_reach_the_evidence_and_without_its_reader_a_declared_tag_releases_nobody(
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
        rig.wait_inviting()  # others may come: whoever declared no tag is released as ever
        assert FaultCode.TAG_LINK in rig.lane.faults
        rig.bench.tag_reader.host.plug()
        rig.wait_fault(FaultCode.TAG_LINK, raised=False)
        assert rig.fault_changes(FaultCode.TAG_LINK) == [True, False]
