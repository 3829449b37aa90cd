"""Laws of the verdict: no loss, age or doubt raises a boom that would have stayed down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from gate_agent.domain.decision import OUTCOME_OF, Reason, decide
from gate_agent.domain.evidence import UNKNOWN_MANIFEST, Evidence, ManifestEvidence
from gate_agent.domain.faults import FaultCode, prevents_release
from gate_agent.domain.manifest import Declaration, Documents
from gate_agent.domain.policy_pack import Limits, PolicyPack
from gate_agent.domain.vocabulary import Barrier, Mode, Outcome
from tests.builders import (
    CARD,
    DECIDED_AT,
    GROSS_KG,
    HOUR_MS,
    PACK,
    PLATE,
    POLICY,
    START,
    a_declaration,
    good_evidence,
)

PLATES = st.sampled_from([PLATE, PLATE, "粤B12346", "粤Z1234港"])
CARDS = st.sampled_from([CARD, CARD, "0102"])
AGES_MS = st.integers(-1_000, 400_000)


@st.composite
def declarations(draw: st.DrawFn) -> tuple[Declaration, ...]:
    """Up to four papers around the good evidence, each with its own id."""
    found = []
    for number in range(draw(st.integers(0, 4))):
        from_ms = START.wall_ms + draw(st.sampled_from([-2, -2, 1, 20])) * HOUR_MS
        found.append(
            a_declaration(
                declaration_id=f"D{number}",
                plates=tuple(draw(st.lists(PLATES, min_size=1, max_size=2))),
                card_uid=draw(CARDS),
                gross_kg=GROSS_KG + draw(st.sampled_from([0, 0, 0, 959, 961, 5_000])),
                valid_from_ms=from_ms,
                valid_until_ms=from_ms + draw(st.sampled_from([1, 4, 4])) * HOUR_MS,
                documents=draw(
                    st.sampled_from([Documents.RELEASED, Documents.RELEASED, *Documents])
                ),
                holds=draw(st.sampled_from([(), (), (), ("customs",)])),
                used_by=draw(st.sampled_from([None, None, None, "lane2-e-000001"])),
            )
        )
    return tuple(found)


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    """The good evidence with some of it spoiled."""
    evidence = good_evidence()
    for spoil in draw(st.lists(spoilings(), max_size=2)):
        evidence = spoil(evidence)
    return evidence


Spoiling = Callable[[Evidence], Evidence]


def _plate(**changed: object) -> Spoiling:
    return lambda e: replace(e, plate=e.plate and replace(e.plate, **changed))  # type: ignore[arg-type]


def _card(**changed: object) -> Spoiling:
    return lambda e: replace(e, card=e.card and replace(e.card, **changed))  # type: ignore[arg-type]


def _weight(**changed: object) -> Spoiling:
    return lambda e: replace(e, weight=e.weight and replace(e.weight, **changed))  # type: ignore[arg-type]


def _evidence(**changed: object) -> Spoiling:
    return lambda e: replace(e, **changed)  # type: ignore[arg-type]


def _fault(code: FaultCode) -> Spoiling:
    return lambda e: replace(e, faults=e.faults | {code})


def _manifest(age_ms: int) -> Spoiling:
    return _evidence(manifest=ManifestEvidence(version=7, age_ms=age_ms))


def spoilings() -> st.SearchStrategy[Spoiling]:
    """Every way to lose, doubt or age a piece, each one a degradation of good evidence.

    Degradations never turn a bad value into a good one: a fresher manifest or a better plate is
    no member of this family.
    """
    older = st.integers(180_001, 5_000_000)
    return st.one_of(
        st.sampled_from(
            [
                _evidence(plate=None),
                _evidence(card=None),
                _evidence(weight=None),
                _evidence(manifest=UNKNOWN_MANIFEST),
                _evidence(manifest=ManifestEvidence(version=7)),
                _evidence(interrupted=True),
                _evidence(unexpected=True),
                _evidence(scale_zeroed=False),
                _evidence(alone=False),
                _evidence(evacuated=True),
                _card(fields=(("IC_VE_NAME", "粤B99999"),)),
                _card(fields=(("IC_REG_DATETIME", "2020-01-31 08:00:00"), ("IC_PER_DAY_DUE", "1"))),
                _evidence(mode=Mode.ATTENDED),
                _evidence(mode=Mode.CLOSED),
                _plate(frames_agreed=1),
            ]
        ),
        st.sampled_from([b for b in Barrier if b is not Barrier.CLOSED]).map(
            lambda barrier: _evidence(barrier=barrier)
        ),
        st.sampled_from(list(FaultCode)).map(_fault),
        st.integers(0, 979).map(lambda permille: _plate(confidence_permille=permille)),
        older.map(lambda age_ms: _plate(age_ms=age_ms)),
        older.map(lambda age_ms: _card(age_ms=age_ms)),
        older.map(lambda age_ms: _weight(age_ms=age_ms)),
        st.integers(4 * HOUR_MS + 1, 10**9).map(_manifest),
        st.integers(-5_000, -1).map(
            lambda early_ms: (
                lambda e: _weight(since_arrival_ms=early_ms)(
                    _plate(since_arrival_ms=early_ms)(_card(since_arrival_ms=early_ms)(e))
                )
            )
        ),
    )


@given(evidences(), declarations(), st.permutations(range(4)))
def test_the_order_of_the_papers_does_not_matter(
    evidence: Evidence, found: tuple[Declaration, ...], order: list[int]
) -> None:
    shuffled = [found[i] for i in order if i < len(found)]
    verdict = decide(evidence, found, PACK, DECIDED_AT.wall_ms)
    assert decide(evidence, shuffled, PACK, DECIDED_AT.wall_ms) == verdict
    assert decide(evidence, found, PACK, DECIDED_AT.wall_ms) == verdict


@given(evidences(), declarations())
def test_a_verdict_is_release_exactly_when_there_is_no_reason(
    evidence: Evidence, found: tuple[Declaration, ...]
) -> None:
    verdict = decide(evidence, found, PACK, DECIDED_AT.wall_ms)
    assert (verdict.outcome is Outcome.RELEASE) == (verdict.reasons == ())
    assert len(set(verdict.reasons)) == len(verdict.reasons)
    if verdict.outcome is Outcome.RELEASE:
        assert verdict.declaration in found
    elif verdict.outcome is not Outcome.HOLD:
        assert verdict.outcome in {OUTCOME_OF[reason] for reason in verdict.reasons}


@given(evidences(), declarations(), spoilings())
@example(good_evidence(), (a_declaration(),), _evidence(plate=None))
def test_no_loss_doubt_or_age_turns_any_verdict_into_a_release(
    evidence: Evidence, found: tuple[Declaration, ...], spoil: Spoiling
) -> None:
    before = decide(evidence, found, PACK, DECIDED_AT.wall_ms)
    worse = decide(spoil(evidence), found, PACK, DECIDED_AT.wall_ms)
    if before.outcome is not Outcome.RELEASE:
        assert worse.outcome is not Outcome.RELEASE


@given(spoilings())
def test_whatever_is_lost_doubted_or_aged_takes_a_release_away(spoil: Spoiling) -> None:
    spoiled = spoil(good_evidence())
    only_a_warning = any(
        not prevents_release(fault) for fault in spoiled.faults - {FaultCode.CLOCK}
    )
    verdict = decide(spoiled, [a_declaration()], PACK, DECIDED_AT.wall_ms)
    assert (verdict.outcome is Outcome.RELEASE) == only_a_warning


@given(evidences(), declarations(), declarations())
def test_no_further_paper_hides_a_hold(
    evidence: Evidence, found: tuple[Declaration, ...], more: tuple[Declaration, ...]
) -> None:
    held = a_declaration(declaration_id="H", holds=("customs",))
    others = tuple(replace(each, declaration_id=f"M{each.declaration_id}") for each in more)  # type: ignore[arg-type]
    assert Outcome.RELEASE is not decide(evidence, (*found, held), PACK, DECIDED_AT.wall_ms).outcome
    verdict = decide(evidence, (*others, held, *found), PACK, DECIDED_AT.wall_ms)
    assert verdict.outcome is not Outcome.RELEASE
    if evidence.plate is not None or evidence.card is not None:
        assert Reason.AGENCY_HOLD in verdict.reasons


@given(st.integers(0, 60_000), st.integers(0, 60_000))
def test_the_weight_verdict_is_symmetric_and_exact(declared_kg: int, weighed_kg: int) -> None:
    evidence = _weight(gross_kg=weighed_kg)(good_evidence())
    verdict = decide(evidence, [a_declaration(gross_kg=declared_kg)], PACK, DECIDED_AT.wall_ms)
    limit_kg = max(400, declared_kg * 30 // 1000)
    difference_kg = abs(weighed_kg - declared_kg)
    expected = (
        ()
        if difference_kg <= limit_kg
        else (Reason.WEIGHT_DIFFERS,)
        if difference_kg <= 2 * limit_kg
        else (Reason.WEIGHT_FAR_OFF,)
    )
    assert verdict.reasons == expected


@given(AGES_MS, AGES_MS, AGES_MS)
def test_only_fresh_evidence_of_this_passage_releases(
    plate_ms: int, card_ms: int, weight_ms: int
) -> None:
    evidence = good_evidence()
    for change, age_ms in ((_plate, plate_ms), (_card, card_ms), (_weight, weight_ms)):
        evidence = change(age_ms=age_ms, since_arrival_ms=300_000 - age_ms)(evidence)
    verdict = decide(evidence, [a_declaration()], PACK, DECIDED_AT.wall_ms)
    fresh = (
        -500 <= plate_ms <= POLICY.plate_max_age_s * 1000
        and -500 <= card_ms <= POLICY.card_max_age_s * 1000
        and -500 <= weight_ms <= POLICY.weight_max_age_s * 1000
    )
    fresh &= max(plate_ms, card_ms, weight_ms) <= 300_000  # none from before the arrival
    assert (verdict.outcome is Outcome.RELEASE) == fresh


@given(st.integers(0, 1000), st.integers(0, 10), st.integers(0, 10))
def test_a_stricter_policy_never_releases_more(permille: int, frames: int, factor: int) -> None:
    evidence = _plate(confidence_permille=permille, frames_agreed=frames)(good_evidence())
    strict = PolicyPack(
        version="s", limits=Limits(min_plate_confidence_permille=985, min_plate_frames=3 + factor)
    )
    if decide(evidence, [a_declaration()], strict, DECIDED_AT.wall_ms).outcome is Outcome.RELEASE:
        normal = decide(evidence, [a_declaration()], PACK, DECIDED_AT.wall_ms)
        assert normal.outcome is Outcome.RELEASE
