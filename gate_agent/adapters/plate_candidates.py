"""Which declared plate does the picture show? Asked of the reader, on the camera thread.

A picture is held against few plates, the nearest first (`IN_QUESTION`): those of the papers that
name the card, the plate that was read, those one character from it (another one, one more, one
less), and those two characters from it as far as the reader itself doubts both. A plate that was
surely read and looks like no other declared one costs a look-up and no look at the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Protocol

from gate_agent.domain.evidence import OtherPlate, PlateCandidate
from gate_agent.domain.matching import is_trailer_plate, normalize_plate
from gate_agent.plate_vote import permille, vehicles_first
from models.lpr.opening import open_verify_policy
from models.lpr.verify import look_alikes, verify_frames
from models.lpr.vote import edits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from models.lpr.api import BgrImage, PlateReader
    from models.lpr.plates import CharacterReading, PlateReading
    from models.lpr.verify import VerifyPolicy
    from models.lpr.vote import PlateVote

IN_QUESTION = 64
SURE = 0.98
"""A plate that is read with this and looks like no other declared one needs no further look."""
FRAMES = 2  # of the same plate; they err alike, so more say little more
SAME_PLATE_EDITS = 2
OTHERS = 3
LEAST_MILLI_NATS = -60_000
_SUREST = 0.9995  # nobody is surer of a plate


class KnowsPlates(Protocol):
    """What is declared."""

    def among(self, texts: Iterable[str]) -> list[str]:
        """Those of `texts` that are declared, normalized. Raises `StoreError`."""
        ...

    def of_card(self, card_uid: str) -> list[str]:
        """The plates of the papers that name this card. Raises `StoreError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """As in `PlateEvidence`."""

    candidates: tuple[PlateCandidate, ...] = ()
    none_milli_nats: int | None = None


NOT_WEIGHED = Weighed()


class PlateCandidates:
    """Holds pictures against declared plates. Belongs to the thread that reads."""

    def __init__(self, declared: KnowsPlates) -> None:
        self._declared = declared
        self._policy: VerifyPolicy | None = None

    def open(self) -> None:
        """Read how the reader's likelihoods are to be taken. Raises `WeightsError`."""
        self._policy = self._policy or open_verify_policy()

    def vehicles_first(self, votes: Sequence[PlateVote]) -> list[PlateVote]:
        """The votes with the vehicle's own plate before its trailer's. Raises `StoreError`."""
        if not votes or not is_trailer_plate(votes[0].text):
            return list(votes)
        return vehicles_first(votes, self._declared.among(each.text for each in votes))

    def in_question(
        self, text: str, characters: Sequence[CharacterReading], card_uid: str | None
    ) -> list[str]:
        """The declared plates that a reading could be taken for. Raises `StoreError`."""
        of_card = self._declared.of_card(card_uid) if card_uid else []
        near = self._declared.among(look_alikes(text, characters))
        return list(dict.fromkeys((*of_card, *near)))[:IN_QUESTION]

    def weigh(
        self,
        reader: PlateReader,
        seen: Sequence[tuple[BgrImage, list[PlateReading]]],
        found: PlateVote,
        card_uid: str | None,
    ) -> Weighed:
        """How probable each declared plate in question is, by the frames that show `found`.

        Raises `StoreError`, and whatever a broken reader raises.
        """
        texts = self.in_question(found.text, found.characters, card_uid)
        if not texts:
            return Weighed(none_milli_nats=0)
        if texts == [normalize_plate(found.text)] and found.confidence >= SURE:
            return sure_of(texts[0], found.confidence)
        if self._policy is None:
            return NOT_WEIGHED
        looks = _looks(seen, found)
        verified = verify_frames(reader, looks, texts, self._policy)
        return Weighed(
            candidates=tuple(
                PlateCandidate(
                    text=normalize_plate(each.text), milli_nats=milli_nats(each.posterior)
                )
                for each in verified.candidates
            ),
            none_milli_nats=milli_nats(verified.none),
        )


def sure_of(text: str, confidence: float) -> Weighed:
    """What a reading without doubt says of the one declared plate that it could be."""
    sure = min(confidence, _SUREST)
    return Weighed(
        candidates=(PlateCandidate(text=text, milli_nats=milli_nats(sure)),),
        none_milli_nats=milli_nats(1.0 - sure),
    )


def milli_nats(probability: float) -> int:
    """A thousand times the logarithm, as a whole number; it enters the record."""
    if probability <= 0.0:
        return LEAST_MILLI_NATS
    return max(LEAST_MILLI_NATS, min(0, round(1000 * log(probability))))


def others_of(votes: Sequence[PlateVote]) -> tuple[OtherPlate, ...]:
    """The plates beside the one that was voted for."""
    return tuple(
        OtherPlate(
            text=each.text,
            confidence_permille=permille(each.confidence),
            frames_agreed=each.frames_agreed,
        )
        for each in votes[1 : 1 + OTHERS]
    )


def _looks(
    seen: Sequence[tuple[BgrImage, list[PlateReading]]], found: PlateVote
) -> list[tuple[BgrImage, PlateReading]]:
    """The frames that show this plate, each with its reading of it, the surest first."""
    looks = []
    for image, readings in seen:
        same = [
            r for r in readings if edits(r.text, found.text, at_most=SAME_PLATE_EDITS) is not None
        ]
        if same:
            looks.append((image, max(same, key=lambda reading: reading.confidence)))
    return sorted(looks, key=lambda look: -look[1].confidence)[:FRAMES]
