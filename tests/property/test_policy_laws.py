"""Laws of a demanding policy: silence, age and doubt never open what would have stayed shut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gate_agent.domain.decision import decide
from gate_agent.domain.evidence import Evidence, ManifestEvidence
from gate_agent.domain.manifest import AgencyState, Declaration, Documents, Draw, Kind, Risk
from gate_agent.domain.policy_pack import NEVER_MS, in_force, policy_hash
from gate_agent.domain.vocabulary import Mode, Outcome
from gate_agent.wire.policy_pack import read_pack
from tests.builders import GROSS_KG, good_evidence
from tests.policy_cases import (
    NOW_MS,
    PACK,
    a_full_declaration,
    a_transit,
    an_account,
    changed_pack,
    weighing,
)

SILENCES: dict[str, Any] = {
    "credit_class": "",
    "direction": None,
    "kind": None,
    "cargo": "",
    "items": (),
    "fee_paid": None,
    "drawn": None,
    "tare_kg": None,
}
SPOILS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"fee_paid": False},
    {"credit_class": "failed"},
    {"cargo": "gold"},
    {"kind": Kind.EMPTY},
    {"risk": Risk.UNKNOWN},
    {"documents": Documents.PENDING},
    {"accounts": (an_account(balance=None),)},
    {"transit": a_transit(seal_checked_at_ms=None)},
    {"drawn": Draw(period="2026-09", inspect_permille=0, review_permille=0)},
)
EVIDENCES: tuple[Evidence, ...] = (
    good_evidence(),
    weighing(GROSS_KG + 900),
    weighing(GROSS_KG + 200),
    replace(good_evidence(), mode=Mode.EMERGENCY),
    replace(good_evidence(), manifest=ManifestEvidence(version=7, age_ms=61_000)),
)
declarations = st.lists(st.sampled_from(SPOILS), max_size=2).map(
    lambda spoils: a_full_declaration(**{k: v for spoil in spoils for k, v in spoil.items()})
)


def outcome(declaration: Declaration, evidence: Evidence) -> Outcome:
    return decide(evidence, [declaration], PACK, NOW_MS).outcome


@settings(max_examples=300)
@given(declarations, st.sampled_from(EVIDENCES), st.sets(st.sampled_from(sorted(SILENCES))))
def test_saying_less_never_opens_what_saying_more_keeps_shut(
    declaration: Declaration, evidence: Evidence, silent: set[str]
) -> None:
    less = replace(declaration, **{field: SILENCES[field] for field in silent})
    if outcome(declaration, evidence) is not Outcome.RELEASE:
        assert outcome(less, evidence) is not Outcome.RELEASE


@settings(max_examples=200)
@given(st.sampled_from(EVIDENCES), st.integers(0, 10**8), st.integers(0, 10**8))
def test_an_older_manifest_releases_nothing_that_a_younger_one_does_not(
    evidence: Evidence, young_ms: int, more_ms: int
) -> None:
    declaration = a_full_declaration(accounts=(an_account(quantity=60),))
    young = replace(evidence, manifest=ManifestEvidence(version=7, age_ms=young_ms))
    old = replace(evidence, manifest=ManifestEvidence(version=7, age_ms=young_ms + more_ms))
    if outcome(declaration, young) is not Outcome.RELEASE:
        assert outcome(declaration, old) is not Outcome.RELEASE


@given(st.permutations(a_full_declaration().agencies), st.sampled_from(list(AgencyState)))
def test_the_order_in_which_agencies_answered_does_not_matter(
    agencies: list[Any], state: AgencyState
) -> None:
    first = replace(agencies[0], state=state)
    one = a_full_declaration(agencies=(first, *agencies[1:]))
    other = a_full_declaration(agencies=(*agencies[1:], first))
    assert outcome(one, good_evidence()) is outcome(other, good_evidence())


@given(st.integers(0, 1000), st.integers(0, 999))
def test_who_is_drawn_at_a_share_is_drawn_at_every_larger_one(share: int, number: int) -> None:
    drawn = Draw(period="2026-09", inspect_permille=number, review_permille=999)
    declaration = a_full_declaration(drawn=drawn)
    (table,) = PACK.credit_tables
    body = read_pack(
        b'{"version":"x","owner":"y","draw_periods":[{"period":"2026-09","from_ms":0,'
        b'"until_ms":%d,"commitment":"%s"}],"credit_tables":[{"name":"t","classes":[{"name":'
        b'"advanced","inspect_permille":%d}]}]}' % (NEVER_MS - 1, b"0" * 64, share),
        "pack.json",
    )
    assert table.classes
    verdict = decide(good_evidence(), [declaration], body, NOW_MS)
    assert (verdict.outcome is Outcome.RELEASE) == (number >= share)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5), st.sampled_from("ab")), max_size=5))
def test_hub_and_lane_choose_the_same_pack_whatever_the_order(
    spans: list[tuple[int, int, str]],
) -> None:
    packs = [
        changed_pack(version=name, effective_from_ms=begin, effective_until_ms=begin + length)
        for begin, length, name in spans
    ]
    for moment in range(12):
        chosen, other = in_force(packs, moment), in_force(packs[::-1], moment)
        named = [each and (each.effective_from_ms, each.version) for each in (chosen, other)]
        assert named[0] == named[1]
        assert chosen is None or policy_hash(chosen)
