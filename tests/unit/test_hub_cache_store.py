"""hub.db on the lane: a manifest is taken whole and checked, or the old one stays."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from gate_agent.errors import StoreError
from gate_agent.runtime.look_through import LookThrough
from gate_agent.store import schema
from gate_agent.store.declared_plates import DeclaredPlates
from gate_agent.store.hub_cache import HubCache, ManifestMismatchError, open_cache
from gate_agent.store.manifest_reader import ManifestReader
from gate_agent.wire import digest
from gate_agent.wire.v1 import DeclarationRow
from hil_tests.bench.loop_edge import silent_log
from hil_tests.rig import Papers
from tests.agent_rig import declaration_row, hold_manifest

ONE = Papers(plate="粤B12345", card_uid="04A1B2C3", gross_kg=24_000)
TWO = Papers(plate="粤B67890", card_uid="04FFEEDD", gross_kg=30_000)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[HubCache]:
    with closing(HubCache(tmp_path / "hub.db")) as opened:
        yield opened


def total(rows: Sequence[DeclarationRow]) -> str:
    return digest.changed(digest.EMPTY, added=[digest.row_digest(row) for row in rows])


def bring(
    cache: HubCache,
    version: int,
    held: Sequence[DeclarationRow],
    *,
    upserts: Sequence[DeclarationRow],
    deletes: Sequence[str] = (),
    replace_all: bool = False,
    wrong_digest: bool = False,
) -> None:
    cache.apply(
        version=version,
        replace_all=replace_all,
        upserts=upserts,
        deletes=deletes,
        count=len(held),
        expected_digest="f" * 64 if wrong_digest else total(held),
        at_ms=1_000 + version,
    )


def find(cache: HubCache, plate: str | None, card: str | None, used: str = "") -> list[str]:
    reader = ManifestReader(cache.path, lambda key: "p-own" if key == used else None)
    with closing(reader):
        found, _ = reader.find(plate, card)
        return [
            f"{one.declaration_id}:{one.used_by}" if used else one.declaration_id for one in found
        ]


def test_changes_lead_from_version_to_version_with_the_hubs_own_digest(cache: HubCache) -> None:
    one, two = declaration_row(ONE, "D1"), declaration_row(TWO, "D2")
    bring(cache, 1, [one], upserts=[one])
    bring(cache, 2, [one, two], upserts=[two])
    heavier = declaration_row(Papers(plate=ONE.plate, card_uid="0102", gross_kg=9), "D1")
    bring(cache, 3, [heavier], upserts=[heavier], deletes=["D2"])
    held = cache.manifest()
    assert (held.version, held.count, held.digest) == (3, 1, total([heavier]))
    assert held.confirmed_ms == 1_003
    assert find(cache, TWO.plate, TWO.card_uid) == []
    assert find(cache, None, "0102") == ["D1"]


def test_a_change_that_does_not_add_up_leaves_the_old_manifest(cache: HubCache) -> None:
    one, two = declaration_row(ONE, "D1"), declaration_row(TWO, "D2")
    bring(cache, 1, [one], upserts=[one])
    with pytest.raises(ManifestMismatchError, match=r"hub\.db: manifest version 2"):
        bring(cache, 2, [two], upserts=[two], replace_all=True, wrong_digest=True)
    with pytest.raises(ManifestMismatchError):
        bring(cache, 2, [one, two, two], upserts=[two])
    assert cache.manifest().version == 1
    assert find(cache, ONE.plate, None) == ["D1"]


def test_replacing_everything_forgets_what_is_not_in_it(cache: HubCache) -> None:
    one, two = declaration_row(ONE, "D1"), declaration_row(TWO, "D2")
    bring(cache, 4, [one], upserts=[one])
    bring(cache, 9, [two], upserts=[two], replace_all=True)
    assert find(cache, ONE.plate, ONE.card_uid) == []
    assert find(cache, TWO.plate, None) == ["D2"]


def test_a_whole_manifest_is_written_a_few_rows_at_a_time(
    cache: HubCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate_agent.store.hub_cache.CHUNK_ROWS", 10)
    rows = [
        declaration_row(Papers(plate=f"粤B{n:05d}", card_uid=f"{n:08X}", gross_kg=9), f"D{n}")
        for n in range(95)
    ]
    read = 0

    def upserts() -> Iterator[DeclarationRow]:
        nonlocal read
        for row in rows:
            stands = cache._db.execute("SELECT count(*) FROM declarations").fetchone()[0]
            assert read - stands <= 10
            read += 1
            yield row

    cache.apply(
        version=1, replace_all=True, upserts=upserts(), deletes=(), count=95,
        expected_digest=total(rows), at_ms=0,
    )  # fmt: skip
    assert find(cache, "粤B00094", None) == ["D94"]


def test_a_declaration_is_found_by_plate_or_card_however_they_are_written(cache: HubCache) -> None:
    one, two = declaration_row(ONE, "D1"), declaration_row(TWO, "D2")
    bring(cache, 1, [one, two], upserts=[one, two])
    assert find(cache, "粤b·12345", None) == ["D1"]
    assert find(cache, None, "04a1b2c3") == ["D1"]
    assert find(cache, ONE.plate, TWO.card_uid) == ["D1", "D2"]
    assert find(cache, None, None) == []


def test_what_this_lane_used_up_is_used_before_the_hub_has_heard_of_it(cache: HubCache) -> None:
    one = declaration_row(ONE, "D1")
    used = declaration_row(TWO, "D2", used_by="p-other")
    bring(cache, 1, [one, used], upserts=[one, used])
    assert find(cache, ONE.plate, None, used="D1") == ["D1:p-own"]
    assert find(cache, TWO.plate, None, used="D2") == ["D2:p-other"]


def test_an_acknowledgement_never_goes_back_and_belongs_to_its_epoch(cache: HubCache) -> None:
    cache.acknowledge("e1", 7)
    cache.acknowledge("e1", 3)
    assert (cache.acknowledged("e1"), cache.acknowledged("e2")) == (7, 0)


def test_a_row_that_cannot_be_read_is_a_named_failure(cache: HubCache) -> None:
    one = declaration_row(ONE, "D1")
    bring(cache, 1, [one], upserts=[one])
    with closing(sqlite3.connect(cache.path)) as writer:
        writer.execute("UPDATE declarations SET body = ?", [b'{"declaration_id":3}'])
        writer.commit()
    with pytest.raises(StoreError, match=r"hub\.db: manifest cannot be read"):
        find(cache, ONE.plate, None)


def test_a_weight_that_the_disk_altered_is_a_named_failure(cache: HubCache) -> None:
    row = declaration_row(ONE, "D-1")
    bring(cache, 1, [row], upserts=[row])
    with closing(sqlite3.connect(cache.path)) as writer:
        writer.execute(
            "UPDATE declarations SET body = CAST(replace(body, '24000', '34000') AS BLOB)"
        )
        writer.commit()
    with pytest.raises(StoreError, match="declaration D-1 is damaged on disk"):
        find(cache, ONE.plate, ONE.card_uid)


def test_a_store_that_cannot_say_what_was_used_releases_nothing(cache: HubCache) -> None:
    one = declaration_row(ONE, "D1")
    bring(cache, 1, [one], upserts=[one])

    def broken(_: str) -> str | None:
        raise sqlite3.OperationalError("disk I/O error")

    with (
        closing(ManifestReader(cache.path, broken)) as reader,
        pytest.raises(StoreError, match="disk I/O error"),
    ):
        reader.find(ONE.plate, None)


@pytest.mark.parametrize("damage", ["header", "middle"])
def test_a_damaged_manifest_is_begun_anew_and_releases_nothing(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "hub.db"
    hold_manifest(tmp_path, [declaration_row(ONE, f"D{number}") for number in range(300)])
    raw = bytearray(path.read_bytes())
    start = 0 if damage == "header" else len(raw) // 3
    raw[start : start + 9_000] = b"\x55" * 9_000
    path.write_bytes(raw)
    cache, why = open_cache(path)
    with closing(cache):
        assert str(path) in why
        assert cache.manifest().version == 0
        assert cache.acknowledged("e") == 0
    assert path.with_name("hub.db.damaged").exists()
    again, why = open_cache(path)
    again.close()
    assert why == ""


def test_a_large_manifest_is_looked_through_while_the_lane_works_and_begun_anew_if_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "LARGE_BYTES", 100_000)
    path = tmp_path / "hub.db"
    hold_manifest(tmp_path, [declaration_row(ONE, f"D{number}") for number in range(3_000)])
    sound = LookThrough(path, silent_log())
    sound.run()
    assert sound.found == ""
    with closing(sqlite3.connect(path)) as db:
        (root,) = db.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'declared_plates'"
        ).fetchone()
        (page_bytes,) = db.execute("PRAGMA page_size").fetchone()
    raw = bytearray(path.read_bytes())
    start = (root - 1) * page_bytes
    raw[start : start + page_bytes] = b"\x55" * page_bytes
    path.write_bytes(raw)
    cache, why = open_cache(path)  # the small tables are sound: the lane begins
    with closing(cache):
        assert why == ""
        looking = LookThrough(path, silent_log())
        looking.run()
        assert str(path) in looking.found
    again, why = open_cache(path)
    with closing(again):
        assert why == looking.found
        assert again.manifest().version == 0
    third, why = open_cache(path)
    third.close()
    assert why == ""


@pytest.mark.parametrize("table", ["manifest", "policy", "acknowledged"])
def test_what_a_lane_knows_of_its_manifest_is_looked_through_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    monkeypatch.setattr(schema, "LARGE_BYTES", 100_000)
    path = tmp_path / "hub.db"
    hold_manifest(tmp_path, [declaration_row(ONE, f"D{number}") for number in range(3_000)])
    with closing(sqlite3.connect(path)) as db:
        (root,) = db.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", [table]
        ).fetchone()
        (page_bytes,) = db.execute("PRAGMA page_size").fetchone()
    raw = bytearray(path.read_bytes())
    start = (root - 1) * page_bytes
    raw[start : start + page_bytes] = b"\x55" * page_bytes
    path.write_bytes(raw)
    cache, why = open_cache(path)
    cache.close()
    assert str(path) in why


def test_the_camera_finds_which_of_many_plates_are_declared_and_those_of_a_card(
    cache: HubCache, tmp_path: Path
) -> None:
    two_plates = msgspec.structs.replace(declaration_row(TWO), plates=("粤Z1234港", "AB1234"))
    rows = [declaration_row(ONE), two_plates]
    bring(cache, 1, rows, upserts=rows)
    with closing(DeclaredPlates(tmp_path / "hub.db")) as declared:
        asked = ["粤B12346", "粤·B12345", "粤B12345", "ab1234"]
        assert declared.among(asked) == ["粤B12345", "AB1234"]
        assert declared.of_card("04:ff:ee:dd") == ["粤Z1234港", "AB1234"]
        assert declared.of_card("0102") == []
        declared.close()
        with pytest.raises(StoreError, match="plates cannot be read"):
            declared.among(asked)
