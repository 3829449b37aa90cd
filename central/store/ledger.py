"""The ledger of a list, permit or book: its period, what was granted, each draw, what is left."""

from __future__ import annotations

import csv
import io
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class PeriodState(StrEnum):
    """How an account stands at a moment."""

    TO_COME = "to_come"
    OPEN = "open"
    OVER = "over"  # its last day has passed and nobody has closed it yet
    CLOSED = "closed"  # by a person


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStanding:
    """One account. None: not said; times are UTC epoch milliseconds."""

    account_id: str
    kind: str
    granted: int
    taken: int
    left: int
    draws: int
    state: PeriodState
    opens_ms: int | None
    closes_ms: int | None
    closed_at_ms: int | None
    closed_by: str
    number: str  # of the declaration that it was closed under


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One draw, and what was left after it. `late`: it came after the period had ended."""

    at_ms: int
    lane: str
    passage_id: str
    plate: str | None
    declaration_id: str
    quantity: int
    left: int
    late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """An account with every draw, the earliest first."""

    account: AccountStanding
    lines: tuple[LedgerLine, ...]


_ACCOUNTS = (
    "SELECT a.account_id, a.kind, a.granted, coalesce(sum(d.quantity), 0), count(d.quantity),"
    " a.opens_ms, a.closes_ms, a.closed_at_ms, a.closed_by, a.closing_number FROM accounts a"
    " LEFT JOIN account_draws d USING (account_id)"
)


def accounts(db: sqlite3.Connection, *, now_ms: int) -> tuple[AccountStanding, ...]:
    """Every account; those that wait to be closed first."""
    rows = db.execute(f"{_ACCOUNTS} GROUP BY a.account_id").fetchall()
    found = [_standing(row, now_ms) for row in rows]
    order = [PeriodState.OVER, PeriodState.OPEN, PeriodState.TO_COME, PeriodState.CLOSED]
    found.sort(key=lambda each: (order.index(each.state), each.account_id))
    return tuple(found)


def ledger(db: sqlite3.Connection, account_id: str, *, now_ms: int) -> Ledger | None:
    """One account with its draws; None: nothing was ever granted under that name."""
    row = db.execute(
        f"{_ACCOUNTS} WHERE a.account_id = ? GROUP BY a.account_id", [account_id]
    ).fetchone()
    if row is None:
        return None
    account = _standing(row, now_ms)
    ends = [end for end in (account.closes_ms, account.closed_at_ms) if end is not None]
    rows = db.execute(
        "SELECT u.at_ms, u.lane, u.passage_id, p.plate, d.declaration_id, d.quantity"
        " FROM account_draws d JOIN declaration_uses u USING (declaration_id)"
        " LEFT JOIN passages p ON p.passage_id = u.passage_id"
        " WHERE d.account_id = ? ORDER BY u.at_ms, d.declaration_id",
        [account_id],
    )
    lines, left = [], account.granted
    for at_ms, lane, passage_id, plate, declaration_id, quantity in rows:
        left -= quantity
        lines.append(
            LedgerLine(
                at_ms=at_ms,
                lane=lane,
                passage_id=passage_id,
                plate=plate,
                declaration_id=declaration_id,
                quantity=quantity,
                left=left,
                late=any(at_ms >= end for end in ends),
            )
        )
    return Ledger(account=account, lines=tuple(lines))


def as_csv(found: Ledger) -> bytes:
    """The period as a table for an office: UTF-8 with a mark, so that spreadsheets take it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    account = found.account
    for name in ("account_id", "kind", "granted", "taken", "left", "state", "closed_by", "number"):
        writer.writerow([name, cell(str(getattr(account, name)))])
    for name in ("opens_ms", "closes_ms", "closed_at_ms"):
        writer.writerow([name.removesuffix("_ms"), moment(getattr(account, name))])
    writer.writerow([])
    writer.writerow(
        ["at", "lane", "passage_id", "plate", "declaration_id", "quantity", "left", "late"]
    )
    for line in found.lines:
        names = (line.lane, line.passage_id, line.plate or "", line.declaration_id)
        cells = [moment(line.at_ms), *map(cell, names), line.quantity, line.left]
        writer.writerow([*cells, "late" if line.late else ""])
    return text.getvalue().encode("utf-8-sig")


def cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def moment(at_ms: int | None) -> str:
    """A moment as a table for an office says it: ISO 8601, UTC."""
    if at_ms is None:
        return ""
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).isoformat(timespec="seconds")


def _standing(row: tuple[object, ...], now_ms: int) -> AccountStanding:
    (account_id, kind, granted, taken, draws, opens_ms, closes_ms, closed_ms, by, number) = row
    numbers = [int(str(each)) for each in (granted, taken, draws)]
    moments = [each if isinstance(each, int) else None for each in (opens_ms, closes_ms, closed_ms)]
    opens, closes, closed = moments
    state = PeriodState.OPEN
    if closed is not None:
        state = PeriodState.CLOSED
    elif closes is not None and closes <= now_ms:
        state = PeriodState.OVER
    elif opens is not None and now_ms < opens:
        state = PeriodState.TO_COME
    return AccountStanding(
        account_id=str(account_id),
        kind=str(kind),
        granted=numbers[0],
        taken=numbers[1],
        left=numbers[0] - numbers[1],
        draws=numbers[2],
        state=state,
        opens_ms=opens,
        closes_ms=closes,
        closed_at_ms=closed,
        closed_by=str(by or ""),
        number=str(number or ""),
    )
