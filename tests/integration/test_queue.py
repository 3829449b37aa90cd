"""In which order a person looks at the vehicles that wait."""

from __future__ import annotations

import msgspec

from central.auth.roles import Role
from central.store.queue import risk_of
from gate_agent.domain.manifest import Risk
from gate_agent.wire import v1
from tests.console_desk import Desk
from tests.console_scene import declaration, evidence


def waits(desk: Desk, lane: str, risk: str | None, *reasons: str) -> None:
    paper = declaration(1, ("粤B12345",), "04A1B2C3", 32_000)
    passage_id = f"{lane}-e1-000001"
    desk.seq = 0
    desk.send(
        v1.PassageOpened(passage_id=passage_id),
        v1.PassageDecided(
            passage_id=passage_id, outcome="hold", reasons=reasons,
            evidence=evidence("粤B12345", "04A1B2C3", 32_000),
            declaration=msgspec.structs.replace(paper, risk=risk), manifest_version=1,
            policy_version="7",
        ),
        lane=lane,
    )  # fmt: skip


def test_row_48_the_queue_ranks_by_risk_times_waiting_time(desk: Desk) -> None:
    headers = desk.token(Role.VIEWER)

    def queue() -> list[tuple[str, str]]:
        held = desk.client.get("/api/v1/held", headers=headers).json()
        return [(row["passage"]["lane"], row["risk"]) for row in held]

    waits(desk, "lane1", "low", "weight_off")
    desk.clock.advance(60)
    waits(desk, "lane2", None, "weight_off")
    waits(desk, "lane3", "low", "agency_hold")
    desk.clock.advance(10)
    # 70 s of low risk, 10 s of unknown, 10 s of high
    assert queue() == [("lane1", "low"), ("lane3", "high"), ("lane2", "unknown")]
    desk.clock.advance(21)  # 91, 31, 31
    assert queue() == [("lane3", "high"), ("lane1", "low"), ("lane2", "unknown")]
    desk.clock.advance(60)  # 151, 91, 91: and nobody is forgotten
    assert queue() == [("lane3", "high"), ("lane2", "unknown"), ("lane1", "low")]
    desk.sign_in("vera")
    page = desk.client.get("/held", headers={"accept-language": "zh"}).text
    places = [page.index(said) for said in ("高风险", "风险未知", "低风险")]
    assert places == sorted(places)


def test_a_risk_that_nobody_told_is_not_low() -> None:
    assert risk_of(None, ("card_missing",)) is Risk.UNKNOWN
    assert risk_of("odd", ()) is Risk.UNKNOWN
    assert risk_of("low", ()) is Risk.LOW
    assert risk_of("low", ("plate_blocked",)) is Risk.HIGH
