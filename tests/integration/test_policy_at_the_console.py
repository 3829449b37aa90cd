"""What people and programs see of the rules: API, held vehicle, emergency."""

from __future__ import annotations

import json

import msgspec

from central.auth.roles import Role
from gate_agent.wire import v1
from tests.console_desk import BROWSER, Desk
from tests.console_scene import declaration, evidence
from tests.hub_bench import a_health

PACK = {
    "version": "7",
    "owner": "rules desk",
    "is_fee_required": True,
    "limits": {"min_plate_confidence_permille": 980},
}
PASSAGE = "lane1-e1-000001"


def a_verdict(*reasons: str, **more: object) -> tuple[v1.RecordBody, ...]:
    paper = msgspec.structs.replace(
        declaration(1, ("粤B12345",), "04A1B2C3", 32_000),
        agencies=(
            v1.AgencyRow(agency="customs", state="hold"),
            v1.AgencyRow(agency="quarantine", state="agreed", source="port of Q"),
        ),
        items=(v1.DocumentRow(code="tax", state="paid"),),
        accounts=(v1.AccountRow(kind="list", account_id="JB-7", quantity=3, balance=9),),
    )
    decided = v1.PassageDecided(
        passage_id=PASSAGE,
        outcome="inspect",
        reasons=reasons,
        evidence=evidence("粤B12345", "04A1B2C3", 32_000),
        declaration=paper,
        manifest_version=1,
        policy_version="7",
        policy_hash="cd" * 32,
    )
    opened = v1.PassageOpened(passage_id=PASSAGE)
    return opened, msgspec.structs.replace(decided, **more)


def test_a_pack_is_imported_listed_and_read_back_by_its_hash(desk: Desk) -> None:
    admin, viewer = desk.token(Role.ADMINISTRATOR), desk.token(Role.VIEWER)
    body = json.dumps(PACK).encode()
    assert (
        desk.client.post("/api/v1/policy/import", content=body, headers=viewer).status_code == 403
    )
    kept = desk.client.post("/api/v1/policy/import?source=p.json", content=body, headers=admin)
    assert kept.status_code == 200, kept.text
    (row,) = desk.client.get("/api/v1/policy", headers=viewer).json()
    assert (row["pack"]["version"], row["in_force"]) == ("7", True)
    name = kept.json()["policy_hash"]
    read = desk.client.get(f"/api/v1/policy/packs/{name}", headers=viewer)
    said = json.loads(read.content)
    pieces = said.pop("identity")["pieces"]  # those of today, spelled out for all time
    assert said == PACK
    assert {"card", "weight", "tag", "trailer", "tare", "container"} <= {p["piece"] for p in pieces}
    other = json.dumps(PACK | {"is_fee_required": False}).encode()
    twice = desk.client.post("/api/v1/policy/import?source=q.json", content=other, headers=admin)
    assert twice.status_code == 409
    assert "q.json: $.version" in twice.json()["error"]
    bad = desk.client.post("/api/v1/policy/import?source=r.json", content=b'{"a":1}', headers=admin)
    assert bad.status_code == 422
    assert "r.json" in bad.json()["error"]


def test_a_held_vehicle_says_what_the_driver_does_where_to_and_which_agency(desk: Desk) -> None:
    desk.send(
        *a_verdict(
            "agency_hold",
            place="查验 3 号位",
            notify="陈女士",
            obligations=(v1.ObligationRow(code="documents", due_ms=desk.clock.wall_ms()),),
        )
    )
    desk.sign_in("sun.li")
    page = desk.client.get(f"/held/{PASSAGE}", headers={"accept-language": "zh"}).text
    for said in ("请到查验区", "查验 3 号位", "陈女士", "customs · 布控", "quarantine · 同意",
                 "port of Q", "tax: paid", "JB-7：用 3，余 9", "事后交单"):  # fmt: skip
        assert said in page, said
    assert 'name="slip"' not in page
    assert "cdcdcdcdcdcd" in desk.client.get(f"/passages/{PASSAGE}").text


def test_in_an_emergency_the_form_asks_for_the_slip_and_one_slip_opens_one_vehicle(
    desk: Desk,
) -> None:
    desk.send(*a_verdict("lane_emergency", outcome="hold"))
    desk.sign_in("sun.li")
    page = desk.client.get(f"/held/{PASSAGE}").text
    assert 'name="slip"' in page
    supervisor = desk.token(Role.SUPERVISOR)
    order = {"decision": "release", "reason": "system down", "slip": "YJ-1000"}
    sent = desk.client.post(f"/api/v1/passages/{PASSAGE}/override", json=order, headers=supervisor)
    assert sent.status_code == 202, sent.text
    other = PASSAGE.replace("1-e1-000001", "1-e1-000002")
    opened, decided = a_verdict("lane_emergency", outcome="hold")
    assert isinstance(opened, v1.PassageOpened)
    assert isinstance(decided, v1.PassageDecided)
    desk.send(
        msgspec.structs.replace(opened, passage_id=other),
        msgspec.structs.replace(decided, passage_id=other),
    )
    again = desk.client.post(f"/api/v1/passages/{other}/override", json=order, headers=supervisor)
    assert again.status_code == 409
    assert again.json()["code"] == "slip_used"
    form = {"decision": "release", "reason_text": "x", "slip": "YJ-1000",
            "seen": str(desk.clock.wall_ms())}  # fmt: skip
    shown = desk.client.post(f"/held/{other}/decide", data=form, headers=BROWSER)
    assert shown.status_code == 409
    assert "放行单" in shown.text or "slip" in shown.text


def test_the_console_offers_the_kinds_of_emergency_that_the_rules_have_slips_for(
    desk: Desk,
) -> None:
    desk.services.lanes.know("lane1")
    desk.sign_in("sun.li")
    assert 'name="kind"' not in desk.client.get("/lanes/lane1").text
    order = {"mode": "emergency", "reason": "exercise", "kind": "drill"}
    supervisor = desk.token(Role.SUPERVISOR)
    early = desk.client.post("/api/v1/lanes/lane1/mode", json=order, headers=supervisor)
    assert (early.status_code, early.json()["code"]) == (409, "unknown_kind")
    books = [{"mode": "drill", "prefix": "YL-", "first": 1, "last": 9, "is_drill": True}]
    body = json.dumps(PACK | {"slips": books}).encode()
    admin = desk.token(Role.ADMINISTRATOR)
    desk.client.post("/api/v1/policy/import?source=p.json", content=body, headers=admin)
    page = desk.client.get("/lanes/lane1", headers={"accept-language": "zh"}).text
    assert '<option value="drill">演练</option>' in page
    form = {"mode": "emergency", "kind": "drill", "reason_text": "exercise"}
    assert desk.client.post("/lanes/lane1/mode", data=form, headers=BROWSER).status_code == 303
    (sent,) = [row for row in desk.client.get("/api/v1/audit", headers=supervisor).json()
               if row["action"] == "command_set_mode"]  # fmt: skip
    assert sent["detail"] == "emergency: drill: exercise"
    health = msgspec.structs.replace(a_health(), mode="emergency", emergency="drill")
    desk.services.lanes.on_health(health)
    assert "应急：演练" in desk.client.get("/lanes", headers={"accept-language": "zh"}).text
    desk.send(*a_verdict("lane_emergency", outcome="hold"))
    held = desk.client.get(f"/held/{PASSAGE}", headers={"accept-language": "zh"}).text
    assert "应急：演练" in held
    assert 'name="slip"' in held
