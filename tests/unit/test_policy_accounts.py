"""A list that several trips draw on: hub and lanes agree on what is left, and err to less."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from central.store import account_store, manifest_queries, manifest_store
from central.store.connection import Store, open_store
from central.store.manifest_store import Author
from gate_agent.store.hub_cache import HubCache
from gate_agent.store.manifest_reader import ManifestReader
from gate_agent.wire import digest, v1

AUTHOR = Author(at_ms=1, who="admin")


def a_row(number: int, *, quantity: int = 10, granted: int | None = 100) -> v1.DeclarationRow:
    return v1.DeclarationRow(
        declaration_id=f"D{number}",
        plates=(f"粤B{number:05d}",),
        card_uid=f"{number:08X}",
        gross_kg=20_000,
        valid_from_ms=0,
        valid_until_ms=10,
        accounts=(
            v1.AccountRow(kind="list", account_id="JB-7", quantity=quantity, granted=granted),
        ),
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "hub.db")
    yield opened
    opened.close()


def imports(store: Store, *rows: v1.DeclarationRow, replace: bool = False) -> None:
    store._write(manifest_store.apply_import, rows, AUTHOR, replace=replace)


def uses(store: Store, declaration_id: str) -> None:
    def note(db: sqlite3.Connection) -> None:
        db.execute(
            "INSERT INTO declaration_uses (declaration_id, passage_id, lane, at_ms)"
            " VALUES (?, 'p', 'lane1', 1)",
            [declaration_id],
        )

    store._write(note)
    store._write(manifest_store.apply_uses, AUTHOR)


def held(store: Store, declaration_id: str) -> v1.AccountRow:
    row = store._write(manifest_queries.declaration, declaration_id)
    assert row is not None
    return row.accounts[0]


def digest_holds(store: Store) -> bool:
    """The head's digest is that of the rows, whatever came and went."""

    def rows(db: sqlite3.Connection) -> list[str]:
        return [row[0] for row in db.execute("SELECT row_digest FROM declarations")]

    head = store._write(manifest_queries.head)
    stored = store._write(rows)
    return (head.count, head.digest) == (len(stored), digest.changed(digest.EMPTY, added=stored))


def test_every_other_trip_on_the_list_hears_what_is_left(store: Store) -> None:
    imports(store, *(a_row(number) for number in range(4)))
    assert [held(store, f"D{number}").balance for number in range(4)] == [100] * 4
    uses(store, "D1")
    assert [held(store, f"D{number}").balance for number in (0, 2, 3)] == [90] * 3
    uses(store, "D2")
    assert held(store, "D3").balance == 80
    assert digest_holds(store)


def test_importing_a_trip_again_gives_nothing_back(store: Store) -> None:
    imports(store, a_row(0), a_row(1))
    uses(store, "D0")
    imports(store, a_row(0), a_row(1))
    assert held(store, "D1").balance == 90
    assert store._write(account_store.left, "JB-7") == 90
    assert digest_holds(store)


def test_a_larger_grant_reaches_every_trip_that_is_not_used(store: Store) -> None:
    imports(store, a_row(0), a_row(1), a_row(2))
    uses(store, "D0")
    imports(store, a_row(3, granted=500))
    assert [held(store, f"D{number}").balance for number in (1, 2, 3)] == [490] * 3
    assert digest_holds(store)


def test_a_replacing_file_with_a_new_grant_withdraws_and_reckons_at_once(store: Store) -> None:
    imports(store, a_row(0), a_row(1))
    imports(store, a_row(1, granted=500), replace=True)
    assert held(store, "D1").balance == 500
    assert store._write(manifest_queries.declaration, "D0") is None
    assert digest_holds(store)


def test_what_nobody_granted_has_no_balance(store: Store) -> None:
    imports(store, a_row(0, granted=None))
    assert held(store, "D0").balance is None


def test_a_lane_counts_what_it_took_until_the_manifest_reckons_it_in(tmp_path: Path) -> None:
    taken = {"D0": 10}
    path = tmp_path / "hub.db"
    with closing(HubCache(path)) as cache:

        def adopts(version: int, *rows: v1.DeclarationRow) -> None:
            digests = [digest.row_digest(row) for row in rows]
            cache.apply(
                version=version,
                replace_all=True,
                upserts=rows,
                deletes=[],
                count=len(rows),
                expected_digest=digest.changed(digest.EMPTY, added=digests),
                at_ms=1,
            )

        def pending() -> int:
            reader = ManifestReader(path, lambda key: "p" if key in taken else None, drawn_on)
            with closing(reader):
                (found,), _ = reader.find("粤B00001", None)
            return found.accounts[0].pending

        def drawn_on(account_id: str) -> list[tuple[str, int]]:
            return list(taken.items()) if account_id == "JB-7" else []

        adopts(1, a_row(0), a_row(1))
        assert pending() == 10
        marked = msgspec.structs.replace(a_row(0), used_by="p")
        adopts(2, marked, a_row(1))
        assert pending() == 0
        adopts(3, a_row(1))  # it was withdrawn: whether its use is reckoned in cannot be seen
        assert pending() == 10
