"""What a passage leaves behind: facts and verdicts for the hub, in the domain's own words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gate_agent.domain.decision import Reason, Verdict
from gate_agent.domain.evidence import Evidence
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.manifest import Declaration
from gate_agent.domain.policy_pack import PolicyPack
from gate_agent.domain.vocabulary import CommandId, Instant, Left, Outcome, PassageId


class Alarm(StrEnum):
    """Something a person must look at now."""

    TAILGATING = "tailgating"
    BOOM_FORCED = "boom_forced"
    BOOM_LEFT_OPEN = "boom_left_open"
    OPEN_TOO_LONG = "open_too_long"
    WRONG_WAY = "wrong_way"
    EXIT_LOOP_HELD = "exit_loop_held"  # behind a release, longer than the longest vehicle takes
    ENTRY_LOOP_STUCK = "entry_loop_stuck"  # occupied for minutes, and the scale bears no vehicle
    EXIT_LOOP_STUCK = "exit_loop_stuck"
    DECLARATION_USED_TWICE = "declaration_used_twice"  # found by the hub, never by one lane
    SLIP_USED_TWICE = "slip_used_twice"  # found by the hub: two vehicles left on one slip
    WEIGHT_CHANGED = "weight_changed"  # between the verdict and the boom being up
    LEFT_UNRELEASED = "left_unreleased"  # out by the exit, under a boom that was not down
    REAR_BEAM_UNCUT = "rear_beam_uncut"  # a vehicle rests on the scale, and the beam saw no tail
    AXLE_OFF_DECK = "axle_off_deck"  # the scale rests, and an axle stands in a beam beside it
    CREEPING = "creeping"  # wholly on the platform, and the scale does not come to rest
    PERSON_STEPPED = "person_stepped"  # the weight at rest changed by what a person weighs
    ZEROED_UNDER_LOAD = "zeroed_under_load"  # the scale says zero; nobody saw the vehicle leave
    ZERO_DRIFT = "zero_drift"  # the empty scale is off zero, over a day
    TARE_DRIFT = "tare_drift"  # the scale reads off for vehicles whose weight is registered
    CHAIN_BROKEN = "chain_broken"  # found by the hub: a record was altered, put in or taken out
    RECORDS_MISSING = "records_missing"  # found by the hub: later ones came, these do not
    EVACUATION = "evacuation"  # the boom is kept open, or came down and was raised again
    RECORDS_LOST = "records_lost"  # found by the hub: it acknowledged them once and lacks them now
    PICTURE_LOST = "picture_lost"  # found by the hub: the lane deleted it unsent, or it is damaged
    POLICY_REFUSED = "policy_refused"  # found by the hub: a lane cannot take the rules
    HUB_DISK_LOW = "hub_disk_low"  # found by the hub: its disk fills up, and nothing may be deleted


class Refusal(StrEnum):
    """Why a command was not carried out."""

    EXPIRED = "expired"
    OTHER_PASSAGE = "other_passage"
    NOT_WAITING = "not_waiting"  # the passage is not waiting for a person
    LANE_NOT_EMPTY = "lane_not_empty"
    BOOM_NOT_OPEN = "boom_not_open"
    SLIP_MISSING = "slip_missing"  # in an emergency nothing opens without a valid slip
    SLIP_USED = "slip_used"
    SLIP_OTHER_KIND = "slip_other_kind"  # of the book of another kind of emergency
    DRILL = "drill"  # an exercise opens for nobody whom the rules would not release
    KIND_UNKNOWN = "kind_unknown"  # the pack has no slips for such an emergency
    HUB_HEARD = "hub_heard"  # ordered at the lane while the console can be used
    NOT_IN_EMERGENCY = "not_in_emergency"  # ordered at the lane
    EVACUATION = "evacuation"  # while it lasts nothing is lowered, and nobody decided about
    NO_EVACUATION = "no_evacuation"  # none lasts, or another than the one that was to end
    IN_HAND = "in_hand"  # emergency stop or the key at the barrier: nothing is moved against it


class PictureView(StrEnum):
    """What an evidence picture shows."""

    OVERVIEW = "overview"
    PLATE = "plate"
    LANE = "lane"  # the lane camera's, out of the clip


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneStarted:
    """The agent came up; `interrupted` names the passage it found open."""

    version: str
    interrupted: PassageId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAdopted:
    """From now on the lane judges by this pack."""

    version: str
    policy_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageOpened:
    """A vehicle came."""

    passage_id: PassageId


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureTaken:
    """An evidence picture was kept under its SHA-256."""

    passage_id: PassageId
    picture_id: str
    view: PictureView


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageDecided:
    """The lane's own verdict with everything it rested on: `replayed` makes it again from this.

    `handed_over_for` is None where `decide` gave the verdict from these `declarations` at
    `wall_ms`; else the reason for which a passage with `verdict_before` became a person's.
    """

    passage_id: PassageId
    verdict: Verdict
    evidence: Evidence
    pack: PolicyPack
    wall_ms: int
    declarations: tuple[Declaration, ...] = ()
    handed_over_for: Reason | None = None
    verdict_before: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighedAfterwards:
    """The weight of a vehicle that was judged while the scale still swung.

    `within_kg` 0: settled at `gross_kg`. More: it left before the scale had come to rest, and
    this is how far it got. `agrees` tells whether it fits the interval of the verdict.
    """

    passage_id: PassageId
    gross_kg: int
    within_kg: int
    agrees: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageOverridden:
    """The lane carried out a supervisor's decision."""

    passage_id: PassageId
    command_id: CommandId
    decision: Outcome
    by: str
    reason: str
    slip: str = ""  # the number of the slip it was done on, in an emergency
    emergency: str = ""  # the kind of emergency that the lane was in
    local: bool = False  # ordered at the lane itself


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandCarriedOut:
    """The lane carried out a command that concerns no passage: mode, lowering, evacuation."""

    command_id: CommandId
    command: str  # "set_mode", "lower_barrier", "evacuate" or "end_evacuation"
    by: str
    reason: str
    mode: str = ""  # that was set
    emergency: str = ""  # its kind
    local: bool = False  # ordered at the lane itself


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRefused:
    """The lane did not carry out a command."""

    passage_id: PassageId | None
    command_id: CommandId
    why: Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """When the stages of a passage were reached. None: never."""

    plate: Instant | None = None
    card: Instant | None = None
    weight: Instant | None = None
    decided: Instant | None = None
    raise_sent: Instant | None = None
    boom_up: Instant | None = None
    exit_clear: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageClosed:
    """The end of a passage; exactly one per passage (I5)."""

    passage_id: PassageId
    outcome: Outcome
    decided_by: str
    left: Left
    arrived_at: Instant
    timeline: Timeline
    clip_id: str = ""  # SHA-256 of the clip on the lane's disk; "": there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultChanged:
    """A lasting condition began or ended."""

    code: FaultCode
    raised: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised:
    """Something a person must look at."""

    code: Alarm
    passage_id: PassageId | None


RecordBody = (
    LaneStarted
    | PolicyAdopted
    | PassageOpened
    | PictureTaken
    | PassageDecided
    | WeighedAfterwards
    | PassageOverridden
    | CommandCarriedOut
    | CommandRefused
    | PassageClosed
    | FaultChanged
    | AlarmRaised
)
