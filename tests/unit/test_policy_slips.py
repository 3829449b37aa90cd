"""An emergency: people release, on numbered slips, and every slip is on record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from central.console.fragments import REASON_CODES
from gate_agent.adapters.sign import message_of
from gate_agent.domain.effects import Show
from gate_agent.domain.events import Overridden, PolicyChanged
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.policy_pack import PolicyPack, SlipBook
from gate_agent.domain.records import (
    CommandCarriedOut,
    CommandRefused,
    PassageOverridden,
    Refusal,
)
from gate_agent.domain.slips import emergency_kinds, kind_of_slip
from gate_agent.domain.vocabulary import CommandId, Mode, Outcome, Phase
from gate_agent.texts.catalogue import LANGUAGES, text
from tests.builders import LaneStory, a_declaration, after

PACK = PolicyPack(
    version="1",
    owner="rules desk",
    slips=(
        SlipBook(mode="系统故障", prefix="YJ-", first=100, last=199),
        SlipBook(mode="network_down", prefix="WL-", first=100, last=199),
        SlipBook(mode="drill", prefix="YL-", first=1, last=9, is_drill=True),
    ),
)


def under_the_pack() -> LaneStory:
    story = LaneStory().ready()
    story.happens(PolicyChanged(pack=PACK))
    return story


def in_emergency(kind: str = "系统故障") -> LaneStory:
    story = under_the_pack()
    story.sets_mode(Mode.EMERGENCY, kind=kind)
    story.waits_for_verdict().manifest_answers()
    assert story.verdict == (Outcome.HOLD, ("lane_emergency",))
    return story


def decides(
    story: LaneStory,
    number: int,
    slip: str,
    decision: Outcome = Outcome.RELEASE,
    *,
    local: bool = False,
) -> None:
    story.happens(
        Overridden(
            command_id=CommandId(f"s{number}"),
            passage_id=story.passage.passage_id,
            decision=decision,
            by="li.wei",
            reason="system down",
            expires_at_ms=after(story.at, 60.0).wall_ms,
            slip=slip,
            local=local,
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
    assert kind_of_slip(PolicyPack(version="1"), "YJ-100") is None
    assert kind_of_slip(PACK, "") is None
    story = LaneStory().ready()
    story.sets_mode(Mode.EMERGENCY, kind="系统故障")
    assert story.lane.mode is Mode.AUTO
    assert story.records(CommandRefused)[-1].why is Refusal.KIND_UNKNOWN


def test_row_45_an_emergency_is_of_a_kind_and_a_slip_of_another_kind_opens_nothing() -> None:
    assert emergency_kinds(PACK) == ("系统故障", "network_down", "drill")
    story = in_emergency("network_down")
    assert story.records(CommandCarriedOut)[-1].emergency == "network_down"
    decides(story, 1, "YJ-100")
    assert story.records(CommandRefused)[-1].why is Refusal.SLIP_OTHER_KIND
    assert story.raises() == 0
    decides(story, 2, "WL-100")
    assert story.raises() == 1
    assert story.records(PassageOverridden)[-1].emergency == "network_down"
    story.sets_mode(Mode.AUTO)
    assert story.lane.emergency == ""


def test_row_45_a_drill_opens_only_for_whom_the_rules_would_have_released() -> None:
    story = in_emergency("drill")
    decides(story, 1, "YL-1")
    assert story.raises() == 1
    story.boom_goes_up().drives_out().boom_comes_down()
    story.waits_for_verdict().manifest_answers(a_declaration(holds=("customs",)))
    assert "agency_hold" in story.verdict[1]
    decides(story, 2, "YL-2")
    assert story.records(CommandRefused)[-1].why is Refusal.DRILL
    assert story.raises() == 1


def test_the_sign_says_which_emergency_it_is() -> None:
    story = in_emergency("network_down")
    shown = [effect for effect in story.effects if isinstance(effect, Show)][-1]
    assert shown.emergency == "network_down"
    assert "网络中断" in message_of(shown, ["zh"], is_spoken=False).lines[0]
    assert "系统故障" in message_of(
        replace(shown, emergency="系统故障"), ["en"], is_spoken=False
    ).lines[0]  # fmt: skip


def test_the_lane_itself_may_begin_and_end_an_emergency_while_it_hears_no_hub() -> None:
    story = under_the_pack()
    story.sets_mode(Mode.EMERGENCY, kind="network_down", local=True)
    assert story.records(CommandRefused)[-1].why is Refusal.HUB_HEARD
    story.sets_mode(Mode.ATTENDED)
    story.fault(FaultCode.UPLINK)
    story.sets_mode(Mode.AUTO, local=True)
    assert story.records(CommandRefused)[-1].why is Refusal.NOT_IN_EMERGENCY
    story.waits_for_verdict().manifest_answers()
    decides(story, 1, "WL-100", local=True)
    assert story.records(CommandRefused)[-1].why is Refusal.NOT_IN_EMERGENCY
    story.sets_mode(Mode.EMERGENCY, kind="network_down", local=True)
    assert story.records(CommandCarriedOut)[-1].local
    decides(story, 2, "WL-100", local=True)
    assert story.raises() == 1
    assert story.records(PassageOverridden)[-1].local
    assert story.lane.mode_before is Mode.ATTENDED
    story.sets_mode(story.lane.mode_before, local=True)
    assert (story.lane.mode, story.lane.emergency) == (Mode.ATTENDED, "")


@pytest.mark.parametrize("slip", ["YJ-100", "YJ-150", "YJ-199"])
def test_a_slip_is_what_is_printed_in_the_book(slip: str) -> None:
    assert kind_of_slip(PACK, slip) == "系统故障"


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
