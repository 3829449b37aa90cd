"""Dossiers, the records that seal them and their pictures, as files that stand for themselves.

`<passage>.json` is a dossier's canonical bytes, `<lane>.<epoch>.jsonl` the records of the period
as the lane chained them, `SHA256SUMS` what `sha256sum -c` reads, `DELETED.csv` which pictures and
clips of these passages a rule deleted, where one did. `gate-agent verify` and `replay` take the
folder as it is.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from central.errors import CentralError
from central.store import chain_store, retention_store
from gate_agent.wire import dossier, v1
from gate_agent.wire.chain import line_of

_HEAD = "passage_id,kind,sha256,deleted_at,rule,days,free_gb\n"
_UNSAFE = re.compile(r"[^\w.-]")


class ExportError(CentralError):
    """What cannot be written or read; the text names the file or the passage."""


@dataclass(slots=True, kw_only=True)
class Exported:
    """What was written."""

    dossiers: int = 0
    records: int = 0
    pictures: int = 0
    deleted: int = 0
    sums: list[str] = field(default_factory=list)


def export(
    db: sqlite3.Connection, out: Path, *, from_ms: int, to_ms: int, with_pictures: bool
) -> Exported:
    """Write every passage that closed in [from_ms, to_ms) into the folder `out`.

    Raises `ExportError`, also where a stored dossier is not the one that was sealed.
    """
    done = Exported()
    gone: list[str] = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        rows = chain_store.sealed_between(db, from_ms, to_ms)
        for (lane, epoch), sealed in groupby(rows, key=itemgetter(0, 1)):
            seqs = []
            for row in sealed:
                seqs.append(_dossier(db, out, row, done, with_pictures=with_pictures))
                gone += _deleted(db, row[3])
            _records(db, out, (lane, epoch), (seqs[0], seqs[-1]), done)
        if gone:
            done.deleted = len(gone)
            _write(out / "DELETED.csv", "".join([_HEAD, *gone]).encode(), out, done)
        sums = "".join(f"{line}\n" for line in sorted(done.sums, key=lambda line: line[66:]))
        (out / "SHA256SUMS").write_text(sums, encoding="utf-8")
    except OSError as exc:
        raise ExportError(f"{exc.filename or out}: {exc.strerror}") from exc
    return done


def _dossier(
    db: sqlite3.Connection,
    out: Path,
    row: tuple[str, str, int, str, bytes],
    done: Exported,
    *,
    with_pictures: bool,
) -> int:
    _, _, seq, passage_id, body = row
    content = content_of(passage_id, body)
    _write(out / file_name(passage_id), content, out, done)
    done.dossiers += 1
    if with_pictures:
        for picture_id, jpeg in chain_store.pictures_of(db, passage_id):
            name = f"{_UNSAFE.sub('_', picture_id)}.jpg"
            (out / "pictures").mkdir(exist_ok=True)
            _write(out / "pictures" / name, jpeg, out, done)
            done.pictures += 1
    return seq


def _deleted(db: sqlite3.Connection, passage_id: str) -> list[str]:
    """What rules deleted of a passage, a line each."""
    lines = []
    for kind, content_id, found in retention_store.deletions_of(db, passage_id):
        at = datetime.fromtimestamp(found.at_ms / 1000, tz=UTC).isoformat()
        free_gb = "" if found.free_gb is None else f"{found.free_gb:g}"
        row = (passage_id, kind.value, content_id, at, found.rule.value, found.days, free_gb)
        lines.append(",".join(map(str, row)) + "\n")
    return lines


def file_name(passage_id: str) -> str:
    """What the file of a dossier is called."""
    return f"{_UNSAFE.sub('_', passage_id)}.json"


def content_of(passage_id: str, body: bytes) -> bytes:
    """The canonical bytes of the dossier in a stored record. Raises `ExportError`."""
    try:
        sealed = v1.decode_body(body)
        if not isinstance(sealed, v1.PassageSealed):
            raise ExportError(f"passage {passage_id}: its record seals nothing")
        content = dossier.unpacked(sealed.dossier)
    except (v1.WireError, dossier.DossierError) as exc:
        raise ExportError(f"passage {passage_id}: {exc}") from exc
    if (found := dossier.sha256(content)) != sealed.sha256:
        raise ExportError(f"passage {passage_id}: the dossier is {found}, not {sealed.sha256}")
    return content


def _write(path: Path, content: bytes, out: Path, done: Exported) -> None:
    path.write_bytes(content)
    done.sums.append(f"{hashlib.sha256(content).hexdigest()}  {path.relative_to(out)}")


def _records(
    db: sqlite3.Connection,
    out: Path,
    life: tuple[str, str],
    seals: tuple[int, int],
    done: Exported,
) -> None:
    """The records from after the seal before the period to its last seal."""
    lane, epoch = life
    first_seq = chain_store.sealed_before(db, lane=lane, epoch=epoch, seq=seals[0]) + 1
    path = out / f"{_UNSAFE.sub('_', lane)}.{_UNSAFE.sub('_', epoch)}.jsonl"
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for record in chain_store.span(
            db, lane=lane, epoch=epoch, first_seq=first_seq, last_seq=seals[1]
        ):
            line = line_of(record)
            file.write(line)
            digest.update(line)
            done.records += 1
    done.sums.append(f"{digest.hexdigest()}  {path.name}")
