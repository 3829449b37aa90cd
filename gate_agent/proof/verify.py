"""Does the chain hold, and is each dossier the one that was sealed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import msgspec

from gate_agent.proof import files
from gate_agent.wire import dossier
from gate_agent.wire.chain import START, Finding, Flaw, Walk, findings


@dataclass(slots=True, kw_only=True)
class Checked:
    """What one file says of one epoch of one lane."""

    place: str
    lane: str
    epoch: str
    first_seq: int
    last_seq: int
    flaws: list[Finding] = field(default_factory=list)

    @property
    def is_intact(self) -> bool:
        """Whether nothing was altered, cut or left out."""
        return not any(flaw.is_break for flaw in self.flaws)

    @property
    def missing(self) -> int:
        """How many records are not there."""
        return sum(f.last - f.first + 1 for f in self.flaws if f.flaw is Flaw.MISSING)


def database(path: Path) -> Checked:
    """Check what a lane's own database still has, against both of its ends."""
    held = files.outbox(path)
    walk = Walk(
        after_seq=held.forgotten_seq,
        after_chain=held.forgotten_chain or START,
        is_proved=bool(held.forgotten_chain),
    )
    checked = Checked(
        place=str(path),
        lane=held.lane,
        epoch=held.epoch,
        first_seq=held.forgotten_seq + 1,
        last_seq=held.record_seq,
        flaws=list(findings(held.records, walk)),
    )
    last_seq = walk.seq or 0
    if last_seq < held.record_seq:
        checked.flaws.append(_flaw(held, Flaw.MISSING, last_seq + 1))
    elif last_seq > held.record_seq or (walk.chain or "") != held.chain:
        checked.flaws.append(_flaw(held, Flaw.ALTERED, held.record_seq))
    return checked


def _flaw(held: files.Outbox, flaw: Flaw, first: int) -> Finding:
    return Finding(
        lane=held.lane, epoch=held.epoch, flaw=flaw, first=first, last=max(first, held.record_seq)
    )


def exported(path: Path) -> Iterator[Checked]:
    """Check an exported file, epoch by epoch. One that does not begin at 1 begins anywhere."""
    for (lane, epoch), records in groupby(files.records(path), key=attrgetter("lane", "epoch")):
        walk = Walk(after_seq=None)
        flaws = list(findings(records, walk))
        yield Checked(
            place=str(path),
            lane=lane,
            epoch=epoch,
            first_seq=walk.first_seq,
            last_seq=walk.seq or 0,
            flaws=flaws,
        )


def altered_dossiers(paths: list[Path]) -> Iterator[str]:
    """Dossiers that are not the ones that were sealed, and those whose seal is not there."""
    seals: dict[str, str] = {}
    loose: list[files.Found] = []
    for found in files.dossiers(paths):
        if found.sha256 is None:
            loose.append(found)
            continue
        actual = dossier.sha256(found.content)
        if actual != found.sha256:
            yield f"{found.place}: the dossier is {actual}, sealed was {found.sha256}"
        seals[found.sha256] = found.place
    for found in loose:
        if dossier.sha256(found.content) not in seals:
            yield f"{found.place}: {_unsealed(found.content)}"


def _unsealed(content: bytes) -> str:
    try:
        passage_id = dossier.judgment_of(content).passage_id
    except dossier.DossierError as exc:
        return str(exc)
    return f"no record here seals this dossier of {passage_id}: altered, or its record is not here"


def summary(checked: Checked) -> str:
    """One line for a person."""
    unproved = sum(f.last - f.first + 1 for f in checked.flaws if f.flaw is Flaw.UNPROVED)
    said = [
        f"{checked.place}: lane {checked.lane} epoch {checked.epoch}:"
        f" records {checked.first_seq}..{checked.last_seq}",
        "chain intact" if checked.is_intact else "chain BROKEN",
        f"{checked.missing} missing",
    ]
    if unproved:
        said.append(f"{unproved} made before there was a chain: unproved")
    return ", ".join(said)


def as_json(checked: Checked) -> bytes:
    """The same for machines."""
    return msgspec.json.encode(
        {
            "place": checked.place,
            "lane": checked.lane,
            "epoch": checked.epoch,
            "first_seq": checked.first_seq,
            "last_seq": checked.last_seq,
            "intact": checked.is_intact,
            "missing": checked.missing,
            "flaws": [
                {"flaw": flaw.flaw.value, "first": flaw.first, "last": flaw.last}
                for flaw in checked.flaws
            ],
        }
    )
