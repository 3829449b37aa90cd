"""Changes of the manifest: each function makes at most one new version, in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import msgspec

from central.store import account_store, audit, manifest_queries, policy_store
from gate_agent.domain.policy_pack import PolicyPack
from gate_agent.domain.rules.agents import may_act
from gate_agent.wire import digest
from gate_agent.wire.v1 import DeclarationRow

CHANGES_KEPT_VERSIONS = 10_000  # a lane that is further behind gets everything
# What is stored of a declaration and which passage used it up; NULLs where there is none.
_STORED = (
    "SELECT d.row_digest, d.body, u.passage_id FROM (SELECT ? AS declaration_id)"
    " LEFT JOIN declarations d USING (declaration_id)"
    " LEFT JOIN declaration_uses u USING (declaration_id)"
)
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(DeclarationRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who changes the manifest, when and from what."""

    at_ms: int
    who: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A row that stays as it was: `index` into the rows given."""

    index: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of rows."""

    version: int
    accepted: int
    changed: int
    withdrawn: int
    refused: tuple[Refused, ...]


@dataclass(slots=True)
class _Changes:
    """What one version will change, collected before anything is written."""

    upserts: dict[str, DeclarationRow] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)  # of the upserts
    deletes: list[str] = field(default_factory=list)
    digests_gone: list[str] = field(default_factory=list)
    replaced: int = 0

    def put(self, row: DeclarationRow, row_digest: str, old_digest: str | None) -> None:
        self.upserts[row.declaration_id] = row
        self.digests[row.declaration_id] = row_digest
        if old_digest is not None:
            self.digests_gone.append(old_digest)
            self.replaced += 1

    def remove(self, declaration_id: str, old_digest: str) -> None:
        if self.upserts.pop(declaration_id, None) is not None:
            # reckoned again a moment ago: the stored row is what goes
            self.digests.pop(declaration_id)
            self.digests_gone.remove(old_digest)
            self.replaced -= 1
        self.deletes.append(declaration_id)
        self.digests_gone.append(old_digest)


def apply_import(
    db: sqlite3.Connection,
    rows: Sequence[DeclarationRow],
    author: Author,
    *,
    replace: bool,
    opens: Mapping[str, int] = MappingProxyType({}),
) -> Applied:
    """Bring `rows` into the manifest; `replace`: and take out every other that is not used up.

    `opens`: when accounts begin that the rows draw on.

    A declaration that was used up stays used, and its plates cannot be changed.
    """
    changes = _Changes()
    refused: list[Refused] = []
    pack = policy_store.current(db, author.at_ms)
    granted = account_store.grant(db, rows, opens)
    for index, row in enumerate(rows):
        old_digest, old_body, used_by = db.execute(_STORED, [row.declaration_id]).fetchone()
        if used_by and old_body and _decoder.decode(old_body).plates != row.plates:
            plates = "|".join(_decoder.decode(old_body).plates)
            reason = f"{'|'.join(row.plates)!r}: used by passage {used_by} as {plates!r}"
            refused.append(Refused(index=index, field="plates", reason=reason))
            continue
        if not used_by and (problem := _objection(db, row, pack)):
            refused.append(Refused(index=index, field=problem[0], reason=problem[1]))
            continue
        wanted = account_store.reckoned(db, msgspec.structs.replace(row, used_by=used_by))
        row_digest = digest.row_digest(wanted)
        if row_digest != old_digest:
            changes.put(wanted, row_digest, old_digest)
    _reckon_again(db, changes, granted)
    if replace:
        _withdraw_unnamed(db, {row.declaration_id for row in rows}, changes)
    version = _make_version(db, changes, author, cause="import")
    audit.record(
        db,
        at_ms=author.at_ms,
        who=author.who,
        action="manifest_import",
        detail=f"{author.source}: "
        * bool(author.source)
        + f"{len(rows) - len(refused)} rows, {len(changes.upserts)} changed,"
        f" {len(changes.deletes)} withdrawn, version {version}",
    )
    return Applied(
        version=version,
        accepted=len(rows) - len(refused),
        changed=len(changes.upserts),
        withdrawn=len(changes.deletes),
        refused=tuple(refused),
    )


def _objection(
    db: sqlite3.Connection, row: DeclarationRow, pack: PolicyPack | None
) -> tuple[str, str] | None:
    """The field for which no lane could release this row, and why; None: nothing is known of it."""
    if why := account_store.objection(db, row):
        return "accounts", why
    if pack is None or not row.agent:
        return None
    if row.agent in pack.blocked_agents:
        return "agent", f"{row.agent} is blocked (rules {pack.version})"
    window = (row.valid_from_ms, row.valid_until_ms)
    if pack.mandates and not may_act(pack, row.agent, row.company, *window):
        whom = row.company or "a company that is not named"
        return "agent", f"{row.agent} has no mandate for {whom} then (rules {pack.version})"
    return None


def apply_uses(db: sqlite3.Connection, author: Author) -> int:
    """Mark what releases used up since the last time; the version that now holds."""
    waiting = db.execute(
        "SELECT declaration_id, passage_id FROM declaration_uses WHERE in_version IS NULL"
    ).fetchall()
    changes = _Changes()
    drawn_on: set[str] = set()
    for declaration_id, passage_id in waiting:
        stored = db.execute(
            "SELECT row_digest, body FROM declarations WHERE declaration_id = ?", [declaration_id]
        ).fetchone()
        if stored is not None:
            row = msgspec.structs.replace(_decoder.decode(stored[1]), used_by=passage_id)
            drawn_on |= account_store.take(db, row)
            changes.put(row, digest.row_digest(row), stored[0])
    _reckon_again(db, changes, drawn_on)
    version = _make_version(db, changes, author, cause="used")
    db.execute("UPDATE declaration_uses SET in_version = ? WHERE in_version IS NULL", [version])
    return version


def any_uses_waiting(db: sqlite3.Connection) -> bool:
    """Whether `apply_uses` would find something."""
    return (
        db.execute("SELECT 1 FROM declaration_uses WHERE in_version IS NULL LIMIT 1").fetchone()
        is not None
    )


def withdraw(db: sqlite3.Connection, declaration_ids: Iterable[str], author: Author) -> Applied:
    """Take declarations out of the manifest, used up or not; unknown ids are no error."""
    changes = _Changes()
    for declaration_id in dict.fromkeys(declaration_ids):
        stored = db.execute(
            "SELECT row_digest FROM declarations WHERE declaration_id = ?", [declaration_id]
        ).fetchone()
        if stored is not None:
            changes.remove(declaration_id, stored[0])
    version = _make_version(db, changes, author, cause="withdrawn")
    audit.record(
        db,
        at_ms=author.at_ms,
        who=author.who,
        action="manifest_withdraw",
        detail=f"{len(changes.deletes)} declarations, version {version}:"
        f" {', '.join(changes.deletes)[:500]}",
    )
    return Applied(
        version=version, accepted=0, changed=0, withdrawn=len(changes.deletes), refused=()
    )


def close_account(
    db: sqlite3.Connection, account_id: str, author: Author, *, number: str, reason: str
) -> int:
    """End a period by hand: no lane that hears of it lets anybody draw. The version that holds.

    Raises `AccountError`.
    """
    account_store.close(
        db, account_id, by=author.who, at_ms=author.at_ms, number=number, reason=reason
    )
    changes = _Changes()
    _reckon_again(db, changes, {account_id})
    return _make_version(db, changes, author, cause="closed")


def _reckon_again(db: sqlite3.Connection, changes: _Changes, account_ids: set[str]) -> None:
    """Every other declaration that draws on these accounts hears what is left."""
    for old_digest, row in account_store.unused_of(db, account_ids):
        if row.declaration_id not in changes.upserts:
            again = account_store.reckoned(db, row)
            row_digest = digest.row_digest(again)
            if row_digest != old_digest:
                changes.put(again, row_digest, old_digest)


def _withdraw_unnamed(db: sqlite3.Connection, named: set[str], changes: _Changes) -> None:
    rows = db.execute("SELECT declaration_id, row_digest FROM declarations WHERE used_by IS NULL")
    for declaration_id, row_digest in rows:
        if declaration_id not in named:
            changes.remove(declaration_id, row_digest)


def _make_version(db: sqlite3.Connection, changes: _Changes, author: Author, *, cause: str) -> int:
    """Write `changes` as the next version; without changes the present one holds."""
    head = manifest_queries.head(db)
    if not changes.upserts and not changes.deletes:
        return head.version
    version = head.version + 1
    _write_rows(db, changes, version)
    db.execute(
        "INSERT INTO manifest_versions"
        " (version, at_ms, cause, made_by, source, upserts, deletes, count, digest)"
        " VALUES (?,?,?,?,?,?,?,?,?)",
        [
            version,
            author.at_ms,
            cause,
            author.who,
            author.source,
            len(changes.upserts),
            len(changes.deletes),
            head.count + len(changes.upserts) - changes.replaced - len(changes.deletes),
            digest.changed(
                head.digest, added=changes.digests.values(), removed=changes.digests_gone
            ),
        ],
    )
    db.execute("DELETE FROM manifest_changes WHERE version <= ?", [version - CHANGES_KEPT_VERSIONS])
    return version


def _write_rows(db: sqlite3.Connection, changes: _Changes, version: int) -> None:
    touched = [(key,) for key in (*changes.upserts, *changes.deletes)]
    for key in changes.deletes:
        account_store.index(db, key, ())
    for key, row in changes.upserts.items():
        account_store.index(db, key, row.accounts)
    db.executemany("DELETE FROM declaration_plates WHERE declaration_id = ?", touched)
    db.executemany("DELETE FROM declaration_crews WHERE declaration_id = ?", touched)
    db.executemany(
        "DELETE FROM declarations WHERE declaration_id = ?", [(key,) for key in changes.deletes]
    )
    db.executemany(
        "INSERT OR REPLACE INTO declarations"
        " (declaration_id, card_uid, used_by, version, row_digest, body) VALUES (?,?,?,?,?,?)",
        [
            (key, row.card_uid, row.used_by, version, changes.digests[key], _encoder.encode(row))
            for key, row in changes.upserts.items()
        ],
    )
    db.executemany(
        "INSERT INTO declaration_plates (plate, declaration_id) VALUES (?,?)",
        [
            (plate, key)
            for key, row in changes.upserts.items()
            for plate in dict.fromkeys(row.plates)
        ],
    )
    db.executemany(
        "INSERT INTO declaration_crews (card_uid, declaration_id) VALUES (?,?)",
        [(card, key) for key, row in changes.upserts.items() for card in dict.fromkeys(row.crew)],
    )
    db.executemany(
        "INSERT INTO manifest_changes (version, declaration_id) VALUES (?,?)",
        [(version, key) for (key,) in touched],
    )
