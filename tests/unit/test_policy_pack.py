"""A pack is taken whole or not at all, and its hash says which one it is."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from gate_agent.domain.events import AgentStarted, PolicyChanged
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.policy_pack import (
    FIRST_PIECES,
    STANDARD_PIECES,
    WITHOUT_DOUBT_PERMILLE,
    IdentityRule,
    Limits,
    PolicyPack,
    canonical,
    default_pack,
    limits_of,
    policy_hash,
)
from gate_agent.domain.records import PassageDecided, PolicyAdopted
from gate_agent.domain.vocabulary import Outcome, Phase
from gate_agent.wire.policy_pack import PolicyPackError, read_new_pack, read_pack
from tests.builders import LaneStory
from tests.policy_cases import PACK, changed_pack

HASH = "3e96a2df6847741af50d59b84718995d872c398aa1395a0fe3d2aabb047b88be"
GOOD: dict[str, Any] = {"version": "1", "owner": "rules desk"}


def read(**changed: Any) -> PolicyPack:  # noqa: ANN401 - JSON
    return read_pack(json.dumps(GOOD | changed).encode(), "pack.json")


def test_a_pack_comes_back_from_its_own_bytes() -> None:
    again = read_pack(canonical(PACK), "pack.json")
    assert again == PACK
    assert policy_hash(again) == policy_hash(PACK)


def test_the_hash_does_not_depend_on_layout_or_on_saying_a_default() -> None:
    plain = read()
    said = read_pack(
        b'{ "owner": "rules desk",\n  "limits": {"plate_max_age_ms": 180000},  "version": "1" }',
        "pack.json",
    )
    assert policy_hash(said) == policy_hash(plain)
    assert policy_hash(read(is_fee_required=True)) != policy_hash(plain)


def test_the_hash_of_a_pack_is_for_ever() -> None:
    assert canonical(read()) == b'{"owner":"rules desk","version":"1"}'
    assert policy_hash(read()) == HASH


def test_a_moment_may_be_written_as_people_write_it() -> None:
    pack = read(effective_from_ms="2026-12-01T00:00:00+08:00")
    assert pack.effective_from_ms == 1_796_054_400_000


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"version": "1",\n "owner": }', r"pack\.json:2: not JSON"),
        (b"\xff\xfe", r"pack\.json:1: not JSON"),
        (b"[]", r"pack\.json: Expected `object`"),
        (b"[" * 100_000, r"pack\.json:1: not JSON"),
        (json.dumps({"owner": "x"}).encode(), r"version"),
    ],
)
def test_what_is_no_pack_is_refused_with_its_line(content: bytes, complaint: str) -> None:
    with pytest.raises(PolicyPackError, match=complaint):
        read_pack(content, "pack.json")


_DRAWN = {"name": "t", "classes": [{"name": "A", "inspect_permille": 10}]}
_TWICE = {"name": "t", "classes": [{"name": "A"}, {"name": "A"}]}
_PERIOD = {"period": "p", "from_ms": 0, "until_ms": 9, "commitment": "0" * 64}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"owner": " "}, r"\$\.owner"),
        ({"ownr": "x"}, r"ownr"),
        ({"effective_until_ms": 0}, r"\$\.effective_until_ms"),
        ({"effective_from_ms": "2026-12-01"}, r"no offset.*\$\.effective_from_ms"),
        ({"effective_from_ms": "soon"}, r"'soon'.*\$\.effective_from_ms"),
        ({"limits": {"min_plate_confidence_permille": 1001}}, r"min_plate_confidence_permille"),
        ({"limits": {"weight_tolerance_kg": -1}}, r"weight_tolerance_kg"),
        ({"limits": {"plate_max_age_ms": 1.5}}, r"plate_max_age_ms"),
        ({"credit_tables": [_TWICE]}, r"'A'.*\$\.credit_tables\[0\]\.classes\[1\]\.name"),
        ({"credit_tables": [_DRAWN]}, r"\$\.draw_periods"),
        ({"conditions": [{"code": "tax", "accepted": []}]}, r"conditions\[0\]\.accepted"),
        (
            {"weights": [{"classes": ["B"], "tolerance_kg": 1}]},
            r"'B'.*\$\.weights\[0\]\.classes",
        ),
        ({"lanes": [{"lane": "1", "hours": [{"from_min": 60, "until_min": 60}]}]}, r"until_min"),
        ({"slips": [{"mode": "m", "prefix": "S", "first": 2, "last": 1}]}, r"slips\[0\]\.last"),
        ({"draw_periods": [_PERIOD, _PERIOD | {"period": "q"}]}, r"overlap"),
        ({"demands": ["colour"]}, r"demands\[0\]"),
        ({"identity": {"agree": ["card"]}}, r"identity\.agree"),
        (
            {
                "identity": {
                    "pieces": [{"piece": "card", "wrong_milli_nats": 1, "chance_milli_nats": 0}]
                }
            },
            r"wrong_milli_nats",
        ),
    ],
)
def test_a_pack_that_fails_its_check_is_refused_whole_and_the_field_named(
    changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(PolicyPackError, match=rf"(?s)pack\.json: .*{field}"):
        read(**changed)


def test_the_lane_files_limits_are_the_built_in_pack() -> None:
    policy = ReleasePolicy(weight_tolerance_kg=300, card_max_age_s=60.5)
    pack = default_pack(policy)
    assert (pack.limits.weight_tolerance_kg, pack.limits.card_max_age_ms) == (300, 60_500)
    assert pack.version == policy.version
    silent = PolicyPack(version="x").limits
    assert limits_of(ReleasePolicy()) == msgspec.structs.replace(
        silent, min_plate_confidence_permille=WITHOUT_DOUBT_PERMILLE
    )


def test_a_pack_written_now_means_without_doubt_by_silence_an_old_one_what_it_meant() -> None:
    content = canonical(PolicyPack(version="x", owner="rules desk"))
    assert read_pack(content, "p").limits.min_plate_confidence_permille == 800
    written = read_new_pack(content, "p")
    assert written.limits.min_plate_confidence_permille == WITHOUT_DOUBT_PERMILLE
    assert read_pack(canonical(written), "p") == written
    said = PolicyPack(
        version="x",
        owner="rules desk",
        limits=Limits(min_plate_confidence_permille=900),
        identity=IdentityRule(pieces=STANDARD_PIECES[:1]),
    )
    assert read_new_pack(canonical(said), "p") == said


def test_a_pack_written_now_weighs_every_piece_by_silence_an_old_one_those_of_then() -> None:
    content = canonical(PolicyPack(version="x", owner="rules desk"))
    old, written = read_pack(content, "p"), read_new_pack(content, "p")
    assert old.identity.pieces == FIRST_PIECES
    assert [each.piece for each in FIRST_PIECES] == ["card", "weight", "other_plate", "tag"]
    assert written.identity.pieces == STANDARD_PIECES
    assert read_pack(canonical(written), "p") == written
    named = json.dumps(
        GOOD | {"identity": {"pieces": json.loads(msgspec.json.encode(FIRST_PIECES))}}
    )
    assert read_new_pack(named.encode(), "p").identity.pieces == FIRST_PIECES


def test_a_pack_without_the_identity_table_lets_no_picture_make_up_for_a_doubtful_reading() -> None:
    assert not PolicyPack(version="x").identity.verified_plate_suffices
    assert default_pack(ReleasePolicy(verified_plate_suffices=True)).identity == IdentityRule(
        verified_plate_suffices=True, pieces=STANDARD_PIECES
    )


# -- on a lane


def test_a_lane_adopts_a_pack_between_vehicles_and_says_so() -> None:
    story = LaneStory().ready()
    story.happens(PolicyChanged(pack=PACK))
    assert story.lane.pack == PACK
    assert story.records(PolicyAdopted) == [
        PolicyAdopted(version=PACK.version, policy_hash=policy_hash(PACK))
    ]
    story.happens(PolicyChanged(pack=PACK))
    assert len(story.records(PolicyAdopted)) == 1


def test_a_vehicle_is_judged_by_the_rules_under_which_it_came() -> None:
    story = LaneStory().ready()
    story.waits_for_verdict()
    story.happens(PolicyChanged(pack=PACK))
    assert story.lane.pack != PACK
    story.manifest_answers()
    assert story.phase is Phase.RELEASING
    assert story.records(PassageDecided)[-1].pack == default_pack(story.policy)


def test_a_lane_whose_pack_is_over_releases_nobody() -> None:
    story = LaneStory().ready()
    story.happens(PolicyChanged(pack=changed_pack(effective_until_ms=story.at.wall_ms)))
    story.waits_for_verdict().manifest_answers()
    outcome, reasons = story.verdict
    assert outcome is not Outcome.RELEASE
    assert "policy_not_in_force" in reasons


def test_the_ports_rules_stay_over_a_restart_that_finds_none_in_force() -> None:
    """A lane whose copy of the packs is damaged or over does not fall back to built-in rules."""
    story = LaneStory().ready()
    story.happens(AgentStarted(policy=story.policy, version="test", pack=PACK))
    assert story.lane.pack == PACK
    story.happens(AgentStarted(policy=story.policy, version="test"))
    assert story.lane.pack == PACK


def test_a_lane_without_the_ports_rules_follows_its_lane_file_at_each_start() -> None:
    story = LaneStory().ready()
    stricter = ReleasePolicy(weight_tolerance_kg=100)
    story.happens(AgentStarted(policy=stricter, version="test"))
    assert story.lane.pack == default_pack(stricter)
