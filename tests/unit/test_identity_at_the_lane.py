"""A plate in doubt: what picture, card and weight together may still release, and what not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate_agent.domain.decision import decide
from gate_agent.domain.effects import FindDeclarations
from gate_agent.domain.events import PlateRead
from gate_agent.domain.evidence import Evidence, OtherPlate, PlateCandidate
from gate_agent.domain.policy_pack import IdentityRule, PolicyPack, default_pack
from gate_agent.domain.records import PassageDecided
from gate_agent.domain.vocabulary import Outcome
from gate_agent.wire.convert import evidence_facts
from tests.builders import (
    CARD,
    DECIDED_AT,
    PLATE,
    POLICY,
    LaneStory,
    a_declaration,
    good_evidence,
)

READ = "粤B1Z345"  # what the reader made of it
NEIGHBOR = "粤B12346"
VERIFYING = replace(POLICY, verified_plate_suffices=True)


def candidates(*found: tuple[str, int]) -> tuple[PlateCandidate, ...]:
    return tuple(PlateCandidate(text=text, milli_nats=weight) for text, weight in found)


def reads(
    story: LaneStory,
    *found: tuple[str, int],
    none: int | None,
    text: str = READ,
    permille: int = 620,
    others: tuple[OtherPlate, ...] = (),
) -> LaneStory:
    """The reader answers the question that is open."""
    story.happens(
        PlateRead(
            passage_id=story.passage.passage_id,
            attempt=story.passage.plate_attempt,
            text=text,
            plate_class="blue",
            confidence_permille=permille,
            frames_agreed=2,
            frames_seen=3,
            picture_id=None,
            candidates=candidates(*found),
            none_milli_nats=none,
            others=others,
        )
    )
    return story


def at_the_lane(policy: object = VERIFYING) -> LaneStory:
    return LaneStory(policy=policy).ready().truck_arrives()  # type: ignore[arg-type]


def test_a_doubtful_plate_is_released_when_the_picture_fits_one_declared_vehicle_and_its_card() -> (
    None
):
    story = reads(at_the_lane(), (PLATE, -5), none=-6_000).drives_on().card()
    assert story.last(FindDeclarations).plate == PLATE
    story.manifest_answers()
    assert story.verdict == (Outcome.RELEASE, ())
    (decided,) = story.records(PassageDecided)
    plate = evidence_facts(decided.evidence).plate
    assert plate is not None
    assert (plate.text, plate.none_milli_nats) == (READ, -6_000)
    assert [each.text for each in plate.candidates] == [PLATE]
    assert len(story.plate_requests()) == 1  # and it was not asked again


def test_policy_has_to_say_so() -> None:
    story = at_the_lane(POLICY)
    for _ in range(4):
        reads(story, (PLATE, -5), none=-6_000)
    story.drives_on().card().manifest_answers()
    assert story.verdict == (Outcome.HOLD, ("plate_doubtful",))


@pytest.mark.parametrize(
    ("found", "none"),
    [
        (((PLATE, -20), (NEIGHBOR, -4_000)), -9_000),  # another declared plate is not excluded
        (((PLATE, -200),), -1_700),  # nor is one that nobody declared
        ((), 0),  # nothing declared fits
    ],
)
def test_a_picture_that_fits_another_vehicle_too_leaves_the_plate_in_doubt(
    found: tuple[tuple[str, int], ...], none: int
) -> None:
    story = at_the_lane()
    for _ in range(4):
        reads(story, *found, none=none)
    story.drives_on().card()
    reads(story, *found, none=none)  # once more, now that there is a card
    story.manifest_answers()
    assert story.verdict == (Outcome.HOLD, ("plate_doubtful",))


def test_the_picture_of_one_vehicle_and_the_card_of_another_are_a_mismatch() -> None:
    story = reads(at_the_lane(), (NEIGHBOR, -5), none=-6_000).drives_on().card()
    paper = a_declaration(declaration_id="D2", plates=(NEIGHBOR,), card_uid="0102")
    story.manifest_answers(a_declaration(), paper)
    assert story.verdict == (Outcome.HOLD, ("plate_card_mismatch",))


def test_a_sure_reading_is_held_where_another_declared_plate_fits_the_picture_as_well() -> None:
    story = at_the_lane()
    reads(story, (PLATE, -20), (NEIGHBOR, -4_000), none=-9_000, text=PLATE, permille=990)
    story.drives_on().card().manifest_answers()
    assert story.verdict == (Outcome.HOLD, ("plate_ambiguous",))


def test_a_card_that_comes_late_gives_the_picture_one_more_look() -> None:
    story = at_the_lane()
    for _ in range(4):
        reads(story, none=0)
    assert story.passage.plate_done
    story.drives_on().card()
    last = story.plate_requests()[-1]
    assert (last.attempt, last.card_uid) == (5, CARD)
    reads(story, (PLATE, -5), none=-6_000).manifest_answers()
    assert story.verdict == (Outcome.RELEASE, ())
    assert len(story.plate_requests()) == 5


def test_a_card_shown_again_and_again_does_not_keep_the_camera_busy() -> None:
    story = at_the_lane()
    for _ in range(4):
        reads(story, none=0)
    for _ in range(5):
        story.card()
        if not story.passage.plate_done:
            reads(story, none=0)
    assert len(story.plate_requests()) == 5


def test_a_plate_named_by_a_paper_that_has_gone_since_turns_nobody_away() -> None:
    story = reads(at_the_lane(), (PLATE, -5), none=-6_000).drives_on().card("0102")
    story.declarations = ()
    story.manifest_answers()
    outcome, reasons = story.verdict
    assert outcome is Outcome.HOLD
    assert set(reasons) == {"no_declaration", "plate_doubtful"}


def judged(evidence: Evidence, pack: PolicyPack, **paper: object) -> tuple[str, ...]:
    verdict = decide(evidence, [replace(a_declaration(), **paper)], pack, DECIDED_AT.wall_ms)  # type: ignore[arg-type]
    return tuple(reason.value for reason in verdict.reasons)


def test_policy_can_demand_the_second_plate_of_a_cross_border_vehicle() -> None:
    pack = default_pack(POLICY)
    strict = PolicyPack(
        version="s",
        limits=pack.limits,
        identity=IdentityRule(agree=("plate", "card", "other_plate")),
    )
    plate = good_evidence().plate
    assert plate is not None
    second = OtherPlate(text="AB1234", confidence_permille=985, frames_agreed=2)
    both = replace(good_evidence(), plate=replace(plate, others=(second,)))
    paper = {"plates": (PLATE, "AB1234")}
    assert judged(both, strict, **paper) == ()
    assert judged(good_evidence(), strict, **paper) == ("identity_unproven",)
    assert judged(good_evidence(), pack, **paper) == ()
    assert judged(both, strict, trailer_plate="AB1234") == ()
    weak = replace(second, confidence_permille=900)
    doubtful = replace(both, plate=replace(plate, others=(weak,)))
    assert judged(doubtful, strict, **paper) == ("identity_unproven",)


def test_a_plate_that_was_blocked_is_blocked_by_whatever_name_it_is_known() -> None:
    pack = PolicyPack(
        version="s",
        limits=default_pack(POLICY).limits,
        identity=IdentityRule(verified_plate_suffices=True),
        blocked_plates=(PLATE,),
    )
    plate = good_evidence().plate
    assert plate is not None
    seen = replace(
        plate, text=READ, confidence_permille=600,
        candidates=candidates((PLATE, -5)), none_milli_nats=-6_000,
    )  # fmt: skip
    assert judged(replace(good_evidence(), plate=seen), pack) == ("plate_blocked",)


def test_a_vehicle_is_blocked_whichever_of_its_plates_is_read() -> None:
    """Found by the virtual port: `make sim SEED=11 PASSAGES=500`, truck 466."""
    pack = PolicyPack(
        version="s", limits=default_pack(POLICY).limits, blocked_plates=("粤Z·A123港", "AB12挂")
    )
    assert judged(good_evidence(), pack) == ()
    assert judged(good_evidence(), pack, plates=(PLATE, "粤ZA123港")) == ("plate_blocked",)
    assert judged(good_evidence(), pack, trailer_plate="AB12挂") == ("plate_blocked",)


def test_one_lucky_look_after_others_that_spoke_against_it_releases_nobody() -> None:
    story = at_the_lane()
    for _ in range(3):
        reads(story, (PLATE, -9_000), none=-1)
    reads(story, (PLATE, -3), none=-6_000).drives_on().card()
    reads(story, (PLATE, -9_000), none=-1).manifest_answers()
    assert story.verdict == (Outcome.HOLD, ("plate_doubtful",))


def test_looks_that_speak_for_it_one_after_the_other_make_up_for_a_weak_one() -> None:
    story = reads(at_the_lane(), (PLATE, -700), none=-700)
    while not story.passage.plate_done:
        reads(story, (PLATE, -1), none=-9_000)
    story.drives_on().card().manifest_answers()
    assert story.verdict == (Outcome.RELEASE, ())
    plate = story.records(PassageDecided)[-1].evidence.plate
    assert plate is not None
    assert plate.looks == len(story.plate_requests()) == 3  # 0, 4.5 and 6 nats on the average
