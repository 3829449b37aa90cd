"""What rules deleted is on record: whole after a kill, told apart by verify, named in exports."""

from __future__ import annotations

import csv
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.cli import main
from central.errors import StoreError
from central.hub.retention import DAY_MS
from central.proof import verify
from central.store import keeping, retention_store
from central.store.retention_store import FIRST
from gate_agent.cli import main as agent_main
from gate_agent.domain.events import PlateRead
from gate_agent.store.lane_store import OutboxReader
from gate_agent.store.picture_files import PictureFiles
from gate_agent.uplink.publisher import Publisher
from gate_agent.wire import v1
from tests.console_desk import Desk
from tests.hub_bench import a_store, take
from tests.kept_lane import KeptStory
from tests.retention_desk import (
    DAY_S,
    a_word,
    alarms_are_seen,
    by_age,
    fill,
    here,
    jpeg_of,
    keep_clip,
    later,
    name_of,
    passes,
    rules,
    standing,
    work,
)


def test_verify_tells_deleted_by_rule_from_lost_and_from_missing(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        passes(desk, f"p-{number}", number=number)
    keep_clip(desk, "p-9", parts=2)
    lost = v1.PictureTaken(passage_id="p-0", picture_id="12" * 32, view="overview", jpeg=None)
    desk.send(lost)
    later(desk, 366 * DAY_S)
    store = desk.services.store
    now_ms = desk.clock.wall_ms()
    store.write_now(keeping.say, a_word("p-2", now_ms))
    alarms_are_seen(store, now_ms)
    work(rules(desk))
    assert here(desk) == {"p-2"}
    verify = ["verify", "--state", str(desk.state)]
    assert main(verify) == 0
    assert (
        "deleted by rule: 3 pictures, 1 clips; lost at their lanes: 1 pictures"
        in capsys.readouterr().out
    )
    store.write_now(lambda db: db.execute("UPDATE pictures SET jpeg = NULL"))
    store.write_now(lambda db: db.execute("DELETE FROM deletions WHERE kind = 'clip'"))
    assert main(verify) == 1
    said = capsys.readouterr().err
    assert f"picture {name_of(jpeg_of('p-2'))} of passage p-2: missing, deleted by no rule" in said
    assert "p-0" not in said
    assert said.count("missing, deleted by no rule") == 2


def test_what_is_deleted_is_overwritten_in_the_file_and_its_room_is_used_again(
    desk: Desk,
) -> None:
    passes(desk, "p-1", number=1)
    later(desk, 366 * DAY_S)
    store = desk.services.store
    file = store.folder / "hub.db"
    mark = jpeg_of("p-1")[1_000:1_200]

    def settle() -> bytes:
        with closing(sqlite3.connect(file)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return file.read_bytes()

    assert mark in settle()
    work(rules(desk))
    assert mark not in settle()


@settings(max_examples=25, deadline=None)
@given(fails=st.lists(st.booleans(), max_size=12), kept=st.sets(st.integers(0, 11), max_size=4))
def test_bytes_and_their_row_go_together_whatever_fails_and_a_retry_ends_it(
    tmp_path_factory: pytest.TempPathFactory, fails: list[bool], kept: set[int]
) -> None:
    """A commit that fails stands for a kill: neither leaves anything of the transaction."""
    with a_store(tmp_path_factory.mktemp("hub") / "hub.db") as store:
        for number in range(12):
            fill(store, number)
        for number in kept:
            store.write_now(keeping.say, a_word(f"p-{number}"))

        def delete(db: sqlite3.Connection, fail: bool) -> None:  # noqa: FBT001 - drawn
            found = retention_store.look(db, by_age(2**52), FIRST)
            retention_store.delete(db, found.may_go[:3], by_age(2**52), at_ms=7)
            if fail:
                raise sqlite3.OperationalError("killed")

        for fail in [*fails, *[False] * 4]:
            try:
                store.write_now(delete, fail)
            except StoreError:
                assert fail
            present, said = store.read_now(standing)
            assert present.isdisjoint(said)
            assert present | said == {f"p-{number}" for number in range(12)}
        assert present == {f"p-{number}" for number in kept}


_DELETES_ALL = """
import sys
from pathlib import Path
from central.store import retention_store as r
from central.store.connection import open_store
from tests.retention_desk import by_age
store = open_store(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    found = store.read_now(r.look, by_age(2**52), r.FIRST)
    store.write_now(r.delete, found.may_go[:1], by_age(2**52), at_ms=7)
"""


def test_a_hub_that_is_killed_while_it_deletes_has_each_picture_or_the_row_that_it_went(
    tmp_path: Path,
) -> None:
    path = tmp_path / "hub.db"
    everything = {f"p-{number}" for number in range(400)}
    with a_store(path) as store:
        for number in range(400):
            fill(store, number, 40_000)
    gone = 0
    for delay_s in (0.02, 0.05, 0.09):
        with subprocess.Popen(
            [sys.executable, "-c", _DELETES_ALL, str(path)], stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(delay_s)
            os.kill(child.pid, signal.SIGKILL)
        with a_store(path) as store:
            present, said = store.read_now(standing)
            assert store.read_now(lambda db: db.execute("PRAGMA quick_check").fetchone()) == ("ok",)
        assert present.isdisjoint(said)
        assert present | said == everything
        assert len(said) >= gone
        gone = len(said)
    assert 0 < gone < len(everything), "it was killed in the middle"


def test_an_export_names_what_rules_deleted_of_its_passages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = PictureFiles(tmp_path / "pictures", max_bytes=1_000_000)
    kept = pictures.keep(jpeg_of("seen"))
    payloads: list[bytes] = []

    def send(payload: bytes) -> bool:
        payloads.append(payload)
        return True

    with closing(KeptStory(tmp_path / "lane")) as story:
        story.ready().truck_arrives()
        seen = PlateRead(
            passage_id=story.passage.passage_id, attempt=1, text="粤B12345",
            plate_class="mainland", confidence_permille=950, frames_agreed=3, frames_seen=3,
            picture_id=kept, plate_picture_id=None,
        )  # fmt: skip
        story.happens(seen)
        story.drives_on().card().manifest_answers().boom_goes_up().drives_out().passes(2.0)
        story.boom_comes_down()
        with closing(OutboxReader(story.path)) as outbox:
            Publisher(outbox, pictures, "lane1", story.store.epoch, send).publish(0.0)
    out = tmp_path / "out"
    span = ["--from", "2020-01-01", "--to", "2036-01-01", "--out", str(out), "--pictures"]
    with a_store(tmp_path / "hub.db") as store:
        take(store, *payloads)
        alarms_are_seen(store, at_ms=1)
        wanted = by_age(2**52)
        found = store.read_now(retention_store.look, wanted, FIRST)
        assert store.write_now(retention_store.delete, found.may_go, wanted, at_ms=DAY_MS)
        assert main(["dossiers", "--state", str(tmp_path), *span]) == 0
    assert "0 pictures; 1 pictures and clips deleted by rule" in capsys.readouterr().out
    head, row = csv.reader((out / "DELETED.csv").read_text("utf-8").splitlines())
    assert dict(zip(head, row, strict=True)) == {
        "passage_id": seen.passage_id, "kind": "picture", "sha256": kept,
        "deleted_at": "1970-01-02T00:00:00+00:00", "rule": "age", "days": "1", "free_gb": "",
    }  # fmt: skip
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=out, check=True)
    assert agent_main(["verify", str(out)]) == 0
    assert agent_main(["replay", str(out)]) == 0


def test_a_database_of_before_knows_which_pictures_lanes_had_lost_and_whose_clips_it_has(
    desk: Desk, tmp_path: Path
) -> None:
    clip_id = keep_clip(desk, "p-1", parts=2)
    lost = v1.PictureTaken(passage_id="p-1", picture_id="12" * 32, view="overview", jpeg=None)
    desk.send(lost)

    def as_before(db: sqlite3.Connection) -> None:
        names = "pictures_here passages_by_picture clips_here alarms_by_passage"
        for index in names.split():
            db.execute(f"DROP INDEX {index}")
        for change in ("pictures DROP COLUMN lost", "clips DROP COLUMN passage_id"):
            db.execute(f"ALTER TABLE {change}")
        for table in ("keeps", "deletions"):
            db.execute(f"DROP TABLE {table}")
        db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm015_retention'")

    desk.services.store.write_now(as_before)
    with a_store(desk.services.config.database) as store:
        rows = store.read_now(
            lambda db: db.execute("SELECT clip_id, passage_id FROM clips").fetchall()
        )
        assert rows == [(clip_id, "p-1")]
        assert main(["verify", "--state", str(desk.state)]) == 0
        assert store.read_now(verify.absences).pictures_lost == 1
