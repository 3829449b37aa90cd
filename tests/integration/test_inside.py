"""Ways in are paired with ways out, by plate: who is inside, and who has no counterpart."""

from __future__ import annotations

import csv
import io
import random
import sqlite3
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlite_utils import Database

from central.auth import commands
from central.auth.roles import Role, Scope
from central.console.wording import Wording
from central.store import crossings, policy_store
from central.store.connection import open_store
from central.store.schema import hub_migrations
from gate_agent.domain.policy_pack import LaneProfile, PolicyPack, policy_hash
from gate_agent.wire import v1
from tests.console_desk import Desk
from tests.console_scene import declaration, evidence

HOUR_MS = 3_600_000
CARD = "04A1B2C3"
PACK = PolicyPack(
    version="ways",
    owner="port",
    lanes=(LaneProfile(lane="lane1", direction="in"), LaneProfile(lane="lane2", direction="out")),
)


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.services.store.write_now(
        policy_store.keep_pack, PACK, at_ms=0, who="admin", source="pack.json"
    )
    return desk


class Yard:
    """Vehicles that drive in by lane 1 and out by lane 2, an hour apart."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.passages = 0
        self.sent: list[tuple[str, v1.RecordBody]] = []

    def goes(
        self,
        lane: str,
        plate: str | None,
        *,
        outcome: str = "release",
        left: str = "exit",
        way: str | None = None,
        pack: str = policy_hash(PACK),
    ) -> str:
        self.desk.clock.advance(3600)
        self.passages += 1
        passage_id = f"{lane}-e1-{self.passages:06}"
        paper = declaration(self.passages, (plate or "粤B00000",), CARD, 32_000)
        decided = v1.PassageDecided(
            passage_id=passage_id, outcome="release", reasons=(),
            evidence=evidence(plate, CARD, 32_000),
            declaration=msgspec.convert(
                msgspec.to_builtins(paper) | {"direction": way}, v1.DeclarationRow
            ),
            manifest_version=1, policy_version="ways", policy_hash=pack,
        )  # fmt: skip
        closed = msgspec.convert(
            {
                "passage_id": passage_id, "outcome": outcome, "decided_by": "lane", "left": left,
                "arrived_at_ms": self.desk.clock.wall_ms(), "timeline": {},
            },
            v1.PassageClosed,
        )  # fmt: skip
        self.desk.send(v1.PassageOpened(passage_id=passage_id), decided, closed, lane=lane)
        return passage_id

    def asks(self, query: str = "", headers: dict[str, str] | None = None) -> Any:  # noqa: ANN401
        headers = headers or self.desk.token(Role.VIEWER)
        answer = self.desk.client.get(f"/api/v1/inside{query}", headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def inside(self) -> list[str]:
        return [row["plate"] for row in self.asks()["inside"]]

    def odd(self) -> list[tuple[str, str]]:
        return [(row["plate"], row["odd"]) for row in self.asks()["odd"]]


@pytest.fixture
def yard(desk: Desk) -> Yard:
    return Yard(desk)


def test_row_32_who_came_in_is_inside_until_he_is_out(yard: Yard) -> None:
    first = yard.goes("lane1", "粤B12345")
    came_in_ms = yard.desk.clock.wall_ms()
    yard.goes("lane1", "粤B67890")
    found = yard.asks()
    assert (found["inside_count"], found["odd_count"], found["odd"]) == (2, 0, [])
    newest, oldest = found["inside"]
    assert newest["plate"] == "粤B67890"
    assert (oldest["passage_id"], oldest["at_ms"], oldest["lane"]) == (first, came_in_ms, "lane1")
    yard.goes("lane2", "粤b·12345")  # the same plate
    assert yard.inside() == ["粤B67890"]
    yard.goes("lane1", "粤B12345")
    assert yard.inside() == ["粤B12345", "粤B67890"]
    assert yard.odd() == []


def test_row_32_a_way_without_its_counterpart_is_named_with_the_way_before(yard: Yard) -> None:
    yard.goes("lane2", "粤B00001")
    before = yard.goes("lane1", "粤B00002")
    yard.goes("lane1", "粤B00002")
    yard.goes("lane2", "粤B00002")
    yard.goes("lane2", "粤B00002")
    assert yard.odd() == [
        ("粤B00002", "out_only"),
        ("粤B00002", "in_twice"),
        ("粤B00001", "out_only"),
    ]
    again = yard.asks()["odd"][1]
    assert (again["before_passage_id"], again["before_way"]) == (before, "in")
    assert yard.inside() == []


def test_only_who_was_released_and_went_counts_and_the_rules_way_goes_before_the_declared(
    yard: Yard,
) -> None:
    yard.goes("lane1", "粤B00001", left="entry", outcome="hold")  # backed out
    yard.goes("lane1", "粤B00002", outcome="refuse")
    yard.goes("lane1", "粤B00003", way="out")  # the lane is one for ways in
    yard.goes("lane3", "粤B00004", way="in")  # of no profile
    yard.goes("lane1", "粤B00005", way="out", pack="")  # by rules that the hub does not know
    assert yard.inside() == ["粤B00004", "粤B00003"]
    assert yard.odd() == [("粤B00005", "out_only")]
    assert yard.asks()["unpaired_of_day"] == 0
    yard.goes("lane1", None)
    yard.goes("lane3", "粤B00006")
    assert yard.asks()["unpaired_of_day"] == 2, "said, since they are missing in both lists"


def test_one_plate_and_a_limit_may_be_asked_for(yard: Yard) -> None:
    for number in range(5):
        yard.goes("lane1", f"粤B0000{number}")
    found = yard.asks("?limit=2")
    assert [row["plate"] for row in found["inside"]] == ["粤B00004", "粤B00003"]
    assert found["inside_count"] == 5
    assert [row["plate"] for row in yard.asks("?plate=粤b·00001")["inside"]] == ["粤B00001"]


def test_row_32_an_account_of_one_lane_sees_its_own_ways_and_no_other_lanes(yard: Yard) -> None:
    yard.goes("lane1", "粤B00001")
    yard.goes("lane2", "粤B00002")
    yard.goes("lane1", "粤B00003", way="in")
    lane3 = yard.goes("lane3", "粤B00003", way="in")
    scope = Scope(lanes=("lane2", "lane3"))
    secret = commands.add_token(yard.desk.state, "partner", Role.VIEWER, 0, scope)
    headers = {"Authorization": f"Bearer {secret}"}
    found = yard.asks(headers=headers)
    assert [row["passage_id"] for row in found["inside"]] == [lane3]
    assert (found["inside_count"], found["odd_count"]) == (1, 2)
    assert {row["plate"] for row in found["odd"]} == {"粤B00002", "粤B00003"}
    assert "lane1" not in str(found)
    table = yard.desk.client.get("/api/v1/inside.csv", headers=headers).content.decode("utf-8-sig")
    assert "lane1" not in table
    assert len(table.splitlines()) == 4


def test_the_table_for_an_office_has_both_lists_and_no_formula(yard: Yard) -> None:
    yard.goes("lane1", "=1+1")
    yard.goes("lane2", "粤B00002")
    answer = yard.desk.client.get("/api/v1/inside.csv", headers=yard.desk.token(Role.VIEWER))
    assert "inside.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["list"], row["plate"], row["odd"]) for row in rows] == [
        ("inside", "'=1+1", ""),
        ("odd", "粤B00002", "out_only"),
    ]


def test_the_page_says_who_is_inside_and_since_when(yard: Yard) -> None:
    yard.goes("lane1", "粤B12345")
    yard.goes("lane2", "粤B67890")
    yard.goes("lane1", None)
    yard.desk.sign_in("vera")
    shown = yard.desk.client.get("/inside", headers={"accept-language": "zh"}).text
    for said in (
        "在区车辆",
        "粤B12345",
        Wording("zh").age(7200),
        "未进先出",
        "1 辆放行车辆无法配对",
    ):
        assert said in shown, said
    english = {"accept-language": "en"}
    shown = yard.desk.client.get("/inside?plate=粤B99999", headers=english).text
    assert "Nobody is inside" in shown
    assert "粤B12345" not in shown


_ALL = "SELECT passage_id, plate, at_ms, lane, way, before, is_last, odd FROM crossings ORDER BY 1"


def _many(db: sqlite3.Connection, count: int, *, seed: int) -> None:
    """Passages of few plates, noted in no order."""
    dice = random.Random(seed)
    ids = []
    for number in range(count):
        passage_id = f"p{number:06}"
        ids.append(passage_id)
        way = dice.choice(("in", "out"))
        db.execute(
            "INSERT INTO passages (passage_id, lane, epoch, first_at_ms, first_received_ms, plate,"
            " declaration, closed_at_ms, outcome, left_by) VALUES (?,?,'e',?,?,?,?,?,?,'exit')",
            [
                passage_id, f"lane{number % 4}", number, number, f"粤B{dice.randrange(900):05}",
                f'{{"direction": "{way}"}}', dice.randrange(count),
                dice.choice(("release", "release", "release", "hold")),
            ],
        )  # fmt: skip
    dice.shuffle(ids)
    for passage_id in ids:
        crossings.note(db, passage_id)


def test_in_whatever_order_thousands_come_the_pairs_are_those_of_a_migrated_database(
    tmp_path: Path,
) -> None:
    path = tmp_path / "hub.db"
    store = open_store(path)
    store.write_now(_many, 5_000, seed=7)
    store.close()
    db = Database(path)
    told = db.execute(_ALL).fetchall()
    assert 3_000 < len(told) < 4_500
    by_plate: dict[str, list[tuple[int, str, str]]] = {}
    for passage_id, plate, at_ms, _, way, *_ in told:
        by_plate.setdefault(plate, []).append((at_ms, passage_id, way))
    odd = {row[0] for row in told if row[-1] is not None}
    for ways in by_plate.values():
        ways.sort()
        for before, one in pairwise([(0, "", "out"), *ways]):
            assert (one[1] in odd) == (before[2] == one[2])
    db.execute("DROP TABLE crossings")
    db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm013_ways_in_and_out'")
    db.conn.commit()
    hub_migrations.apply(db)
    assert db.execute(_ALL).fetchall() == told
    db.close()


def test_asking_uses_an_index_and_is_quick_among_thousands(tmp_path: Path) -> None:
    store = open_store(tmp_path / "hub.db")
    store.write_now(_many, 20_000, seed=1)
    begun_s = time.perf_counter()
    found = store.read_now(crossings.inside, now_ms=0, limit=200)
    lasted_s = time.perf_counter() - begun_s
    assert (len(found.inside), len(found.odd)) == (200, 200)
    assert [row.at_ms for row in found.inside] == sorted(
        (row.at_ms for row in found.inside), reverse=True
    )
    assert lasted_s < 1.0

    def plan(db: sqlite3.Connection) -> str:
        where = "c.way = 'in' AND c.is_last = 1"
        return str(
            db.execute(
                f"EXPLAIN QUERY PLAN SELECT 1 FROM crossings c WHERE {where}"  # noqa: S608
                " ORDER BY c.at_ms DESC, c.passage_id DESC LIMIT 1"
            ).fetchall()
        )

    assert "crossings_inside" in store.read_now(plan)
    store.close()
