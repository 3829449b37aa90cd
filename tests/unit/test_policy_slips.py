"""An emergency: people release, on numbered slips, and every slip is on record."""

from __future__ import annotations

import pytest

from central.console.fragments import REASON_CODES
from gate_agent.domain.events import Overridden, PolicyChanged
from gate_agent.domain.policy_pack import PolicyPack, SlipBook
from gate_agent.domain.records import CommandRefused, PassageOverridden, Refusal
from gate_agent.domain.slips import is_slip
from gate_agent.domain.vocabulary import CommandId, Mode, Outcome, Phase
from gate_agent.texts.catalogue import LANGUAGES, text
from tests.builders import LaneStory, after

PACK = PolicyPack(
    version="1",
    owner="rules desk",
    slips=(SlipBook(mode="系统故障", prefix="YJ-", first=100, last=199),),
)


def in_emergency() -> LaneStory:
    story = LaneStory().ready()
    story.happens(PolicyChanged(pack=PACK))
    story.sets_mode(Mode.EMERGENCY)
    story.waits_for_verdict().manifest_answers()
    assert story.verdict == (Outcome.HOLD, ("lane_emergency",))
    return story


def decides(story: LaneStory, number: int, slip: str, decision: Outcome = Outcome.RELEASE) -> None:
    story.happens(
        Overridden(
            command_id=CommandId(f"s{number}"),
            passage_id=story.passage.passage_id,
            decision=decision,
            by="li.wei",
            reason="system down",
            expires_at_ms=after(story.at, 60.0).wall_ms,
            slip=slip,
        )
    )


def test_row_45_in_an_emergency_nobody_is_released_but_on_a_numbered_slip() -> None:
    story = in_emergency()
    for number, slip in enumerate(("", "YJ-99", "YJ-200", "YJ-0100", "yj-100", "100", "YJ-１００")):
        decides(story, number, slip)
        assert story.raises() == 0, slip
        assert story.records(CommandRefused)[-1].why is Refusal.SLIP_MISSING
    decides(story, 50, "YJ-100")
    assert story.raises() == 1
    assert story.records(PassageOverridden)[-1].slip == "YJ-100"


def test_row_45_a_slip_opens_once() -> None:
    story = in_emergency()
    decides(story, 1, "YJ-100")
    story.boom_goes_up().drives_out().boom_comes_down()
    assert story.phase is Phase.IDLE
    story.waits_for_verdict().manifest_answers()
    decides(story, 2, "YJ-100")
    assert story.records(CommandRefused)[-1].why is Refusal.SLIP_USED
    assert story.raises() == 1
    decides(story, 3, "YJ-101")
    assert story.raises() == 2


def test_row_45_turning_a_vehicle_back_needs_no_slip() -> None:
    story = in_emergency()
    decides(story, 1, "", Outcome.REFUSE)
    assert story.phase is Phase.TURNING_BACK


def test_a_pack_without_slip_books_opens_nothing_in_an_emergency() -> None:
    assert not is_slip(PolicyPack(version="1"), "YJ-100")
    assert not is_slip(PACK, "")


@pytest.mark.parametrize("slip", ["YJ-100", "YJ-150", "YJ-199"])
def test_a_slip_is_what_is_printed_in_the_book(slip: str) -> None:
    assert is_slip(PACK, slip)


def test_row_41_the_console_offers_the_four_outcomes_of_a_manual_review() -> None:
    wanted = {
        "direct_release": "直接验放",
        "papers_to_follow": "补传单证",
        "papers_on_site": "现场递交单证",
        "inspection_ordered": "布控查验",
    }
    assert set(wanted) <= set(REASON_CODES)
    assert {code: text(f"console.reason.{code}", "zh") for code in wanted} == wanted
    for code in REASON_CODES:
        assert all(text(f"console.reason.{code}", language) for language in LANGUAGES)
