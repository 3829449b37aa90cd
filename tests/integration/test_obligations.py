"""What released vehicles owe is listed, closed by named people, and opened again where in error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.auth.roles import Role
from gate_agent.wire import v1
from tests.console_desk import BROWSER, Desk
from tests.console_scene import declaration, evidence

if TYPE_CHECKING:
    from httpx import Response

PASSAGE = "lane1-e1-000001"
HOUR_MS = 3_600_000


def goes_out(desk: Desk, passage_id: str = PASSAGE, *, out: bool = True) -> None:
    """A vehicle under a transit, of a company whose papers may follow."""
    now_ms = desk.clock.wall_ms()
    desk.send(
        v1.PassageOpened(passage_id=passage_id),
        v1.PassageDecided(
            passage_id=passage_id,
            outcome="release",
            reasons=(),
            evidence=evidence("粤B12345", "04A1B2C3", 32_000),
            declaration=declaration(1, ("粤B12345",), "04A1B2C3", 32_000),
            manifest_version=1,
            policy_version="7",
            obligations=(
                v1.ObligationRow(code="transit_closing", due_ms=now_ms + HOUR_MS, to="5301"),
                v1.ObligationRow(code="documents", due_ms=now_ms - 5),
            ),
        ),
    )
    if out:
        closed = v1.PassageClosed(
            passage_id=passage_id, outcome="release", decided_by="lane", left="exit",
            arrived_at_ms=now_ms, timeline=v1.Timeline(),
        )  # fmt: skip
        desk.send(closed)


def listed(desk: Desk, standing: str = "") -> list[tuple[str, str]]:
    query = f"?standing={standing}" if standing else ""
    found = desk.client.get(f"/api/v1/obligations{query}", headers=desk.token(Role.VIEWER))
    assert found.status_code == 200, found.text
    return [(row["code"], row["standing"]) for row in found.json()]


def says(desk: Desk, deed: str, **more: object) -> Response:
    body = {"passage_id": PASSAGE} | more
    headers = desk.token(Role.SUPERVISOR)
    said: Response = desk.client.post(f"/api/v1/obligations/{deed}", json=body, headers=headers)
    return said


def test_what_released_vehicles_owe_is_listed_the_earliest_due_first(desk: Desk) -> None:
    goes_out(desk, out=False)
    assert listed(desk) == []  # still in the lane
    goes_out(desk, "lane1-e1-000002")
    assert listed(desk) == [("documents", "overdue"), ("transit_closing", "open")]
    assert listed(desk, "overdue") == [("documents", "overdue")]
    assert listed(desk, "closed") == []


def test_row_19_papers_handed_in_close_what_was_owed_and_who_said_so_is_on_record(
    desk: Desk,
) -> None:
    goes_out(desk)
    desk.clock.advance(60)
    closed = says(desk, "close", code="documents", number="530120261234567890")
    assert closed.status_code == 200, closed.text
    assert (closed.json()["by"], closed.json()["standing"]) == ("t-supervisor", "closed")
    assert listed(desk) == [("transit_closing", "open")]
    assert listed(desk, "all") == [("documents", "closed"), ("transit_closing", "open")]
    again = says(desk, "close", code="documents", number="5301")
    assert (again.status_code, "closed already" in again.text) == (409, True)
    (row,) = [
        row
        for row in desk.client.get("/api/v1/audit", headers=desk.token(Role.VIEWER)).json()
        if row["action"] == "obligation_closed"
    ]
    assert (row["who"], row["passage_id"]) == ("t-supervisor", PASSAGE)
    assert "530120261234567890" in row["detail"]


def test_row_3_a_transit_is_closed_by_another_office_under_its_number(desk: Desk) -> None:
    goes_out(desk)
    desk.clock.advance(600)
    now_ms = desk.clock.wall_ms()
    for wrong in (now_ms + 1, now_ms - 601_000):  # not yet; before it left
        said = says(
            desk, "close", code="transit_closing", to="5301", number="K-1", done_at_ms=wrong
        )
        assert said.status_code == 409
    said = says(
        desk, "close", code="transit_closing", to="5301", number="K-1", done_at_ms=now_ms - 1_000
    )
    assert (said.json()["number"], said.json()["done_at_ms"]) == ("K-1", now_ms - 1_000)
    assert listed(desk, "closed") == [("transit_closing", "closed")]


def test_what_was_closed_in_error_is_opened_again_and_both_words_stay(desk: Desk) -> None:
    goes_out(desk)
    assert says(desk, "reopen", code="documents", reason="x").status_code == 409
    says(desk, "close", code="documents", number="1")
    assert says(desk, "reopen", code="documents", reason="").status_code == 400
    assert says(desk, "reopen", code="documents", reason="another company's").status_code == 200
    assert ("documents", "overdue") in listed(desk)
    says(desk, "close", code="documents", number="2")
    audit = desk.client.get("/api/v1/audit", headers=desk.token(Role.VIEWER)).json()
    assert [row["action"] for row in audit if row["action"].startswith("obligation")] == [
        "obligation_closed",
        "obligation_reopened",
        "obligation_closed",
    ]


def test_nobody_closes_what_nobody_owes_and_a_viewer_closes_nothing(desk: Desk) -> None:
    goes_out(desk)
    assert says(desk, "close", code="fee", number="1").status_code == 404
    assert says(desk, "close", code="documents", number="").status_code == 400
    body = {"passage_id": PASSAGE, "code": "documents", "number": "1"}
    answer = desk.client.post(
        "/api/v1/obligations/close", json=body, headers=desk.token(Role.VIEWER)
    )
    assert answer.status_code == 403


def test_the_page_lists_closes_and_opens_again(desk: Desk) -> None:
    goes_out(desk)
    desk.clock.advance(60)
    desk.sign_in("sun.li")
    page = desk.client.get("/obligations", headers={"accept-language": "zh"}).text
    assert "转关核销" in page
    assert "逾期" in page
    form = {"passage_id": PASSAGE, "code": "documents", "to": "", "number": "", "done": ""}
    refused = desk.client.post("/obligations/close", data=form, headers=BROWSER)
    assert refused.status_code == 400
    done = desk.client.post("/obligations/close", data=form | {"number": "9"}, headers=BROWSER)
    assert done.status_code == 303
    assert "sun.li" in desk.client.get("/obligations?standing=closed").text
    early = form | {
        "code": "transit_closing",
        "to": "5301",
        "number": "9",
        "done": "2001-01-01T08:00",
    }
    assert desk.client.post("/obligations/close", data=early, headers=BROWSER).status_code == 400
    again = form | {"reason_text": "another company's"}
    assert desk.client.post("/obligations/reopen", data=again, headers=BROWSER).status_code == 303
    assert listed(desk)[0] == ("documents", "overdue")
