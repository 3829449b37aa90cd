"""The tag behind the windshield beside plate and card: what it proves, and what it contradicts."""

from __future__ import annotations

from dataclasses import replace

from gate_agent.domain.decision import decide
from gate_agent.domain.evidence import Evidence, TagEvidence
from gate_agent.domain.manifest import Declaration
from gate_agent.domain.policy_pack import IdentityRule, PolicyPack, default_pack
from gate_agent.domain.reasons import Reason
from gate_agent.domain.vocabulary import Outcome
from tests.builders import DECIDED_AT, POLICY, a_declaration, good_evidence

TAG = "E2 00 34 12 01"
OTHER_TAG = "E200341299"
DEMANDING = IdentityRule(agree=("plate", "card", "tag"))


def seen(*tags: str) -> Evidence:
    first, *others = tags
    tag = TagEvidence(tag_id=first, others=tuple(others), since_arrival_ms=100, age_ms=5_000)
    return replace(good_evidence(), tag=tag)


def declared(tag_id: str) -> Declaration:
    return replace(a_declaration(), tag_id=tag_id)


def verdict(
    evidence: Evidence, declaration: Declaration, rule: IdentityRule | None = None
) -> tuple[Outcome, frozenset[Reason]]:
    pack = default_pack(POLICY)
    if rule is not None:
        pack = PolicyPack(version="s", limits=pack.limits, identity=rule)
    found = decide(evidence, [declaration], pack, DECIDED_AT.wall_ms)
    return found.outcome, frozenset(found.reasons)


def test_a_vehicle_with_its_own_tag_is_released_however_the_tag_is_written() -> None:
    assert verdict(seen("e200341201"), declared(TAG)) == (Outcome.RELEASE, frozenset())


def test_a_vehicle_with_another_tag_than_declared_is_a_persons() -> None:
    held = (Outcome.HOLD, frozenset({Reason.IDENTITY_UNPROVEN}))
    assert verdict(seen(OTHER_TAG), declared(TAG)) == held


def test_a_tag_that_no_paper_names_says_nothing() -> None:
    assert verdict(seen(OTHER_TAG), declared("")) == (Outcome.RELEASE, frozenset())


def test_the_tag_of_the_vehicle_behind_does_not_contradict_ones_own() -> None:
    assert verdict(seen(TAG, OTHER_TAG), declared(TAG)) == (Outcome.RELEASE, frozenset())


def test_where_policy_demands_the_tag_it_has_to_be_there_and_alone() -> None:
    held = (Outcome.HOLD, frozenset({Reason.IDENTITY_UNPROVEN}))
    assert verdict(seen(TAG), declared(TAG), DEMANDING) == (Outcome.RELEASE, frozenset())
    assert verdict(good_evidence(), declared(TAG), DEMANDING) == held
    assert verdict(seen(TAG, OTHER_TAG), declared(TAG), DEMANDING) == held
    assert verdict(seen(TAG), declared(""), DEMANDING) == held
