"""One file, one writer thread, a few readers that can only read.

A write is a function of a connection, run in the writer thread as one transaction with
`synchronous=FULL`: when the call returns it is on the disk, when it raises nothing happened.
A read is a function of a connection, run on one consistent snapshot. Both may be awaited from
the event loop or, with `_now`, waited for from any other thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlite_utils import Database, Migrations

from central.errors import CentralError, StoreError
from central.store.schema import hub_migrations

P = ParamSpec("P")
T = TypeVar("T")
Query = Callable[Concatenate[sqlite3.Connection, P], T]

READERS = 3
_BUSY_TIMEOUT_S = 5.0  # another process (a backup, a command line) may hold the file briefly


class Store:
    """`hub.db`. Make it with `open_store`; `close()` may be called twice."""

    def __init__(self, path: Path, database: Database) -> None:
        self._path = path
        self._database = database
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="hub-write")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="hub-read")
        self._local = threading.local()
        self._read_connections: list[sqlite3.Connection] = []

    async def write(self, query: Query[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `query(connection, ...)` as one transaction. Raises `StoreError` and its own."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, lambda: self._write(query, *args, **kwargs))

    async def read(self, query: Query[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `query(connection, ...)` on one snapshot. Raises `StoreError` and its own."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, lambda: self._read(query, *args, **kwargs))

    def write_now(self, query: Query[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `write`, blocking; never call it on the event loop."""
        return self._writer.submit(lambda: self._write(query, *args, **kwargs)).result()

    def read_now(self, query: Query[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `read`, blocking; never call it on the event loop."""
        return self._readers.submit(lambda: self._read(query, *args, **kwargs)).result()

    @property
    def folder(self) -> Path:
        """Where the file lies."""
        return self._path.parent

    def close(self) -> None:
        """Finish what was submitted and close the file."""
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        while self._read_connections:
            self._read_connections.pop().close()
        self._database.conn.close()

    def _write(self, query: Query[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        connection = self._database.conn
        try:
            # Immediate: another process that also writes makes us wait, never fail half-way.
            connection.execute("BEGIN IMMEDIATE")
            try:
                answer = query(connection, *args, **kwargs)
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise
        except sqlite3.Error as exc:
            raise StoreError(f"{self._path}: {exc}") from exc
        return answer

    def _read(self, query: Query[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            connection = self._reading()
            connection.execute("BEGIN")
            try:
                return query(connection, *args, **kwargs)
            finally:
                connection.rollback()
        except sqlite3.Error as exc:
            raise StoreError(f"{self._path}: {exc}") from exc

    def _reading(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = _connect(f"{self._path.absolute().as_uri()}?mode=ro")
            self._local.connection = connection
            self._read_connections.append(connection)
        return connection


def open_store(
    path: Path, more_migrations: Iterable[Migrations] = (), kind: type[Store] = Store
) -> Store:
    """Open or create the database at `path` and bring its tables up to date.

    Raises `StoreError` with the path when it is not a database, not writable or newer than us.
    """
    connection: sqlite3.Connection | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(path.absolute().as_uri())
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=2000")
        database = Database(connection)
        for migrations in (hub_migrations, *more_migrations):
            migrations.apply(database)
    except (sqlite3.Error, OSError) as exc:
        if connection is not None:
            connection.close()
        raise StoreError(f"{path}: {exc}") from exc
    except CentralError:
        if connection is not None:
            connection.close()
        raise
    return kind(path, database)


def open_read_only(path: Path) -> sqlite3.Connection:
    """A connection that can only read, beside a hub that may be running. Raises `StoreError`."""
    try:
        connection = _connect(f"{path.absolute().as_uri()}?mode=ro")
        connection.execute("SELECT 1 FROM lane_epochs LIMIT 1")
    except sqlite3.Error as exc:
        raise StoreError(f"{path}: {exc}") from exc
    return connection


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(
        uri,
        uri=True,
        isolation_level=None,  # transactions are begun explicitly, never by the first statement
        check_same_thread=False,  # each connection stays in one thread; only close() is another
        timeout=_BUSY_TIMEOUT_S,
    )
