"""Laws of identity: whole numbers, no order, no evidence for one that speaks for another."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log

from hypothesis import assume, example, given
from hypothesis import strategies as st

from gate_agent.domain.decision import decide
from gate_agent.domain.evidence import (
    ContainerEvidence,
    Evidence,
    KnownEmpty,
    OtherPlate,
    PlateCandidate,
    TagEvidence,
)
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.identity import identity_of, is_doubtful, named_plate
from gate_agent.domain.log_sums import LEAST, log_permille, log_sum
from gate_agent.domain.manifest import Declaration, Kind
from gate_agent.domain.pieces import Says, plates_of, said_of
from gate_agent.domain.policy_pack import (
    FIRST_PIECES,
    IdentityRule,
    Piece,
    PieceRule,
    PolicyPack,
    default_pack,
)
from gate_agent.domain.vocabulary import Outcome
from tests.builders import (
    BOX,
    CARD,
    DECIDED_AT,
    GROSS_KG,
    OTHER_BOX,
    PLATE,
    POLICY,
    a_declaration,
    good_evidence,
)

PACK = default_pack(replace(POLICY, verified_plate_suffices=True))
NEIGHBOR, SECOND = "粤B12346", "AB1234"
TEXTS = (PLATE, NEIGHBOR, "粤B12845")
LOGS = st.integers(-20_000, 0)


@st.composite
def weighed(draw: st.DrawFn) -> Evidence:
    """Evidence whose picture was held against some of the declared plates."""
    candidates = tuple(
        PlateCandidate(text=text, milli_nats=draw(LOGS))
        for text in TEXTS
        if draw(st.booleans() | st.just(text == PLATE))
    )
    plate = good_evidence().plate
    assert plate is not None
    plate = replace(
        plate,
        text=draw(st.sampled_from([PLATE, NEIGHBOR, "粤B1Z345"])),
        confidence_permille=draw(st.sampled_from([300, 900, 979, 985, 999])),
        candidates=candidates,
        none_milli_nats=draw(LOGS),
        others=draw(
            st.sampled_from(
                [(), (OtherPlate(text=SECOND, confidence_permille=990, frames_agreed=3),)]
            )
        ),
    )
    evidence = replace(good_evidence(), plate=plate)
    card = evidence.card
    assert card is not None
    return replace(evidence, card=replace(card, uid=draw(st.sampled_from([CARD, CARD, "0102"]))))


@st.composite
def papers(draw: st.DrawFn) -> tuple[Declaration, ...]:
    return tuple(
        a_declaration(
            declaration_id=f"D{number}",
            plates=tuple(draw(st.lists(st.sampled_from([*TEXTS, SECOND]), min_size=1, max_size=2))),
            card_uid=draw(st.sampled_from([CARD, CARD, "0102"])),
            gross_kg=GROSS_KG + draw(st.sampled_from([0, 0, 5_000])),
        )
        for number in range(draw(st.integers(1, 4)))
    )


@given(st.lists(st.integers(-30_000, 0), min_size=1, max_size=70), st.randoms())
def test_a_sum_of_logarithms_is_right_to_the_thousandth_in_any_order(
    terms: list[int], rng: object
) -> None:
    exact = 1000 * log(sum(exp(term / 1000) for term in terms))
    assert abs(log_sum(terms) - exact) <= 1.01
    shuffled = sorted(terms, key=lambda _: rng.random())  # type: ignore[attr-defined]
    assert log_sum(shuffled) == log_sum(terms)


@given(st.integers(1, 1000))
def test_the_logarithm_of_a_share_is_right_to_the_thousandth(permille: int) -> None:
    assert abs(log_permille(permille) - 1000 * log(permille / 1000)) <= 1
    assert log_permille(0) == LEAST == log_sum([])


@given(weighed(), papers(), st.permutations(range(4)), st.permutations(range(3)))
def test_neither_papers_nor_candidates_have_an_order(
    evidence: Evidence, found: tuple[Declaration, ...], order: list[int], turned: list[int]
) -> None:
    plate = evidence.plate
    assert plate is not None
    candidates = tuple(plate.candidates[i] for i in turned if i < len(plate.candidates))
    other = replace(evidence, plate=replace(plate, candidates=candidates))
    shuffled = [found[i] for i in order if i < len(found)]
    assert decide(other, shuffled, PACK, DECIDED_AT.wall_ms) == decide(
        evidence, found, PACK, DECIDED_AT.wall_ms
    )


@given(weighed(), papers(), st.integers(1, 5_000))
def test_more_evidence_for_a_vehicle_never_makes_it_less_likely(
    evidence: Evidence, found: tuple[Declaration, ...], more: int
) -> None:
    plate, mine = evidence.plate, found[0]
    assert plate is not None
    before = identity_of(evidence, found, PACK)
    own = set(mine.plates)
    likelier = tuple(
        replace(each, milli_nats=min(0, each.milli_nats + more)) if each.text in own else each
        for each in plate.candidates
    )
    fits = [replace(evidence, plate=replace(plate, candidates=likelier))]
    fits.append(replace(evidence, card=evidence.card and replace(evidence.card, uid=mine.card_uid)))
    for better in fits:
        after = identity_of(better, found, PACK)
        one, two = before.standing(mine), after.standing(mine)
        assert one is not None
        assert two is not None
        assert after.odds_milli_nats(two) >= before.odds_milli_nats(one) - 1  # of rounding


@given(weighed(), papers(), st.sampled_from(["plate", "card", "weight", "others", "weights"]))
@example(good_evidence(), (a_declaration(),), "weights")
def test_evidence_that_is_missing_never_opens_a_boom(
    evidence: Evidence, found: tuple[Declaration, ...], lost: str
) -> None:
    plate = evidence.plate
    assert plate is not None
    before = decide(evidence, found, PACK, DECIDED_AT.wall_ms)
    assume(before.outcome is not Outcome.RELEASE)
    match lost:
        case "others":
            worse = replace(evidence, plate=replace(plate, others=()))
        case "weights":  # a picture that nobody weighed is worth its reading, and that was sure
            assume(is_doubtful(replace(plate, candidates=(), none_milli_nats=0), PACK))
            worse = replace(evidence, plate=replace(plate, candidates=(), none_milli_nats=None))
        case _:
            worse = replace(evidence, **{lost: None})  # type: ignore[arg-type]
    assert decide(worse, found, PACK, DECIDED_AT.wall_ms).outcome is not Outcome.RELEASE


@given(weighed(), papers())
def test_a_release_is_on_the_plate_that_the_evidence_names_and_on_no_close_second(
    evidence: Evidence, found: tuple[Declaration, ...]
) -> None:
    verdict = decide(evidence, found, PACK, DECIDED_AT.wall_ms)
    if verdict.outcome is not Outcome.RELEASE:
        return
    plate, paper = evidence.plate, verdict.declaration
    assert plate is not None
    assert paper is not None
    assert named_plate(plate, PACK) in paper.plates
    own = [each.milli_nats for each in plate.candidates if each.text in paper.plates]
    other = [each.milli_nats for each in plate.candidates if each.text not in paper.plates]
    if own and other:
        assert max(own) - max(other) >= PACK.identity.min_margin_milli_nats


@given(weighed(), papers(), st.integers(0, 20_000), st.integers(0, 20_000))
def test_a_stricter_identity_table_never_releases_more(
    evidence: Evidence, found: tuple[Declaration, ...], odds: int, margin: int
) -> None:
    strict = PolicyPack(
        version="s",
        limits=PACK.limits,
        identity=IdentityRule(
            verified_plate_suffices=True,
            min_odds_milli_nats=5_298 + odds,
            min_margin_milli_nats=4_595 + margin,
            min_plate_odds_milli_nats=4_595 + margin,
        ),
    )
    if decide(evidence, found, strict, DECIDED_AT.wall_ms).outcome is Outcome.RELEASE:
        usual = decide(evidence, found, PACK, DECIDED_AT.wall_ms)
        assert usual.outcome is Outcome.RELEASE


TRAILER, OTHER_TRAILER = "粤BA123挂", "粤BB456挂"
TRAILERS = st.sampled_from(["", TRAILER, OTHER_TRAILER])


SURE = st.sampled_from([700, 985])
OWN_TAG, OTHER_TAG = "E2 00 34", "E20035"
TAGS = st.none() | st.builds(
    TagEvidence,
    tag_id=st.sampled_from([OWN_TAG, "e20034", OTHER_TAG]),
    others=st.sampled_from([(), (OTHER_TAG,), (OWN_TAG, OTHER_TAG)]),
)
CONTAINERS = st.none() | st.builds(
    ContainerEvidence, numbers=st.sampled_from([(BOX,), (OTHER_BOX,), (BOX, OTHER_BOX)])
)
EMPTIES = st.none() | st.builds(
    KnownEmpty, kg=st.integers(GROSS_KG - 4_000, GROSS_KG + 4_000), times=st.integers(1, 4)
)
LOST = {
    "card": lambda it: replace(it, card=None),
    "weight": lambda it: replace(it, weight=None, known_empty=None),  # no tare without a weight
    "tag": lambda it: replace(it, tag=None),
    "trailer": lambda it: replace(it, plate=replace(it.plate, others=())),
    "tare": lambda it: replace(it, known_empty=None),
    "container": lambda it: replace(it, containers=None),
}


@st.composite
def known(draw: st.DrawFn) -> tuple[Evidence, tuple[Declaration, ...]]:
    """Vehicles with trailers in the picture and with a history of what they weigh empty."""
    evidence, found = draw(weighed()), draw(papers())
    plate, weight = evidence.plate, evidence.weight
    assert plate is not None
    assert weight is not None
    others = tuple(
        OtherPlate(text=text, confidence_permille=draw(SURE), frames_agreed=draw(st.integers(1, 3)))
        for text in draw(st.lists(TRAILERS.filter(bool) | st.just(SECOND), max_size=2))
    )
    return replace(
        evidence,
        plate=replace(plate, others=others),
        known_empty=draw(EMPTIES),
        tag=draw(TAGS),
        containers=draw(CONTAINERS),
        weight=replace(weight, within_kg=draw(st.sampled_from([0, 900]))),
    ), tuple(
        replace(
            each, trailer_plate=draw(TRAILERS), kind=draw(st.sampled_from([None, *Kind])),
            tare_kg=GROSS_KG, tag_id=draw(st.sampled_from(["", OWN_TAG])),
            containers=draw(st.sampled_from([(), (BOX,), (BOX, OTHER_BOX)])),
        )
        for each in found
    )  # fmt: skip


@given(known(), st.sampled_from(sorted(LOST)))
@example(
    (replace(good_evidence(), known_empty=KnownEmpty(kg=GROSS_KG, times=3)),
     (replace(a_declaration(), kind=Kind.EMPTY, tare_kg=GROSS_KG),)), "tare",
)  # fmt: skip
def test_a_piece_that_fits_never_lowers_the_odds_and_one_that_contradicts_never_raises_them(
    seen: tuple[Evidence, tuple[Declaration, ...]], piece: Piece
) -> None:
    evidence, found = seen
    if piece == "weight":
        evidence = replace(evidence, known_empty=None)
    mine, named = found[0], evidence.plate and named_plate(evidence.plate, PACK)
    is_named = named in plates_of(mine)
    # The other plate is lost with the trailer's: a pack without that piece says nothing of it.
    rules = tuple(each for each in PACK.identity.pieces if each.piece != "other_plate")
    pack = with_pieces(*rules)
    there, gone = (identity_of(each, [mine], pack) for each in (evidence, LOST[piece](evidence)))
    one, two = there.standing(mine), gone.standing(mine)
    assert one is not None
    assert two is not None
    odds, without = there.odds_milli_nats(one), gone.odds_milli_nats(two)
    match said_of(piece, evidence, mine, pack, is_named=is_named):
        case Says.FITS | Says.FITS_WEAKLY:
            assert odds >= without - 1  # of rounding
        case Says.CONTRADICTS:
            assert odds <= without + 1
        case Says.NOTHING:
            assert odds == without


@given(known())
def test_declared_weight_and_tare_history_never_count_twice(
    seen: tuple[Evidence, tuple[Declaration, ...]],
) -> None:
    """Beside the weightier of the two the other changes nothing."""
    evidence, found = seen
    rules = {each.piece: each for each in PACK.identity.pieces}
    both = identity_of(evidence, found, PACK)
    only = [
        identity_of(evidence, found, with_pieces(*(r for p, r in rules.items() if p != left_out)))
        for left_out in ("weight", "tare")
    ]
    for paper in found:
        standing = both.standing(paper)
        apart = [each.standing(paper) for each in only]
        assert standing is not None
        assert standing.milli_nats == min(each.milli_nats for each in apart if each)
        assert standing.stranger_milli_nats == min(
            each.stranger_milli_nats for each in apart if each
        )


@given(known())
def test_a_pack_that_does_not_name_the_new_pieces_judges_as_if_nobody_had_thought_of_them(
    seen: tuple[Evidence, tuple[Declaration, ...]],
) -> None:
    """A trailer's plate is another plate there, and what it weighed empty speaks by its rule."""
    evidence, found = seen
    old = with_pieces(*FIRST_PIECES)
    standings = identity_of(evidence, found, old).papers
    assert not any({"trailer", "tare", "container"} & each.agreeing for each in standings)
    blind = identity_of(replace(evidence, known_empty=None, containers=None), found, old)
    assert blind.papers == standings


def with_pieces(*pieces: PieceRule) -> PolicyPack:
    return PolicyPack(
        version="p",
        limits=PACK.limits,
        identity=IdentityRule(verified_plate_suffices=True, pieces=pieces),
    )


@st.composite
def tagged(draw: st.DrawFn) -> tuple[tuple[Declaration, ...], PolicyPack]:
    """Papers, some of which declare a tag, and rules that demand one or not."""
    found = tuple(
        replace(each, tag_id=draw(st.sampled_from(["", OWN_TAG, "e20034", OTHER_TAG])))
        for each in draw(papers())
    )
    return found, PolicyPack(
        version="t",
        limits=PACK.limits,
        identity=IdentityRule(
            agree=("plate", "card", "tag") if draw(st.booleans()) else ("plate", "card"),
            verified_plate_suffices=draw(st.booleans()),
        ),
    )


@given(weighed(), tagged(), TAGS, TAGS)
@example(
    good_evidence(),
    ((replace(a_declaration(), tag_id=OWN_TAG),), PACK),
    TagEvidence(tag_id=OTHER_TAG),
    None,
)
def test_a_lane_whose_tag_reader_is_lost_is_never_milder_than_with_any_tag_in_view(
    evidence: Evidence,
    given_: tuple[tuple[Declaration, ...], PolicyPack],
    in_view: TagEvidence | None,
    seen_before: TagEvidence | None,
) -> None:
    found, pack = given_
    heard = decide(replace(evidence, tag=in_view), found, pack, DECIDED_AT.wall_ms)
    lost = replace(evidence, tag=seen_before, faults=frozenset({FaultCode.TAG_LINK}))
    deaf = decide(lost, found, pack, DECIDED_AT.wall_ms)
    assert set(heard.reasons) <= set(deaf.reasons)


@given(weighed(), tagged())
def test_where_no_tag_was_seen_it_makes_no_difference_which_ones_are_declared(
    evidence: Evidence, given_: tuple[tuple[Declaration, ...], PolicyPack]
) -> None:
    found, pack = given_
    untagged = tuple(replace(each, tag_id="") for each in found)
    verdict = decide(evidence, found, pack, DECIDED_AT.wall_ms)
    assert verdict.reasons == decide(evidence, untagged, pack, DECIDED_AT.wall_ms).reasons
