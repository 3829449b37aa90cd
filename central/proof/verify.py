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
    """What the chain holds by its hash only: dossiers, pictures and clips, altered or missing.

    What a rule deleted, with its row, is not missing; nor is what its lane had lost: `absences`.
    """
    for _, _, _, passage_id, body in chain_store.sealed_between(db, -(2**53), 2**53):
        try:
            content_of(passage_id, body)
        except ExportError as exc:
            yield str(exc)
    yield from _pictures(db)
    yield from _clips(db)


def _pictures(db: sqlite3.Connection) -> Iterator[str]:
    for picture_id, jpeg in chain_store.all_pictures(db):
        if hashlib.sha256(jpeg).hexdigest() != picture_id:
            yield f"picture {picture_id}: altered"
    for passage_id, picture_id, is_lost, is_deleted in chain_store.pictures_not_here(db):
        if not is_lost and not is_deleted:
            yield f"picture {picture_id} of passage {passage_id}: missing, deleted by no rule"


def _clips(db: sqlite3.Connection) -> Iterator[str]:
    for clip_id in clip_store.whole(db):
        if clip_store.digest(db, clip_id) != clip_id:
            yield f"clip {clip_id}: altered"
    for clip in clip_store.deleted(db):
        if clip.deleted is None:
            yield f"clip {clip.clip_id}: missing, deleted by no rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Absences:
    """What is not here and is accounted for."""

    pictures_deleted: int = 0
    clips_deleted: int = 0
    pictures_lost: int = 0

    def __str__(self) -> str:
        return (
            f"deleted by rule: {self.pictures_deleted} pictures, {self.clips_deleted} clips;"
            f" lost at their lanes: {self.pictures_lost} pictures"
        )


def absences(db: sqlite3.Connection) -> Absences:
    """What is not here for a reason that is on record; a picture counts once a passage."""
    pictures = [found[2:] for found in chain_store.pictures_not_here(db)]
    return Absences(
        pictures_deleted=sum(is_deleted for _, is_deleted in pictures),
        clips_deleted=sum(clip.deleted is not None for clip in clip_store.deleted(db)),
        pictures_lost=sum(is_lost and not is_deleted for is_lost, is_deleted in pictures),
    )
