"""The trailer's plate and what a plate weighed empty before, as pieces of who a vehicle is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gate_agent.domain.decision import decide
from gate_agent.domain.evidence import Evidence, KnownEmpty, OtherPlate
from gate_agent.domain.identity import Standing, identity_of
from gate_agent.domain.manifest import Declaration, Kind
from gate_agent.domain.pieces import Says, said_of
from gate_agent.domain.policy_pack import (
    FIRST_PIECES,
    STANDARD_PIECES,
    IdentityRule,
    Piece,
    PolicyPack,
    default_pack,
)
from gate_agent.plate_vote import is_voted, permille, vehicles_first
from models.lpr.plates import CharacterReading, PlateClass, PlateReading
from models.lpr.vote import vote_all
from tests.builders import DECIDED_AT, GROSS_KG, PLATE, POLICY, a_declaration, good_evidence

PACK = default_pack(POLICY)
TRAILER, OTHER_TRAILER, NEIGHBOR = "粤BA123挂", "粤BB456挂", "粤B99999"
RULES = {each.piece: each for each in STANDARD_PIECES}


def showing(*texts: str, permille: int = 990, frames: int = 2) -> Evidence:
    """The vehicle's own plate with others beside it."""
    others = tuple(
        OtherPlate(text=text, confidence_permille=permille, frames_agreed=frames) for text in texts
    )
    plate = good_evidence().plate
    assert plate is not None
    return replace(good_evidence(), plate=replace(plate, others=others))


def paper(**said: Any) -> Declaration:  # noqa: ANN401 - any field
    return replace(a_declaration(), **said)


def says(piece: Piece, evidence: Evidence, declaration: Declaration) -> Says:
    return said_of(piece, evidence, declaration, PACK, is_named=True)


def standing(evidence: Evidence, declaration: Declaration, pack: PolicyPack = PACK) -> Standing:
    found = identity_of(evidence, [declaration], pack).standing(declaration)
    assert found is not None
    return found


def demanding(*pieces: Piece, old: bool = False) -> PolicyPack:
    return PolicyPack(
        version="s",
        limits=PACK.limits,
        identity=IdentityRule(
            agree=("plate", "card", *pieces), pieces=FIRST_PIECES if old else STANDARD_PIECES
        ),
    )


def reasons(evidence: Evidence, declaration: Declaration, pack: PolicyPack) -> tuple[str, ...]:
    verdict = decide(evidence, [declaration], pack, DECIDED_AT.wall_ms)
    return tuple(reason.value for reason in verdict.reasons)


# -- the trailer


@pytest.mark.parametrize(
    ("seen", "declared", "said"),
    [
        ((TRAILER,), TRAILER, Says.FITS),
        ((TRAILER,), "粤B·A123挂", Says.FITS),
        ((OTHER_TRAILER,), TRAILER, Says.CONTRADICTS),
        ((OTHER_TRAILER, TRAILER), TRAILER, Says.FITS),  # the other one is a neighbor's
        ((NEIGHBOR,), TRAILER, Says.NOTHING),
        ((OTHER_TRAILER,), "", Says.NOTHING),
        ((), TRAILER, Says.NOTHING),
    ],
)
def test_a_trailer_fits_if_it_is_the_declared_one_and_contradicts_only_by_its_own_plate(
    seen: tuple[str, ...], declared: str, said: Says
) -> None:
    assert says("trailer", showing(*seen), paper(trailer_plate=declared)) is said


@pytest.mark.parametrize(("permille", "frames"), [(979, 2), (990, 1)])
def test_a_trailer_that_was_not_surely_read_says_nothing(permille: int, frames: int) -> None:
    for text in (TRAILER, OTHER_TRAILER):
        seen = showing(text, permille=permille, frames=frames)
        assert says("trailer", seen, paper(trailer_plate=TRAILER)) is Says.NOTHING


def test_the_declared_trailer_raises_the_odds_and_another_one_lowers_them() -> None:
    declared = paper(trailer_plate=TRAILER)
    alone, own, other = (
        standing(showing(*texts), declared) for texts in ((), (TRAILER,), (OTHER_TRAILER,))
    )
    rule = RULES["trailer"]
    assert own.stranger_milli_nats - alone.stranger_milli_nats == rule.chance_milli_nats
    assert own.milli_nats == alone.milli_nats
    assert other.milli_nats - alone.milli_nats == rule.wrong_milli_nats
    assert other.stranger_milli_nats == alone.stranger_milli_nats


def test_a_plate_that_identifies_the_vehicle_is_not_counted_again_as_its_trailer() -> None:
    declared = paper(plates=(TRAILER,), trailer_plate=TRAILER)
    plate = good_evidence().plate
    assert plate is not None
    evidence = replace(good_evidence(), plate=replace(plate, text=TRAILER))
    assert says("trailer", evidence, declared) is Says.NOTHING
    other = paper(trailer_plate=TRAILER)  # its own plate was not seen at all
    assert says("trailer", evidence, other) is Says.FITS


def test_a_trailer_is_counted_once_beside_a_second_plate_of_the_tractor() -> None:
    declared = paper(plates=(PLATE, "AB1234"), trailer_plate=TRAILER)
    alone, both = (standing(showing(*texts), declared) for texts in ((), ("AB1234", TRAILER)))
    chance = RULES["trailer"].chance_milli_nats + RULES["other_plate"].chance_milli_nats
    assert both.stranger_milli_nats - alone.stranger_milli_nats == chance
    trailer = standing(showing(TRAILER), declared)
    assert trailer.stranger_milli_nats - alone.stranger_milli_nats == (
        RULES["trailer"].chance_milli_nats
    )


def test_who_demands_a_second_plate_is_content_with_the_trailers_in_old_packs_and_new() -> None:
    declared = paper(trailer_plate=TRAILER)
    for old in (True, False):
        pack = demanding("other_plate", old=old)
        assert reasons(showing(TRAILER), declared, pack) == ()
        assert reasons(showing(OTHER_TRAILER), declared, pack) == ("identity_unproven",)
    assert reasons(showing(TRAILER), declared, demanding("trailer")) == ()
    assert reasons(showing(), declared, demanding("trailer")) == ("identity_unproven",)


def test_a_weak_plate_with_another_trailer_than_declared_is_a_persons() -> None:
    """The odds of plate and card alone would have done."""
    plate = good_evidence().plate
    assert plate is not None
    weak = replace(plate, none_milli_nats=-6_000)
    declared = paper(trailer_plate=TRAILER, gross_kg=GROSS_KG)
    pack = PolicyPack(
        version="s",
        limits=PACK.limits,
        identity=IdentityRule(min_odds_milli_nats=9_000, pieces=STANDARD_PIECES),
    )
    for text, expected in ((TRAILER, ()), (OTHER_TRAILER, ("identity_unproven",))):
        evidence = showing(text)
        assert evidence.plate is not None
        seen = replace(evidence, plate=replace(weak, others=evidence.plate.others))
        assert reasons(seen, declared, pack) == expected


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [(TRAILER, ("plate_doubtful",), ()), (OTHER_TRAILER, *[("plate_doubtful",)] * 2)],
)
def test_a_camera_that_posts_the_declared_trailer_does_not_make_the_plate_doubtful(
    text: str, old: tuple[str, ...], new: tuple[str, ...]
) -> None:
    """A pack that does not weigh trailers judges as it did."""
    plate = good_evidence().plate
    assert plate is not None
    evidence = replace(good_evidence(), camera_plate=replace(plate, text=text))
    declared = paper(trailer_plate=TRAILER)
    assert reasons(evidence, declared, demanding(old=True)) == old
    assert reasons(evidence, declared, demanding()) == new


def readings(*said: tuple[str, float]) -> list[PlateReading]:
    return [
        PlateReading(
            text=text,
            plate_class=PlateClass.YELLOW,
            rows=1,
            confidence=confidence,
            characters=tuple(CharacterReading(character=one, confidence=0.999) for one in text),
            corners=((x, 0.0), (x + 90, 0.0), (x + 90, 30.0), (x, 30.0)),
            frame_number=1,
        )
        for x, (text, confidence) in zip((0.0, 500.0, 1_000.0), said, strict=False)
    ]


def test_where_the_camera_saw_the_trailer_better_the_vehicles_own_plate_is_still_its_plate() -> (
    None
):
    votes = vote_all([readings((TRAILER, 0.999), (PLATE, 0.985), (NEIGHBOR, 0.99))] * 2)
    assert votes[0].text == TRAILER

    def first(*declared: str) -> str:
        return vehicles_first(votes, declared)[0].text

    assert first(PLATE) == PLATE
    assert first(PLATE, TRAILER) == TRAILER  # this port lets a trailer identify the vehicle
    assert first() == TRAILER
    assert {each.text for each in vehicles_first(votes, (PLATE,))} == {TRAILER, PLATE, NEIGHBOR}
    own = next(each for each in votes if each.text == PLATE)
    again = {"permille": permille(own.confidence), "frames_agreed": own.frames_agreed}
    assert not is_voted(votes, PLATE, **again)  # a neighbor was read better: that is no vote
    no_neighbor = [each for each in votes if each.text != NEIGHBOR]
    assert is_voted(no_neighbor, PLATE, **again)


# -- what it weighed empty


def weighed(kg: int, *, known_kg: int, times: int = 3, within_kg: int = 0) -> Evidence:
    weight = good_evidence().weight
    assert weight is not None
    return replace(
        good_evidence(),
        weight=replace(weight, gross_kg=kg, within_kg=within_kg),
        known_empty=KnownEmpty(kg=known_kg, times=times),
    )


@pytest.mark.parametrize(
    ("kind", "kg", "known_kg", "said"),
    [
        (Kind.EMPTY, 15_000, 16_500, Says.FITS),
        (Kind.EMPTY, 15_000, 16_501, Says.CONTRADICTS),
        (Kind.EMPTY, 15_000, 13_499, Says.CONTRADICTS),
        (Kind.LOADED, 32_000, 15_000, Says.FITS_WEAKLY),
        (Kind.EMPTY_CONTAINER, 18_000, 15_000, Says.FITS_WEAKLY),
        (Kind.LOADED, 13_499, 15_000, Says.CONTRADICTS),
        (None, 13_500, 15_000, Says.FITS_WEAKLY),
    ],
)
def test_an_empty_vehicle_weighs_its_empty_weight_again_and_a_loaded_one_no_less(
    kind: Kind | None, kg: int, known_kg: int, said: Says
) -> None:
    declared = paper(kind=kind, tare_kg=15_000)
    assert says("tare", weighed(kg, known_kg=known_kg), declared) is said


def test_weighed_too_seldom_or_too_roughly_says_nothing() -> None:
    declared = paper(kind=Kind.EMPTY, tare_kg=15_000)
    assert says("tare", weighed(15_000, known_kg=15_000, times=1), declared) is Says.NOTHING
    rough = weighed(15_000, known_kg=16_000, within_kg=900)
    assert says("tare", rough, declared) is Says.NOTHING
    unnamed = said_of("tare", weighed(15_000, known_kg=15_000), declared, PACK, is_named=False)
    assert unnamed is Says.NOTHING  # it is the history of another plate


def test_of_declared_weight_and_empty_weight_only_the_weightier_counts() -> None:
    declared = paper(kind=Kind.EMPTY, gross_kg=15_000, tare_kg=15_000)
    fits = weighed(15_000, known_kg=15_000)
    without = replace(fits, known_empty=None)
    assert standing(fits, declared).stranger_milli_nats == (
        standing(without, declared).stranger_milli_nats
    )
    assert "tare" in standing(fits, declared).agreeing
    off = weighed(15_000, known_kg=30_000)
    assert standing(off, declared).milli_nats - standing(without, declared).milli_nats == (
        RULES["tare"].wrong_milli_nats
    )
    both_off = weighed(17_000, known_kg=30_000)
    assert standing(both_off, declared).milli_nats == standing(off, declared).milli_nats


def test_a_weight_that_the_plate_cannot_have_is_named_beside_the_odds() -> None:
    declared = paper(kind=Kind.EMPTY, gross_kg=15_000, tare_kg=15_000)
    assert reasons(weighed(15_000, known_kg=17_000), declared, PACK) == ("tare_unlike",)


def test_a_policy_may_demand_that_the_empty_weight_is_known_and_fits() -> None:
    declared = paper(kind=Kind.EMPTY, gross_kg=15_000, tare_kg=15_000)
    pack = demanding("tare")
    assert reasons(weighed(15_000, known_kg=15_000), declared, pack) == ()
    unknown = replace(weighed(15_000, known_kg=15_000), known_empty=None)
    assert reasons(unknown, declared, pack) == ("identity_unproven",)
