"""The disk does not fill up: pictures and clips go by rule, a few at a time, records never."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from itertools import pairwise
from pathlib import Path

import pytest

from central.auth.roles import Role
from central.cli import main
from central.config import CentralConfig, RetentionConfig
from central.hub.retention import BUSY_S, GB, IDLE_S, PASS_EVERY_S
from central.store import clip_store, hub_store, retention_store
from central.store.connection import Store
from central.store.retention_store import DELETED_AT_ONCE, PARTS_AT_ONCE
from central.store.rows import ClipState, RetentionRule
from gate_agent.domain.records import Alarm
from gate_agent.wire.topics import HUB
from hil_tests.bench.offline import OVERVIEW_BYTES, PLATE_BYTES
from hil_tests.virtual_port.hub import VirtualHub
from hil_tests.virtual_port.loop import VirtualLoop, run
from hil_tests.virtual_port.network import SITE, Network
from tests.console_desk import BROWSER, Desk
from tests.retention_desk import (
    ALL_DAYS,
    DAY_S,
    alarms_are_seen,
    changed,
    fill,
    heard,
    here,
    jpeg_of,
    keep_clip,
    later,
    name_of,
    page,
    passes,
    rules,
    standing,
    work,
)


def counted(desk: Desk) -> tuple[int, int, int]:
    def found(db: sqlite3.Connection) -> tuple[int, int, int]:
        row = db.execute(
            "SELECT (SELECT count(*) FROM records), (SELECT count(*) FROM pictures),"
            " (SELECT count(*) FROM passages)"
        ).fetchone()
        return row[0], row[1], row[2]

    return desk.services.store.read_now(found)


def test_a_picture_goes_after_its_days_and_everything_else_stays(desk: Desk) -> None:
    passes(desk, "p-old", number=1)
    later(desk, 200 * DAY_S)
    passes(desk, "p-young", number=2)
    before = counted(desk)
    work(rules(desk))
    assert here(desk) == {"p-old", "p-young"}
    later(desk, 166 * DAY_S)
    work(rules(desk))
    assert here(desk) == {"p-young"}
    assert counted(desk) == before
    found = desk.services.store.read_now(hub_store.passage, "p-old")
    assert found is not None
    (picture,) = found.pictures
    assert picture.picture_id == name_of(jpeg_of("p-old"))
    assert picture.deleted is not None
    assert (picture.deleted.rule, picture.deleted.days) == (RetentionRule.AGE, 365)
    assert picture.deleted.at_ms == desk.clock.wall_ms()


def test_where_no_days_are_set_nothing_ever_goes(desk: Desk) -> None:
    passes(desk, "p-1", number=1)
    later(desk, 9_000 * DAY_S)
    assert work(rules(desk, RetentionConfig())) == 1
    assert here(desk) == {"p-1"}


def test_a_hub_whose_clock_was_set_to_another_year_deletes_nothing_for_it(desk: Desk) -> None:
    passes(desk, "p-1", number=1)
    desk.clock.advance(9_000 * DAY_S)
    work(rules(desk))
    assert here(desk) == {"p-1"}
    later(desk, 1.0)
    work(rules(desk))
    assert here(desk) == set(), "a lane says so, too"


def test_the_page_and_the_api_say_when_and_by_which_rule_instead_of_a_broken_picture(
    desk: Desk,
) -> None:
    passes(desk, "p-1", number=1)
    later(desk, 366 * DAY_S)
    work(rules(desk))
    desk.sign_in("vera")
    english, chinese = page(desk, "/passages/p-1"), page(desk, "/passages/p-1", "zh")
    assert "by rule: kept for 365 days" in english
    assert "按规则删除：保存满 365 天" in chinese
    assert "<img" not in english
    viewer = desk.token(Role.VIEWER)
    told = desk.client.get("/api/v1/passages/p-1", headers=viewer).json()["pictures"][0]
    assert (told["present"], told["deleted"]["rule"]) == (False, "age")
    answer = desk.client.get(f"/api/v1/pictures/{told['picture_id']}", headers=viewer)
    assert answer.status_code == 410
    assert "by rule age, 365 days" in answer.json()["error"]


def test_below_the_floor_the_oldest_beyond_the_least_age_go_until_there_is_room(
    desk: Desk,
) -> None:
    for number in range(40):
        passes(desk, f"p-{number:02}", number=number, size=60_000)
        later(desk, DAY_S)
    floor_gb = 60 * 60_000 / GB  # the room that about twenty of them take, inside the database
    config = RetentionConfig(disk_free_gb=floor_gb, room_after_days=10)
    disk_gb = floor_gb - 20 * 60_000 / GB
    work(rules(desk, config, free_gb=disk_gb))
    stay = sorted(here(desk))
    assert stay == [f"p-{number:02}" for number in range(40 - len(stay), 40)], "the oldest went"
    assert 10 <= len(stay) < 32
    assert desk.services.store.read_now(hub_store.alarms) == ()
    found = desk.services.store.read_now(retention_store.deletions_of, "p-00")
    assert [(each.rule, each.days, each.free_gb) for _, _, each in found] == [
        (RetentionRule.ROOM, 10, pytest.approx(floor_gb))
    ]
    desk.sign_in("vera")
    assert "of disk were free, and it was older than 10 days" in page(desk, "/passages/p-00")


def test_where_nothing_may_go_a_person_is_called_once_and_told_what_to_do(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    passes(desk, "p-1", number=1)
    later(desk, 5 * DAY_S)
    config = RetentionConfig(disk_free_gb=50.0, room_after_days=10)
    retention = rules(desk, config, free_gb=7.0)
    for _ in range(5):
        work(retention)
        later(desk, IDLE_S)
    assert here(desk) == {"p-1"}
    (alarm,) = desk.services.store.read_now(hub_store.alarms)
    assert (alarm.lane, alarm.code) == (HUB, Alarm.HUB_DISK_LOW)
    assert alarm.detail.startswith("7.0 GB free and 0.0 GB in hub.db of 50 GB wanted")
    desk.sign_in("sun.li")
    assert "give it a larger disk, or fewer days" in page(desk, "/log")
    assert "请扩容或缩短保存天数" in page(desk, "/log", "zh")
    assert 'href="/lanes/hub"' not in page(desk, "/log")
    alarms_are_seen(desk.services.store, desk.clock.wall_ms())
    work(retention)
    assert len(desk.services.store.read_now(hub_store.alarms)) == 1
    later(desk, DAY_S + 1)
    work(retention)
    assert len(desk.services.store.read_now(hub_store.alarms)) == 2


def test_without_a_least_age_nothing_is_deleted_for_room_and_a_person_is_called(
    desk: Desk,
) -> None:
    passes(desk, "p-1", number=1)
    later(desk, 900 * DAY_S)
    work(rules(desk, RetentionConfig(), free_gb=4.9))
    assert here(desk) == {"p-1"}
    (alarm,) = desk.services.store.read_now(hub_store.alarms)
    assert "room_after_days is not set" in alarm.detail


def test_a_disk_that_something_else_fills_is_an_alarm_though_the_database_has_room_inside(
    desk: Desk,
) -> None:
    for number in range(20):
        passes(desk, f"p-{number:02}", number=number, size=60_000)
    later(desk, 366 * DAY_S)
    config = changed(ALL_DAYS, disk_free_gb=10_000 / GB)
    work(rules(desk, config, free_gb=0.0))
    assert desk.services.store.read_now(retention_store.reusable_bytes) > 10_000
    assert [row.code for row in desk.services.store.read_now(hub_store.alarms)] == ["hub_disk_low"]


def parts_here(desk: Desk) -> int:
    count = desk.services.store.read_now(
        lambda db: db.execute("SELECT count(*) FROM clip_parts").fetchone()[0]
    )
    return int(count)


def test_a_clip_goes_a_few_parts_a_turn_and_is_never_handed_out_half(desk: Desk) -> None:
    clip_id = keep_clip(desk, "p-1", parts=3 * PARTS_AT_ONCE + 5)
    later(desk, 31 * DAY_S)
    retention = rules(desk)
    desk.sign_in("sun.li")
    assert desk.client.get("/passages/p-1/clip").status_code == 200
    parts = [parts_here(desk)]
    assert asyncio.run(retention.turn())
    assert parts_here(desk) == parts[0]
    answer = desk.client.get("/passages/p-1/clip", headers={"accept-language": "en"})
    assert answer.status_code == 410
    assert "by rule: kept for 30 days" in answer.text
    while parts[-1]:
        assert asyncio.run(retention.turn())
        parts.append(parts_here(desk))
        assert parts[-2] - parts[-1] <= PARTS_AT_ONCE
    row = desk.services.store.read_now(clip_store.clip, clip_id)
    assert row is not None
    assert (row.state, row.here_bytes) == (ClipState.DELETED, 0)
    assert "by rule: kept for 30 days" in page(desk, "/passages/p-1")
    assert "按规则删除：保存满 30 天" in page(desk, "/passages/p-1", "zh")
    assert here(desk) == {"p-1"}, "its picture has days of its own"
    gone = desk.client.get(f"/api/v1/clips/{clip_id}", headers=desk.token(Role.VIEWER))
    assert gone.status_code == 410


def test_a_clip_that_was_deleted_is_fetched_again_and_has_its_days_anew(desk: Desk) -> None:
    keep_clip(desk, "p-1", parts=2)
    later(desk, 31 * DAY_S)
    work(rules(desk))
    assert parts_here(desk) == 0
    desk.sign_in("sun.li")
    desk.client.post("/passages/p-1/clip", headers=BROWSER)
    row = desk.services.store.read_now(clip_store.clip_of, "p-1")
    assert row is not None
    assert row.state is ClipState.PENDING
    assert len(desk.services.store.read_now(retention_store.deletions_of, "p-1")) == 1


def test_a_turn_deletes_a_few_and_looks_at_a_bounded_number(desk: Desk) -> None:
    for number in range(2 * DELETED_AT_ONCE + 3):
        passes(desk, f"p-{number:02}", number=number)
    later(desk, 366 * DAY_S)
    retention = rules(desk)
    counts = [len(here(desk))]
    while asyncio.run(retention.turn()):
        counts.append(len(here(desk)))
    assert [before - after for before, after in pairwise(counts)][:3] == [8, 8, 3]
    assert BUSY_S > 0.1, "records are stored in between"


def test_a_hub_deletes_by_its_configuration_while_it_runs(tmp_path: Path) -> None:
    """The parts are put together by the hub itself; time is played."""
    loop = VirtualLoop()
    retention = RetentionConfig(pictures_days=1)
    config = CentralConfig(site=SITE, state=str(tmp_path), lanes=("lane1",), retention=retention)

    async def days() -> tuple[set[str], set[str]]:
        hub = VirtualHub(config, Network(loop, ["lane1"], 1))
        services = await hub.start()
        for number in range(20):
            fill_at(services.store, number, services.clock.wall_ms())
        await asyncio.sleep(DAY_S - 2 * PASS_EVERY_S)
        before = await services.store.read(standing)
        heard(services.store, 2**52)
        await asyncio.sleep(4 * PASS_EVERY_S)
        after = await services.store.read(standing)
        await hub.stop()
        assert hub.failures == 0
        return before[0], after[0]

    before, after = run(loop, days())
    assert (len(before), len(after)) == (20, 0)


def fill_at(store: Store, number: int, received_ms: int) -> None:
    fill(store, number)
    store.write_now(lambda db: db.execute("UPDATE pictures SET received_ms = ?", [received_ms]))


def test_the_check_of_a_configuration_says_how_long_everything_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "central.toml"
    path.write_text('site = "port"\nstate = "x"\n', encoding="utf-8")
    assert main(["check-config", "--config", str(path)]) == 0
    said = capsys.readouterr().out
    assert "pictures are kept for ever: set `retention.pictures_days`" in said
    assert "clips are kept for ever" in said
    assert "below 5 GB free: an alarm, nothing is deleted for room" in said
    rules_ = "[retention]\npictures_days = 365\nclips_days = 90\nroom_after_days = 30\n"
    path.write_text(f'site = "port"\nstate = "x"\n{rules_}', encoding="utf-8")
    assert main(["check-config", "--config", str(path)]) == 0
    said = capsys.readouterr().out
    assert "pictures are kept for 365 days" in said
    assert "the oldest go that are past 30 days" in said
    path.write_text(f'site = "port"\nstate = "x"\n{rules_}'.replace("= 30", "= 365"), "utf-8")
    assert main(["check-config", "--config", str(path)]) == 78
    assert "room_after_days" in capsys.readouterr().err


def test_the_page_for_port_it_reckons_the_disk_from_the_picture_size_that_it_states() -> None:
    text = (Path(__file__).parents[2] / "docs/how-to/keep-pictures.md").read_text("utf-8")
    a_passage = OVERVIEW_BYTES + PLATE_BYTES
    assert f"{a_passage / 1000:.0f} kB together" in text
    head, *lines = re.findall(r"(?m)^\| (days|\d+) \|(.+)\|$", text)
    lanes = [int(each.split()[0]) for each in head[1].split("|")]
    assert len(lines) == 4
    for days, cells in lines:
        said = [float(each) for each in cells.split("|")]
        assert said == [round(int(days) * each * 300 * a_passage / GB, 1) for each in lanes]
