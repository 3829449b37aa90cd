"""Lists, permits and books that several declarations draw on: what is granted, taken and left.

A declaration row carries what was left of its accounts in the manifest version that it belongs to.
A use takes its quantity in the same version in which it is marked used, so that a lane that has
the version knows that its own use is reckoned in.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from central.errors import CentralError
from central.store import audit, obligation_store
from gate_agent.wire.v1 import AccountRow, DeclarationRow

_decoder = msgspec.json.Decoder(DeclarationRow)


class AccountError(CentralError):
    """An account that cannot be closed; the text says why. `is_known`: there is such an account."""

    def __init__(self, text: str, *, is_known: bool) -> None:
        super().__init__(text)
        self.is_known = is_known


def grant(
    db: sqlite3.Connection, rows: Iterable[DeclarationRow], opens: Mapping[str, int]
) -> set[str]:
    """Note what imported rows say is granted, and from when until when; the newest word counts.

    An account that a person has closed stays as it is. The accounts that changed.
    """
    changed: set[str] = set()
    for row in rows:
        for account in row.accounts:
            name, known = account.account_id, _known(db, account.account_id)
            if known is not None and known.closed_at_ms is not None:
                continue
            said = _said(known, account, opens.get(name))
            if said is not None and said != known:
                db.execute(
                    "INSERT INTO accounts (account_id, kind, granted, opens_ms, closes_ms)"
                    " VALUES (?,?,?,?,?) ON CONFLICT (account_id) DO UPDATE SET"
                    " granted = excluded.granted, opens_ms = excluded.opens_ms,"
                    " closes_ms = excluded.closes_ms",
                    [name, account.kind, said.granted, said.opens_ms, said.closes_ms],
                )
                changed.add(name)
    return changed


def objection(db: sqlite3.Connection, row: DeclarationRow) -> str | None:
    """Why a declaration cannot draw on its accounts, whoever drives it; None: it can."""
    for account in row.accounts:
        known = _known(db, account.account_id)
        if known is None:
            continue
        if known.closed_at_ms is not None:
            return f"{account.kind} {account.account_id} was closed by {known.closed_by}"
        if known.opens_ms is not None and row.valid_from_ms < known.opens_ms:
            return f"valid before {account.kind} {account.account_id} opens"
    return None


def close(
    db: sqlite3.Connection, account_id: str, *, by: str, at_ms: int, number: str, reason: str
) -> None:
    """Nobody draws on the account any more; what was owed under it is done by `number`.

    Raises `AccountError`.
    """
    known = _known(db, account_id)
    if known is None:
        raise AccountError(f"nothing was granted under {account_id}", is_known=False)
    if known.closed_at_ms is not None:
        raise AccountError(f"{account_id} was closed by {known.closed_by}", is_known=True)
    db.execute(
        "UPDATE accounts SET closed_at_ms = ?, closed_by = ?, closing_number = ?"
        " WHERE account_id = ?",
        [at_ms, by, number, account_id],
    )
    settled = obligation_store.close_all(
        db, "list_declaration", account_id, by=by, at_ms=at_ms, number=number
    )
    audit.record(
        db,
        at_ms=at_ms,
        who=by,
        action="account_closed",
        detail=f"{account_id} {number}, {settled} passages settled"
        + (f": {reason}" if reason else ""),
    )


def take(db: sqlite3.Connection, row: DeclarationRow) -> set[str]:
    """A use of this declaration takes its quantities, once. The accounts that it draws on."""
    for account in row.accounts:
        db.execute(
            "INSERT OR IGNORE INTO account_draws (account_id, declaration_id, quantity)"
            " VALUES (?,?,?)",
            [account.account_id, row.declaration_id, account.quantity],
        )
    return {account.account_id for account in row.accounts}


def reckoned(db: sqlite3.Connection, row: DeclarationRow) -> DeclarationRow:
    """The row with what is left of each of its accounts now; None where nothing was granted."""
    if not row.accounts:
        return row
    accounts = tuple(
        msgspec.structs.replace(
            account,
            granted=_granted(db, account.account_id),
            balance=left(db, account.account_id),
            closes_ms=_closes_ms(db, account),
        )
        for account in row.accounts
    )
    return msgspec.structs.replace(row, accounts=accounts)


def left(db: sqlite3.Connection, account_id: str) -> int | None:
    """What is left of an account, below zero where too much was taken; None: never granted."""
    granted = _granted(db, account_id)
    if granted is None:
        return None
    (taken,) = db.execute(
        "SELECT coalesce(sum(quantity), 0) FROM account_draws WHERE account_id = ?", [account_id]
    ).fetchone()
    return int(granted - taken)


def unused_of(
    db: sqlite3.Connection, account_ids: Iterable[str]
) -> Iterator[tuple[str, DeclarationRow]]:
    """Digest and row of every declaration that draws on one of these and is not used up."""
    seen: set[str] = set()
    for account_id in sorted(account_ids):
        rows = db.execute(
            "SELECT d.row_digest, d.body FROM declaration_accounts a"
            " JOIN declarations d USING (declaration_id)"
            " WHERE a.account_id = ? AND d.used_by IS NULL ORDER BY d.declaration_id",
            [account_id],
        ).fetchall()
        for row_digest, body in rows:
            row = _decoder.decode(body)
            if row.declaration_id not in seen:
                seen.add(row.declaration_id)
                yield row_digest, row


def index(db: sqlite3.Connection, declaration_id: str, accounts: Iterable[AccountRow]) -> None:
    """Which accounts a declaration in the manifest draws on."""
    db.execute("DELETE FROM declaration_accounts WHERE declaration_id = ?", [declaration_id])
    db.executemany(
        "INSERT INTO declaration_accounts (account_id, declaration_id) VALUES (?,?)",
        [(account.account_id, declaration_id) for account in accounts],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the hub holds of an account."""

    granted: int
    opens_ms: int | None = None
    closes_ms: int | None = None
    closed_at_ms: int | None = None
    closed_by: str = ""


def _said(known: _Known | None, account: AccountRow, opens_ms: int | None) -> _Known | None:
    """What is known after this row; None: nobody has granted anything yet."""
    if known is None:
        if account.granted is None:
            return None
        return _Known(granted=account.granted, opens_ms=opens_ms, closes_ms=account.closes_ms)
    return _Known(
        granted=known.granted if account.granted is None else account.granted,
        opens_ms=known.opens_ms if opens_ms is None else opens_ms,
        closes_ms=known.closes_ms if account.closes_ms is None else account.closes_ms,
    )


def _known(db: sqlite3.Connection, account_id: str) -> _Known | None:
    row = db.execute(
        "SELECT granted, opens_ms, closes_ms, closed_at_ms, coalesce(closed_by, '')"
        " FROM accounts WHERE account_id = ?",
        [account_id],
    ).fetchone()
    if row is None:
        return None
    granted, opens_ms, closes_ms, closed_at_ms, closed_by = row
    return _Known(
        granted=granted,
        opens_ms=opens_ms,
        closes_ms=closes_ms,
        closed_at_ms=closed_at_ms,
        closed_by=closed_by,
    )


def _closes_ms(db: sqlite3.Connection, account: AccountRow) -> int | None:
    """When the lanes stop: at the end of the period, or when a person closed it."""
    known = _known(db, account.account_id)
    if known is None:
        return account.closes_ms
    closes_ms = known.closes_ms if known.closes_ms is not None else account.closes_ms
    ends = [end for end in (closes_ms, known.closed_at_ms) if end is not None]
    return min(ends, default=None)


def _granted(db: sqlite3.Connection, account_id: str) -> int | None:
    row = db.execute("SELECT granted FROM accounts WHERE account_id = ?", [account_id]).fetchone()
    return None if row is None else int(row[0])
