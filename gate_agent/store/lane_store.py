"""lane.db: journal, snapshot, outbox and used declarations in one transaction per event.

Written by the lane thread only. A commit that fails changes nothing, and the caller may try the
same event again. Records are numbered from 1 without gaps within an epoch; numbers are never
given twice, also after the rows that carried them are gone. Each has its link in the chain of
the epoch (`wire/chain.py`), and with the record that closes a passage its dossier is sealed.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import TYPE_CHECKING

from gate_agent.domain.effects import MarkUsed, Record
from gate_agent.domain.events import AgentStarted, Stamped
from gate_agent.domain.records import PassageClosed, PassageOpened
from gate_agent.domain.state import LaneState, Step, initial_lane
from gate_agent.domain.vocabulary import Instant, LaneId, PassageId
from gate_agent.errors import StoreError
from gate_agent.store.encoding import (
    EncodingError,
    decode_event,
    decode_state,
    encode_event,
    encode_record,
    encode_state,
)
from gate_agent.store.fold import fold
from gate_agent.store.schema import lane_migrations, open_database, open_reader
from gate_agent.store.sealing import seal
from gate_agent.wire import v1
from gate_agent.wire.chain import link
from gate_agent.wire.convert import body_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gate_agent.domain.policy import ReleasePolicy
    from gate_agent.domain.records import RecordBody

JOURNAL_KEEP_ROWS = 500_000
"""About a month of a busy lane. Older rows are folded into the base state first."""
TRIM_ROWS = 2_000
"""Folded at once, on the lane's own thread: a tenth of a second or so."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One record that the hub has not yet acknowledged. `body` is wire v1 JSON.

    `chain` is its link; None: made by a version that had no chain.
    """

    seq: int
    at_ms: int
    body: bytes
    chain: str | None = None


@dataclass(slots=True)
class _Ends:
    """Where the rows of the database end. Changed on a copy, which counts once it is committed."""

    journal_seq: int
    record_seq: int
    chain: str  # the link of the newest record
    opened_seq: int  # the journal row that opened the present passage, or one of these:


_KEPT_FROM = "SELECT min(seq) FROM unsealed"
_NO_PASSAGE = 0
_NOT_KNOWN = -1  # opened by a version that did not keep it


class LaneStore:
    """The writer of lane.db. Belongs to the lane thread."""

    def __init__(self, path: Path, lane_id: LaneId, policy: ReleasePolicy) -> None:
        """Open or create the database.

        Raises `StoreError` when it cannot be opened, belongs to another lane, or holds a
        snapshot that this version cannot read.
        """
        self.path = path
        self._db = open_database(path, lane_migrations)
        try:
            self.epoch = self._identify(lane_id, policy)
            self._ends, self.lane = self._load()
            self._software = ""
        except (sqlite3.Error, EncodingError, TypeError) as exc:  # TypeError: a row is missing
            self._db.close()
            raise StoreError(f"{path}: cannot be read: {exc}") from exc
        except StoreError:
            self._db.close()
            raise

    def _identify(self, lane_id: LaneId, policy: ReleasePolicy) -> str:
        row = self._db.execute("SELECT lane, epoch FROM identity").fetchone()
        if row is None:
            self._create(lane_id, policy)
            row = self._db.execute("SELECT lane, epoch FROM identity").fetchone()
        if row[0] != lane_id:
            raise StoreError(f"{self.path}: belongs to lane {row[0]!r}, not to {lane_id!r}")
        return str(row[1])

    def _create(self, lane_id: LaneId, policy: ReleasePolicy) -> None:
        epoch = token_hex(4)
        base = encode_state(initial_lane(lane_id, epoch, policy))
        with self._db.atomic():
            self._db.execute("INSERT INTO identity VALUES (1, ?, ?, ?, 0)", [lane_id, epoch, base])
            self._db.execute(
                "INSERT INTO snapshot (id, journal_seq, record_seq, state) VALUES (1, 0, 0, ?)",
                [base],
            )

    def _load(self) -> tuple[_Ends, LaneState]:
        *ends, state = self._db.execute(
            "SELECT journal_seq, record_seq, chain, opened_seq, state FROM snapshot"
        ).fetchone()
        lane = decode_state(state)
        found = _Ends(*ends)
        if lane.passage is not None and found.opened_seq == _NO_PASSAGE:
            found.opened_seq = _NOT_KNOWN
        return found, lane

    @property
    def last_seq(self) -> int:
        """The number of the newest record; 0 when there is none."""
        return self._ends.record_seq

    def commit(self, stamped: Stamped, step: Step) -> None:
        """Write the event, the lane after it, its records and used declarations, or nothing.

        Raises `StoreError`; the store is then as it was.
        """
        ends = replace(self._ends, journal_seq=self._ends.journal_seq + 1)
        name, body = encode_event(stamped.event)
        at, state = stamped.at, encode_state(step.lane)
        if isinstance(stamped.event, AgentStarted):
            self._software = stamped.event.version
        try:
            with self._db.atomic():
                self._db.execute(
                    "INSERT INTO journal VALUES (?, ?, ?, ?, ?)",
                    [ends.journal_seq, at.mono_s, at.wall_ms, name, body],
                )
                for effect in step.effects:
                    match effect:
                        case Record():
                            self._record(ends, at, effect.body)
                        case MarkUsed():
                            self._mark_used(effect, at)
                        case _:
                            pass
                self._db.execute(
                    "UPDATE snapshot SET journal_seq = ?, record_seq = ?, chain = ?,"
                    " opened_seq = ?, state = ?",
                    [ends.journal_seq, ends.record_seq, ends.chain, ends.opened_seq, state],
                )
        except sqlite3.Error as exc:
            raise StoreError(f"{self.path}: cannot commit: {exc}") from exc
        self._ends, self.lane = ends, step.lane

    def _record(self, ends: _Ends, at: Instant, record: RecordBody) -> None:
        """One record into the outbox and beside its passage, which closes with its dossier."""
        if isinstance(record, PassageOpened):
            ends.opened_seq = ends.journal_seq
        self._put(ends, at, v1.encode(body_of(record)))
        if ends.opened_seq == _NO_PASSAGE:
            return
        name, body = encode_record(record)
        self._db.execute(
            "INSERT INTO unsealed VALUES (?, ?, ?, ?, ?)",
            [ends.record_seq, at.wall_ms, name, ends.chain, body],
        )
        if isinstance(record, PassageClosed):
            self._seal(ends, at, record.passage_id)

    def _seal(self, ends: _Ends, at: Instant, passage_id: PassageId) -> None:
        sealed = seal(
            self._db.conn,
            lane=self.lane.lane_id,
            epoch=self.epoch,
            passage_id=passage_id,
            software=self._software,
            opened_seq=None if ends.opened_seq == _NOT_KNOWN else ends.opened_seq,
            closed_seq=ends.journal_seq,
            sealed_at_ms=at.wall_ms,
        )
        self._put(ends, at, v1.encode(sealed))
        self._db.execute("DELETE FROM unsealed")
        ends.opened_seq = _NO_PASSAGE

    def _put(self, ends: _Ends, at: Instant, body: bytes) -> None:
        ends.record_seq += 1
        ends.chain = link(
            ends.chain,
            lane=self.lane.lane_id,
            epoch=self.epoch,
            seq=ends.record_seq,
            at_ms=at.wall_ms,
            body=body,
        )
        self._db.execute(
            "INSERT INTO outbox VALUES (?, ?, ?, ?)",
            [ends.record_seq, at.wall_ms, body, ends.chain],
        )

    def _mark_used(self, effect: MarkUsed, at: Instant) -> None:
        self._db.execute(
            "INSERT INTO used VALUES (?, ?, ?) ON CONFLICT (declaration_id) DO NOTHING",
            [effect.declaration_id, effect.passage_id, at.wall_ms],
        )
        for account_id, quantity in effect.draws_on:
            self._db.execute(
                "INSERT OR IGNORE INTO drawn VALUES (?, ?, ?)",
                [account_id, effect.declaration_id, quantity],
            )

    def drawn_on(self, account_id: str) -> list[tuple[str, int]]:
        """Which declarations this lane used up that draw on an account, and how much of it."""
        return self._db.execute(
            "SELECT declaration_id, quantity FROM drawn WHERE account_id = ?", [account_id]
        ).fetchall()

    def used_by(self, declaration_id: str) -> str | None:
        """The passage of this lane that used a declaration up; None if none did."""
        row = self._db.execute(
            "SELECT passage_id FROM used WHERE declaration_id = ?", [declaration_id]
        ).fetchone()
        return None if row is None else row[0]

    def forget_acknowledged(self, through_seq: int) -> None:
        """Drop what the hub has committed, but for the passage that is open.

        A hub that is put back to a backup needs its records again: a person decides by them.
        Raises `StoreError`.
        """
        try:
            kept_from = self._db.execute(_KEPT_FROM).fetchone()[0]
            through_seq = through_seq if kept_from is None else min(through_seq, kept_from - 1)
            if not self._db.execute(
                "SELECT EXISTS (SELECT 1 FROM outbox WHERE seq <= ?)", [through_seq]
            ).fetchone()[0]:
                return  # what a lane finds almost every time it looks
            with self._db.atomic():
                self._db.execute(
                    "UPDATE snapshot SET (forgotten_seq, forgotten_chain) ="
                    " (SELECT seq, coalesce(chain, '') FROM outbox WHERE seq <= ?1"
                    " ORDER BY seq DESC LIMIT 1)"
                    " WHERE EXISTS (SELECT 1 FROM outbox WHERE seq <= ?1)",
                    [through_seq],
                )
                self._db.execute("DELETE FROM outbox WHERE seq <= ?", [through_seq])
        except sqlite3.Error as exc:
            raise StoreError(f"{self.path}: cannot forget records: {exc}") from exc

    def trim_journal(self, keep_rows: int = JOURNAL_KEEP_ROWS) -> None:
        """Bound the journal: fold the oldest rows into the base state, in one transaction."""
        try:
            base_seq = self._db.execute("SELECT base_seq FROM identity").fetchone()[0]
            cut = min(self._ends.journal_seq - keep_rows, base_seq + TRIM_ROWS)
            if cut - base_seq < min(TRIM_ROWS, keep_rows // 10):
                return
            with self._db.atomic():
                base = fold(self.base(), (item for _, item in self.journal(through_seq=cut)))
                self._db.execute(
                    "UPDATE identity SET base_state = ?, base_seq = ?", [encode_state(base), cut]
                )
                self._db.execute("DELETE FROM journal WHERE seq <= ?", [cut])
        except (sqlite3.Error, EncodingError) as exc:
            raise StoreError(f"{self.path}: cannot trim the journal: {exc}") from exc

    def base(self) -> LaneState:
        """The state before the first row of the journal."""
        return decode_state(self._db.execute("SELECT base_state FROM identity").fetchone()[0])

    def journal(self, through_seq: int | None = None) -> Iterator[tuple[int, Stamped]]:
        """The journal's events with their numbers, oldest first."""
        yield from _read_journal(self._db.conn, through_seq)

    def close(self) -> None:
        """Give the file back."""
        self._db.close()


def _read_journal(
    connection: sqlite3.Connection, through_seq: int | None
) -> Iterator[tuple[int, Stamped]]:
    last = through_seq if through_seq is not None else 1 << 62
    for seq, mono_s, wall_ms, name, body in connection.execute(
        "SELECT seq, mono_s, wall_ms, type, body FROM journal WHERE seq <= ? ORDER BY seq", [last]
    ):
        yield seq, Stamped(decode_event(name, body), Instant(mono_s, wall_ms))


class OutboxReader:
    """Reads the outbox beside the writer. Belongs to the uplink thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_reader(path)

    def after(self, seq: int, limit: int) -> list[OutboxRow]:
        """At most `limit` rows with a number above `seq`, in order. Raises `StoreError`."""
        try:
            rows = self._connection.execute(
                "SELECT seq, at_ms, body, chain FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?",
                [seq, limit],
            ).fetchall()
        except sqlite3.Error as exc:
            raise StoreError(f"{self._path}: outbox cannot be read: {exc}") from exc
        return [OutboxRow(*row) for row in rows]

    def kept_from(self) -> int | None:
        """The number of the open passage's first record; None: no passage is open.

        Raises `StoreError`.
        """
        try:
            first: int | None = self._connection.execute(_KEPT_FROM).fetchone()[0]
        except sqlite3.Error as exc:
            raise StoreError(f"{self._path}: outbox cannot be read: {exc}") from exc
        return first

    def last_seq(self) -> int:
        """The number of the newest record; 0 when there is none. Raises `StoreError`."""
        try:
            row = self._connection.execute("SELECT record_seq FROM snapshot").fetchone()
        except sqlite3.Error as exc:
            raise StoreError(f"{self._path}: outbox cannot be read: {exc}") from exc
        return int(row[0])

    def backlog(self, acknowledged_seq: int) -> tuple[int, int | None]:
        """How many records are not acknowledged, and when the oldest was made (UTC ms)."""
        try:
            with closing(
                self._connection.execute(
                    "SELECT count(*), min(at_ms) FROM outbox WHERE seq > ?", [acknowledged_seq]
                )
            ) as cursor:
                count, oldest_ms = cursor.fetchone()
        except sqlite3.Error as exc:
            raise StoreError(f"{self._path}: outbox cannot be read: {exc}") from exc
        return count, oldest_ms

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()


def unsent_pictures(path: Path) -> frozenset[str]:
    """The pictures named by records that are still in the outbox. Raises `StoreError`."""
    with closing(open_reader(path)) as reader:
        try:
            found = reader.execute(
                "SELECT json_extract(CAST(body AS TEXT), '$.picture_id') FROM outbox"
                " WHERE json_extract(CAST(body AS TEXT), '$.type') = 'picture_taken'"
            ).fetchall()
        except sqlite3.Error as exc:
            raise StoreError(f"{path}: outbox cannot be read: {exc}") from exc
    return frozenset(picture_id for (picture_id,) in found)
