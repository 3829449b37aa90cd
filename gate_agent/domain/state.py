"""What a lane remembers between two events: one frozen value, saved whole as the snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gate_agent.domain.decision import Verdict
from gate_agent.domain.effects import Effect, Lamp, Sign
from gate_agent.domain.evidence import (
    CardEvidence,
    ClaimEvidence,
    ContainerEvidence,
    PlateEvidence,
    TagEvidence,
    WeightEvidence,
)
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.manifest import NO_MANIFEST, Declaration, ManifestStatus
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.policy_pack import PolicyPack, default_pack
from gate_agent.domain.reasons import Reason
from gate_agent.domain.records import Alarm, Timeline
from gate_agent.domain.vocabulary import (
    Barrier,
    CommandId,
    Instant,
    LaneId,
    Mode,
    PassageId,
    Phase,
    WeightState,
)


class DeadlineKind(StrEnum):
    """What a lane can be waiting for."""

    GATHER = "gather"  # evidence is complete by then or judged as it is
    LOOKUP = "lookup"  # the manifest answers by then or counts as missing
    CLAIM = "claim"  # the hub answers by then or the lane is alone
    ABSENCE = "absence"  # the lane has been empty this long: the vehicle is gone
    BOOM_UP = "boom_up"  # the boom is up by then or stuck
    LOWER = "lower"  # the way has been clear this long: lower
    OPEN_TOO_LONG = "open_too_long"
    LEFT_OPEN = "left_open"  # the boom is up over an empty lane
    EXIT_LOOP_HELD = "exit_loop_held"  # the released vehicle is off the exit loop by then
    ENTRY_LOOP_STUCK = "entry_loop_stuck"  # these two: it is clear by then, or the scale bears
    EXIT_LOOP_STUCK = "exit_loop_stuck"  # a vehicle
    KEEP_OPEN = "keep_open"  # in an evacuation the boom is up by then or raised again


@dataclass(frozen=True, slots=True, kw_only=True)
class Armed:
    """A running deadline."""

    kind: DeadlineKind
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Loops and beams. None: not readable, which is never "clear"."""

    entry_loop: bool | None = None
    front_beam: bool | None = None
    rear_beam: bool | None = None
    exit_loop: bool | None = None


UNREAD = Inputs()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """A question to the manifest that is not yet answered."""

    token: int
    plate: str | None
    card_uid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the manifest last answered, and the question."""

    plate: str | None
    card_uid: str | None
    declarations: tuple[Declaration, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The claim of this passage and the question that it is about."""

    token: int
    said: ClaimEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What was noticed about the scale under one vehicle."""

    axle_off_since: Instant | None = None  # at rest with a beam cut
    moving_since: Instant | None = None  # wholly on the platform and not at rest
    rested_kg: int | None = None  # where it last rested, wholly on the platform
    noticed: tuple[Alarm, ...] = ()  # each is raised once
    is_weighed: bool = False  # after a verdict that did not wait for the settled weight


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroDay:
    """What the empty scale showed on one UTC day, in days since the epoch."""

    day: int
    seen: int = 0
    total_kg: int = 0
    alarmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A vehicle that left by the exit, its plate without doubt. `empty_kg`: it was empty."""

    passage_id: PassageId
    plate: str  # normalized
    at: Instant
    empty_kg: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One vehicle in the lane."""

    passage_id: PassageId
    arrived_at: Instant
    timeline: Timeline = Timeline()  # noqa: RUF009 - a frozen value
    plate: PlateEvidence | None = None
    camera_plate: PlateEvidence | None = None  # of a camera that reads itself; never asked for
    plate_attempt: int = 1
    plate_done: bool = False  # good enough, or no attempt left
    card: CardEvidence | None = None
    tag: TagEvidence | None = None
    containers: ContainerEvidence | None = None
    weight: WeightEvidence | None = None  # settled; after an early verdict what it rested on
    swing: WeightEvidence | None = None  # where a weight that still moves must settle
    scale_zeroed: bool = False
    scale_loaded: bool = False  # once it was in the beam the scale felt it, or could not be read
    weight_moved: bool = False  # the scale reacted to this vehicle
    tail_at: Instant | None = None  # its tail passed the rear beam
    rear_beam_cut: bool = False
    rear_beam_lost: bool = False  # it could not be read for a while: it may have been cut
    rear_beam_passed: bool = False  # cut and clear again: the vehicle is wholly past it
    rear_beam_cut_again: bool = False  # while it waited, decided: somebody, or itself backing out
    entry_seen_again: bool = False  # on the entry loop after it was past it: backing out
    alone: bool = True
    unexpected: bool = False
    interrupted: bool = False  # by a restart, or hidden for long: it may be another vehicle
    hidden_since: Instant | None = None  # neither loops, beams nor scale feel it
    evacuated: bool = False  # it was in the lane during an evacuation
    in_hand: bool = False  # and while somebody had the boom in hand: see `faults.IN_HAND`
    gather_over: bool = False
    lookup: Lookup | None = None
    found: Found | None = None
    claim: Claim | None = None
    verdict: Verdict | None = None
    decided_by: str = ""
    clip_id: str = ""  # of the last clip kept; "": none
    clips: int = 0  # so many were asked for
    raises: int = 0
    lowerings: int = 0
    front_seen: bool = False  # the front beam was cut since the raise
    exit_seen: bool = False  # after that the exit loop went from clear to occupied
    exit_loop_was: bool | None = None  # when it was last read; None: not since it came
    way_was_clear: bool = False  # behind it: exit loop and front beam were clear since `exit_seen`
    tailgated: bool = False
    weight_alarmed: bool = False
    watch: Watch = Watch()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evacuation:
    """The barrier is LOCKED_OPEN: raised, kept open, lowered by nobody, until an order ends it."""

    command_id: CommandId  # the order
    raises: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneState:
    """Everything `step` needs to remember."""

    lane_id: LaneId
    epoch: str  # the life of this lane database; part of every passage id
    policy: ReleasePolicy  # of the lane file; of it the lane's own timings always hold
    pack: PolicyPack = default_pack(ReleasePolicy())  # noqa: RUF009 - what the port allows
    next_pack: PolicyPack | None = None  # for the next vehicle
    mode: Mode = Mode.AUTO
    emergency: str = ""  # in Mode.EMERGENCY its kind, as the pack names it
    mode_before: Mode = Mode.AUTO  # the emergency
    evacuation: Evacuation | None = None
    phase: Phase = Phase.IDLE
    passage: Passage | None = None
    passage_count: int = 0
    token_count: int = 0
    deadlines: tuple[Armed, ...] = ()
    inputs: Inputs = UNREAD
    barrier: Barrier = Barrier.UNKNOWN
    falling: CommandId | None = None  # by which command; "": by none of the lane's; see `falling`
    weight_state: WeightState = WeightState.UNAVAILABLE
    weight_kg: int | None = None
    faults: frozenset[FaultCode] = frozenset()
    manifest: ManifestStatus = NO_MANIFEST
    lamps: frozenset[Lamp] = frozenset()
    sign: Sign = Sign.OUT_OF_SERVICE
    sign_reason: Reason | None = None
    sign_emergency: str = ""
    zeros: tuple[ZeroDay, ...] = ()  # oldest first
    tares: tuple[int, ...] = ()  # permille of the registered weight, of the last empty vehicles
    departures: tuple[Departure, ...] = ()  # oldest first
    used_slips: tuple[str, ...] = ()  # the last ones of this lane; the hub knows all
    carried_out: tuple[CommandId, ...] = ()  # the last commands, so that none is done twice


@dataclass(frozen=True, slots=True)
class Step:
    """The lane after an event, and what it asks for, in order."""

    lane: LaneState
    effects: tuple[Effect, ...] = ()

    def plus(self, *effects: Effect) -> Step:
        """The same step asking for more."""
        return Step(self.lane, self.effects + effects)

    def on(self, later: Step) -> Step:
        """`later`, which continued from this step's lane, with this step's effects first."""
        return Step(later.lane, self.effects + later.effects)


def initial_lane(lane_id: LaneId, epoch: str, policy: ReleasePolicy) -> LaneState:
    """A lane that has seen nothing yet: everything unknown, nothing permitted."""
    return LaneState(lane_id=lane_id, epoch=epoch, policy=policy, pack=default_pack(policy))
