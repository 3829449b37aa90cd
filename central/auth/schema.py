"""The tables of access.db: users, sessions, API tokens and sign-in attempts.

A file of its own: it holds secrets' hashes and no evidence, so it can be backed up, guarded and
replaced apart from the hub's records, and `gate-central user` can write it while the hub runs.
All times are UTC epoch milliseconds.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

access_migrations = Migrations("central.auth")


@access_migrations()
def m001_access(db: Database) -> None:
    """Users, sessions, tokens, attempts."""
    db.execute(
        """
        CREATE TABLE users (
            name TEXT PRIMARY KEY,
            password_hash TEXT NOT NULL,
            role TEXT NOT NULL,
            disabled INTEGER NOT NULL DEFAULT 0,
            created_at_ms INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE sessions (
            fingerprint TEXT PRIMARY KEY,
            user_name TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE,
            created_at_ms INTEGER NOT NULL,
            seen_at_ms INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE tokens (
            fingerprint TEXT PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            role TEXT NOT NULL,
            created_at_ms INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE sign_ins (
            at_ms INTEGER NOT NULL,
            name TEXT NOT NULL,
            address TEXT NOT NULL,
            outcome TEXT NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX sign_ins_by_time ON sign_ins (at_ms)")


@access_migrations()
def m002_scopes(db: Database) -> None:
    """What an account is limited to, as JSON; NULL: the whole port."""
    db.execute("ALTER TABLE users ADD COLUMN scope TEXT")
    db.execute("ALTER TABLE tokens ADD COLUMN scope TEXT")
