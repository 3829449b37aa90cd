"""What the hub's database answers: frozen values, never dicts.

Times ending in `_ms` are UTC epoch milliseconds. A `None` says in its comment what it means;
without a comment it is: not yet, or not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from central.auth.roles import Scope
from gate_agent.wire.v1 import (
    DecisionName,
    DeclarationRow,
    EvidenceFacts,
    ObligationRow,
    OutcomeName,
    Timeline,
)


class CommandKind(StrEnum):
    """What a supervisor can order."""

    OVERRIDE = "override"
    LOWER_BARRIER = "lower_barrier"
    SET_MODE = "set_mode"
    EVACUATE = "evacuate"
    END_EVACUATION = "end_evacuation"


class CommandState(StrEnum):
    """What became of an order."""

    PENDING = "pending"  # sent or to be sent, the lane has not answered
    DONE = "done"  # carried out by the lane
    REFUSED = "refused"  # by the lane; `why` is a code of `refused.<why>`
    EXPIRED = "expired"  # no answer in time; the lane no longer obeys it


@dataclass(frozen=True, slots=True, kw_only=True)
class SeqRange:
    """Consecutive sequence numbers, both ends included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRecords:
    """What the hub holds of one lane, in the present life (epoch) of its database."""

    lane: str
    epoch: str
    through_seq: int  # everything up to here is stored and acknowledged
    highest_seq: int
    missing: tuple[SeqRange, ...]  # gaps between through_seq and highest_seq; at most 50 named
    missing_count: int
    lost: int  # acknowledged once, not here, gone from the lane: they will never come
    chain_breaks: int  # places where the chain of records did not hold
    proved_from: int | None  # the first record with a link in the chain; None: none has one
    stored: int
    duplicates: int
    dead_letters: int
    last_received_ms: int
    last_at_ms: int
    last_passage: PassageSummary | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageSummary:
    """One passage as a line of a list."""

    passage_id: str
    lane: str
    first_at_ms: int  # lane clock, of the earliest record
    first_received_ms: int  # hub clock
    decided_at_ms: int | None
    decided_received_ms: int | None  # hub clock: what waiting times count from
    closed_at_ms: int | None  # None: the vehicle is still in the lane
    verdict: OutcomeName | None  # the lane's own
    reasons: tuple[str, ...]
    override_decision: DecisionName | None  # carried out by the lane
    override_by: str | None
    outcome: OutcomeName | None  # final: None until closed
    decided_by: str | None  # "lane" or a user name; None until closed
    left: str | None  # exit, entry, unseen; None until closed
    plate: str | None  # as read
    card_uid: str | None  # as read
    gross_kg: int | None  # as weighed
    declaration_id: str | None

    @property
    def standing(self) -> OutcomeName | None:
        """The outcome as it stands: final, else the override, else the lane's verdict."""
        return self.outcome or self.override_decision or self.verdict


class RetentionRule(StrEnum):
    """Why a picture or a clip was deleted. Texts: `deleted.<rule>`."""

    AGE = "age"  # it was kept for `days`
    ROOM = "room"  # the disk had less than `free_gb` free, and it was older than `days`


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """That a rule deleted a picture or a clip, and which."""

    at_ms: int
    rule: RetentionRule
    days: int
    free_gb: float | None  # None: not asked by this rule


class KeptFor(StrEnum):
    """Why no rule deletes the pictures and the clip of a passage. Texts: `keeping.<code>`."""

    PERSON = "person"  # somebody said so
    OPEN = "open"  # the passage has not ended
    CONFLICT = "conflict"  # another passage used its declaration or its slip
    ALARM = "alarm"  # nobody has acknowledged an alarm that names it
    OBLIGATION = "obligation"  # something is owed


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Whether the rules leave a passage's pictures and clip alone. `by`: the last word."""

    because: tuple[KeptFor, ...]  # empty: the rules may delete them when their time has come
    is_kept: bool = False  # the last word of a person is that they are kept
    by: str = ""  # "": nobody ever said anything
    at_ms: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRef:
    """A picture of a passage. Not `present`: a rule deleted it, or the lane had lost the file."""

    picture_id: str
    view: str  # plate | overview | lane
    at_ms: int
    present: bool
    deleted: Deletion | None = None  # None: it is present, or was lost


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """One record as received. `body` is JSON; a picture's JPEG is left out of it."""

    seq: int
    at_ms: int
    received_ms: int
    type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRow:
    """One order and what became of it."""

    command_id: str
    kind: CommandKind
    lane: str
    passage_id: str | None
    value: str  # decision, mode, or '' for any other
    issued_by: str
    reason: str
    issued_at_ms: int
    expires_at_ms: int
    state: CommandState
    resolved_at_ms: int | None
    why: str  # the lane's refusal code, else ''


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """Something a person must look at."""

    alarm_id: int
    lane: str
    code: str
    passage_id: str | None
    at_ms: int
    detail: str
    acknowledged_by: str | None
    acknowledged_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRow:
    """A condition that lasts on a lane."""

    lane: str
    code: str
    since_ms: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterRow:
    """Something received that could not be used. `payload` may be megabytes."""

    dead_letter_id: int
    received_ms: int
    topic: str
    lane: str | None
    epoch: str | None
    seq: int | None
    reason: str
    payload: bytes
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """Who did what."""

    audit_id: int
    at_ms: int
    who: str
    action: str
    lane: str | None
    passage_id: str | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPassage:
    """A vehicle that waits for a person, with the order that is on its way if there is one."""

    passage: PassageSummary
    pending: CommandRow | None
    risk: str  # low, unknown or high: what it counts as in the queue


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictMore:
    """What a verdict says beyond its reasons."""

    place: str = ""  # where the vehicle is inspected
    notify: str = ""  # the coordinator of its company
    obligations: tuple[ObligationRow, ...] = ()  # what remains to be done after a release


class ClipState(StrEnum):
    """How a passage's clip stands at the hub. Texts: `clip.<state>`."""

    AT_LANE = "at_lane"  # nobody asked for it
    PENDING = "pending"  # asked of the lane
    HERE = "here"  # whole, with the SHA-256 that the record names
    GONE = "gone"  # the lane does not have it any more
    EXPIRED = "expired"  # the lane did not deliver all of it in time
    ALTERED = "altered"  # what came has another SHA-256
    TOO_LARGE = "too_large"
    DELETED = "deleted"  # a rule deleted what was here; `deleted` says which


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRow:
    """The clip that a passage's closing record names. None: not asked for, or not told yet."""

    clip_id: str
    lane: str
    state: ClipState
    here_bytes: int = 0
    total_bytes: int | None = None
    asked_by: str | None = None
    asked_at_ms: int | None = None
    expires_at_ms: int | None = None
    ended_at_ms: int | None = None
    deleted: Deletion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageDetail:
    """One passage with everything the hub has of it, each list in order of time."""

    summary: PassageSummary
    evidence: EvidenceFacts | None  # None: not decided yet
    declaration: DeclarationRow | None  # None: none matched
    manifest_version: int | None
    policy_version: str | None
    policy_hash: str | None
    more: VerdictMore
    override_reason: str | None
    overridden_at_ms: int | None
    arrived_at_ms: int | None
    timeline: Timeline | None  # None until closed
    pictures: tuple[PictureRef, ...]
    clip: ClipRow | None  # None: its record names none
    keeping: Keeping
    records: tuple[StoredRecord, ...]
    commands: tuple[CommandRow, ...]
    alarms: tuple[AlarmRow, ...]
    audit: tuple[AuditRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCounts:
    """Passages per outcome."""

    release: int = 0
    hold: int = 0
    inspect: int = 0
    refuse: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HubCounts:
    """Counters over everything the hub holds."""

    passages: int
    closed: int
    verdicts: OutcomeCounts  # as the lanes decided
    outcomes: OutcomeCounts  # as closed passages ended
    records: int
    duplicates: int  # records received more than once
    missing: int  # gaps in the numbering of the present epochs
    dead_letters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestVersionRow:
    """One version of the manifest."""

    version: int
    at_ms: int
    cause: str  # import | used | withdrawn | closed
    made_by: str
    source: str  # file name, where there was one
    upserts: int
    deletes: int
    count: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageFilter:
    """Which passages to list, newest first. None: any."""

    lane: str | None = None
    standing: OutcomeName | None = None
    open_only: bool = False
    since_ms: int | None = None
    before_ms: int | None = None
    plate: str | None = None  # normalized; exact
    limit: int = 100
    scope: Scope | None = None  # of who asks
