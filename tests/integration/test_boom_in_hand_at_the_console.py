"""What the console says of a boom that is left open, and of one that somebody has in hand."""

from __future__ import annotations

import pytest

from gate_agent.texts.catalogue import text
from gate_agent.wire import v1
from tests.console_desk import BROWSER, Desk

LEFT_OPEN, IN_HAND = "console.lane.left_open", "console.lane.in_hand"


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.sign_in("sun.li")
    return desk


def page(desk: Desk, *, barrier: str, phase: str = "idle", faults: tuple[str, ...] = ()) -> str:
    desk.services.lanes.on_health(
        v1.LaneHealth(
            lane="lane1",
            epoch="e1",
            at_ms=desk.clock.wall_ms(),
            mode="auto",
            phase=phase,
            passage_id=None if phase == "idle" else "lane1-e1-000001",
            barrier=barrier,
            weight_kg=0,
            weight_state="empty",
            faults=faults,
            manifest_version=1,
            manifest_age_s=0.5,
            last_seq=0,
            unsent=0,
            oldest_unsent_s=0.0,
        )
    )
    return str(desk.client.get("/lanes/lane1").text)


@pytest.mark.parametrize("phase", ["idle", "held", "gathering", "turning_back"])
def test_the_page_says_why_nothing_moves_and_offers_to_lower(desk: Desk, phase: str) -> None:
    shown = page(desk, barrier="open", phase=phase)
    assert text(LEFT_OPEN, "zh") in shown
    assert text(IN_HAND, "zh") not in shown
    assert 'href="/lanes/lane1#lower"' in shown
    assert 'id="lower"' in shown
    sent = desk.client.post(
        "/lanes/lane1/lower-barrier", data={"reason_text": "looked: empty"}, headers=BROWSER
    )
    assert sent.status_code == 303


@pytest.mark.parametrize(
    ("barrier", "phase"), [("closed", "idle"), ("open", "releasing"), ("locked_open", "idle")]
)
def test_it_says_nothing_of_a_boom_that_is_where_it_should_be(
    desk: Desk, barrier: str, phase: str
) -> None:
    assert text(LEFT_OPEN, "zh") not in page(desk, barrier=barrier, phase=phase)


@pytest.mark.parametrize("fault", ["emergency_stop", "manual_switch"])
def test_while_somebody_has_the_boom_in_hand_the_page_says_that_no_order_moves_it(
    desk: Desk, fault: str
) -> None:
    shown = page(desk, barrier="open", faults=(fault,))
    assert text(IN_HAND, "zh") in shown
    assert text(LEFT_OPEN, "zh") in shown
