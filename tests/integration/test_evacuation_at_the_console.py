"""Evacuation at the hub: who may order it, what is on record, and what is refused unsent."""

from __future__ import annotations

from central.auth.roles import Role
from central.store import hub_store
from gate_agent.texts.catalogue import text
from gate_agent.wire import v1
from tests.console_desk import BROWSER, Desk

WHY = {"reason": "fire in shed 4"}


def says(desk: Desk, *, evacuation: str) -> None:
    """The lane is heard, and says whether it is in an evacuation."""
    desk.services.lanes.on_health(
        v1.LaneHealth(
            lane="lane1",
            epoch="e1",
            at_ms=desk.clock.wall_ms(),
            mode="auto",
            phase="idle",
            passage_id=None,
            barrier="locked_open" if evacuation else "closed",
            weight_kg=0,
            weight_state="empty",
            faults=(),
            manifest_version=1,
            manifest_age_s=0.5,
            last_seq=0,
            unsent=0,
            oldest_unsent_s=0.0,
            evacuation=evacuation,
        )
    )


def orders(desk: Desk, deed: str, role: Role = Role.SUPERVISOR) -> int:
    path = f"/api/v1/lanes/lane1/{deed}"
    return int(desk.client.post(path, json=WHY, headers=desk.token(role)).status_code)


def test_a_supervisor_orders_it_a_viewer_may_not_and_the_order_is_audited(desk: Desk) -> None:
    says(desk, evacuation="")
    assert orders(desk, "evacuate", Role.VIEWER) == 403
    assert orders(desk, "evacuate") == 202
    (row,) = desk.services.store.read_now(hub_store.audit)
    assert (row.action, row.lane, row.detail) == ("command_evacuate", "lane1", WHY["reason"])


def test_an_end_names_the_evacuation_that_the_lane_says_it_is_in(desk: Desk) -> None:
    says(desk, evacuation="")
    assert orders(desk, "end-evacuation") == 409
    says(desk, evacuation="c-1")
    assert orders(desk, "end-evacuation") == 202
    (body,) = (
        v1.decode_hub_message(bytes(each))
        for (each,) in desk.services.store.read_now(
            lambda db: db.execute("SELECT body FROM commands").fetchall()
        )
    )
    assert isinstance(body, v1.EndEvacuationCommand)
    assert body.evacuation_id == "c-1"


def test_a_lane_that_is_not_heard_cannot_be_told_which_evacuation_ends(desk: Desk) -> None:
    says(desk, evacuation="c-1")
    desk.clock.advance(60.0)
    assert orders(desk, "end-evacuation") == 409


def test_the_page_says_it_in_red_and_takes_both_orders(desk: Desk) -> None:
    says(desk, evacuation="c-1")
    desk.sign_in("sun.li")
    page = desk.client.get("/lanes/lane1").text
    assert text("console.lane.evacuation", "zh") in page
    assert text("console.barrier.locked_open", "zh") in page
    form = {"deed": "end_evacuation", "reason_text": "over"}
    assert (
        desk.client.post("/lanes/lane1/evacuation", data=form, headers=BROWSER).status_code == 303
    )
    says(desk, evacuation="")
    again = desk.client.post("/lanes/lane1/evacuation", data=form, headers=BROWSER)
    assert again.status_code == 409
    assert text("console.stale.no_evacuation", "zh") in again.text
    unknown = desk.client.post(
        "/lanes/lane1/evacuation", data=form | {"deed": "x"}, headers=BROWSER
    )
    assert unknown.status_code == 400
