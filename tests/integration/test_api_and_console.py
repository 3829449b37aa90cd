"""The API and the console on real stores: who may do what, and what a page says."""

import re
from hashlib import sha256

import msgspec
import pytest

from central.auth.roles import Role
from gate_agent.wire import v1
from tests.console_desk import BROWSER, PASSWORD, Desk
from tests.console_scene import (
    closed,
    decided,
    declaration,
    evidence,
    manifest_csv,
    taken,
)

JPEG = b"\xff\xd8\xff\xe0 not a picture that anybody decodes"
DECIDE = {"decision": "release", "reason_pick": "plate_checked"}


def _hold(desk: Desk, passage_id: str = "p-1", lane: str = "lane1") -> v1.DeclarationRow:
    row = declaration(1, ("粤B12345",), "04A1B2C3", 32_000)
    desk.send(
        v1.PassageOpened(passage_id=passage_id),
        taken(passage_id, JPEG),
        decided(
            passage_id,
            "hold",
            evidence("粤B12845", "04A1B2C3", 33_460),
            row,
            "plate_doubtful",
            "weight_differs",
        ),
        lane=lane,
    )
    return row


def _seen(desk: Desk, passage_id: str = "p-1") -> dict[str, str]:
    page = desk.client.get(f"/held/{passage_id}").text
    found = re.search(r'name="seen" value="(\d*)"', page)
    assert found, "the page offers no decision"
    return DECIDE | {"seen": found[1]}


# --- who may do what


@pytest.mark.parametrize("path", ["/", "/held", "/held/p-1", "/passages", "/manifest", "/log"])
def test_nobody_sees_a_page_without_signing_in(desk: Desk, path: str) -> None:
    answer = desk.client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?next=")


def test_the_api_says_how_to_come_in(desk: Desk) -> None:
    answer = desk.client.get("/api/v1/lanes")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Bearer" in answer.json()["error"]


def test_signing_in_goes_on_to_the_page_asked_for_and_never_to_another_site(desk: Desk) -> None:
    for target, expected in (("/held", "/held"), ("//evil.test/", "/"), ("http://evil.test", "/")):
        answer = desk.client.post(
            "/login", data={"name": "vera", "password": PASSWORD, "next": target}, headers=BROWSER
        )
        assert (answer.status_code, answer.headers["location"]) == (303, expected)


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(desk: Desk) -> None:
    answer = desk.client.post("/login", data={"name": "vera", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_a_wrong_password_says_nothing_about_the_user(desk: Desk) -> None:
    answers = [
        desk.client.post("/login", data={"name": name, "password": "wrong wrong"})
        for name in ("vera", "nobody")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].text.replace("vera", "") == answers[1].text.replace("nobody", "")


def test_a_viewer_can_look_but_not_decide(desk: Desk) -> None:
    _hold(desk)
    desk.sign_in("vera")
    assert 'name="decision"' not in desk.client.get("/held/p-1").text
    answer = desk.client.post("/held/p-1/decide", data=DECIDE, headers=BROWSER)
    assert answer.status_code == 403
    override = desk.client.post(
        "/api/v1/passages/p-1/override",
        json={"decision": "release", "reason": "x"},
        headers=desk.token(Role.VIEWER),
    )
    assert override.status_code == 403
    assert desk.client.get("/api/v1/passages/p-1").json()["commands"] == []


def test_a_supervisor_cannot_write_the_declaration_that_clears_a_vehicle(desk: Desk) -> None:
    answer = desk.client.post(
        "/api/v1/manifest/import?format=csv", content=b"", headers=desk.token(Role.SUPERVISOR)
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_cannot_release_a_vehicle(desk: Desk, site: str) -> None:
    _hold(desk)
    desk.sign_in("sun.li")
    form = _seen(desk)
    answer = desk.client.post("/held/p-1/decide", data=form, headers={"sec-fetch-site": site})
    assert answer.status_code == 403
    old_browser = desk.client.post(
        "/api/v1/passages/p-1/override",
        json={"decision": "release", "reason": "x"},
        headers={"origin": "http://evil.test"},
    )
    assert old_browser.status_code == 403
    assert desk.client.get("/api/v1/passages/p-1").json()["commands"] == []


def test_every_answer_forbids_framing_inline_scripts_and_caching(desk: Desk) -> None:
    for path in ("/login", "/api/v1/lanes", "/static/live.js"):
        headers = desk.client.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"


def test_no_page_needs_what_the_policy_forbids(desk: Desk) -> None:
    _hold(desk)
    desk.sign_in("admin")
    for path in ("/", "/held", "/held/p-1", "/passages", "/passages/p-1", "/manifest", "/log"):
        text = desk.client.get(path).text
        assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:", text), path
        assert not re.search(r"<script(?![^>]*\ssrc=\"/static/)", text), path
        assert "://" not in text.replace("http://hub.test", ""), path


def test_an_endless_body_is_cut_off_before_anybody_signed_in(desk: Desk) -> None:
    answer = desk.client.post("/login", data={"name": "x" * 300_000})
    assert answer.status_code == 413


def test_after_signing_out_the_cookie_is_worth_nothing(desk: Desk) -> None:
    desk.sign_in("vera")
    cookie = desk.client.cookies["kakou_session"]
    desk.client.post("/logout", headers=BROWSER)
    desk.client.cookies.clear()
    answer = desk.client.get("/held", headers={"cookie": f"kakou_session={cookie}"})
    assert answer.status_code == 303


# --- deciding


def test_a_decision_needs_a_reason(desk: Desk) -> None:
    _hold(desk)
    desk.sign_in("sun.li")
    form = _seen(desk) | {"reason_pick": "", "reason_text": "   "}
    answer = desk.client.post("/held/p-1/decide", data=form, headers=BROWSER)
    assert answer.status_code == 400
    assert "请选择或填写理由" in answer.text


def test_a_decision_is_audited_and_shown_as_pending(desk: Desk) -> None:
    _hold(desk)
    desk.sign_in("sun.li")
    form = _seen(desk) | {"reason_text": "called the broker"}
    answer = desk.client.post("/held/p-1/decide", data=form, headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/held/p-1")
    order = desk.client.get("/api/v1/passages/p-1").json()["commands"][0]
    assert (order["issued_by"], order["value"], order["state"]) == ("sun.li", "release", "pending")
    assert order["reason"] == "已人工核对车牌; called the broker"
    page = desk.client.get("/held/p-1").text
    assert "已发出，等待车道执行" in page
    assert 'name="decision"' not in page
    assert "sun.li" in desk.client.get("/log").text


def test_the_second_supervisor_is_told_who_was_faster(desk: Desk) -> None:
    _hold(desk)
    desk.sign_in("sun.li")
    form = _seen(desk)
    desk.client.post("/held/p-1/decide", data=form, headers=BROWSER)
    answer = desk.client.post(
        "/api/v1/passages/p-1/override",
        json={"decision": "refuse", "reason": "mine"},
        headers=desk.token(Role.SUPERVISOR),
    )
    assert answer.status_code == 409
    assert answer.json()["code"] == "pending"
    second = desk.client.post("/held/p-1/decide", data=form, headers=BROWSER)
    assert second.status_code == 409
    assert "sun.li" in second.text


def test_a_decision_about_a_verdict_that_changed_meanwhile_is_not_sent(desk: Desk) -> None:
    _hold(desk)
    desk.sign_in("sun.li")
    form = _seen(desk)
    desk.clock.advance(3)
    facts = evidence("粤B12345", "04A1B2C3", 48_000)
    desk.send(decided("p-1", "inspect", facts, None, "weight_far_off"))
    answer = desk.client.post("/held/p-1/decide", data=form, headers=BROWSER)
    assert answer.status_code == 400
    assert "请重新核对" in answer.text
    assert desk.client.get("/api/v1/passages/p-1").json()["commands"] == []


def test_a_vehicle_that_left_can_no_longer_be_released(desk: Desk) -> None:
    _hold(desk)
    desk.sign_in("sun.li")
    form = _seen(desk)
    desk.send(closed("p-1", "refuse", "lane", "entry"))
    answer = desk.client.post("/held/p-1/decide", data=form, headers=BROWSER)
    assert answer.status_code == 409
    assert "此次通行已结束" in answer.text


def test_the_lanes_answer_is_shown(desk: Desk) -> None:
    _hold(desk)
    desk.sign_in("sun.li")
    desk.client.post("/held/p-1/decide", data=_seen(desk), headers=BROWSER)
    order = desk.client.get("/api/v1/passages/p-1").json()["commands"][0]
    desk.send(
        v1.CommandRefused(passage_id="p-1", command_id=order["command_id"], why="not_waiting")
    )
    page = desk.client.get("/held/p-1", headers={"accept-language": "en"}).text
    assert "Refused by the lane: That vehicle is not waiting for a person" in page
    assert 'name="decision"' in page


def test_a_lane_is_ordered_with_a_reason_and_an_unknown_lane_is_named(desk: Desk) -> None:
    headers = desk.token(Role.SUPERVISOR)
    done = desk.client.post(
        "/api/v1/lanes/lane1/mode", json={"mode": "closed", "reason": "repair"}, headers=headers
    )
    assert (done.status_code, done.json()["state"]) == (202, "pending")
    lowered = desk.client.post(
        "/api/v1/lanes/lane2/lower-barrier", json={"reason": "left open"}, headers=headers
    )
    assert lowered.json()["kind"] == "lower_barrier"
    unknown = desk.client.post(
        "/api/v1/lanes/lane9/lower-barrier", json={"reason": "left open"}, headers=headers
    )
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_lane")


# --- what is shown


def test_a_held_vehicle_shows_evidence_beside_the_declaration(desk: Desk) -> None:
    _hold(desk)
    desk.sign_in("vera")
    page = desk.client.get("/held/p-1", headers={"accept-language": "en"}).text
    assert "粤B12<mark>8</mark>45" in page
    assert "粤B12<mark>3</mark>45" in page
    assert "difference +1460 kg (+4.6 %)" in page
    assert "Weight differs from the declaration" in page
    assert f"/api/v1/pictures/{sha256(JPEG).hexdigest()}" in page


@pytest.mark.parametrize(
    ("numbers", "reasons", "words"),
    [
        (("CSQU3054383",), (), ("CSQU3054383", "Agrees")),
        (
            ("CSQU3054402",),
            ("container_differs",),
            ("CSQU3054<mark>4</mark><mark>0</mark><mark>2</mark>", "Differs"),
        ),
        ((), ("identity_unproven",), ("no camera that reads containers",)),
    ],
)
def test_container_numbers_and_the_trailer_stand_beside_what_was_declared(
    desk: Desk, numbers: tuple[str, ...], reasons: tuple[str, ...], words: tuple[str, ...]
) -> None:
    row = declaration(
        1, ("粤B12345",), "04A1B2C3", 32_000, containers=("CSQU3054383",), trailer_plate="粤B5678挂"
    )
    read = {"numbers": numbers, "age_ms": 900} if numbers else None
    facts = evidence("粤B12345", "04A1B2C3", 32_000, containers=read)
    assert facts.plate is not None
    other = v1.OtherPlateFact(text="粤B1234挂", confidence_permille=991, frames_agreed=2)
    plate = msgspec.structs.replace(facts.plate, others=(other,))
    facts = msgspec.structs.replace(facts, plate=plate)
    desk.send(v1.PassageOpened(passage_id="p-8"), decided("p-8", "hold", facts, row, *reasons))
    desk.sign_in("vera")
    page = desk.client.get("/held/p-8", headers={"accept-language": "en"}).text
    line = next(each for each in page.split("<tr") if '<th scope="row">Container</th>' in each)
    plain = line.replace('<mark class="differs">', "<mark>")
    assert [word for word in words if word not in plain] == []
    assert "also in the picture: 粤B1234挂 (99.1 %)" in page
    assert "trailer 粤B5678挂" in page


def test_without_a_declaration_the_nearest_are_shown_and_what_differs(desk: Desk) -> None:
    rows = [
        declaration(1, ("粤B12345",), "04A1B2C3", 32_000),
        declaration(2, ("粤B99999",), "04FFFFFF", 20_000),
        declaration(3, ("沪A00001",), "04D00001", 20_000),
    ]
    desk.client.post(
        "/api/v1/manifest/import?format=csv",
        content=manifest_csv(rows),
        headers=desk.token(Role.ADMINISTRATOR),
    )
    facts = evidence("粤B12346", "04FFFFFF", 20_000)
    desk.send(decided("p-7", "hold", facts, None, "plate_card_mismatch"))
    desk.sign_in("vera")
    page = desk.client.get("/held/p-7", headers={"accept-language": "en"}).text
    assert "D000001" in page
    assert "D000002" in page
    assert "D000003" not in page
    assert "plate differs in 1" in page
    assert "same card" in page


def test_a_lane_that_is_not_heard_shows_nothing_as_known(desk: Desk) -> None:
    health = {
        "lane": "lane1", "epoch": "e1", "at_ms": 0, "mode": "auto", "phase": "releasing",
        "passage_id": "p-1", "barrier": "open", "weight_kg": 31_000, "weight_state": "settled",
        "faults": (), "manifest_version": 1, "manifest_age_s": 1.0, "last_seq": 4, "unsent": 0,
        "oldest_unsent_s": 0.0,
    }  # fmt: skip
    desk.services.lanes.on_health(msgspec.convert(health, v1.LaneHealth))
    headers = desk.token(Role.VIEWER)
    lane = desk.client.get("/api/v1/lanes", headers=headers).json()[0]
    assert (lane["state"], lane["barrier"], lane["weight_kg"]) == ("online", "open", 31_000)
    desk.clock.advance(11)
    lane = desk.client.get("/api/v1/lanes", headers=headers).json()[0]
    assert (lane["state"], lane["barrier"], lane["weight_kg"]) == ("unknown", None, None)
    desk.sign_in("vera")
    page = desk.client.get("/", headers={"accept-language": "en"}).text
    assert "Not heard for 11 s: its state is unknown" in page
    assert "31" not in re.sub(r"<[^>]*>", "", page)


def test_a_lane_that_cannot_take_the_rules_says_so_on_its_tile_with_what_is_left_to_it(
    desk: Desk,
) -> None:
    health = {
        "lane": "lane1", "epoch": "e1", "at_ms": 0, "mode": "auto", "phase": "idle",
        "passage_id": None, "barrier": "closed", "weight_kg": 0, "weight_state": "empty",
        "faults": (), "manifest_version": 1, "manifest_age_s": 600.0, "last_seq": 4, "unsent": 0,
        "oldest_unsent_s": 0.0, "authority": ({"credit_class": "AA", "left_s": 3_000},),
        "policy_refused": {"digest": "ab" * 32, "why": "policy 1 of 1: unknown field `is_of_2027`"},
    }  # fmt: skip
    desk.services.lanes.on_health(msgspec.convert(health, v1.LaneHealth))
    lane = desk.client.get("/api/v1/lanes", headers=desk.token(Role.VIEWER)).json()[0]
    assert lane["policy_refused"] == health["policy_refused"]
    desk.sign_in("vera")
    page = desk.client.get("/", headers={"accept-language": "en"}).text
    assert "take the hub&#39;s rules abababababab" in page
    assert "is_of_2027" in page
    assert "May release alone for: AA" in page


def test_a_picture_that_was_lost_at_the_lane_is_named_where_it_would_stand(desk: Desk) -> None:
    lost = v1.PictureTaken(passage_id="p-7", picture_id="9f" * 32, view="plate")
    facts = evidence("粤B12346", "04FFFFFF", 20_000)
    desk.send(v1.PassageOpened(passage_id="p-7"), lost)
    desk.send(decided("p-7", "hold", facts, None, "plate_card_mismatch"))
    desk.sign_in("vera")
    for page in ("/held", "/held/p-7", "/passages/p-7"):
        found = desk.client.get(page, headers={"accept-language": "en"})
        assert "The picture file was lost on the lane" in found.text, (page, found.status_code)


def test_a_picture_is_served_as_it_was_taken(desk: Desk) -> None:
    _hold(desk)
    answer = desk.client.get(
        f"/api/v1/pictures/{sha256(JPEG).hexdigest()}", headers=desk.token(Role.VIEWER)
    )
    assert (answer.content, answer.headers["content-type"]) == (JPEG, "image/jpeg")
    gone = desk.client.get("/api/v1/pictures/0000", headers=desk.token(Role.VIEWER))
    assert gone.status_code == 404


def test_text_from_a_lane_is_shown_and_never_run(desk: Desk) -> None:
    facts = evidence("<img src=x>", "<b>", 20_000, faults=("<script>",))
    desk.send(decided("p-<i>", "hold", facts, None, "<script>alert(1)</script>"))
    desk.sign_in("vera")
    for path in ("/held", "/passages", "/held/p-%3Ci%3E", "/passages/p-%3Ci%3E"):
        page = desk.client.get(path).text
        assert "<script>" not in page, path
        assert "<img src=x" not in page, path


def test_chinese_and_english_by_cookie_on_every_page(desk: Desk) -> None:
    desk.sign_in("vera")
    assert '<html lang="zh-CN">' in desk.client.get("/held").text
    answer = desk.client.post("/language", data={"language": "en", "back": "/held"})
    assert answer.headers["location"] == "/held"
    page = desk.client.get("/held").text
    assert '<html lang="en">' in page
    assert "No vehicle is waiting" in page


def test_a_page_without_scripts_reloads_itself(desk: Desk) -> None:
    desk.sign_in("vera")
    for path in ("/", "/held"):
        assert '<noscript><meta http-equiv="refresh"' in desk.client.get(path).text


def test_an_unknown_page_and_passage_are_said_in_words(desk: Desk) -> None:
    desk.sign_in("vera")
    for path in ("/nothing-here", "/passages/p-404", "/held/p-404", "/lanes/lane9"):
        answer = desk.client.get(path)
        assert answer.status_code == 404, path
        assert "<main" in answer.text


def test_the_summary_counts_what_came(desk: Desk) -> None:
    _hold(desk)
    desk.send(closed("p-1", "release", "sun.li"))
    found = desk.client.get("/api/v1/summary", headers=desk.token(Role.VIEWER)).json()
    assert (found["passages"], found["closed"], found["outcomes"]["release"]) == (1, 1, 1)
    assert found["verdicts"]["hold"] == 1
    assert (found["missing"], found["duplicates"], found["dead_letters"]) == (0, 0, 0)
    assert found["lanes"][0]["unsynced"] is None  # its lane is not heard: unknown, not zero
