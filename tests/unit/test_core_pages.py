"""The pages about the lane and its verdicts say what the code does."""

from __future__ import annotations

from gate_agent.domain.decision import Reason
from gate_agent.domain.records import Alarm
from tests import core_pages


def test_the_phase_diagram_is_drawn_from_the_table() -> None:
    page = core_pages.LANE.read_text(encoding="utf-8")
    assert page == core_pages.lane_page(page), "python -m tests.core_pages"
    assert core_pages.phases() in page


def test_every_reason_fault_alarm_and_refusal_is_documented() -> None:
    page = core_pages.REASONS.read_text(encoding="utf-8")
    assert page == core_pages.reasons_page(), "python -m tests.core_pages"
    assert all(f"`{reason.value}`" in page for reason in Reason)


def test_the_page_about_the_lane_says_when_each_alarm_is_raised() -> None:
    page = core_pages.LANE.read_text(encoding="utf-8")
    assert [alarm.value for alarm in Alarm if f"| `{alarm.value}` |" not in page] == []
