"""How safely the lanes ran: who came through without a release, what failed, who decided."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from central.auth.roles import Role
from central.cli import main
from central.console.wording import Wording
from gate_agent.wire import v1
from tests.console_desk import Desk

MINUTE_MS = 60_000


def fault(code: str, *, raised: bool) -> v1.FaultChanged:
    return v1.FaultChanged(code=code, raised=raised)


def asks(desk: Desk, from_ms: int, to_ms: int) -> Any:  # noqa: ANN401 - JSON
    headers = desk.token(Role.VIEWER)
    query = f"?from_ms={from_ms}&to_ms={to_ms}"
    return desk.client.get(f"/api/v1/report{query}", headers=headers).json()


def test_row_56_the_safety_report_says_who_came_through_without_a_release_what_failed_and_for_how_long(  # noqa: E501
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.send(fault("scale_link", raised=True), fault("sign_link", raised=True))
    desk.clock.advance(120)
    from_ms = desk.clock.wall_ms()
    desk.send(
        v1.PassageOpened(passage_id="lane1-e1-000001"),
        v1.AlarmRaised(code="left_unreleased", passage_id="lane1-e1-000001"),
        v1.AlarmRaised(code="zero_drift", passage_id=None),
        fault("camera_link", raised=True),
        v1.CommandCarriedOut(
            command_id="h-1", command="set_mode", by="li.wei [root@lane1]", reason="cable cut",
            mode="emergency", emergency="network_down", local=True,
        ),
        v1.PassageOverridden(
            passage_id="lane1-e1-000001", command_id="h-2", decision="release",
            by="li.wei [root@lane1]", reason="seen", slip="WL-100", local=True,
        ),
    )  # fmt: skip
    desk.clock.advance(60)
    desk.send(
        fault("camera_link", raised=False),
        fault("scale_link", raised=False),
        v1.CommandCarriedOut(
            command_id="c-3", command="set_mode", by="sun.li", reason="over", mode="auto"
        ),
        v1.CommandCarriedOut(
            command_id="c-4", command="set_mode", by="sun.li", reason="night", mode="closed"
        ),
    )
    desk.clock.advance(60)
    to_ms = desk.clock.wall_ms()
    found = asks(desk, from_ms, to_ms)
    (opening,) = found["openings"]
    assert (opening["code"], opening["lane"], opening["seen_by"]) == (
        "left_unreleased", "lane1", None,
    )  # fmt: skip
    assert {(row["code"], row["times"], row["seen"]) for row in found["alarms"]} == {
        ("left_unreleased", 1, 0),
        ("zero_drift", 1, 0),
    }
    assert {(row["code"], row["times"], row["lasted_ms"]) for row in found["faults"]} == {
        ("camera_link", 1, MINUTE_MS),
        ("scale_link", 0, MINUTE_MS),  # it began before the period
        ("sign_link", 0, 2 * MINUTE_MS),  # and this one lasted all of it
    }
    assert [(row["mode"], row["kind"], row["local"]) for row in found["emergencies"]] == [
        ("emergency", "network_down", True),
        ("auto", "", False),
    ]
    (person,) = found["operators"]
    assert (person["by"], person["released"], person["on_slips"]) == ("li.wei [root@lane1]", 1, 1)
    assert (found["passages"], found["chains"]) == (1, [])

    def iso(at_ms: int) -> str:
        return datetime.fromtimestamp(at_ms / 1000, tz=UTC).isoformat()

    period = ["--state", str(desk.state), "--from", iso(from_ms), "--to", iso(to_ms)]
    assert main(["report", *period]) == 0
    assert json.loads(capsys.readouterr().out)["openings"] == found["openings"]
    page = tmp_path / "report.html"
    assert main(["report", *period, "--out", str(page)]) == 0
    for said in ("安全运行报告", "车辆未经放行驶出", "网络中断", "li.wei", Wording("zh").age(60)):
        assert said in page.read_text(encoding="utf-8"), said
    assert main(["report", *period, "--pdf", str(tmp_path / "r.pdf")]) == 1
    desk.sign_in("vera")
    shown = desk.client.get("/report?days=7", headers={"accept-language": "en"}).text
    assert "A vehicle drove out without a release" in shown


def test_a_quiet_period_is_reported_as_quiet(desk: Desk) -> None:
    now_ms = desk.clock.wall_ms()
    found = asks(desk, now_ms, now_ms + 1)
    assert not any(value for name, value in found.items() if not name.endswith("_ms"))
