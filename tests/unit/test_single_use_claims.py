"""A declaration is used up once: what the lane asks the hub, waits for, and makes of the answer."""

from dataclasses import replace

import pytest

from gate_agent.domain.effects import ClaimDeclaration
from gate_agent.domain.events import ClaimAnswered, DeclarationsFound
from gate_agent.domain.evidence import ClaimState, Evidence
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.manifest import ManifestStatus
from gate_agent.domain.policy_pack import CreditClass, CreditTable
from gate_agent.domain.reasons import Reason
from gate_agent.domain.records import PassageDecided
from gate_agent.domain.vocabulary import DeclarationId, Outcome, Phase, WeightState
from tests.builders import GROSS_KG, LaneStory, a_declaration, after, good_evidence
from tests.policy_cases import a_full_declaration, changed_pack, judged, with_claim

ALONE_NEVER = changed_pack(
    credit_tables=(
        CreditTable(name="t", classes=(CreditClass(name="advanced", offline_authority_ms=0),)),
    )
)


def found(story: LaneStory, used_by: str | None = None) -> None:
    """The manifest answers, and nobody answers the claim that follows."""
    lookup = story.passage.lookup
    assert lookup is not None
    story.happens(
        DeclarationsFound(
            token=lookup.token,
            declarations=(a_declaration(used_by=used_by),),
            manifest=ManifestStatus(version=7, confirmed_at=after(story.at, -0.5)),
        )
    )


def claiming() -> LaneStory:
    """All evidence is there, and the hub was asked just now."""
    story = LaneStory().ready().waits_for_verdict()
    found(story)
    assert story.phase is Phase.GATHERING
    return story


def test_the_plate_alone_makes_the_lane_claim_the_declaration() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read()
    found(story)
    asked = story.last(ClaimDeclaration)
    assert (asked.declaration_id, asked.passage_id) == ("D1", story.passage.passage_id)


def test_an_answer_that_came_while_the_truck_was_weighed_costs_the_verdict_nothing() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read()
    found(story)
    story.hub_answers(ClaimState.GRANTED).drives_on().card()
    found(story)
    assert story.phase is Phase.RELEASING
    assert len(story.all(ClaimDeclaration)) == 1
    claim = story.records(PassageDecided)[-1].evidence.claim
    assert claim is not None
    assert claim.state is ClaimState.GRANTED


@pytest.mark.parametrize(
    ("state", "outcome", "reason"),
    [
        (ClaimState.USED, Outcome.REFUSE, "declaration_used"),
        (ClaimState.HELD, Outcome.HOLD, "claimed_elsewhere"),
    ],
)
def test_what_another_passage_has_is_not_released_again(
    state: ClaimState, outcome: Outcome, reason: str
) -> None:
    story = claiming().hub_answers(state, "lane2-b-000001")
    found(story)
    assert story.verdict == (outcome, (reason,))
    assert story.raises() == 0


def test_no_answer_within_300_ms_is_no_hub_and_the_verdict_comes_then() -> None:
    story = claiming().passes(0.29)
    assert story.passage.lookup is None
    story.passes(0.02)
    found(story)
    assert story.phase is Phase.RELEASING
    claim = story.records(PassageDecided)[-1].evidence.claim
    assert claim is not None
    assert claim.state is ClaimState.UNANSWERED


def test_a_lane_that_does_not_hear_the_hub_asks_nothing_and_does_not_wait() -> None:
    story = LaneStory().ready().fault(FaultCode.UPLINK).waits_for_verdict()
    found(story)
    assert story.phase is Phase.RELEASING
    assert story.all(ClaimDeclaration) == []


def test_the_answer_to_an_earlier_passage_never_counts() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read()
    found(story)
    old = story.last(ClaimDeclaration).token
    story.sees(entry_loop=False).passes(3.0)
    assert story.phase is Phase.IDLE
    story.waits_for_verdict()
    found(story)
    story.happens(ClaimAnswered(token=old, state=ClaimState.GRANTED))
    assert story.is_claiming()
    story.hub_answers(ClaimState.USED, "lane2-b-000001")
    found(story)
    assert story.verdict[0] is Outcome.REFUSE


def test_a_late_refusal_still_counts_while_nothing_is_decided() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read()
    found(story)
    story.passes(0.4).hub_answers(ClaimState.HELD, "lane2-b-000001")
    story.drives_on().card()
    found(story)
    assert story.verdict == (Outcome.HOLD, ("claimed_elsewhere",))


def test_a_used_or_ambiguous_declaration_is_not_claimed() -> None:
    story = LaneStory().ready().truck_arrives().plate_is_read()
    found(story, used_by="lane2-b-000001")
    assert story.all(ClaimDeclaration) == []


def test_a_restart_in_mid_passage_hands_the_vehicle_over_whatever_the_hub_says() -> None:
    story = claiming().starts()
    assert story.phase is Phase.HELD
    story.hub_answers(ClaimState.GRANTED)
    assert story.phase is Phase.HELD


def test_the_weight_may_go_and_come_while_the_hub_is_asked() -> None:
    story = claiming().weighs(WeightState.MOVING, GROSS_KG).hub_answers(ClaimState.GRANTED)
    assert story.phase is Phase.GATHERING
    story.weighs(WeightState.SETTLED, GROSS_KG)
    found(story)
    assert story.phase is Phase.RELEASING


@pytest.mark.parametrize(
    "evidence",
    [good_evidence(), with_claim(ClaimState.UNANSWERED), with_claim(ClaimState.PENDING)],
    ids=["not asked", "unanswered", "pending"],
)
def test_a_class_without_offline_authority_is_released_on_the_hubs_word_only(
    evidence: Evidence,
) -> None:
    declaration = a_full_declaration(credit_class="advanced")
    assert judged(declaration, ALONE_NEVER, evidence).reasons == (Reason.OFFLINE_AUTHORITY_OVER,)
    granted = with_claim(ClaimState.GRANTED)
    assert judged(declaration, ALONE_NEVER, granted).outcome is Outcome.RELEASE


def test_the_claim_on_another_paper_says_nothing_of_this_one() -> None:
    granted = with_claim(ClaimState.GRANTED)
    assert granted.claim is not None
    other = replace(granted, claim=replace(granted.claim, declaration_id=DeclarationId("another")))
    assert judged(a_full_declaration(), ALONE_NEVER, other).outcome is not Outcome.RELEASE


def test_a_lane_whose_clock_is_wrong_claims_what_a_supervisor_may_release() -> None:
    story = LaneStory().ready().fault(FaultCode.CLOCK).truck_arrives().plate_is_read()
    lookup = story.passage.lookup
    assert lookup is not None
    not_yet = a_declaration(valid_from_ms=story.at.wall_ms + 1_000_000)
    story.happens(
        DeclarationsFound(
            token=lookup.token,
            declarations=(not_yet,),
            manifest=ManifestStatus(version=7, confirmed_at=after(story.at, -0.5)),
        )
    )
    assert story.last(ClaimDeclaration).declaration_id == not_yet.declaration_id
