"""What API v1 answers, where it is not simply a row of the store."""

from __future__ import annotations

import msgspec

from central.store.figures import LaneFigures
from central.store.policy_store import PackRow
from central.store.rows import (
    AlarmRow,
    AuditRow,
    ClipRow,
    CommandRow,
    Keeping,
    OutcomeCounts,
    PassageSummary,
    PictureRef,
    VerdictMore,
)
from gate_agent.domain.policy_pack import Targets
from gate_agent.wire.v1 import (
    AuthorityLeft,
    DeclarationRow,
    EvidenceFacts,
    PolicyRefusal,
    Timeline,
)


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a request was not carried out. `field` names the part of it; `code` never changes."""

    error: str
    field: str = ""
    code: str = ""


class LaneAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One lane. What it is doing now is null unless `state` is `online`: old is not known."""

    lane: str
    state: str  # online | offline | unknown
    heard_s_ago: float | None
    version: str
    mode: str | None = None
    emergency: str | None = None  # its kind; "": none
    evacuation: str | None = None  # the command that ordered the one that lasts; "": none
    phase: str | None = None
    passage_id: str | None = None
    barrier: str | None = None
    weight_kg: int | None = None
    weight_state: str | None = None
    showing: str | None = None
    faults: tuple[str, ...] | None = None
    manifest_version: int | None = None
    manifest_age_s: float | None = None
    policy_version: str | None = None  # of the pack that the lane judges by
    policy_hash: str | None = None
    policy_refused: PolicyRefusal | None = None  # the rules that it cannot take, and why
    authority: tuple[AuthorityLeft, ...] | None = None  # how long it may go on alone
    unsent: int | None = None
    oldest_unsent_s: float | None = None
    through_seq: int = 0
    highest_seq: int = 0
    missing: int = 0
    lost: int = 0  # acknowledged once and not here any more: see the alarms
    chain_breaks: int = 0  # 0: every record hangs on the one before it
    proved_from: int | None = None  # records before this carry no link; null: none does
    duplicates: int = 0
    dead_letters: int = 0
    last_passage: PassageSummary | None = None


class LaneCounts(msgspec.Struct, frozen=True, kw_only=True):
    """One lane's records. `unsynced`: made by the lane, not stored here; null: not known now."""

    lane: str
    state: str
    through_seq: int
    highest_seq: int
    missing: int
    duplicates: int
    dead_letters: int
    unsynced: int | None
    oldest_unsent_s: float | None
    lost: int = 0
    chain_breaks: int = 0


class SummaryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Counters over everything the hub holds."""

    passages: int
    closed: int
    verdicts: OutcomeCounts  # as the lanes decided
    outcomes: OutcomeCounts  # as closed passages ended
    records: int
    duplicates: int
    missing: int
    dead_letters: int
    manifest_version: int
    lanes: tuple[LaneCounts, ...]


class RecordAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a passage as the lane sent it, without the bytes of pictures."""

    seq: int
    at_ms: int
    received_ms: int
    type: str
    body: msgspec.Raw


class PassageAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One passage with everything the hub has of it."""

    summary: PassageSummary
    evidence: EvidenceFacts | None
    declaration: DeclarationRow | None
    manifest_version: int | None
    policy_version: str | None
    policy_hash: str | None
    more: VerdictMore
    override_reason: str | None
    overridden_at_ms: int | None
    arrived_at_ms: int | None
    timeline: Timeline | None
    pictures: tuple[PictureRef, ...]
    clip: ClipRow | None
    keeping: Keeping
    records: tuple[RecordAnswer, ...]
    commands: tuple[CommandRow, ...]
    alarms: tuple[AlarmRow, ...]
    audit: tuple[AuditRow, ...]


class HealthAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The hub can read its database."""

    status: str


class OverrideRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision about one held vehicle."""

    decision: str
    reason: str
    slip: str = ""  # the numbered slip, where the lane is in emergency mode


class EvacuationRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the boom is raised and kept open for everybody, or why no longer."""

    reason: str


class LowerBarrierRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a boom that was left open is ordered down."""

    reason: str


class KeepRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the pictures and the clip of a passage are kept, or why no longer."""

    reason: str


class ModeRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mode that a lane is to have. `kind`: of an emergency, as the slip books name it."""

    mode: str
    reason: str
    kind: str = ""


class FiguresAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the lanes did in a period, beside what the pack in force promises."""

    from_ms: int
    to_ms: int
    policy_version: str  # "": no pack is in force, so nothing is promised
    targets: Targets
    lanes: tuple[LaneFigures, ...]  # the first is all of them together


class ClosingRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody owed was done. `number`: of the paper that shows it."""

    passage_id: str
    code: str
    number: str
    to: str = ""
    done_at_ms: int | None = None
    reason: str = ""


class AccountClosingRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The period of a list is over. `number`: of the collective declaration."""

    account_id: str
    number: str
    reason: str = ""


class ReopeningRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An obligation was closed in error."""

    passage_id: str
    code: str
    reason: str
    to: str = ""


class PeriodRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A period of draws that is to come."""

    period: str
    from_ms: int
    until_ms: int


class PackAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A pack without its rules; `in_force` is what the lanes judge by now."""

    pack: PackRow
    in_force: bool
