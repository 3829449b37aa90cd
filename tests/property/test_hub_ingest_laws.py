"""Whatever order, repetition or cutting into batches: the same tables, each record once."""

import contextlib
import csv
import functools
import io
import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from central.errors import ManifestError
from central.hub.ingest import decode
from central.manifest.importer import parse
from central.store import hub_store
from central.store.connection import Store
from central.store.ingest_store import DecodedBatch, Undecodable, ingest
from central.store.rows import PassageFilter
from gate_agent.wire.v1 import FaultChanged, PassageOverridden, RawRecord
from tests.hub_bench import (
    a_declaration,
    a_passage,
    a_store,
    arrival,
    batch,
    decided,
    record,
    take_records,
)

RECORDS: tuple[RawRecord, ...] = tuple(
    record(seq, body)
    for seq, body in enumerate(
        [
            *a_passage("p1", "release"),
            FaultChanged(code="scale_link", raised=True),
            decided("p2", "hold", a_declaration(2)),
            PassageOverridden(
                passage_id="p2", command_id="c1", decision="release", by="li", reason="seen"
            ),
            FaultChanged(code="scale_link", raised=False),
            decided("p3", "hold"),
            decided("p3", "release", a_declaration(3)),
            b'{"type":"unheard_of"}',
            *a_passage("p4", "refuse"),
        ],
        start=1,
    )
)


def picture_of(store: Store) -> object:
    """Everything a person sees, without the times of receipt and internal ids."""
    passages = store.read_now(hub_store.passages, PassageFilter())

    def uses(db: sqlite3.Connection) -> list[tuple[object, ...]]:
        return list(
            db.execute("SELECT declaration_id, passage_id FROM declaration_uses ORDER BY 1")
        )

    return (
        sorted(
            (p.passage_id, p.verdict, p.outcome, p.override_by, p.closed_at_ms) for p in passages
        ),
        store.read_now(hub_store.faults),
        [letter.seq for letter in store.read_now(hub_store.dead_letters)],
        store.read_now(uses),
    )


@functools.cache
def in_order() -> object:
    with tempfile.TemporaryDirectory() as folder, a_store(Path(folder) / "hub.db") as store:
        assert take_records(store, RECORDS) == len(RECORDS)
        return picture_of(store)


@settings(max_examples=40)
@given(
    order=st.permutations(range(len(RECORDS))),
    repeats=st.lists(st.integers(0, len(RECORDS) - 1), max_size=8),
    cuts=st.lists(st.integers(1, 6), min_size=1, max_size=20),
)
def test_any_order_and_repetition_gives_the_same_tables_and_each_record_once(
    order: Sequence[int], repeats: Sequence[int], cuts: Sequence[int]
) -> None:
    indexes = [*order, *repeats]
    with tempfile.TemporaryDirectory() as folder, a_store(Path(folder) / "hub.db") as store:
        got: set[int] = set()
        position, turn = 0, 0
        while position < len(indexes):
            size = cuts[turn % len(cuts)]
            chunk = indexes[position : position + size]
            position, turn = position + size, turn + 1
            got |= {index + 1 for index in chunk}
            through = take_records(store, [RECORDS[index] for index in chunk])
            contiguous = next(n for n in range(1, len(RECORDS) + 2) if n not in got) - 1
            assert through == contiguous, "never beyond what is stored, never behind"
        counts = store.read_now(hub_store.counts)
        assert counts.records == len(RECORDS)
        assert counts.duplicates == len(repeats)
        assert counts.missing == 0
        assert picture_of(store) == in_order()


@given(payload=st.binary(max_size=200))
def test_no_bytes_make_the_decoder_raise(payload: bytes) -> None:
    assert isinstance(decode(arrival(payload), 0), DecodedBatch | Undecodable)


@settings(max_examples=50)
@given(
    cut=st.integers(0, 2000),
    flips=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=5),
)
def test_a_damaged_batch_is_either_decoded_or_refused(
    cut: int, flips: list[tuple[int, int]]
) -> None:
    damaged = bytearray(batch("lane1", "e1", RECORDS))
    for place, value in flips:
        damaged[place % len(damaged)] = value
    if cut % 2:
        del damaged[cut % len(damaged) :]
    with tempfile.TemporaryDirectory() as folder, a_store(Path(folder) / "hub.db") as store:
        store.write_now(ingest, [decode(arrival(bytes(damaged)), 0)])


@given(content=st.binary(max_size=300))
def test_no_file_makes_the_importer_do_anything_but_report(content: bytes) -> None:
    for file_format in ("csv", "json"):
        with contextlib.suppress(ManifestError):
            parse(content, file_format)


HEADER = "declaration_id,plates,card_uid,gross_kg,valid_from,valid_until"
cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(rows=st.lists(st.lists(cells, min_size=5, max_size=7), max_size=5))
def test_every_csv_row_is_either_taken_or_named(rows: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    parsed = parse(f"{HEADER}\r\n{out.getvalue()}".encode(), "csv")
    meant = [row for row in rows if any(cell.strip() for cell in row)]
    assert len(parsed.rows) + len(parsed.problems) == len(meant)
