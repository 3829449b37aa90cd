"""The manifest's import over API and console, and the API's own description."""

import re
from pathlib import Path

import pytest

from central.api.table import ENDPOINTS, PREFIX
from central.auth.roles import Role
from tests.console_desk import BROWSER, Desk
from tests.console_scene import (
    CSV_HEAD,
    declaration,
    manifest_csv,
)


def test_good_rows_are_imported_and_each_bad_one_is_reported(desk: Desk) -> None:
    good = manifest_csv([declaration(1, ("粤B12345",), "04A1B2C3", 32_000)])
    bad = b"D2,,04FF,12,soon,2026-11-22T00:00:00Z,released,\n"
    headers = desk.token(Role.ADMINISTRATOR)
    answer = desk.client.post(
        "/api/v1/manifest/import?format=csv", content=good + bad, headers=headers
    )
    report = answer.json()
    assert (answer.status_code, report["accepted"]) == (200, 1)
    assert {problem["line"] for problem in report["refused"]} == {3}
    found = desk.client.get("/api/v1/manifest/declarations?plate=粤B·12345", headers=headers)
    assert [row["declaration_id"] for row in found.json()] == ["D000001"]


def test_a_file_that_is_not_a_manifest_is_refused_as_a_whole(desk: Desk) -> None:
    headers = desk.token(Role.ADMINISTRATOR)
    answer = desk.client.post(
        "/api/v1/manifest/import?format=json", content=b"\xff\xfe{", headers=headers
    )
    assert answer.status_code == 422
    assert answer.json()["error"]
    unsaid = desk.client.post("/api/v1/manifest/import", content=b"", headers=headers)
    assert (unsaid.status_code, unsaid.json()["field"]) == (400, "format")


def test_a_replacing_file_without_a_declaration_withdraws_nothing(desk: Desk) -> None:
    answer = desk.client.post(
        "/api/v1/manifest/import?format=json&replace=1",
        content=b"[]",
        headers=desk.token(Role.ADMINISTRATOR),
    )
    assert answer.status_code == 422
    assert "would withdraw everything" in answer.json()["error"]


def test_an_upload_shows_its_report_on_the_page(desk: Desk) -> None:
    desk.sign_in("admin")
    content = manifest_csv([declaration(1, ("粤B12345",), "04A1B2C3", 32_000)]) + b"D2,oops\n"
    answer = desk.client.post(
        "/manifest/import", files={"file": ("morning.csv", content, "text/csv")}, headers=BROWSER
    )
    assert answer.status_code == 200
    assert "已接受 1 行" in answer.text
    assert "已拒绝" in answer.text
    assert "morning.csv" in answer.text
    wrong = desk.client.post(
        "/manifest/import",
        files={"file": ("a.csv", CSV_HEAD.encode()[5:], "text/csv")},
        headers=BROWSER,
    )
    assert wrong.status_code == 422


# --- the API's own description


def test_every_endpoint_is_in_the_document_and_answers_errors_as_json(desk: Desk) -> None:
    document = desk.client.get("/api/v1/openapi.json").json()
    headers = desk.token(Role.ADMINISTRATOR)
    for path, operations in document["paths"].items():
        for method in operations:
            url = re.sub(r"\{\w+\}", "0", path)
            answer = desk.client.request(method.upper(), url, headers=headers)
            assert answer.status_code in {200, 400, 404, 409, 422}, (method, path, answer.text)
            if answer.status_code >= 400:
                assert answer.json()["error"], path


def test_every_endpoint_is_in_the_reference() -> None:
    reference = (Path(__file__).parents[2] / "docs/reference/api.md").read_text(encoding="utf-8")
    for endpoint in ENDPOINTS:
        path = endpoint.path.replace(":int", "")
        assert f"| `{endpoint.method} {PREFIX}{path}` | {endpoint.role} |" in reference, path


def test_the_document_refers_only_to_what_it_describes(desk: Desk) -> None:
    answer = desk.client.get("/api/v1/openapi.json")
    known = set(answer.json()["components"]["schemas"])
    assert set(re.findall(r'"#/components/schemas/(\w+)"', answer.text)) <= known


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=x", "limit"), ("outcome=maybe", "outcome"), ("since_ms=-1",
     "since_ms")],
)  # fmt: skip
def test_a_bad_parameter_is_named(desk: Desk, query: str, field: str) -> None:
    answer = desk.client.get(f"/api/v1/passages?{query}", headers=desk.token(Role.VIEWER))
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_the_hub_says_that_it_is_well_to_anybody(desk: Desk) -> None:
    assert desk.client.get("/healthz").json() == {"status": "ok"}
