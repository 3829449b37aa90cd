"""What the lanes did, beside what the port promises in public."""

from __future__ import annotations

import json
from typing import Any

from central.auth.roles import Role
from central.store.figures import at_rank
from gate_agent.wire import v1
from tests.console_desk import Desk
from tests.console_scene import evidence

PACK = {
    "version": "9",
    "owner": "rules desk",
    "targets": {"p50_ms": 20_000, "p95_ms": 21_000, "automatic_permille": 800},
}


def comes(
    desk: Desk, lane: str, number: int, up_ms: int | None, *reasons: str, by: str = "lane"
) -> None:
    """A vehicle: released by the lane in `up_ms`, else held for `reasons` and decided by `by`."""
    passage_id = f"{lane}-e1-{number:06}"
    is_automatic = up_ms is not None and not reasons
    desk.send(
        v1.PassageOpened(passage_id=passage_id),
        v1.PassageDecided(
            passage_id=passage_id, outcome="release" if is_automatic else "hold", reasons=reasons,
            evidence=evidence("粤B12345", "04A1B2C3", 32_000), declaration=None,
            manifest_version=1, policy_version="9",
        ),
        lane=lane,
    )  # fmt: skip
    if by != "lane":
        desk.clock.advance(7)
        order = v1.PassageOverridden(
            passage_id=passage_id, command_id=f"c-{passage_id}", decision="release", by=by,
            reason="seen",
        )  # fmt: skip
        desk.send(order, lane=lane)
    closed = v1.PassageClosed(
        passage_id=passage_id, outcome="hold" if up_ms is None else "release", decided_by=by,
        left="exit", arrived_at_ms=0, timeline=v1.Timeline(boom_up_ms=up_ms),
    )  # fmt: skip
    desk.send(closed, lane=lane)


def asks(desk: Desk, query: str = "") -> Any:  # noqa: ANN401 - JSON
    headers = desk.token(Role.VIEWER)
    return desk.client.get(f"/api/v1/figures{query}", headers=headers).json()


def test_row_24_each_lanes_times_and_automatic_share_stand_beside_the_published_targets(
    desk: Desk,
) -> None:
    since_ms = desk.clock.wall_ms()
    for number, up_ms in enumerate((18_000, 19_000, 20_000, 40_000), 1):
        comes(desk, "lane1", number, up_ms)
    comes(desk, "lane1", 5, 90_000, "weight_off", by="sun.li")
    comes(desk, "lane2", 1, None, "no_declaration", "card_missing")
    admin = desk.token(Role.ADMINISTRATOR)
    body = json.dumps(PACK).encode()
    desk.client.post("/api/v1/policy/import?source=p.json", content=body, headers=admin)
    desk.clock.advance(60)
    found = asks(desk)
    port, one, two = found["lanes"]
    assert (one["p50_ms"], one["p95_ms"], one["automatic_permille"]) == (19_000, 40_000, 800)
    assert (one["by_person"], one["waited_p95_ms"]) == (1, 7_000)
    assert (two["p50_ms"], two["automatic_permille"], two["turned_away"]) == (None, 0, 1)
    assert (port["lane"], port["passages"], port["automatic"]) == ("", 6, 4)
    assert [each["reason"] for each in two["exceptions"]] == ["card_missing", "no_declaration"]
    assert (found["policy_version"], found["targets"]["p95_ms"]) == ("9", 21_000)
    assert asks(desk, f"?from_ms=0&to_ms={since_ms}")["error"]
    assert asks(desk, f"?from_ms={since_ms - 9}&to_ms={since_ms}")["lanes"][0]["passages"] == 0
    desk.sign_in("vera")
    page = desk.client.get("/figures?days=7", headers={"accept-language": "zh"}).text
    for said in ("19.0 s", "≤ 21.0 s", "80.0 %", "全部车道"):
        assert said in page, said


def test_a_rank_is_the_smallest_value_that_so_many_do_not_exceed() -> None:
    assert at_rank([], 500) is None
    assert [at_rank([5], permille) for permille in (1, 500, 950)] == [5, 5, 5]
    assert at_rank(list(range(1, 101)), 950) == 95
    assert at_rank([4, 1, 3, 2], 500) == 2
