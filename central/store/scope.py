"""Which passages an account sees that is not meant to see the whole port."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from central.auth.roles import Scope


def clause(scope: Scope) -> tuple[str, list[str]]:
    """The condition on a passage `p`, and its values. Lanes and agency must both fit."""
    tests: list[str] = []
    values: list[str] = []
    if scope.lanes:
        tests.append(f"p.lane IN ({', '.join('?' * len(scope.lanes))})")
        values += scope.lanes
    if scope.agency:
        tests.append(
            "(EXISTS (SELECT 1 FROM json_each(p.declaration, '$.agencies') a"
            " WHERE json_extract(a.value, '$.agency') = ?)"
            " OR EXISTS (SELECT 1 FROM json_each(p.declaration, '$.holds') h WHERE h.value = ?))"
        )
        values += [scope.agency, scope.agency]
    return (" AND ".join(tests) or "0"), values


def within(
    db: sqlite3.Connection, scope: Scope | None, passage_ids: Iterable[str]
) -> frozenset[str]:
    """Of these passages those that the account sees; without a scope all."""
    wanted = tuple(passage_ids)
    if scope is None:
        return frozenset(wanted)
    test, values = clause(scope)
    found = (
        db.execute(
            f"SELECT 1 FROM passages p WHERE p.passage_id = ? AND {test}",  # noqa: S608 - ours
            [passage_id, *values],
        ).fetchone()
        and passage_id
        for passage_id in wanted
    )
    return frozenset(each for each in found if each)


def shows(db: sqlite3.Connection, scope: Scope | None, picture_id: str) -> bool:
    """Whether a picture is of a passage that the account sees."""
    if scope is None:
        return True
    rows = db.execute("SELECT passage_id FROM passage_pictures WHERE picture_id = ?", [picture_id])
    return bool(within(db, scope, [row[0] for row in rows]))
