"""What this lane has observed for one passage."""

from __future__ import annotations

from dataclasses import dataclass

from gate_agent.domain.faults import FaultCode
from gate_agent.domain.manifest import NO_MANIFEST, ManifestStatus
from gate_agent.domain.vocabulary import Barrier, Instant, Mode, PassageId


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateEvidence:
    """The vote over the frames of this passage. `text` is normalized, never empty.

    `confidence_permille` is 0..1000. `picture_id` is the SHA-256 of the best frame's JPEG.
    """

    text: str
    plate_class: str
    confidence_permille: int
    frames_agreed: int
    frames_seen: int
    picture_id: str | None
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class CardEvidence:
    """The card that the driver presented after arriving. An identifier, not a proof."""

    uid: str
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightEvidence:
    """A settled gross weight with the vehicle wholly on the platform.

    `window_kg` is the window of readings it was taken from, oldest first.
    """

    gross_kg: int
    division_kg: int
    spread_kg: int
    window_kg: tuple[int, ...]
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything a verdict may rest on. None: not observed. `faults` are those lasting now."""

    passage_id: PassageId
    arrived_at: Instant
    plate: PlateEvidence | None = None
    card: CardEvidence | None = None
    weight: WeightEvidence | None = None
    manifest: ManifestStatus = NO_MANIFEST
    faults: frozenset[FaultCode] = frozenset()
    barrier: Barrier = Barrier.UNKNOWN
    mode: Mode = Mode.AUTO
    interrupted: bool = False  # the agent restarted during this passage
    unexpected: bool = False  # the vehicle did not come in past the entry loop with the lane idle
    scale_zeroed: bool = True  # False: the scale was not seen at zero before the vehicle
    alone: bool = True  # False: a second vehicle came onto the lane
