"""Records and dossiers as files: what `gate-central dossiers` and `gate-agent export` write.

A `.jsonl` has one record of the chain a line (`gate_agent.wire.chain.Linked`), a `.json` is one
dossier, a `lane.db` is a lane's own database, a folder is all of these in it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gate_agent.errors import GateError, StoreError
from gate_agent.store.schema import open_reader
from gate_agent.wire import dossier, v1
from gate_agent.wire.chain import Linked

_SEALED = b'"passage_sealed"'
_HEAD_BYTES = 64
_lines = msgspec.json.Decoder(Linked)


class ProofError(GateError):
    """A file that cannot be read as what it should be; the text names it and the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The bytes of one dossier, where they were, and what its record calls them, if that is there.

    `sha256` None: the dossier came without its record.
    """

    place: str
    content: bytes
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """The records a lane's database still has, and the ends between which they must fit."""

    lane: str
    epoch: str
    forgotten_seq: int
    forgotten_chain: str
    record_seq: int
    chain: str
    records: tuple[Linked, ...]


def files_in(paths: list[Path]) -> Iterator[Path]:
    """Every file that is meant, folders opened, in the order of their names."""
    for path in paths:
        if path.is_dir():
            inside = (found for found in path.rglob("*") if found.suffix in (".json", ".jsonl"))
            yield from sorted(inside)
        else:
            yield path


def is_database(path: Path) -> bool:
    """Whether a file is SQLite's."""
    try:
        with path.open("rb") as file:
            return file.read(15) == b"SQLite format 3"
    except OSError as exc:
        raise ProofError(f"{path}: {exc.strerror}") from exc


def dossiers(paths: list[Path]) -> Iterator[Found]:
    """Every dossier of the files. Raises `ProofError`."""
    for path in files_in(paths):
        if is_database(path):
            yield from _sealed_in(str(path), outbox(path).records)
        elif path.suffix == ".jsonl":
            yield from _sealed_in(str(path), records(path))
        else:
            yield Found(place=str(path), content=_read(path))


def _sealed_in(name: str, found: Iterator[Linked] | tuple[Linked, ...]) -> Iterator[Found]:
    for record in found:
        body = bytes(record.body)
        if _SEALED not in body[:_HEAD_BYTES]:
            continue
        place = f"{name}: record {record.seq}"
        try:
            sealed = v1.decode_body(body)
            if isinstance(sealed, v1.PassageSealed):
                content = dossier.unpacked(sealed.dossier)
                yield Found(place=place, content=content, sha256=sealed.sha256)
        except (v1.WireError, dossier.DossierError) as exc:
            raise ProofError(f"{place}: {exc}") from exc


def records(path: Path) -> Iterator[Linked]:
    """The records of an exported file, in its order. Raises `ProofError` with the line."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    yield _lines.decode(line)
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
                    raise ProofError(f"{path}:{number}: {exc}") from exc
    except OSError as exc:
        raise ProofError(f"{path}: {exc.strerror}") from exc


def outbox(path: Path) -> Outbox:
    """What a lane's database still has; the agent may be running. Raises `StoreError`."""
    try:
        with closing(open_reader(path)) as connection:
            connection.execute("BEGIN")
            lane, epoch = connection.execute("SELECT lane, epoch FROM identity").fetchone()
            ends = connection.execute(
                "SELECT forgotten_seq, forgotten_chain, record_seq, chain FROM snapshot"
            ).fetchone()
            rows = connection.execute(
                "SELECT seq, at_ms, chain, body FROM outbox ORDER BY seq"
            ).fetchall()
    except (sqlite3.Error, TypeError) as exc:  # TypeError: no row yet
        raise StoreError(f"{path}: cannot be read: {exc}") from exc
    return Outbox(
        lane=lane,
        epoch=epoch,
        forgotten_seq=ends[0],
        forgotten_chain=ends[1],
        record_seq=ends[2],
        chain=ends[3],
        records=tuple(
            Linked(
                lane=lane, epoch=epoch, seq=seq, at_ms=at_ms, chain=chain, body=msgspec.Raw(body)
            )
            for seq, at_ms, chain, body in rows
        ),
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise ProofError(f"{path}: {exc.strerror}") from exc
