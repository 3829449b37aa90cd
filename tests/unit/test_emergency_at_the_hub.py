"""What lanes did in an emergency while they were cut off, when they meet the hub again."""

from __future__ import annotations

from pathlib import Path

import msgspec

from central.store import conflict_queries, hub_store
from gate_agent.wire.v1 import CommandCarriedOut, PassageOpened, PassageOverridden, RecordBody
from tests.hub_bench import a_store, decided, take_bodies

SLIP = "WL-100"


def released(lane: str, number: int = 1) -> list[RecordBody]:
    """A vehicle that was let out on the slip by somebody who stood at the lane."""
    passage_id = f"{lane}-e1-00000{number}"
    return [
        PassageOpened(passage_id=passage_id),
        decided(passage_id),
        PassageOverridden(
            passage_id=passage_id,
            command_id=f"h-{passage_id}",
            decision="release",
            by=f"li.wei [guard@{lane}]",
            reason="cable cut",
            slip=SLIP,
            emergency="network_down",
            local=True,
        ),
    ]


def test_row_45_a_slip_used_at_two_lanes_that_were_cut_off_is_found_when_they_meet_the_hub(
    tmp_path: Path,
) -> None:
    with a_store(tmp_path / "hub.db") as store:
        take_bodies(store, *released("lane1"), lane="lane1")
        assert store.read_now(conflict_queries.conflicts) == ()
        take_bodies(store, *released("lane2"), lane="lane2")
        (found,) = store.read_now(conflict_queries.conflicts)
        assert (found.slip, found.declaration_id) == (SLIP, "")
        assert [(use.lane, use.is_first, use.by) for use in found.uses] == [
            ("lane1", True, "li.wei [guard@lane1]"),
            ("lane2", False, "li.wei [guard@lane2]"),
        ]
        (alarm,) = store.read_now(hub_store.alarms)
        assert (alarm.code, alarm.lane) == ("slip_used_twice", "lane2")
        assert SLIP in alarm.detail
        msgspec.json.encode(found)


def test_what_was_ordered_at_the_lane_itself_is_in_the_audit_log(tmp_path: Path) -> None:
    begun = CommandCarriedOut(
        command_id="h-1",
        command="set_mode",
        by="li.wei [guard@lane1]",
        reason="cable cut",
        mode="emergency",
        emergency="network_down",
        local=True,
    )
    with a_store(tmp_path / "hub.db") as store:
        take_bodies(store, begun, *released("lane1"), lane="lane1")
        said = [
            (row.who, row.action, row.lane, row.detail) for row in store.read_now(hub_store.audit)
        ]
    who = "li.wei [guard@lane1]"
    assert said == [
        (who, "command_override", "lane1", "release: WL-100: cable cut"),
        (who, "command_set_mode", "lane1", "emergency: network_down: cable cut"),
    ]
