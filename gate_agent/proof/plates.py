"""The plate readings of dossiers, frame by frame, and each vote over them made again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from gate_agent.domain.events import PlateRead
from gate_agent.plate_vote import is_voted, voted_again
from gate_agent.proof.replay import ReplayError, judgment_of
from gate_agent.store.encoding import EncodingError, decode_event
from gate_agent.wire import dossier

if TYPE_CHECKING:
    from gate_agent.domain.evidence import FrameReading, PlateEvidence
    from gate_agent.proof.files import Found


class _Journal(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a dossier in which readings arrive."""

    events: tuple[dossier.Event, ...]


_journals = msgspec.json.Decoder(_Journal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One vote as it is recorded, and the plate that its readings give now.

    `readings` empty: there was nothing to read, or a version that kept none of them.
    """

    place: str
    passage_id: str
    where: str  # the event, or the verdict that rests on it
    source: str  # "lane" or "camera"
    text: str
    permille: int
    frames_agreed: int
    frames_seen: int
    readings: tuple[FrameReading, ...]
    now: str  # "": none
    is_same: bool

    @property
    def is_open(self) -> bool:
        """Whether the vote cannot be made again: a plate whose readings were not kept."""
        return bool(self.text) and not self.readings


def looks(found: Found) -> Iterator[Look]:
    """Every vote of one dossier, and again as each verdict took it. Raises `ReplayError`."""
    judgment = judgment_of(found)
    try:
        for event in _journals.decode(found.content).events:
            if event.type == PlateRead.__name__:
                read = decode_event(event.type, bytes(event.body))
                if isinstance(read, PlateRead):
                    yield _look(found.place, read.passage_id, f"event {event.seq}", read)
    except (msgspec.MsgspecError, EncodingError) as exc:
        raise ReplayError(f"{found.place}: {exc}") from exc
    for decision in judgment.decisions:
        evidence, where = decision.evidence, f"verdict {decision.seq}"
        for source, plate in (("lane", evidence.plate), ("camera", evidence.camera_plate)):
            if plate is not None:
                yield _look(found.place, judgment.passage_id, where, plate, source)


def _look(
    place: str, passage_id: str, where: str, said: PlateRead | PlateEvidence, source: str = ""
) -> Look:
    votes = voted_again(said.readings)
    is_same = is_voted(
        votes, said.text, permille=said.confidence_permille, frames_agreed=said.frames_agreed
    )
    surest = votes[0].text if votes else ""
    return Look(
        place=place,
        passage_id=passage_id,
        where=where,
        source=said.source.value if isinstance(said, PlateRead) else source,
        text=said.text,
        permille=said.confidence_permille,
        frames_agreed=said.frames_agreed,
        frames_seen=said.frames_seen,
        readings=said.readings,
        now=said.text if is_same else surest,  # two plates may be equally sure but for rounding
        is_same=is_same,
    )


def look_line(look: Look) -> str:
    """A vote in one line."""
    again = "the same again" if look.is_same else f"NOW {look.now or 'none'}"
    if look.is_open:
        again = "its readings were not kept"
    voted = f"{look.text or 'no plate'} {look.permille}\u2030"
    frames = f"{look.frames_agreed} of {look.frames_seen} frames"
    return f"{look.passage_id} {look.where} {look.source}: {voted}, {frames}: {again}"


def as_json(look: Look) -> bytes:
    """A vote for machines; its readings as in the dossier."""
    return msgspec.json.encode(look)


def reading_line(reading: FrameReading) -> str:
    """A single reading in one line; what it doubts stands behind it."""
    words = [f"frame {reading.frame}: {reading.text} {reading.ppm / 1000:g}\u2030"]
    if reading.right:
        words.append(f"at {reading.left},{reading.top} to {reading.right},{reading.bottom}")
    for doubt in reading.doubts:
        others = "".join(f" {other} {share}\u2030" for other, share in doubt.others)
        read = reading.text[doubt.place : doubt.place + 1]
        words.append(f"[{read} {doubt.permille}\u2030{others}]")
    return "  ".join(words)
