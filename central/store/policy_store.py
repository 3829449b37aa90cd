"""Policy packs and the secrets of draws: each function is one transaction."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import msgspec

from central.store import audit
from gate_agent.domain.draws import commitment
from gate_agent.domain.policy_pack import (
    DrawPeriod,
    PolicyPack,
    canonical,
    in_force,
    policy_hash,
)
from gate_agent.wire.digest import policy_digest
from gate_agent.wire.v1 import DrawSecret

_decoder = msgspec.json.Decoder(PolicyPack)


class PolicyConflictError(Exception):
    """What cannot be taken beside what is there; the text names both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackRow:
    """One pack, without its rules."""

    policy_hash: str
    version: str
    owner: str
    effective_from_ms: int
    effective_until_ms: int
    imported_by: str
    imported_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodRow:
    """One period of draws. `secret` is hex, and None until it is revealed."""

    period: str
    from_ms: int
    until_ms: int
    commitment: str
    made_by: str
    made_at_ms: int
    revealed_by: str | None
    revealed_at_ms: int | None
    secret: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """What every lane should hold now. `digest` "": nothing."""

    digest: str
    packs: tuple[bytes, ...]
    secrets: tuple[DrawSecret, ...]


def keep_pack(
    db: sqlite3.Connection, pack: PolicyPack, *, at_ms: int, who: str, source: str
) -> PackRow:
    """Keep a checked pack; the same once more changes nothing.

    Raises `PolicyConflictError` for a version that says something else, one that is already over,
    and a period of draws whose secret the hub does not hold.
    """
    name = policy_hash(pack)
    for row in packs(db):
        if row.policy_hash == name:
            return row
        if row.version == pack.version:
            raise PolicyConflictError(
                f"$.version: {pack.version!r} is here already and says something else"
                f" ({row.policy_hash[:12]}, this one is {name[:12]})"
            )
    if pack.effective_until_ms <= at_ms:
        raise PolicyConflictError("$.effective_until_ms: this pack is already over")
    committed = {row.period: row for row in periods(db)}
    for place, period in enumerate(pack.draw_periods):
        _refuse_other(period, committed.get(period.period), f"$.draw_periods[{place}]")
    db.execute(
        "INSERT INTO policy_packs (policy_hash, version, owner, effective_from_ms,"
        " effective_until_ms, imported_by, imported_at_ms, body) VALUES (?,?,?,?,?,?,?,?)",
        [
            name,
            pack.version,
            pack.owner,
            pack.effective_from_ms,
            pack.effective_until_ms,
            who,
            at_ms,
            canonical(pack),
        ],
    )
    audit.record(
        db,
        at_ms=at_ms,
        who=who,
        action="policy_import",
        detail=f"{source}: version {pack.version}, owner {pack.owner}, {name}",
    )
    return next(row for row in packs(db) if row.policy_hash == name)


def _refuse_other(named: DrawPeriod, committed: PeriodRow | None, place: str) -> None:
    """A period is what was committed to: under other ends, a revealed secret would still draw."""
    if committed is None or committed.commitment != named.commitment:
        raise PolicyConflictError(
            f"{place}: the hub holds no secret of {named.period!r} with this commitment"
        )
    for field in ("from_ms", "until_ms"):
        said, is_so = getattr(named, field), getattr(committed, field)
        if said != is_so:
            raise PolicyConflictError(
                f"{place}.{field}: {said} is not what was committed to for {named.period!r}"
                f" ({is_so})"
            )


def packs(db: sqlite3.Connection) -> list[PackRow]:
    """Every pack, the newest import first."""
    rows = db.execute(
        "SELECT policy_hash, version, owner, effective_from_ms, effective_until_ms, imported_by,"
        " imported_at_ms FROM policy_packs ORDER BY imported_at_ms DESC, policy_hash"
    )
    return [
        PackRow(
            policy_hash=row[0],
            version=row[1],
            owner=row[2],
            effective_from_ms=row[3],
            effective_until_ms=row[4],
            imported_by=row[5],
            imported_at_ms=row[6],
        )
        for row in rows
    ]


def pack_body(db: sqlite3.Connection, name: str) -> bytes | None:
    """The canonical JSON of a pack by its hash."""
    row = db.execute("SELECT body FROM policy_packs WHERE policy_hash = ?", [name]).fetchone()
    return None if row is None else bytes(row[0])


def current(db: sqlite3.Connection, now_ms: int) -> PolicyPack | None:
    """The pack that the lanes judge by now; None: none is in force."""
    return in_force((_decoder.decode(body) for body in distribution(db, now_ms).packs), now_ms)


def distribution(db: sqlite3.Connection, now_ms: int) -> Distribution:
    """The packs that are in force or will be, with the secrets of periods that are not over.

    Packs that are over stay out, unless nothing else is there: then the lanes keep the last, which
    releases nobody, instead of falling back to what it replaced.
    """
    bodies = [
        (row[0], row[1])
        for row in db.execute(
            "SELECT body, effective_until_ms FROM policy_packs ORDER BY effective_until_ms"
        )
    ]
    chosen = tuple(body for body, until_ms in bodies if until_ms > now_ms)
    chosen = chosen or tuple(body for body, _ in bodies[-1:])
    if not chosen:
        return Distribution(digest="", packs=(), secrets=())
    named = {
        period.period
        for body in chosen
        for period in _decoder.decode(body).draw_periods
        if period.until_ms > now_ms
    }
    secrets = tuple(
        DrawSecret(period=period, secret=bytes(secret), from_ms=from_ms, until_ms=until_ms)
        for period, secret, from_ms, until_ms in db.execute(
            "SELECT period, secret, from_ms, until_ms FROM draw_periods ORDER BY period"
        )
        if period in named
    )
    digest = policy_digest(chosen, [each.period for each in secrets])
    return Distribution(digest=digest, packs=chosen, secrets=secrets)


def new_period(
    db: sqlite3.Connection,
    period: str,
    secret: bytes,
    *,
    from_ms: int,
    until_ms: int,
    at_ms: int,
    who: str,
) -> PeriodRow:
    """Commit to a secret. Raises `PolicyConflictError` for one that exists or has begun."""
    if any(row.period == period for row in periods(db)):
        raise PolicyConflictError(f"period {period!r} has its secret already")
    if not at_ms < from_ms < until_ms:
        raise PolicyConflictError(f"period {period!r} must begin later than now and then end")
    db.execute(
        "INSERT INTO draw_periods (period, from_ms, until_ms, commitment, secret, made_by,"
        " made_at_ms) VALUES (?,?,?,?,?,?,?)",
        [period, from_ms, until_ms, commitment(secret), secret, who, at_ms],
    )
    audit.record(
        db, at_ms=at_ms, who=who, action="draw_committed",
        detail=f"{period}: {commitment(secret)}",
    )  # fmt: skip
    return next(row for row in periods(db) if row.period == period)


def reveal(db: sqlite3.Connection, period: str, *, at_ms: int, who: str) -> PeriodRow:
    """Reveal the secret of a period that is over. Raises `PolicyConflictError` before."""
    found = next((row for row in periods(db) if row.period == period), None)
    if found is None:
        raise PolicyConflictError(f"there is no period {period!r}")
    if at_ms < found.until_ms:
        raise PolicyConflictError(f"period {period!r} is not over: its secret stays secret")
    if found.revealed_at_ms is None:
        db.execute(
            "UPDATE draw_periods SET revealed_by = ?, revealed_at_ms = ? WHERE period = ?",
            [who, at_ms, period],
        )
        audit.record(db, at_ms=at_ms, who=who, action="draw_revealed", detail=period)
    return next(row for row in periods(db) if row.period == period)


def periods(db: sqlite3.Connection) -> list[PeriodRow]:
    """Every period of draws, the newest first; secrets only of those that are revealed."""
    rows = db.execute(
        "SELECT period, from_ms, until_ms, commitment, made_by, made_at_ms, revealed_by,"
        " revealed_at_ms, CASE WHEN revealed_at_ms IS NULL THEN NULL ELSE secret END"
        " FROM draw_periods ORDER BY from_ms DESC"
    )
    return [
        PeriodRow(
            period=row[0],
            from_ms=row[1],
            until_ms=row[2],
            commitment=row[3],
            made_by=row[4],
            made_at_ms=row[5],
            revealed_by=row[6],
            revealed_at_ms=row[7],
            secret=None if row[8] is None else bytes(row[8]).hex(),
        )
        for row in rows
    ]
