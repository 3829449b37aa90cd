"""From the rows of a closed passage to its dossier. Reads only; runs inside the commit."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import msgspec

from gate_agent.domain.dossier import clocks_of, microseconds
from gate_agent.domain.events import AgentStarted
from gate_agent.domain.vocabulary import Instant
from gate_agent.wire import dossier, v1

HALF_EVENTS = 1_000
HALF_RECORDS = 300
"""Of a passage with more than twice as many, a vehicle that stood for hours under a chattering
loop, the first and the last so many are kept: a dossier must fit into one message."""
HALF_TELLING = 300
"""So many of those kinds that do not come of chatter, at each end: verdicts, orders, pictures,
plates. A passage has a handful of them, so they are all there whatever flaps between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """A table that a dossier is made from, and the kinds of which a defect makes thousands."""

    table: str
    columns: str
    chatter: str


_JOURNAL = _Rows(
    table="journal",
    columns="seq, mono_s, wall_ms, type, body",
    chatter="('InputsChanged', 'WeightObserved', 'BarrierMoved', 'FaultRaised', 'FaultCleared',"
    " 'DeadlineExpired')",
)
_UNSEALED = _Rows(
    table="unsealed",
    columns="seq, at_ms, type, chain, body",
    chatter="('FaultChanged', 'CommandRefused', 'LaneStarted')",
)


def seal(
    connection: sqlite3.Connection,
    *,
    lane: str,
    epoch: str,
    passage_id: str,
    software: str,
    opened_seq: int | None,
    closed_seq: int,
    sealed_at_ms: int,
) -> v1.PassageSealed:
    """The record that seals a passage. `opened_seq` None: where it began is not known.

    `opened_seq` and `closed_seq` number rows of the journal, both included.
    """
    first_seq = opened_seq or closed_seq
    rows, events_left_out = _kept(connection, _JOURNAL, (first_seq, closed_seq), HALF_EVENTS)
    events = tuple(_event(row) for row in rows)
    # A journal is trimmed: after half a million events in one passage its beginning is gone.
    is_whole = opened_seq is not None and bool(rows) and rows[0][0] == opened_seq
    span = connection.execute("SELECT min(seq), max(seq) FROM unsealed").fetchone()
    notes, records_left_out = _kept(connection, _UNSEALED, span, HALF_RECORDS)
    clocks = clocks_of(
        (seq, Instant(mono_s, wall_ms))
        for seq, mono_s, wall_ms in connection.execute(
            "SELECT seq, mono_s, wall_ms FROM journal WHERE seq BETWEEN ? AND ? ORDER BY seq",
            (first_seq, closed_seq),
        )
    )
    (restarts,) = connection.execute(
        "SELECT count(*) FROM journal WHERE seq BETWEEN ? AND ? AND type = ?",
        (first_seq, closed_seq, AgentStarted.__name__),
    ).fetchone()
    content = dossier.sealed(
        dossier.Passage(
            lane=lane,
            epoch=epoch,
            passage_id=passage_id,
            software=software,
            sealed_at_ms=sealed_at_ms,
            events=events,
            events_left_out=events_left_out,
            records=tuple(_noted(row) for row in notes),
            records_left_out=records_left_out,
            is_whole=is_whole,
            clocks=clocks,
        )
    )
    return v1.PassageSealed(
        passage_id=passage_id,
        format=dossier.FORMAT,
        sha256=dossier.sha256(content),
        dossier=dossier.packed(content),
        is_whole=is_whole and not events_left_out and not records_left_out,
        restarts=restarts,
        clock_steps=len(clocks.steps),
        is_clock_set=clocks.is_set,
    )


def _kept(
    connection: sqlite3.Connection, rows: _Rows, span: tuple[int, int], half: int
) -> tuple[list[Any], int]:
    """The rows of a span that a dossier keeps, in order, and how many it leaves out."""
    count = f"SELECT count(*) FROM {rows.table} WHERE seq BETWEEN ? AND ?"  # noqa: S608 - ours
    (there,) = connection.execute(count, span).fetchone()
    said = f"SELECT {rows.columns} FROM {rows.table} WHERE seq BETWEEN ? AND ?"  # noqa: S608
    if there <= 2 * half:
        return connection.execute(f"{said} ORDER BY seq", span).fetchall(), 0
    kept = [
        *_ends(connection, f"{said} AND type IN {rows.chatter}", span, half),
        *_ends(connection, f"{said} AND type NOT IN {rows.chatter}", span, HALF_TELLING),
    ]
    return sorted(kept, key=itemgetter(0)), there - len(kept)


def _ends(
    connection: sqlite3.Connection, query: str, span: tuple[int, int], half: int
) -> list[Any]:
    """The first and the last `half` rows of a span, in order."""
    first = connection.execute(f"{query} ORDER BY seq LIMIT ?", (*span, half)).fetchall()
    if len(first) < half:
        return first
    rest = (first[-1][0] + 1, span[1])
    last = connection.execute(f"{query} ORDER BY seq DESC LIMIT ?", (*rest, half)).fetchall()
    return [*first, *reversed(last)]


def _event(row: tuple[int, float, int, str, bytes]) -> dossier.Event:
    seq, mono_s, wall_ms, type_, body = row
    return dossier.Event(
        seq=seq,
        mono_us=microseconds(Instant(mono_s, wall_ms)),
        wall_ms=wall_ms,
        type=type_,
        body=msgspec.Raw(body),
    )


def _noted(row: tuple[int, int, str, str, bytes]) -> dossier.Noted:
    seq, at_ms, type_, chain, body = row
    return dossier.Noted(seq=seq, at_ms=at_ms, type=type_, chain=chain, body=msgspec.Raw(body))
