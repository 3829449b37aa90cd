"""Whether the hub has everything that the lanes made, unaltered."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from central.proof.export import ExportError, content_of
from central.store import chain_store, clip_store
from gate_agent.wire.chain import Finding, Flaw


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneProof:
    """One life of one lane's database, as the hub holds it."""

    lane: str
    epoch: str
    stored: int
    highest_seq: int
    flaws: tuple[Finding, ...]

    @property
    def missing(self) -> int:
        """Numbers below the highest that are not here."""
        return sum(f.last - f.first + 1 for f in self.flaws if f.flaw is Flaw.MISSING)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, altered or cut."""
        return not any(flaw.is_break for flaw in self.flaws)

    def __str__(self) -> str:
        broken = any(f.flaw in (Flaw.ALTERED, Flaw.CUT) for f in self.flaws)
        unproved = sum(f.last - f.first + 1 for f in self.flaws if f.flaw is Flaw.UNPROVED)
        words = [
            f"lane {self.lane} epoch {self.epoch}: {self.stored} records through"
            f" {self.highest_seq}",
            f"{self.missing} missing",
            "chain BROKEN" if broken else "chain intact",
        ]
        if unproved:
            words.append(f"{unproved} made before there was a chain: unproved")
        return ", ".join(words)


def chains(db: sqlite3.Connection) -> Iterator[LaneProof]:
    """Every lane's records, from the first to the last."""
    for lane, epoch in chain_store.epochs(db):
        stored, highest_seq = chain_store.extent(db, lane, epoch)
        yield LaneProof(
            lane=lane,
            epoch=epoch,
            stored=stored,
            highest_seq=highest_seq,
            flaws=tuple(chain_store.flaws(db, lane, epoch)),
        )


def contents(db: sqlite3.Connection) -> Iterator[str]:
    """What the chain holds by its hash only: dossiers, pictures and clips that were altered."""
    for _, _, _, passage_id, body in chain_store.sealed_between(db, -(2**53), 2**53):
        try:
            content_of(passage_id, body)
        except ExportError as exc:
            yield str(exc)
    for picture_id, jpeg in chain_store.all_pictures(db):
        if hashlib.sha256(jpeg).hexdigest() != picture_id:
            yield f"picture {picture_id}: altered"
    for clip_id in clip_store.whole(db):
        if clip_store.digest(db, clip_id) != clip_id:
            yield f"clip {clip_id}: altered"
