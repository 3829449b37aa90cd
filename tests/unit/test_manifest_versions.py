"""How the manifest changes: versions, digests, uses."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from central.manifest.parts import PART_ROWS, EncodedParts, write_parts
from central.store import hub_store, manifest_queries, manifest_store
from central.store.connection import Store
from central.store.manifest_store import Applied, Author
from gate_agent.wire import digest
from gate_agent.wire.v1 import DeclarationRow, ManifestPart, PassageOverridden, decode_hub_message
from tests.hub_bench import NOW_MS, a_declaration, a_store, decided, take_bodies

AUTHOR = Author(at_ms=NOW_MS, who="wang", source="day.csv")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with a_store(tmp_path / "hub.db") as opened:
        yield opened


def bring(store: Store, rows: Sequence[DeclarationRow], *, replace: bool = False) -> Applied:
    return store.write_now(manifest_store.apply_import, rows, AUTHOR, replace=replace)


def rows_of(store: Store) -> dict[str, DeclarationRow]:
    bodies = store.read_now(lambda db: list(manifest_queries.everything(db)))
    rows = [msgspec.json.decode(body, type=DeclarationRow) for body in bodies]
    return {row.declaration_id: row for row in rows}


def check_digest(store: Store) -> None:
    head = store.read_now(manifest_queries.head)
    rows = rows_of(store)
    told = digest.changed(digest.EMPTY, added=[digest.row_digest(row) for row in rows.values()])
    assert (head.count, head.digest) == (len(rows), told)


@contextmanager
def encoded_parts(store: Store, have_version: int) -> Iterator[EncodedParts]:
    with closing(EncodedParts(store.folder)) as encoded:
        store.read_now(write_parts, have_version, encoded)
        yield encoded


def parts(store: Store, have_version: int) -> list[ManifestPart]:
    with encoded_parts(store, have_version) as encoded:
        decoded = [decode_hub_message(part) for part in encoded]
    assert all(isinstance(part, ManifestPart) for part in decoded)
    return [part for part in decoded if isinstance(part, ManifestPart)]


def test_one_import_is_one_version_with_count_and_digest(store: Store) -> None:
    applied = bring(store, [a_declaration(n) for n in range(1, 4)])
    assert (applied.version, applied.accepted, applied.changed) == (1, 3, 3)
    check_digest(store)


def test_the_same_file_again_makes_no_new_version(store: Store) -> None:
    rows = [a_declaration(n) for n in range(1, 4)]
    bring(store, rows)
    applied = bring(store, rows)
    assert (applied.version, applied.accepted, applied.changed) == (1, 3, 0)


def test_a_changed_row_replaces_the_old_one_and_its_plates(store: Store) -> None:
    bring(store, [a_declaration(1), a_declaration(2)])
    bring(store, [a_declaration(1, plates=("AB1234",), gross_kg=20_000)])
    assert store.read_now(manifest_queries.by_plate, "粤B00001") == ()
    (row,) = store.read_now(manifest_queries.by_plate, "AB1234")
    assert row.gross_kg == 20_000
    check_digest(store)


def test_a_replacing_file_withdraws_what_it_does_not_name_but_nothing_used(store: Store) -> None:
    bring(store, [a_declaration(n) for n in range(1, 4)])
    take_bodies(store, decided("p1", "release", a_declaration(3)))
    store.write_now(manifest_store.apply_uses, AUTHOR)
    applied = bring(store, [a_declaration(1)], replace=True)
    assert applied.withdrawn == 1
    assert set(rows_of(store)) == {"d1", "d3"}
    check_digest(store)


def test_a_release_marks_its_declaration_used_in_one_new_version_for_many(store: Store) -> None:
    bring(store, [a_declaration(n) for n in range(1, 4)])
    take_bodies(store, decided("p1", "release", a_declaration(1)))
    take_bodies(store, decided("p2", "release", a_declaration(2)))
    assert store.read_now(manifest_store.any_uses_waiting)
    assert store.write_now(manifest_store.apply_uses, AUTHOR) == 2
    rows = rows_of(store)
    assert (rows["d1"].used_by, rows["d2"].used_by, rows["d3"].used_by) == ("p1", "p2", None)
    assert not store.read_now(manifest_store.any_uses_waiting)
    check_digest(store)


def test_a_supervisors_release_uses_the_declaration_up_whatever_record_comes_first(
    store: Store,
) -> None:
    bring(store, [a_declaration(1)])
    overridden = PassageOverridden(
        passage_id="p1", command_id="c1", decision="release", by="li", reason="seen"
    )
    take_bodies(store, overridden, decided("p1", "hold", a_declaration(1)))
    store.write_now(manifest_store.apply_uses, AUTHOR)
    assert rows_of(store)["d1"].used_by == "p1"


def test_a_held_passage_uses_nothing_up(store: Store) -> None:
    bring(store, [a_declaration(1)])
    take_bodies(store, decided("p1", "hold", a_declaration(1)))
    assert not store.read_now(manifest_store.any_uses_waiting)


def test_a_used_declaration_stays_used_when_imported_again(store: Store) -> None:
    bring(store, [a_declaration(1)])
    take_bodies(store, decided("p1", "release", a_declaration(1)))
    store.write_now(manifest_store.apply_uses, AUTHOR)
    applied = bring(store, [a_declaration(1)])
    assert applied.changed == 0
    assert rows_of(store)["d1"].used_by == "p1"


def test_a_declaration_withdrawn_and_imported_again_is_still_used(store: Store) -> None:
    bring(store, [a_declaration(1)])
    take_bodies(store, decided("p1", "release", a_declaration(1)))
    store.write_now(manifest_store.apply_uses, AUTHOR)
    store.write_now(manifest_store.withdraw, ["d1", "unknown"], AUTHOR)
    assert rows_of(store) == {}
    bring(store, [a_declaration(1)])
    assert rows_of(store)["d1"].used_by == "p1"
    check_digest(store)


def test_the_plates_of_a_used_declaration_cannot_be_changed(store: Store) -> None:
    bring(store, [a_declaration(1)])
    take_bodies(store, decided("p1", "release", a_declaration(1)))
    store.write_now(manifest_store.apply_uses, AUTHOR)
    applied = bring(store, [a_declaration(2), a_declaration(1, plates=("AB1234",))])
    (refused,) = applied.refused
    assert (refused.index, refused.field) == (1, "plates")
    assert "passage p1" in refused.reason
    assert rows_of(store)["d1"].plates == ("粤B00001",)
    assert "d2" in rows_of(store), "the good row is kept"


def test_a_second_release_on_a_used_declaration_is_an_alarm(store: Store) -> None:
    bring(store, [a_declaration(1)])
    take_bodies(store, decided("p1", "release", a_declaration(1)))
    take_bodies(store, decided("p2", "release", a_declaration(1)), lane="lane2")
    (alarm,) = store.read_now(hub_store.alarms)
    assert (alarm.code, alarm.lane, alarm.passage_id) == ("declaration_used_twice", "lane2", "p2")
    assert "p1" in alarm.detail


def test_a_lane_that_has_nothing_gets_everything_in_parts(store: Store) -> None:
    bring(store, [a_declaration(n) for n in range(1, 2 * PART_ROWS + 10)])
    got = parts(store, 0)
    assert [(part.part, part.parts) for part in got] == [(1, 3), (2, 3), (3, 3)]
    assert all(len(part.upserts) <= PART_ROWS for part in got)
    assert sum(len(part.upserts) for part in got) == 2 * PART_ROWS + 9


def test_parts_stay_below_256_kilobytes_however_long_the_rows(store: Store) -> None:
    holds = tuple(f"{n:02d}{'X' * 60}" for n in range(16))
    bring(store, [a_declaration(n, holds=holds) for n in range(1, 600)])
    with encoded_parts(store, 0) as encoded:
        assert max(len(part) for part in encoded) <= 256_000
    assert sum(len(part.upserts) for part in parts(store, 0)) == 599


def test_a_manifest_too_large_for_memory_waits_in_a_file(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.manifest.parts.IN_MEMORY_BYTES", 1_000)
    bring(store, [a_declaration(n) for n in range(1, 2 * PART_ROWS + 10)])
    with encoded_parts(store, 0) as encoded:
        assert len(encoded) == 3
        assert list(encoded) == list(encoded)
        assert [path.name for path in tmp_path.iterdir() if "parts" in path.name] == []
    assert sum(len(part.upserts) for part in parts(store, 0)) == 2 * PART_ROWS + 9


def test_a_lane_that_is_behind_gets_what_changed_and_what_is_gone(store: Store) -> None:
    bring(store, [a_declaration(n) for n in range(1, 20)])
    bring(store, [a_declaration(1, gross_kg=10_000), a_declaration(20)])
    store.write_now(manifest_store.withdraw, ["d2"], AUTHOR)
    (part,) = parts(store, 1)
    assert (part.from_version, part.to_version) == (1, 3)
    assert {row.declaration_id for row in part.upserts} == {"d1", "d20"}
    assert part.deletes == ("d2",)


def test_a_lane_that_is_up_to_date_hears_so(store: Store) -> None:
    bring(store, [a_declaration(1)])
    (part,) = parts(store, 1)
    assert (part.from_version, part.to_version, part.upserts, part.deletes) == (1, 1, (), ())


def test_a_lane_that_is_ahead_of_a_restored_hub_gets_everything(store: Store) -> None:
    bring(store, [a_declaration(1)])
    (part,) = parts(store, 7)
    assert (part.from_version, part.to_version) == (0, 1)


def test_a_lane_too_far_behind_for_the_change_log_gets_everything(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest_store, "CHANGES_KEPT_VERSIONS", 3)
    monkeypatch.setattr("central.manifest.parts.CHANGES_KEPT_VERSIONS", 3)
    bring(store, [a_declaration(n) for n in range(1, 50)])
    for n in range(100, 106):
        bring(store, [a_declaration(n)])
    (part,) = parts(store, 3)
    assert part.from_version == 0
    (part,) = parts(store, 4)
    assert (part.from_version, len(part.upserts)) == (4, 3)


def test_the_log_of_an_import_without_a_file_name_begins_with_its_counts(store: Store) -> None:
    by_program = Author(at_ms=NOW_MS, who="broker", source="")
    row = a_declaration(1)
    store.write_now(manifest_store.apply_import, [row], by_program, replace=False)
    (said,) = store.read_now(hub_store.audit, limit=1)
    assert said.detail.startswith("1 rows")
