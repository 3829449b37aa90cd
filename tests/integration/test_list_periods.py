"""A list has a period and a ledger, and a person closes it: then no lane draws on it."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from central.auth.roles import Role
from central.store import manifest_queries, manifest_store
from central.store.manifest_store import Author
from gate_agent.domain.policy_pack import AccountRule, PolicyPack
from gate_agent.domain.reasons import Reason
from gate_agent.domain.rules.accounts import account_reasons
from gate_agent.wire import v1
from gate_agent.wire.convert import declaration_of
from tests.builders import good_evidence
from tests.console_desk import BROWSER, Desk
from tests.console_scene import evidence

if TYPE_CHECKING:
    from httpx import Response

DAY_MS = 86_400_000


def iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).isoformat()


def trip(desk: Desk, number: int, account: str, **more: object) -> dict[str, object]:
    now_ms = desk.clock.wall_ms()
    return {
        "declaration_id": f"D{number}",
        "plates": f"粤B1234{number}",
        "card_uid": f"04A1B2C{number}",
        "gross_kg": 32_000,
        "valid_from": iso(now_ms),
        "valid_until": iso(now_ms + 30 * DAY_MS),
        "documents": "released",
        "accounts": account,
    } | more


def imports(desk: Desk, *rows: dict[str, object]) -> Any:  # noqa: ANN401 - JSON
    body = json.dumps(rows).encode()
    headers = desk.token(Role.ADMINISTRATOR)
    said = desk.client.post("/api/v1/manifest/import?format=json", content=body, headers=headers)
    assert said.status_code == 200, said.text
    return said.json()


def period(desk: Desk, *, days: int = 3) -> str:
    now_ms = desk.clock.wall_ms()
    return f"{iso(now_ms)}/{iso(now_ms + days * DAY_MS)}"


def row_of(desk: Desk, number: int) -> v1.DeclarationRow:
    found = desk.services.store.read_now(manifest_queries.declaration, f"D{number}")
    assert found is not None
    return found


def goes_out(desk: Desk, number: int, lane: str = "lane1") -> None:
    """A vehicle is released on its declaration, and the hub has reckoned it in."""
    passage_id, now_ms = f"{lane}-e1-00000{number}", desk.clock.wall_ms()
    desk.seq = 100 * number
    desk.send(
        v1.PassageOpened(passage_id=passage_id),
        v1.PassageDecided(
            passage_id=passage_id, outcome="release", reasons=(),
            evidence=evidence(f"粤B1234{number}", f"04A1B2C{number}", 32_000),
            declaration=row_of(desk, number), manifest_version=1, policy_version="7",
            obligations=(v1.ObligationRow(code="list_declaration", due_ms=None, to="JB-7"),),
        ),
        v1.PassageClosed(
            passage_id=passage_id, outcome="release", decided_by="lane", left="exit",
            arrived_at_ms=now_ms, timeline=v1.Timeline(),
        ),
        lane=lane,
    )  # fmt: skip
    author = Author(at_ms=now_ms, who="hub")
    desk.services.store.write_now(manifest_store.apply_uses, author)


def lane_says(desk: Desk, number: int, *, age_ms: int = 1_000) -> tuple[Reason, ...]:
    """What a lane that holds the row says of its lists now; `age_ms`: since it heard the hub."""
    seen = good_evidence()
    status = type(seen.manifest)(version=1, age_ms=age_ms)
    heard = replace(seen, manifest=status)
    pack = PolicyPack(version="1", accounts=AccountRule(offline_share_permille=1000))
    paper = declaration_of(row_of(desk, number))
    return tuple(account_reasons(heard, paper, pack, desk.clock.wall_ms()))


def asks(desk: Desk, path: str) -> Any:  # noqa: ANN401 - JSON
    return desk.client.get(f"/api/v1{path}", headers=desk.token(Role.VIEWER)).json()


def ledger(desk: Desk) -> Any:  # noqa: ANN401 - JSON
    return asks(desk, "/accounts/ledger?account=JB-7")


def closes(desk: Desk, account: str = "JB-7", number: str = "530120260000000001") -> Response:
    body = {"account_id": account, "number": number}
    headers = desk.token(Role.SUPERVISOR)
    said: Response = desk.client.post("/api/v1/accounts/close", json=body, headers=headers)
    return said


def test_row_8_a_list_has_a_ledger_of_every_draw_and_what_is_left(desk: Desk) -> None:
    within = period(desk)
    imports(desk, *(trip(desk, n, f"list:JB-7:{n}0:500@{within}") for n in (1, 2, 3)))
    goes_out(desk, 1)
    desk.clock.advance(60)
    goes_out(desk, 3, "lane2")
    found = ledger(desk)
    assert [(line["lane"], line["quantity"], line["left"]) for line in found["lines"]] == [
        ("lane1", 10, 490),
        ("lane2", 30, 460),
    ]
    assert (found["account"]["left"], found["account"]["state"]) == (460, "open")
    headers = desk.token(Role.VIEWER)
    table = desk.client.get("/api/v1/accounts/ledger.csv?account=JB-7", headers=headers)
    rows = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert rows[-1][1:] == ["lane2", "lane2-e1-000003", "粤B12343", "D3", "30", "460", ""]
    (listed,) = desk.client.get("/api/v1/accounts", headers=headers).json()
    assert listed == found["account"]


def test_row_8_after_its_period_no_lane_draws_on_a_list_even_alone(desk: Desk) -> None:
    imports(desk, trip(desk, 1, f"list:JB-7:10:500@{period(desk)}"))
    assert lane_says(desk, 1) == ()
    desk.clock.advance(3 * 86_400 - 1)
    assert lane_says(desk, 1, age_ms=10**9) == ()
    desk.clock.advance(1)
    assert lane_says(desk, 1, age_ms=10**9) == (Reason.ACCOUNT_CLOSED,)
    assert ledger(desk)["account"]["state"] == "over"


def test_row_8_a_person_closes_the_period_and_what_was_owed_under_it_is_settled(
    desk: Desk,
) -> None:
    imports(desk, *(trip(desk, n, f"list:JB-7:10:500@{period(desk)}") for n in (1, 2, 3)))
    goes_out(desk, 1)
    desk.clock.advance(60)
    closed = closes(desk)
    assert (closed.status_code, closed.json()["account"]["closed_by"]) == (200, "t-supervisor")
    assert lane_says(desk, 2) == (Reason.ACCOUNT_CLOSED,)
    (owed,) = asks(desk, "/obligations?standing=all")
    assert (owed["standing"], owed["number"]) == ("closed", "530120260000000001")
    desk.clock.advance(60)
    goes_out(desk, 2, "lane2")  # a lane that had not heard it
    late = ledger(desk)["lines"][-1]
    assert (late["declaration_id"], late["late"]) == ("D2", True)
    (owed,) = asks(desk, "/obligations")
    assert owed["lane"] == "lane2"
    assert closes(desk).status_code == 409
    assert closes(desk, "JB-8").status_code == 404
    (said,) = [row for row in asks(desk, "/audit") if row["action"] == "account_closed"]
    assert "1 passages settled" in said["detail"]


def test_row_8_a_row_that_no_lane_could_release_is_returned_at_the_import(desk: Desk) -> None:
    within = period(desk)
    imports(desk, trip(desk, 1, f"list:JB-7:10:500@{within}"))
    early = trip(desk, 2, "list:JB-7:10", valid_from=iso(desk.clock.wall_ms() - 1_000))
    (refused,) = imports(desk, early)["refused"]
    assert (refused["field"], "opens" in refused["reason"]) == ("accounts", True)
    backwards = "/".join(reversed(within.split("/")))
    (refused,) = imports(desk, trip(desk, 3, f"list:JB-9:1:5@{backwards}"))["refused"]
    assert "closes before it opens" in refused["reason"]
    closes(desk)
    (refused,) = imports(desk, trip(desk, 4, "list:JB-7:10:900"))["refused"]
    assert "closed by t-supervisor" in refused["reason"]
    assert ledger(desk)["account"]["granted"] == 500


def test_the_pages_show_lists_and_close_one(desk: Desk) -> None:
    imports(desk, trip(desk, 1, f"list:JB-7:10:500@{period(desk)}"))
    goes_out(desk, 1)
    desk.sign_in("sun.li")
    said = {"accept-language": "zh"}
    assert "JB-7" in desk.client.get("/accounts", headers=said).text
    page = desk.client.get("/accounts/ledger?account=JB-7", headers=said).text
    assert "粤B12341" in page
    assert desk.client.get("/accounts/ledger?account=x", headers=said).status_code == 404
    form = {"account": "JB-7", "number": ""}
    assert desk.client.post("/accounts/close", data=form, headers=BROWSER).status_code == 400
    done = desk.client.post("/accounts/close", data=form | {"number": "5"}, headers=BROWSER)
    assert done.status_code == 303
    assert "已关闭" in desk.client.get("/accounts", headers=said).text
    again = desk.client.post("/accounts/close", data=form | {"number": "5"}, headers=BROWSER)
    assert again.status_code == 400
