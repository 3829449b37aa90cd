"""What this lane has observed for one passage, as a verdict takes it: integers and words only.

No moments and no fractions: the same evidence gives the same verdict on another processor years
later. Time stands on one axis, whole milliseconds since the arrival by the monotonic clock. They
are rounded so that a piece is never younger than it was: its own moment down, the present up.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import msgspec

from gate_agent.domain.faults import FaultCode
from gate_agent.domain.vocabulary import (
    Barrier,
    DeclarationId,
    Instant,
    LaneId,
    Mode,
    PassageId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateCandidate:
    """A declared plate and how probable it is that the picture shows it.

    `milli_nats`: a thousand times the natural logarithm of that probability, at most 0.
    """

    text: str
    milli_nats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherPlate:
    """Another plate in the same frames: the vehicle's second one, its trailer's, a neighbor's."""

    text: str
    confidence_permille: int
    frames_agreed: int


class DoubtfulCharacter(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A character of a reading: its place from 0, how sure it is, what else it may be, best first.

    `others` are characters with their permille, without the one that was read.
    """

    place: int
    permille: int
    others: tuple[tuple[str, int], ...] = ()


class FrameReading(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One plate as one frame was read, before the vote. An array in every record: it is short.

    `frame` is the camera's number of it; 0: a camera that reads by itself numbers none. `ppm` is
    the probability of the whole text in millionths: beside another reading it matters whether one
    is wrong once in a thousand times or in ten thousand. The place is in pixels of the overview as
    it is kept, all 0 where the camera does not say. `doubts` are there only where the vote cannot
    be made again without them.
    """

    frame: int
    text: str
    ppm: int
    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0
    doubts: tuple[DoubtfulCharacter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateEvidence:
    """The vote over the frames of this passage. `text` is normalized, never empty.

    `confidence_permille` is 0..1000. `picture_id` is the SHA-256 of the best frame's JPEG.
    `candidates` are the declared plates that the picture was held against, likeliest first, and
    `none_milli_nats` is what is left for a plate that nobody declared, on the same scale. None: the
    picture was held against nothing. `others` are the other plates in the picture. `readings` are
    what the vote was made of, by frame and the surest first; no rule reads them. `earlier` is what
    a camera of its own reading said of this vehicle before, where it was another plate.
    `age_ms` here and in the other pieces: how old it was when the lane decided, 0 while it
    gathers. `since_arrival_ms`: negative if it is older than the arrival, or in the snapshot of a
    version that did not keep it so.
    """

    text: str
    plate_class: str
    confidence_permille: int
    frames_agreed: int
    frames_seen: int
    picture_id: str | None
    since_arrival_ms: int = -1
    age_ms: int = 0
    candidates: tuple[PlateCandidate, ...] = ()
    none_milli_nats: int | None = None
    others: tuple[OtherPlate, ...] = ()
    looks: int = 1  # whose weights are in `candidates`, on the average
    readings: tuple[FrameReading, ...] = ()
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CardEvidence:
    """The card that the driver presented after arriving. An identifier, not a proof.

    `fields` are those of a customs card that the lane reads, by name, with what stands in them.
    """

    uid: str
    since_arrival_ms: int = -1
    age_ms: int = 0
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TagEvidence:
    """The windshield tag that was seen first after the arrival; an identifier, not a proof.

    `others` are tags seen besides it, in the order in which they came: with one there it is not
    known which is this vehicle's.
    """

    tag_id: str
    others: tuple[str, ...] = ()
    since_arrival_ms: int = -1
    age_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerEvidence:
    """The container numbers that were read on the vehicle after it arrived, never empty.

    Normalized, in the order in which they were first read, each with the check digit that belongs
    to it: other readings say nothing.
    """

    numbers: tuple[str, ...]
    since_arrival_ms: int = -1
    age_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightEvidence:
    """A gross weight with the vehicle wholly on the platform, settled or bound to settle.

    The weight at rest lies within `within_kg` of `gross_kg`, by the proof of the swing; 0: it has
    settled there. `window_kg` is the window of readings it was taken from, oldest first.
    """

    gross_kg: int
    division_kg: int
    spread_kg: int
    window_kg: tuple[int, ...]
    within_kg: int = 0
    since_arrival_ms: int = -1
    age_ms: int = 0

    @property
    def low_kg(self) -> int:
        """The least that the vehicle can weigh."""
        return self.gross_kg - self.within_kg

    @property
    def high_kg(self) -> int:
        """The most that the vehicle can weigh."""
        return self.gross_kg + self.within_kg


Piece = TypeVar(
    "Piece", PlateEvidence, CardEvidence, TagEvidence, ContainerEvidence, WeightEvidence
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEvidence:
    """Which manifest the lane held and how long ago the hub confirmed it as its newest.

    `age_ms` None: not heard since the agent started, and the stored time cannot be trusted.
    """

    version: int = 0  # 0: none yet
    age_ms: int | None = None


UNKNOWN_MANIFEST = ManifestEvidence()


class ClaimState(StrEnum):
    """What the hub said when this passage asked to use a declaration up."""

    PENDING = "pending"  # asked a moment ago
    GRANTED = "granted"  # no other passage may have it
    HELD = "held"  # another passage asked before and has not ended
    USED = "used"  # another passage was released on it
    UNANSWERED = "unanswered"  # the hub did not say in time: the lane is alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """The same plate in another passage, shortly before.

    `gap_ms`: from its leaving there by the exit to this arrival; None: it has not left there.
    """

    lane: str
    passage_id: str
    gap_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownEmpty:
    """What a plate weighed on earlier empty trips: the middle one of so many."""

    kg: int
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimEvidence:
    """The claim on one declaration. `holder` is the other passage, "" where there is none.

    With its answer the hub says what it knows of the declared plates: where they were seen, and
    what they weigh empty.
    """

    declaration_id: DeclarationId
    state: ClaimState
    holder: str = ""
    sightings: tuple[Sighting, ...] = ()
    known_empty: KnownEmpty | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything a verdict may rest on. None: not observed. `faults` are those lasting now."""

    passage_id: PassageId
    arrived_at_ms: int  # UTC epoch
    plate: PlateEvidence | None = None
    camera_plate: PlateEvidence | None = None  # what a camera of its own reading says
    card: CardEvidence | None = None
    tag: TagEvidence | None = None
    weight: WeightEvidence | None = None
    manifest: ManifestEvidence = UNKNOWN_MANIFEST
    faults: frozenset[FaultCode] = frozenset()
    barrier: Barrier = Barrier.UNKNOWN
    mode: Mode = Mode.AUTO
    interrupted: bool = False  # the agent restarted, or lost the vehicle from sight
    unexpected: bool = False  # the vehicle did not come in past the entry loop with the lane idle
    scale_zeroed: bool = True  # False: the scale was not seen at zero before the vehicle
    alone: bool = True  # False: a second vehicle came onto the lane
    evacuated: bool = False  # the boom was kept open for an evacuation during this passage
    claim: ClaimEvidence | None = None  # None: not asked
    sightings: tuple[Sighting, ...] = ()  # the lane's own, for when the hub does not say
    known_empty: KnownEmpty | None = None  # the same
    lane_id: LaneId = LaneId("")  # noqa: RUF009 - a NewType of text; what a pack says of it counts
    containers: ContainerEvidence | None = None  # None: none read


def since_arrival_ms(arrived: Instant, at: Instant) -> int:
    """Where a piece observed `at` stands on the axis of the passage that arrived at `arrived`."""
    return round((at.mono_s - arrived.mono_s) * 1_000_000) // 1000


def present_ms(arrived: Instant, now: Instant) -> int:
    """Where the present stands on that axis; by the wall clock after a restart of the machine."""
    return -(-arrived.elapsed_us(now) // 1000)


def age_ms(observed: Instant, now: Instant) -> int:
    """Whole milliseconds from `observed` to `now`, rounded up; negative if it lies ahead."""
    return -(-round(observed.age_s(now) * 1_000_000) // 1000)
