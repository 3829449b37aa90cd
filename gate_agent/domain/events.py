"""Everything that can happen to a lane. Past tense; facts only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gate_agent.domain.evidence import (
    ClaimState,
    FrameReading,
    KnownEmpty,
    OtherPlate,
    PlateCandidate,
    Sighting,
)
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.manifest import Declaration, ManifestStatus
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.policy_pack import PolicyPack
from gate_agent.domain.vocabulary import (
    Barrier,
    CommandId,
    Instant,
    Mode,
    Outcome,
    PassageId,
    WeightState,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStarted:
    """The agent came up, perhaps in the middle of a passage.

    `pack` is the one of the hub that is in force; None: it has given none, or none that is in
    force now. Then the pack of before stays, and `policy` holds where there was none.
    """

    policy: ReleasePolicy
    version: str
    pack: PolicyPack | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChanged:
    """Another pack of rules is in force. Handed to the lane between two vehicles only."""

    pack: PolicyPack


@dataclass(frozen=True, slots=True, kw_only=True)
class InputsChanged:
    """The loops and beams as read at one moment. None: not readable, never "clear"."""

    entry_loop: bool | None
    front_beam: bool | None
    rear_beam: bool | None
    exit_loop: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BarrierMoved:
    """The boom is now somewhere else."""

    position: Barrier


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseSent:
    """The raise command is on the wire: stamped when the board confirmed it."""

    command_id: CommandId


@dataclass(frozen=True, slots=True, kw_only=True)
class BarrierCommandFailed:
    """A barrier command was not carried out: refused by the interlock, too late, or no link."""

    command_id: CommandId
    why: str


class PlateSource(StrEnum):
    """Who read a plate."""

    LANE = "lane"  # the lane's own reader, as it was asked
    CAMERA = "camera"  # a camera that reads plates itself, unasked


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateRead:
    """The vote over some frames of the passage. Empty `text`: no plate was found in them.

    `picture_id` is the whole frame, `plate_picture_id` the plate cut out of it; SHA-256 of JPEGs.
    `candidates`, `none_milli_nats`, `others` and `readings` are those of `PlateEvidence`.
    """

    passage_id: PassageId
    attempt: int
    text: str
    plate_class: str
    confidence_permille: int
    frames_agreed: int
    frames_seen: int
    picture_id: str | None
    plate_picture_id: str | None = None
    model_id: str = ""  # of the weights that read it; "": the reader does not say
    candidates: tuple[PlateCandidate, ...] = ()
    none_milli_nats: int | None = None
    others: tuple[OtherPlate, ...] = ()
    source: PlateSource = PlateSource.LANE
    readings: tuple[FrameReading, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipKept:
    """The answer to `KeepClip`: the clip and some of its pictures are on the lane's disk.

    `clip_id` is the SHA-256 of the file, `picture_ids` those of JPEGs.
    """

    passage_id: PassageId
    clip_id: str
    frames: int
    picture_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPresented:
    """A card was held to the reader. `fields` are those of `CardEvidence`."""

    uid: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRead:
    """A tag was seen near the lane often enough to count; whose it is, is not said."""

    tag_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainersRead:
    """A camera read these container numbers on what stands in the lane. As it says them."""

    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightObserved:
    """The scale changed its state. `gross_kg` is None when there is no usable value.

    While it moves, `low_kg` and `high_kg` bound the weight at which what stands on the platform
    now will settle, where its swing proves them; None: not proved. `window_kg` is the readings
    that were judged, oldest first. `judged_ms`: how long before this the oldest reading came that
    the settled weight or the interval rests on, rounded up.
    """

    state: WeightState
    gross_kg: int | None
    division_kg: int
    spread_kg: int = 0
    window_kg: tuple[int, ...] = ()
    low_kg: int | None = None
    high_kg: int | None = None
    judged_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclarationsFound:
    """The answer to `FindDeclarations` with the same token."""

    token: int
    declarations: tuple[Declaration, ...]
    manifest: ManifestStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimAnswered:
    """The hub's answer to `ClaimDeclaration` with the same token: GRANTED, HELD or USED.

    `holder` is the passage that has the declaration instead, "" when it is granted. `sightings`
    and `known_empty` are those of `ClaimEvidence`.
    """

    token: int
    state: ClaimState
    holder: str = ""
    sightings: tuple[Sighting, ...] = ()
    known_empty: KnownEmpty | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineExpired:
    """An armed deadline ran out. A token that is no longer armed is ignored."""

    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overridden:
    """A supervisor's decision for one passage. `decision` is never HOLD."""

    command_id: CommandId
    passage_id: PassageId
    decision: Outcome
    by: str
    reason: str
    expires_at_ms: int
    slip: str = ""  # the numbered slip of an emergency
    local: bool = False  # given at the lane itself, not by the hub


@dataclass(frozen=True, slots=True, kw_only=True)
class LoweringOrdered:
    """A supervisor orders down a boom that was left open over an empty lane."""

    command_id: CommandId
    by: str
    reason: str
    expires_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvacuationOrdered:
    """A supervisor orders the boom up, and kept open until the evacuation is ended."""

    command_id: CommandId
    by: str
    reason: str
    expires_at_ms: int
    local: bool = False  # given at the lane itself, not by the hub


@dataclass(frozen=True, slots=True, kw_only=True)
class EvacuationEnded:
    """A supervisor ends the evacuation that the command `evacuation_id` ordered, and no other."""

    command_id: CommandId
    evacuation_id: CommandId
    by: str
    reason: str
    expires_at_ms: int
    local: bool = False  # given at the lane itself, not by the hub


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeSet:
    """A supervisor changed what the lane may do. `kind`: which emergency, as the pack names it."""

    command_id: CommandId
    mode: Mode
    by: str
    reason: str
    expires_at_ms: int
    kind: str = ""
    local: bool = False  # given at the lane itself, not by the hub


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRaised:
    """A lasting condition began."""

    code: FaultCode
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultCleared:
    """A lasting condition ended."""

    code: FaultCode


Event = (
    AgentStarted
    | PolicyChanged
    | InputsChanged
    | BarrierMoved
    | RaiseSent
    | BarrierCommandFailed
    | PlateRead
    | ClipKept
    | CardPresented
    | TagRead
    | ContainersRead
    | WeightObserved
    | DeclarationsFound
    | ClaimAnswered
    | DeadlineExpired
    | Overridden
    | LoweringOrdered
    | EvacuationOrdered
    | EvacuationEnded
    | ModeSet
    | FaultRaised
    | FaultCleared
)


@dataclass(frozen=True, slots=True)
class Stamped:
    """An event and the moment it entered the process."""

    event: Event = field()
    at: Instant
