"""Vehicles that were photographed, the hub's rules for their pictures, and what is left of them."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3

import msgspec

from central.config import RetentionConfig
from central.hub.retention import DAY_MS, GB, Retention
from central.store import audit, clip_store, hub_store
from central.store.connection import Store
from central.store.keeping import KeepDeed, KeepWord
from central.store.retention_store import Kind, Wanted
from central.store.rows import ClipState, RetentionRule
from gate_agent.wire import v1
from tests.console_desk import BROWSER, Desk
from tests.console_scene import closed as left
from tests.console_scene import declaration, evidence
from tests.hub_bench import take_bodies

ALL_DAYS = RetentionConfig(pictures_days=365, clips_days=30)


DAY_S = DAY_MS / 1000


def jpeg_of(passage_id: str, size: int = 3_000) -> bytes:
    return b"\xff\xd8" + hashlib.sha256(passage_id.encode()).digest() * (size // 32) + b"\xff\xd9"


def name_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def taken(passage_id: str, jpeg: bytes | None = None) -> v1.PictureTaken:
    jpeg = jpeg or jpeg_of(passage_id)
    return v1.PictureTaken(passage_id=passage_id, picture_id=name_of(jpeg), view="plate", jpeg=jpeg)


def decided(passage_id: str, *, number: int = 1, owes: bool = False) -> v1.PassageDecided:
    return v1.PassageDecided(
        passage_id=passage_id,
        outcome="release",
        reasons=(),
        evidence=evidence("粤B12345", "04A1B2C3", 32_000),
        declaration=declaration(number, ("粤B12345",), "04A1B2C3", 32_000),
        manifest_version=1,
        policy_version="7",
        obligations=(v1.ObligationRow(code="documents"),) if owes else (),
    )


def passes(
    desk: Desk, passage_id: str, *, number: int, owes: bool = False, size: int = 3_000, **more: str
) -> None:
    """A vehicle is photographed, released, and leaves."""
    jpeg = jpeg_of(passage_id, size)
    end = msgspec.structs.replace(left(passage_id, "release", "lane"), **more)
    verdict = decided(passage_id, number=number, owes=owes)
    desk.send(v1.PassageOpened(passage_id=passage_id), taken(passage_id, jpeg), verdict, end)


def rules(desk: Desk, config: RetentionConfig = ALL_DAYS, free_gb: float = 1000.0) -> Retention:
    return Retention(
        store=desk.services.store,
        clock=desk.clock,
        changes=desk.services.changes,
        clips=desk.services.clips,
        config=config,
        free_bytes=lambda: round(free_gb * GB),
    )


def work(retention: Retention, most: int = 1_000) -> int:
    """Turns until there is nothing more to do; how many."""

    async def turns() -> int:
        count = 1
        while await retention.turn():
            count += 1
            assert count < most
        return count

    return asyncio.run(turns())


def here(desk: Desk) -> set[str]:
    """The passages whose picture is here."""
    return desk.services.store.read_now(standing)[0]


def page(desk: Desk, path: str, language: str = "en") -> str:
    answer = desk.client.get(path, headers=BROWSER | {"accept-language": language})
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def changed(config: RetentionConfig, **changes: float) -> RetentionConfig:
    return msgspec.structs.replace(config, **changes)


def by_age(before_ms: int, days: int = 1) -> Wanted:
    kinds = dict.fromkeys(Kind, days)
    before = dict.fromkeys(Kind, before_ms)
    return Wanted(rule=RetentionRule.AGE, before_ms=before, days=kinds)


def in_conflict(desk: Desk) -> None:
    passes(desk, "p-first", number=1)
    passes(desk, "p-second", number=1)


CLIP = bytes(range(256)) * 16


def keep_clip(desk: Desk, passage_id: str, parts: int) -> str:
    """A clip that a person fetched, whole."""
    clip_id = name_of(CLIP * parts)
    passes(desk, passage_id, number=99, clip_id=clip_id)
    store, now_ms = desk.services.store, desk.clock.wall_ms()
    store.write_now(clip_store.ask, passage_id, by="sun.li", at_ms=now_ms, expires_at_ms=now_ms)
    for number in range(parts):
        part = v1.ClipPart(
            lane="lane1", clip_id=clip_id, offset=number * len(CLIP),
            total_bytes=parts * len(CLIP), content=CLIP,
        )  # fmt: skip
        store.write_now(clip_store.take, part, now_ms)
    store.write_now(clip_store.end, clip_id, ClipState.HERE, now_ms)
    assert store.read_now(clip_store.digest, clip_id) == clip_id
    return clip_id


def fill(store: Store, number: int, size: int = 3_000) -> None:
    passage_id = f"p-{number}"
    jpeg = jpeg_of(passage_id, size)
    opened = v1.PassageOpened(passage_id=passage_id)
    take_bodies(store, opened, taken(passage_id, jpeg), left(passage_id, "release", "lane"))


def a_word(passage_id: str, at_ms: int = 1) -> KeepWord:
    """A named person keeps it."""
    return KeepWord(passage_id=passage_id, deed=KeepDeed.KEPT, by="sun.li", at_ms=at_ms, reason="x")


def alarms_are_seen(store: Store, at_ms: int) -> None:
    for alarm in store.read_now(hub_store.alarms):
        store.write_now(audit.acknowledge_alarm, alarm.alarm_id, at_ms=at_ms, who="sun.li")


def standing(db: sqlite3.Connection) -> tuple[set[str], set[str]]:
    """The passages whose picture is here, and those of which a deletion is on record."""
    present = db.execute(
        "SELECT passage_id FROM passage_pictures JOIN pictures USING (picture_id)"
        " WHERE jpeg IS NOT NULL"
    )
    said = db.execute("SELECT passage_id FROM deletions WHERE kind = 'picture'")
    return {row[0] for row in present}, {row[0] for row in said}


def later(desk: Desk, duration_s: float) -> None:
    """Time goes on, for the hub and for a lane that said something then."""
    desk.clock.advance(duration_s)
    heard(desk.services.store, desk.clock.wall_ms())


def heard(store: Store, at_ms: int) -> None:
    store.write_now(lambda db: db.execute("UPDATE lane_epochs SET last_at_ms = ?", [at_ms]))
