"""Who declares for whom: checked when the declaration comes, and again at the lane."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from central.auth.roles import Role
from central.store import manifest_queries
from gate_agent.domain.decision import decide
from gate_agent.domain.manifest import Declaration
from gate_agent.domain.policy_pack import Mandate, PolicyPack
from gate_agent.domain.reasons import Reason
from gate_agent.domain.vocabulary import Outcome
from gate_agent.wire.policy_pack import PolicyPackError, read_pack
from tests.builders import START, a_declaration, good_evidence
from tests.console_desk import Desk

PACK = PolicyPack(
    version="1",
    owner="rules desk",
    mandates=(
        Mandate(agent="Ocean Broker", companies=("Alpha",), until_ms=START.wall_ms + 1_000),
        Mandate(agent="City Broker"),
    ),
    blocked_agents=("Bad Broker",),
)


def judged(paper: Declaration, *, at_ms: int = START.wall_ms) -> tuple[Reason, ...]:
    return decide(good_evidence(), (paper,), PACK, at_ms).reasons


@pytest.mark.parametrize(
    ("agent", "company", "reasons"),
    [
        ("", "", ()),
        ("", "Alpha", ()),
        ("Ocean Broker", "Alpha", ()),
        ("City Broker", "", ()),
        ("Ocean Broker", "Beta", (Reason.AGENT_UNAUTHORIZED,)),
        ("Ocean Broker", "", (Reason.AGENT_UNAUTHORIZED,)),
        ("Nobody", "Alpha", (Reason.AGENT_UNAUTHORIZED,)),
        ("Bad Broker", "Alpha", (Reason.AGENT_BLOCKED,)),
    ],
)
def test_an_agent_acts_within_his_mandate(
    agent: str, company: str, reasons: tuple[Reason, ...]
) -> None:
    paper = replace(a_declaration(), agent=agent, company=company)
    assert judged(paper) == reasons
    without = PolicyPack(version="1")  # says nothing of agents: they are checked elsewhere
    assert decide(good_evidence(), (paper,), without, START.wall_ms).outcome is Outcome.RELEASE


def test_a_mandate_ends_to_the_millisecond() -> None:
    paper = replace(a_declaration(), agent="Ocean Broker", company="Alpha")
    assert judged(paper, at_ms=START.wall_ms + 999) == ()
    assert judged(paper, at_ms=START.wall_ms + 1_000) == (Reason.AGENT_UNAUTHORIZED,)
    backwards = {"version": "1", "owner": "x", "mandates": [{"agent": "A", "until_ms": 0}]}
    with pytest.raises(PolicyPackError, match=r"mandates\[0\]"):
        read_pack(json.dumps(backwards).encode(), "p.json")


def test_row_47_an_agent_without_a_mandate_is_refused_at_the_import_and_held_at_the_lane(
    desk: Desk,
) -> None:
    admin, now_ms = desk.token(Role.ADMINISTRATOR), desk.clock.wall_ms()

    def imports(agent: str, company: str) -> Any:  # noqa: ANN401 - JSON
        row = {
            "declaration_id": "D1", "plates": "粤B12345", "card_uid": "04A1B2C3",
            "gross_kg": 32_000, "agent": agent, "company": company,
            "valid_from": datetime.fromtimestamp(now_ms / 1000, tz=UTC).isoformat(),
            "valid_until": datetime.fromtimestamp(now_ms / 1000 + 3_600, tz=UTC).isoformat(),
        }  # fmt: skip
        body = json.dumps([row]).encode()
        path = "/api/v1/manifest/import?format=json"
        return desk.client.post(path, content=body, headers=admin).json()

    assert imports("Ocean Broker", "Beta")["refused"] == []  # no rules yet
    pack = {
        "version": "1", "owner": "rules desk", "blocked_agents": ["Bad Broker"],
        "mandates": [{"agent": "Ocean Broker", "companies": ["Alpha"]}],
    }  # fmt: skip
    body = json.dumps(pack).encode()
    desk.client.post("/api/v1/policy/import?source=p.json", content=body, headers=admin)
    (refused,) = imports("Ocean Broker", "Beta")["refused"]
    assert (refused["line"], refused["field"]) == (1, "agent")
    assert "no mandate for Beta" in refused["reason"]
    assert "blocked" in imports("Bad Broker", "Alpha")["refused"][0]["reason"]
    assert imports("Ocean Broker", "Alpha")["refused"] == []
    held = desk.services.store.read_now(manifest_queries.declaration, "D1")
    assert held is not None
    assert (held.agent, held.company) == ("Ocean Broker", "Alpha")
    # What the lane holds is judged there again: a mandate may end, an agent may be blocked.
    paper = replace(a_declaration(), agent="Bad Broker", company="Alpha")
    assert decide(good_evidence(), (paper,), PACK, START.wall_ms).outcome is Outcome.HOLD
