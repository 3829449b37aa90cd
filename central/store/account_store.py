"""Lists, permits and books that several declarations draw on: what is granted, taken and left.

A declaration row carries what was left of its accounts in the manifest version that it belongs to.
A use takes its quantity in the same version in which it is marked used, so that a lane that has
the version knows that its own use is reckoned in.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

import msgspec

from gate_agent.wire.v1 import AccountRow, DeclarationRow

_decoder = msgspec.json.Decoder(DeclarationRow)


def grant(db: sqlite3.Connection, rows: Iterable[DeclarationRow]) -> set[str]:
    """Note what imported rows say is granted; the newest word counts. The accounts that changed."""
    changed: set[str] = set()
    for row in rows:
        for account in row.accounts:
            if account.granted is None:
                continue
            known = _granted(db, account.account_id)
            if known != account.granted:
                db.execute(
                    "INSERT INTO accounts (account_id, kind, granted) VALUES (?,?,?)"
                    " ON CONFLICT (account_id) DO UPDATE SET granted = excluded.granted",
                    [account.account_id, account.kind, account.granted],
                )
                changed.add(account.account_id)
    return changed


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
            account, granted=_granted(db, account.account_id), balance=left(db, account.account_id)
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


def _granted(db: sqlite3.Connection, account_id: str) -> int | None:
    row = db.execute("SELECT granted FROM accounts WHERE account_id = ?", [account_id]).fetchone()
    return None if row is None else int(row[0])
