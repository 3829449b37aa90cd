"""The tables of the two databases of a lane."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlite_utils import Database, Migrations

from gate_agent.errors import DamagedError, StoreError

lane_migrations = Migrations("kakou_lane")
hub_migrations = Migrations("kakou_hub_cache")


@lane_migrations()
def lane_tables(db: Database) -> None:
    """Journal, snapshot, outbox and used declarations: precious, written by the lane thread."""
    for sql in (
        "CREATE TABLE identity (id INTEGER PRIMARY KEY CHECK (id = 1), lane TEXT NOT NULL,"
        " epoch TEXT NOT NULL, base_state BLOB NOT NULL, base_seq INTEGER NOT NULL) STRICT",
        "CREATE TABLE journal (seq INTEGER PRIMARY KEY, mono_s REAL NOT NULL,"
        " wall_ms INTEGER NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL) STRICT",
        "CREATE TABLE snapshot (id INTEGER PRIMARY KEY CHECK (id = 1),"
        " journal_seq INTEGER NOT NULL, record_seq INTEGER NOT NULL, state BLOB NOT NULL) STRICT",
        "CREATE TABLE outbox (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
        " body BLOB NOT NULL) STRICT",
        "CREATE TABLE used (declaration_id TEXT PRIMARY KEY, passage_id TEXT NOT NULL,"
        " at_ms INTEGER NOT NULL) STRICT",
    ):
        db.execute(sql)


@lane_migrations()
def lane_chain_and_dossiers(db: Database) -> None:
    """Each record gets its link in the chain; a passage keeps its records until it is sealed.

    Records made before carry no link (NULL), and a passage that is open now has no beginning.
    """
    for sql in (
        "ALTER TABLE outbox ADD COLUMN chain TEXT",
        # the link of the newest record, and of the last that was forgotten; '' before any
        "ALTER TABLE snapshot ADD COLUMN chain TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE snapshot ADD COLUMN forgotten_seq INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE snapshot ADD COLUMN forgotten_chain TEXT NOT NULL DEFAULT ''",
        # the journal row that opened the present passage; 0: none, or not known
        "ALTER TABLE snapshot ADD COLUMN opened_seq INTEGER NOT NULL DEFAULT 0",
        # what forgotten before is not known by its number: the outbox begins where it begins
        "UPDATE snapshot SET forgotten_seq = coalesce((SELECT min(seq) - 1 FROM outbox),"
        " record_seq)",
        "CREATE TABLE unsealed (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
        " type TEXT NOT NULL, chain TEXT NOT NULL, body BLOB NOT NULL) STRICT",
    ):
        db.execute(sql)


@lane_migrations()
def lane_accounts(db: Database) -> None:
    """What this lane's releases took from accounts that several declarations share."""
    db.execute(
        "CREATE TABLE drawn (account_id TEXT NOT NULL, declaration_id TEXT NOT NULL,"
        " quantity INTEGER NOT NULL, PRIMARY KEY (account_id, declaration_id))"
        " STRICT, WITHOUT ROWID"
    )


@hub_migrations()
def hub_tables(db: Database) -> None:
    """The manifest and what the hub has acknowledged: rebuildable, written by the uplink."""
    for sql in (
        "CREATE TABLE declarations (declaration_id TEXT PRIMARY KEY, body BLOB NOT NULL,"
        " row_digest TEXT NOT NULL) STRICT",
        "CREATE TABLE declared_plates (plate TEXT NOT NULL, declaration_id TEXT NOT NULL,"
        " PRIMARY KEY (plate, declaration_id)) STRICT, WITHOUT ROWID",
        "CREATE TABLE declared_cards (card_uid TEXT NOT NULL, declaration_id TEXT NOT NULL,"
        " PRIMARY KEY (card_uid, declaration_id)) STRICT, WITHOUT ROWID",
        "CREATE TABLE manifest (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL,"
        " count INTEGER NOT NULL, digest TEXT NOT NULL, confirmed_ms INTEGER) STRICT",
        "CREATE TABLE acknowledged (epoch TEXT PRIMARY KEY, through_seq INTEGER NOT NULL) STRICT",
    ):
        db.execute(sql)


@hub_migrations()
def policy_tables(db: Database) -> None:
    """The packs and draw secrets that the hub distributes, replaced as a whole."""
    for sql in (
        "CREATE TABLE policy (id INTEGER PRIMARY KEY CHECK (id = 1), digest TEXT NOT NULL) STRICT",
        "CREATE TABLE policy_packs (place INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
        "CREATE TABLE draw_secrets (period TEXT PRIMARY KEY, secret BLOB NOT NULL) STRICT",
    ):
        db.execute(sql)


@hub_migrations()
def declaration_sums(db: Database) -> None:
    """The CRC-32 of each body, by which a bit that the disk lost is found; NULL: older rows."""
    db.execute("ALTER TABLE declarations ADD COLUMN body_crc INTEGER")


@hub_migrations()
def draw_secret_ends(db: Database) -> None:
    """The ends that the hub committed to with each secret; NULL: it did not say them."""
    for column in ("from_ms", "until_ms"):
        db.execute(f"ALTER TABLE draw_secrets ADD COLUMN {column} INTEGER")


LOG_KEPT_BYTES = 64 * 2**20
"""A log that one large manifest has made longer is cut back to this."""


LARGE_BYTES = 64 * 2**20
"""A file up to this size is looked through in the time that a start may take."""


def open_database(
    path: Path, migrations: Migrations, *, later: frozenset[str] = frozenset()
) -> Database:
    """Open for writing, in WAL mode with synchronous=FULL: a commit survives a power cut.

    Of a large file the tables in `later` are not looked through here (`look_through`).
    Raises `StoreError`, as `DamagedError` where the file itself is damaged.
    """
    connection: sqlite3.Connection | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, check_same_thread=False)
        db = Database(connection)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA busy_timeout = 2000")
        db.execute(f"PRAGMA journal_size_limit = {LOG_KEPT_BYTES}")
        refuse_damage(connection, path, later if is_large(path) else frozenset())
        migrations.apply(db)
    except (sqlite3.Error, OSError) as exc:
        if connection is not None:
            connection.close()
        # OperationalError: disk, rights, a lock; a bare DatabaseError: the bytes themselves
        kind = DamagedError if type(exc) is sqlite3.DatabaseError else StoreError
        raise kind(f"{path}: cannot be opened: {exc}") from exc
    except StoreError:
        if connection is not None:
            connection.close()
        raise
    return db


def open_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection beside the writer. Raises `StoreError`."""
    try:
        connection = sqlite3.connect(
            f"file:{path}?mode=ro", uri=True, check_same_thread=False, isolation_level=None
        )
        connection.execute("PRAGMA busy_timeout = 2000")
    except sqlite3.Error as exc:
        raise StoreError(f"{path}: cannot be opened for reading: {exc}") from exc
    return connection


def is_large(path: Path) -> bool:
    """Whether looking through it takes longer than a start may. Raises `OSError`."""
    return path.stat().st_size > LARGE_BYTES


def look_through(path: Path) -> None:
    """Check every page of a database that others use meanwhile, seconds for a large one.

    Raises `StoreError`, as `DamagedError` where the file itself is damaged.
    """
    connection = open_reader(path)
    try:
        refuse_damage(connection, path)
    except sqlite3.Error as exc:
        kind = DamagedError if type(exc) is sqlite3.DatabaseError else StoreError
        raise kind(f"{path}: cannot be looked through: {exc}") from exc
    finally:
        connection.close()


def refuse_damage(
    connection: sqlite3.Connection, path: Path, without: frozenset[str] = frozenset()
) -> None:
    """Run SQLite's quick check, of all tables or of those that are not in `without`.

    The file is not moved or emptied here. Raises `DamagedError`.
    """
    checks = ["PRAGMA quick_check(5)"]
    if without:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = {str(name) for (name,) in tables} - without
        checks = [f"PRAGMA quick_check('{name}')" for name in sorted(names)]
    findings = [row[0] for check in checks for row in connection.execute(check).fetchall()]
    if set(findings) - {"ok"}:
        raise DamagedError(f"{path}: damaged: {'; '.join(map(str, findings))}")
