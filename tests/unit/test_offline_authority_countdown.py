"""Everybody sees how much longer a lane may release whom if it does not hear the hub."""

import msgspec

from central.api.lane_answers import lane_answer
from central.hub.lanes import LanePresence, PresenceState
from gate_agent.domain.policy_pack import CreditClass, CreditTable
from gate_agent.domain.rules.authority import authority_left_ms
from gate_agent.runtime.health import health_of
from gate_agent.store.held_manifest import HeldManifest
from gate_agent.wire.digest import EMPTY
from gate_agent.wire.v1 import AuthorityLeft
from tests.builders import HOUR_MS, START, LaneStory
from tests.hub_bench import a_health
from tests.policy_cases import changed_pack

PACK = changed_pack(
    credit_tables=(
        CreditTable(
            name="t",
            classes=(
                CreditClass(name="advanced"),
                CreditClass(name="general", offline_authority_ms=HOUR_MS),
                CreditClass(name="dishonest", offline_authority_ms=0),
            ),
        ),
    )
)
MOST_MS = PACK.limits.manifest_max_age_ms


def test_each_class_counts_down_from_what_the_pack_gives_it() -> None:
    assert authority_left_ms(PACK, 1_000) == (
        ("", MOST_MS - 1_000),
        ("advanced", MOST_MS - 1_000),
        ("general", HOUR_MS - 1_000),
        ("dishonest", 0),
    )
    assert dict(authority_left_ms(PACK, HOUR_MS + 1))["general"] == 0


def test_nobody_knows_how_old_the_manifest_is_so_nothing_is_left() -> None:
    assert {left for _, left in authority_left_ms(PACK, None)} == {0}
    assert {left for _, left in authority_left_ms(PACK, -5_000)} == {0}, "the clock was set back"


def test_health_carries_the_countdown() -> None:
    health = health_of(
        LaneStory().ready().lane,
        START,
        held=HeldManifest(version=7, count=1, digest=EMPTY, confirmed_ms=START.wall_ms - 60_000),
        last_seq=1,
        unsent=0,
        oldest_ms=None,
        is_store_failing=False,
    )
    assert health.authority == (AuthorityLeft(credit_class="", left_s=4 * 3600 - 60),)


def test_the_hub_counts_on_for_a_lane_that_it_does_not_hear() -> None:
    health = a_health()
    said = (AuthorityLeft(credit_class="", left_s=100), AuthorityLeft(credit_class="b", left_s=20))
    presence = LanePresence(
        lane="lane1",
        state=PresenceState.OFFLINE,
        health=msgspec.structs.replace(health, authority=said),
        health_age_s=60.0,
        version="1",
    )
    left = lane_answer(presence, None).authority
    assert left is not None
    assert [each.left_s for each in left] == [40, 0]
