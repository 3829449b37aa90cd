"""An account of another party sees its part of the port, and nothing else."""

from __future__ import annotations

import re
from hashlib import sha256

import msgspec
import pytest

from central.api.table import ENDPOINTS, PREFIX
from central.auth import commands
from central.auth.commands import CommandError
from central.auth.roles import Role, Scope
from central.cli import main
from central.console.routes import _PAGES
from gate_agent.wire import v1
from tests.console_desk import PASSWORD, Desk
from tests.console_scene import declaration, evidence, taken

ONE, TWO = "lane1-e1-000001", "lane2-e1-000001"
JPEGS = {ONE: b"\xff\xd8one", TWO: b"\xff\xd8two"}


@pytest.fixture
def desk(desk: Desk) -> Desk:
    for passage_id, agency in ((ONE, "quarantine"), (TWO, "border")):
        lane = passage_id[:5]
        paper = declaration(1, ("粤B12345",), "04A1B2C3", 32_000)
        agencies = (v1.AgencyRow(agency=agency, state="hold"),)
        desk.seq = 0
        desk.send(
            v1.PassageOpened(passage_id=passage_id),
            taken(passage_id, JPEGS[passage_id]),
            v1.PassageDecided(
                passage_id=passage_id, outcome="hold", reasons=("agency_hold",),
                evidence=evidence("粤B12345", "04A1B2C3", 32_000),
                declaration=msgspec.structs.replace(paper, agencies=agencies),
                manifest_version=1, policy_version="7",
            ),
            lane=lane,
        )  # fmt: skip
    return desk


def limited(desk: Desk, scope: Scope) -> dict[str, str]:
    secret = commands.add_token(desk.state, "partner", Role.VIEWER, 0, scope)
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize(
    ("scope", "mine"),
    [
        (Scope(lanes=("lane1",)), {ONE}),
        (Scope(agency="border"), {TWO}),
        (Scope(lanes=("lane1", "lane2")), {ONE, TWO}),
        (Scope(lanes=("lane1",), agency="border"), set()),
        (Scope(lanes=("lane' OR 1=1 --",)), set()),
    ],
)
def test_row_33_an_account_sees_the_passages_of_its_lanes_or_its_agency_and_nothing_else(
    desk: Desk, scope: Scope, mine: set[str]
) -> None:
    headers = limited(desk, scope)

    def get(path: str) -> tuple[int, object]:
        answer = desk.client.get(f"/api/v1{path}", headers=headers)
        is_json = answer.headers["content-type"] == "application/json"
        return answer.status_code, answer.json() if is_json else answer.content

    _, passages = get("/passages?limit=100")
    assert isinstance(passages, list)
    assert {row["passage_id"] for row in passages} == mine
    _, held = get("/held")
    assert isinstance(held, list)
    assert {row["passage"]["passage_id"] for row in held} == mine
    for passage_id, jpeg in JPEGS.items():
        expected = 200 if passage_id in mine else 404
        assert get(f"/passages/{passage_id}")[0] == expected
        assert get(f"/pictures/{sha256(jpeg).hexdigest()}")[0] == expected


def test_every_other_question_is_refused_whatever_is_added_to_the_api(desk: Desk) -> None:
    headers = limited(desk, Scope(lanes=("lane1",)))
    kept = {endpoint.path for endpoint in ENDPOINTS if endpoint.keeps_scope}
    assert kept == {
        "/passages", "/passages/{passage_id}", "/held", "/pictures/{picture_id}",
        "/inside", "/inside.csv",
    }  # fmt: skip
    for endpoint in ENDPOINTS:
        path = re.sub(r"\{[^}]*:int\}", "1", endpoint.path)
        path = re.sub(r"\{[^}]*\}", "x", path)
        if endpoint.path not in kept:
            answer = desk.client.request(endpoint.method, f"{PREFIX}{path}", headers=headers)
            assert answer.status_code == 403, endpoint.path


def test_a_limited_person_sees_three_pages_of_the_console(desk: Desk) -> None:
    scope = Scope(agency="quarantine")
    commands.add_user(desk.state, "partner", PASSWORD, Role.VIEWER, 0, scope)
    desk.sign_in("partner")
    assert desk.client.get("/").headers["location"] == "/passages"
    listed = desk.client.get("/passages").text
    assert ONE in listed
    assert TWO not in listed
    assert desk.client.get(f"/passages/{ONE}").status_code == 200
    assert desk.client.get(f"/passages/{TWO}").status_code == 404
    for path, _ in _PAGES:
        if path not in ("/", "/passages", "/passages/{passage_id}", "/inside"):
            shown = desk.client.get(re.sub(r"\{[^}]*\}", ONE, path))
            assert shown.status_code == 403, path
    assert 'href="/log"' not in listed


def test_only_a_viewer_may_be_limited_and_the_command_says_to_what(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="only a viewer"):
        commands.add_token(desk.state, "x", Role.SUPERVISOR, 0, Scope(lanes=("lane1",)))
    place = ["--state", str(desk.state)]
    made = ["token", "add", "partner", "--role", "viewer", "--lanes", "lane1, lane2"]
    assert main([*made, *place]) == 0
    headers = {"Authorization": f"Bearer {capsys.readouterr().out.strip()}"}
    assert len(desk.client.get("/api/v1/passages", headers=headers).json()) == 2
    assert desk.client.get("/api/v1/lanes", headers=headers).status_code == 403
    commands.add_user(desk.state, "p", PASSWORD, Role.VIEWER, 0, Scope(agency="border"))
    assert main(["user", "list", *place]) == 0
    assert "p\tviewer\t\tborder" in capsys.readouterr().out
