"""Each reason by the evidence that produces it, and the outcome to which it leads.

One file, though it is long: it is one table, a line or two for each reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gate_agent.domain.decision import OUTCOME_OF, Reason, Verdict, decide
from gate_agent.domain.evidence import (
    UNKNOWN_MANIFEST,
    CardEvidence,
    ClaimEvidence,
    ClaimState,
    ContainerEvidence,
    Evidence,
    KnownEmpty,
    ManifestEvidence,
    PlateCandidate,
    PlateEvidence,
    Sighting,
    WeightEvidence,
)
from gate_agent.domain.faults import WARNINGS, FaultCode
from gate_agent.domain.manifest import Declaration, Documents
from gate_agent.domain.policy_pack import Limits, PolicyPack
from gate_agent.domain.rules.weight import tolerance_of
from gate_agent.domain.vocabulary import Barrier, Mode, Outcome
from tests import policy_cases
from tests.builders import (
    BOX,
    CARD,
    DECIDED_AT,
    GROSS_KG,
    HOUR_MS,
    OTHER_BOX,
    PACK,
    PLATE,
    START,
    a_declaration,
    good_evidence,
)
from tests.policy_cases import DEMANDED, a_full_declaration

Case = Callable[[Evidence], tuple[Evidence, tuple[Declaration, ...]]]


def judged(evidence: Evidence, *declarations: Declaration) -> Verdict:
    return decide(evidence, declarations, PACK, DECIDED_AT.wall_ms)


def plate(evidence: Evidence) -> PlateEvidence:
    assert evidence.plate is not None
    return evidence.plate


def card(evidence: Evidence) -> CardEvidence:
    assert evidence.card is not None
    return evidence.card


def weight(evidence: Evidence) -> WeightEvidence:
    assert evidence.weight is not None
    return evidence.weight


def paper(**changed: object) -> Case:
    return lambda evidence: (evidence, (a_declaration(**changed),))  # type: ignore[arg-type]


def sensed(change: Callable[[Evidence], Evidence]) -> Case:
    return lambda evidence: (change(evidence), (a_declaration(),))


def weighing(kg: int) -> Case:
    return sensed(lambda e: replace(e, weight=replace(weight(e), gross_kg=kg)))


def held_against(evidence: Evidence, *candidates: tuple[str, int], none: int) -> Evidence:
    """The same with the picture held against these declared plates."""
    found = tuple(PlateCandidate(text=text, milli_nats=weight) for text, weight in candidates)
    return replace(evidence, plate=replace(plate(evidence), candidates=found, none_milli_nats=none))


def answered(
    evidence: Evidence, *sightings: Sighting, known_empty: KnownEmpty | None = None
) -> Evidence:
    """The same with what the hub knows of the plate."""
    said = ClaimEvidence(
        declaration_id=a_declaration().declaration_id,
        state=ClaimState.GRANTED,
        sightings=sightings,
        known_empty=known_empty,
    )
    return replace(evidence, claim=said)


OLD_MS = -1_000
CASES: dict[Reason, tuple[Case, Outcome]] = {
    Reason.NO_DECLARATION: (lambda e: (e, ()), Outcome.REFUSE),
    Reason.PLATE_CARD_MISMATCH: (paper(card_uid="0102"), Outcome.HOLD),
    Reason.SEVERAL_DECLARATIONS: (
        lambda e: (e, (a_declaration(), a_declaration(declaration_id="D2"))),
        Outcome.HOLD,
    ),
    Reason.DECLARATION_USED: (paper(used_by="lane2-e-000004"), Outcome.REFUSE),
    Reason.DECLARATION_EXPIRED: (paper(valid_until_ms=START.wall_ms), Outcome.REFUSE),
    Reason.DECLARATION_NOT_YET_VALID: (
        paper(valid_from_ms=START.wall_ms + HOUR_MS, valid_until_ms=START.wall_ms + 2 * HOUR_MS),
        Outcome.HOLD,
    ),
    Reason.DOCUMENTS_PENDING: (paper(documents=Documents.PENDING), Outcome.HOLD),
    Reason.DOCUMENTS_REJECTED: (paper(documents=Documents.REJECTED), Outcome.REFUSE),
    Reason.WEIGHT_DIFFERS: (weighing(GROSS_KG + 961), Outcome.HOLD),
    Reason.WEIGHT_FAR_OFF: (weighing(GROSS_KG + 1_921), Outcome.INSPECT),
    Reason.AGENCY_HOLD: (paper(holds=("customs",)), Outcome.INSPECT),
    Reason.PLATE_MISSING: (sensed(lambda e: replace(e, plate=None)), Outcome.HOLD),
    Reason.PLATE_DOUBTFUL: (
        sensed(lambda e: replace(e, plate=replace(plate(e), confidence_permille=979))),
        Outcome.HOLD,
    ),
    Reason.PLATE_AMBIGUOUS: (
        sensed(lambda e: held_against(e, (PLATE, -20), ("粤B12346", -4_000), none=-9_000)),
        Outcome.HOLD,
    ),
    Reason.IDENTITY_UNPROVEN: (
        lambda e: (
            held_against(e, (PLATE, -20), none=-4_000),
            (a_declaration(), a_declaration(declaration_id="D2", plates=("粤B12346",))),
        ),
        Outcome.HOLD,
    ),
    Reason.SEEN_ELSEWHERE: (
        sensed(lambda e: answered(e, Sighting(lane="lane2", passage_id="p", gap_ms=29_999))),
        Outcome.HOLD,
    ),
    Reason.TARE_UNLIKE: (
        sensed(lambda e: answered(e, known_empty=KnownEmpty(kg=GROSS_KG + 1_501, times=2))),
        Outcome.HOLD,
    ),
    Reason.CONTAINER_DIFFERS: (
        lambda e: (
            replace(e, containers=ContainerEvidence(numbers=(OTHER_BOX,))),
            (a_declaration(containers=(BOX,)),),
        ),
        Outcome.HOLD,
    ),
    Reason.PLATE_STALE: (
        sensed(lambda e: replace(e, plate=replace(plate(e), since_arrival_ms=OLD_MS))),
        Outcome.HOLD,
    ),
    Reason.CARD_MISSING: (sensed(lambda e: replace(e, card=None)), Outcome.HOLD),
    Reason.CARD_STALE: (
        sensed(lambda e: replace(e, card=replace(card(e), since_arrival_ms=OLD_MS))),
        Outcome.HOLD,
    ),
    Reason.WEIGHT_MISSING: (sensed(lambda e: replace(e, weight=None)), Outcome.HOLD),
    Reason.WEIGHT_STALE: (
        sensed(lambda e: replace(e, weight=replace(weight(e), age_ms=5_100))),
        Outcome.HOLD,
    ),
    Reason.MANIFEST_MISSING: (
        sensed(lambda e: replace(e, manifest=UNKNOWN_MANIFEST)),
        Outcome.HOLD,
    ),
    Reason.MANIFEST_STALE: (
        sensed(lambda e: replace(e, manifest=ManifestEvidence(version=7))),
        Outcome.HOLD,
    ),
    Reason.SCALE_NOT_ZERO: (sensed(lambda e: replace(e, scale_zeroed=False)), Outcome.HOLD),
    Reason.BARRIER_NOT_CLOSED: (
        sensed(lambda e: replace(e, barrier=Barrier.UNKNOWN)),
        Outcome.HOLD,
    ),
    Reason.EQUIPMENT_FAULT: (
        sensed(lambda e: replace(e, faults=frozenset({FaultCode.SCALE_LINK}))),
        Outcome.HOLD,
    ),
    Reason.NOT_ALONE: (sensed(lambda e: replace(e, alone=False)), Outcome.HOLD),
    Reason.UNEXPECTED_VEHICLE: (sensed(lambda e: replace(e, unexpected=True)), Outcome.HOLD),
    Reason.INTERRUPTED: (sensed(lambda e: replace(e, interrupted=True)), Outcome.HOLD),
    Reason.LANE_ATTENDED: (sensed(lambda e: replace(e, mode=Mode.ATTENDED)), Outcome.HOLD),
    Reason.LANE_EVACUATED: (sensed(lambda e: replace(e, evacuated=True)), Outcome.HOLD),
    Reason.LANE_CLOSED: (sensed(lambda e: replace(e, mode=Mode.CLOSED)), Outcome.REFUSE),
    Reason.LANE_EMERGENCY: (sensed(lambda e: replace(e, mode=Mode.EMERGENCY)), Outcome.HOLD),
}
MADE_BY_THE_LANE = {
    Reason.LEFT_UNDECIDED,
    Reason.RELEASE_FAILED,
}  # see test_lane_*.py


def test_a_declared_vehicle_with_good_evidence_is_released() -> None:
    verdict = judged(good_evidence(), a_declaration())
    assert verdict == Verdict(outcome=Outcome.RELEASE, declaration=a_declaration())


def test_every_reason_has_its_case() -> None:
    assert set(CASES) | MADE_BY_THE_LANE | set(DEMANDED) == set(Reason)
    assert set(OUTCOME_OF) == set(Reason)
    assert Outcome.RELEASE not in OUTCOME_OF.values()


@pytest.mark.parametrize("reason", list(CASES))
def test_each_reason_stands_alone_and_leads_to_its_outcome(reason: Reason) -> None:
    case, outcome = CASES[reason]
    evidence, declarations = case(good_evidence())
    verdict = judged(evidence, *declarations)
    assert (verdict.outcome, verdict.reasons) == (outcome, (reason,))


def test_a_vehicle_that_fulfils_a_demanding_pack_is_released() -> None:
    assert policy_cases.judged(a_full_declaration()).reasons == ()


@pytest.mark.parametrize("reason", list(DEMANDED))
def test_each_demand_of_a_pack_stands_alone_and_leads_to_its_outcome(reason: Reason) -> None:
    case, outcome = DEMANDED[reason]
    verdict = case().verdict
    assert (verdict.outcome, verdict.reasons) == (outcome, (reason,))


# -- weight


@pytest.mark.parametrize(
    ("declared_kg", "tolerance_kg"), [(5_000, 400), (13_333, 400), (13_334, 400), (13_400, 402)]
)
def test_the_weight_tolerance_is_the_larger_of_400_kg_and_3_percent(
    declared_kg: int, tolerance_kg: int
) -> None:
    assert tolerance_of(a_declaration(gross_kg=declared_kg), PACK).tolerance_kg == tolerance_kg


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(
    ("difference_kg", "reasons"),
    [
        (0, ()),
        (960, ()),
        (961, (Reason.WEIGHT_DIFFERS,)),
        (1_920, (Reason.WEIGHT_DIFFERS,)),
        (1_921, (Reason.WEIGHT_FAR_OFF,)),
    ],
)
def test_the_weight_limits_are_exact_to_the_kilogram_both_ways(
    sign: int, difference_kg: int, reasons: tuple[Reason, ...]
) -> None:
    evidence, declarations = weighing(GROSS_KG + sign * difference_kg)(good_evidence())
    assert judged(evidence, *declarations).reasons == reasons


# -- identity


def test_a_hold_cannot_be_hidden_by_a_second_paper_for_the_same_card() -> None:
    held = a_declaration(declaration_id="D0", holds=("customs",))
    assert judged(good_evidence(), held, a_declaration()).outcome is Outcome.INSPECT


def test_a_hold_cannot_be_hidden_by_a_paper_with_another_card() -> None:
    held = a_declaration(declaration_id="D0", card_uid="0102", holds=("customs",))
    verdict = judged(good_evidence(), held, a_declaration())
    assert (verdict.outcome, verdict.reasons) == (Outcome.INSPECT, (Reason.AGENCY_HOLD,))


def test_a_hold_cannot_be_hidden_by_a_paper_for_the_vehicles_other_plate() -> None:
    held = a_declaration(declaration_id="D0", plates=("粤Z1234港",), holds=("customs",))
    assert judged(good_evidence(), held, a_declaration()).outcome is Outcome.INSPECT


def test_a_hold_on_a_rejected_paper_still_counts() -> None:
    held = a_declaration(declaration_id="D0", documents=Documents.REJECTED, holds=("customs",))
    assert judged(good_evidence(), held, a_declaration()).outcome is Outcome.INSPECT


def test_a_hold_on_another_days_paper_does_not_stop_todays_trip() -> None:
    tomorrow = a_declaration(
        declaration_id="D0",
        holds=("customs",),
        valid_from_ms=START.wall_ms + 20 * HOUR_MS,
        valid_until_ms=START.wall_ms + 30 * HOUR_MS,
    )
    assert judged(good_evidence(), tomorrow, a_declaration()).outcome is Outcome.RELEASE


def test_yesterdays_used_paper_does_not_stop_todays_trip() -> None:
    used = a_declaration(declaration_id="D0", used_by="lane1-e-000000")
    verdict = judged(good_evidence(), used, a_declaration())
    assert (verdict.outcome, verdict.declaration) == (Outcome.RELEASE, a_declaration())


def test_any_plate_of_a_paper_identifies_the_vehicle_however_it_is_written() -> None:
    declared = a_declaration(plates=("粤Z1234港", "粤b·1２345"))
    assert judged(good_evidence(), declared).outcome is Outcome.RELEASE


def test_a_card_is_compared_without_regard_to_writing() -> None:
    assert judged(good_evidence(), a_declaration(card_uid="04:a1:b2:c3")).outcome is Outcome.RELEASE


def test_a_plate_that_is_only_nearly_declared_is_not_released() -> None:
    verdict = judged(good_evidence(), a_declaration(plates=("粤B12346",)))
    assert verdict.reasons == (Reason.PLATE_CARD_MISMATCH,)


def test_plate_and_card_of_two_different_papers_are_a_mismatch() -> None:
    others = a_declaration(card_uid="01"), a_declaration(declaration_id="D2", plates=("粤A1",))
    verdict = judged(good_evidence(), *others)
    assert (verdict.reasons, verdict.declaration) == ((Reason.PLATE_CARD_MISMATCH,), None)


def test_a_supervisor_sees_the_paper_of_the_card_when_the_plate_was_not_read() -> None:
    verdict = judged(replace(good_evidence(), plate=None), a_declaration())
    assert verdict.declaration == a_declaration()


def test_a_supervisor_sees_the_paper_of_the_plate_when_no_card_was_presented() -> None:
    verdict = judged(replace(good_evidence(), card=None), a_declaration())
    assert verdict.declaration == a_declaration()


def test_a_supervisor_sees_the_paper_of_the_card_when_the_plate_is_doubtful_and_matches_none() -> (
    None
):
    evidence = good_evidence()
    doubtful = replace(plate(evidence), text="粤B1234S", confidence_permille=500)
    verdict = judged(replace(evidence, plate=doubtful), a_declaration())
    assert verdict.reasons == (Reason.PLATE_DOUBTFUL,)
    assert verdict.declaration == a_declaration()


@pytest.mark.parametrize("text", ["", " ", "·-"])
def test_an_empty_plate_or_card_names_no_paper(text: str) -> None:
    evidence = good_evidence()
    nameless = replace(
        evidence, plate=replace(plate(evidence), text=text), card=replace(card(evidence), uid=text)
    )
    blank = a_declaration(plates=("", "·"), card_uid="")
    assert judged(nameless, blank).reasons == (Reason.NO_DECLARATION,)


# -- doubts and outcomes


def test_nobody_is_turned_away_while_it_is_in_doubt_who_it_is() -> None:
    verdict = judged(replace(good_evidence(), plate=None))
    assert verdict.outcome is Outcome.HOLD
    assert Reason.NO_DECLARATION in verdict.reasons


def test_inspect_wins_over_refuse() -> None:
    verdict = judged(
        good_evidence(), a_declaration(valid_until_ms=START.wall_ms, holds=("customs",))
    )
    assert verdict.outcome is Outcome.INSPECT


def test_all_reasons_are_kept_and_each_once() -> None:
    bare = Evidence(passage_id=good_evidence().passage_id, arrived_at_ms=START.wall_ms)
    verdict = judged(bare)
    assert set(verdict.reasons) == {
        Reason.PLATE_MISSING,
        Reason.CARD_MISSING,
        Reason.WEIGHT_MISSING,
        Reason.MANIFEST_MISSING,
        Reason.BARRIER_NOT_CLOSED,
        Reason.NO_DECLARATION,
    }
    assert len(verdict.reasons) == len(set(verdict.reasons))


@pytest.mark.parametrize("fault", list(FaultCode))
def test_only_a_warning_does_not_prevent_a_release(fault: FaultCode) -> None:
    verdict = judged(replace(good_evidence(), faults=frozenset({fault})), a_declaration())
    assert (verdict.outcome is Outcome.RELEASE) == (fault in WARNINGS - {FaultCode.CLOCK})


def test_a_lane_that_knows_its_clock_is_wrong_releases_nobody_and_turns_nobody_back() -> None:
    doubtful = replace(good_evidence(), faults=frozenset({FaultCode.CLOCK}))
    assert judged(doubtful, a_declaration()).reasons == (Reason.CLOCK_DOUBTFUL,)
    expired = judged(doubtful, a_declaration(valid_until_ms=DECIDED_AT.wall_ms - 1))
    assert expired.outcome is Outcome.HOLD
    assert set(expired.reasons) == {Reason.CLOCK_DOUBTFUL, Reason.DECLARATION_EXPIRED}


@pytest.mark.parametrize("barrier", list(Barrier))
def test_only_a_boom_known_to_be_closed_lets_the_lane_release(barrier: Barrier) -> None:
    verdict = judged(replace(good_evidence(), barrier=barrier), a_declaration())
    assert (verdict.outcome is Outcome.RELEASE) == (barrier is Barrier.CLOSED)


# -- age


def test_evidence_from_before_the_arrival_is_never_used() -> None:
    evidence = good_evidence()
    stale = replace(
        evidence,
        plate=replace(plate(evidence), since_arrival_ms=-1),
        card=replace(card(evidence), since_arrival_ms=-1),
        weight=replace(weight(evidence), since_arrival_ms=-1),
    )
    reasons = judged(stale, a_declaration()).reasons
    assert {Reason.PLATE_STALE, Reason.CARD_STALE, Reason.WEIGHT_STALE} <= set(reasons)


@pytest.mark.parametrize(("ahead_ms", "fresh"), [(500, True), (501, False)])
def test_evidence_from_the_future_is_a_broken_clock_beyond_half_a_second(
    ahead_ms: int, *, fresh: bool
) -> None:
    evidence = good_evidence()
    early = replace(evidence, weight=replace(weight(evidence), age_ms=-ahead_ms))
    assert (judged(early, a_declaration()).outcome is Outcome.RELEASE) == fresh


@pytest.mark.parametrize(
    ("age_ms", "fresh"), [(-501, False), (0, True), (4 * HOUR_MS, True), (4 * HOUR_MS + 1, False)]
)
def test_a_manifest_counts_while_the_hub_confirmed_it_within_the_policys_time(
    age_ms: int, *, fresh: bool
) -> None:
    status = ManifestEvidence(version=7, age_ms=age_ms)
    verdict = judged(replace(good_evidence(), manifest=status), a_declaration())
    assert (verdict.reasons == ()) == fresh


def test_a_declaration_is_valid_through_its_last_millisecond() -> None:
    first = a_declaration(valid_from_ms=DECIDED_AT.wall_ms)
    last = a_declaration(valid_until_ms=DECIDED_AT.wall_ms)
    assert judged(good_evidence(), first).outcome is Outcome.RELEASE
    assert judged(good_evidence(), last).outcome is Outcome.RELEASE


def test_a_paper_that_this_very_passage_used_up_may_be_judged_again() -> None:
    mine = a_declaration(used_by=good_evidence().passage_id)
    assert judged(good_evidence(), mine).outcome is Outcome.RELEASE


def test_the_policy_decides_how_many_frames_must_agree() -> None:
    strict = PolicyPack(version="s", limits=Limits(min_plate_frames=6))
    verdict = decide(good_evidence(), [a_declaration()], strict, DECIDED_AT.wall_ms)
    assert verdict.reasons == (Reason.PLATE_DOUBTFUL,)
    assert (plate(good_evidence()).text, card(good_evidence()).uid) == (PLATE, CARD)
