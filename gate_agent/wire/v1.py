"""Version 1 of every message between lanes and hub, as msgspec Structs in JSON.

Rules of v1: only additions. Unknown fields are ignored; a message or record of an unknown
`type` goes to the dead letters and is acknowledged, never dropped in silence. A removal or a
change of meaning is v2. Times ending in `_ms` are UTC epoch milliseconds; times ending in
`_s` are durations or monotonic seconds of the sender and never compared across machines.
`bytes` travel as base64. Facts (what was sensed) and verdicts (what was decided) are apart.

Delivery: a lane numbers its records from 1 without gaps within an `epoch` (the life of one
lane database). The hub stores by (lane, epoch, seq), then acknowledges the highest seq up to
which it has everything. The lane forgets nothing before that. Brokers may lose, repeat and
reorder at will.
"""

from __future__ import annotations

from typing import Literal

import msgspec

OutcomeName = Literal["release", "hold", "inspect", "refuse"]
DecisionName = Literal["release", "inspect", "refuse"]
DocumentsName = Literal["released", "pending", "rejected"]


class PlateFact(msgspec.Struct, frozen=True, kw_only=True):
    """What the camera and reader saw. `confidence_permille` 0..1000, voted over the frames."""

    text: str
    plate_class: str
    confidence_permille: int
    frames_agreed: int
    frames_seen: int
    picture_id: str | None = None  # sha256 of the JPEG, sent as PictureTaken
    age_ms: int = 0  # at the decision


class CardFact(msgspec.Struct, frozen=True, kw_only=True):
    """The driver's card, upper-case hex."""

    uid: str
    age_ms: int = 0


class WeightFact(msgspec.Struct, frozen=True, kw_only=True):
    """The settled gross weight."""

    gross_kg: int
    division_kg: int
    spread_kg: int
    age_ms: int = 0


class EvidenceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the lane had in hand when it decided. None: not sensed."""

    plate: PlateFact | None = None
    card: CardFact | None = None
    weight: WeightFact | None = None
    faults: tuple[str, ...] = ()


class DeclarationRow(msgspec.Struct, frozen=True, kw_only=True):
    """One declaration: what was declared in advance for one vehicle trip."""

    declaration_id: str
    plates: tuple[str, ...]  # normalized, no separators; any of them identifies the vehicle
    card_uid: str
    gross_kg: int
    valid_from_ms: int
    valid_until_ms: int
    documents: DocumentsName = "released"
    holds: tuple[str, ...] = ()  # agencies that want the vehicle inspected
    used_by: str | None = None  # passage id that used the declaration up


class LaneStarted(msgspec.Struct, frozen=True, kw_only=True, tag="lane_started"):
    """The agent came up; `interrupted` names the passage it found open."""

    version: str
    interrupted: str | None = None


class PassageOpened(msgspec.Struct, frozen=True, kw_only=True, tag="passage_opened"):
    """A vehicle came."""

    passage_id: str


class PictureTaken(msgspec.Struct, frozen=True, kw_only=True, tag="picture_taken"):
    """One evidence picture. `jpeg` is None when the file was lost on the lane."""

    passage_id: str
    picture_id: str
    view: Literal["plate", "overview"]
    jpeg: bytes | None = None


class PassageDecided(msgspec.Struct, frozen=True, kw_only=True, tag="passage_decided"):
    """The lane's own verdict with everything it rested on."""

    passage_id: str
    outcome: OutcomeName
    reasons: tuple[str, ...]
    evidence: EvidenceFacts
    declaration: DeclarationRow | None
    manifest_version: int
    policy_version: str


class PassageOverridden(msgspec.Struct, frozen=True, kw_only=True, tag="passage_overridden"):
    """The lane carried out a supervisor's decision."""

    passage_id: str
    command_id: str
    decision: DecisionName
    by: str
    reason: str


class CommandCarriedOut(msgspec.Struct, frozen=True, kw_only=True, tag="command_carried_out"):
    """The lane carried out a command that concerns no passage."""

    command_id: str
    command: Literal["set_mode", "lower_barrier"]
    by: str
    reason: str


class CommandRefused(msgspec.Struct, frozen=True, kw_only=True, tag="command_refused"):
    """The lane did not carry out a command; `why` is a code of the text catalogue."""

    passage_id: str | None
    command_id: str
    why: str


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds after the arrival; None: did not happen."""

    plate_ms: int | None = None
    card_ms: int | None = None
    weight_ms: int | None = None
    decided_ms: int | None = None
    raise_sent_ms: int | None = None
    boom_up_ms: int | None = None
    exit_clear_ms: int | None = None
    decision_us: int | None = None  # last evidence in the lane -> raise command on the wire


class PassageClosed(msgspec.Struct, frozen=True, kw_only=True, tag="passage_closed"):
    """The end of a passage; exactly one per passage."""

    passage_id: str
    outcome: OutcomeName
    decided_by: str  # "lane" or the supervisor's user name
    left: Literal["exit", "entry", "unseen"]
    arrived_at_ms: int
    timeline: Timeline


class FaultChanged(msgspec.Struct, frozen=True, kw_only=True, tag="fault_changed"):
    """A lasting condition began (`raised`) or ended."""

    code: str
    raised: bool
    detail: str = ""


class AlarmRaised(msgspec.Struct, frozen=True, kw_only=True, tag="alarm_raised"):
    """Something a person must look at: tailgating, boom forced, boom left open."""

    code: str
    passage_id: str | None = None


RecordBody = (
    LaneStarted
    | PassageOpened
    | PictureTaken
    | PassageDecided
    | PassageOverridden
    | CommandCarriedOut
    | CommandRefused
    | PassageClosed
    | FaultChanged
    | AlarmRaised
)


class RawRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record whose body is not yet decoded, so that one unknown type spoils no batch."""

    seq: int
    at_ms: int
    body: msgspec.Raw


class LaneRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One numbered fact or verdict of a lane."""

    seq: int
    at_ms: int
    body: RecordBody


class RecordBatch(msgspec.Struct, frozen=True, kw_only=True, tag="record_batch"):
    """Records in order of seq (stream `records`).

    Up to `forgotten_through` the hub has acknowledged everything, so the lane sends none of it
    again. A hub that lacks some of it was restored from a backup, and must not wait for it.
    """

    lane: str
    epoch: str
    records: tuple[RawRecord, ...]
    forgotten_through: int = 0


class RecordAck(msgspec.Struct, frozen=True, kw_only=True, tag="record_ack"):
    """The hub has committed every record of `epoch` up to and including `through_seq`."""

    epoch: str
    through_seq: int


class LaneStatus(msgspec.Struct, frozen=True, kw_only=True, tag="lane_status"):
    """Presence. `online` False is the broker's last will."""

    lane: str
    epoch: str
    online: bool
    version: str = ""


class LaneHealth(msgspec.Struct, frozen=True, kw_only=True, tag="lane_health"):
    """The lane as it is now, for the live view; never a record."""

    lane: str
    epoch: str
    at_ms: int
    mode: str
    phase: str
    passage_id: str | None
    barrier: str
    weight_kg: int | None
    weight_state: str
    faults: tuple[str, ...]
    manifest_version: int
    manifest_age_s: float | None  # since the hub last confirmed that version; None: never
    last_seq: int
    unsent: int
    oldest_unsent_s: float
    showing: str = ""  # code of the text on the lane's sign


class ManifestHead(msgspec.Struct, frozen=True, kw_only=True, tag="manifest_head"):
    """The hub's newest manifest version. Hearing it is what keeps a lane's manifest fresh."""

    version: int
    count: int
    digest: str  # see gate_agent.wire.digest
    at_ms: int


class ManifestRequest(msgspec.Struct, frozen=True, kw_only=True, tag="manifest_request"):
    """A lane asks for what changed after `have_version`; 0 asks for everything."""

    lane: str
    have_version: int


class ManifestPart(msgspec.Struct, frozen=True, kw_only=True, tag="manifest_part"):
    """One part of the changes from `from_version` to `to_version`.

    The lane collects parts 1..parts of one (from, to) pair and applies them in one transaction,
    then compares count and digest; on a mismatch it keeps what it had and asks for everything.
    `from_version` 0: the rows replace the whole manifest.
    """

    from_version: int
    to_version: int
    part: int  # 1..parts
    parts: int
    upserts: tuple[DeclarationRow, ...]
    deletes: tuple[str, ...]  # declaration ids
    count: int  # of the whole manifest at to_version
    digest: str


class OverrideCommand(msgspec.Struct, frozen=True, kw_only=True, tag="override"):
    """A named supervisor's decision for one passage. Expires; carried out at most once."""

    command_id: str
    passage_id: str
    decision: DecisionName
    by: str
    reason: str
    issued_at_ms: int
    expires_at_ms: int


class LowerBarrierCommand(msgspec.Struct, frozen=True, kw_only=True, tag="lower_barrier"):
    """A named supervisor orders a boom that was left open down; the interlocks still rule."""

    command_id: str
    by: str
    reason: str
    issued_at_ms: int
    expires_at_ms: int


class SetModeCommand(msgspec.Struct, frozen=True, kw_only=True, tag="set_mode"):
    """Open the lane to automatic release, to attended work, or close it."""

    command_id: str
    mode: Literal["auto", "attended", "closed"]
    by: str
    reason: str
    issued_at_ms: int
    expires_at_ms: int


Command = OverrideCommand | LowerBarrierCommand | SetModeCommand

LaneMessage = RecordBatch | LaneStatus | LaneHealth | ManifestRequest
HubMessage = (
    RecordAck | ManifestHead | ManifestPart | OverrideCommand | LowerBarrierCommand | SetModeCommand
)

_encoder = msgspec.json.Encoder()
_lane_decoder: msgspec.json.Decoder[LaneMessage] = msgspec.json.Decoder(LaneMessage)
_hub_decoder: msgspec.json.Decoder[HubMessage] = msgspec.json.Decoder(HubMessage)
_body_decoder: msgspec.json.Decoder[RecordBody] = msgspec.json.Decoder(RecordBody)

# RecursionError: nested a hundred thousand deep, perhaps in a field that would have been ignored.
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class WireError(Exception):
    """A message that is not valid v1; the text names the field."""


def encode(message: LaneMessage | HubMessage | RecordBody) -> bytes:
    """The JSON bytes of a message."""
    return _encoder.encode(message)


def decode_lane_message(payload: bytes) -> LaneMessage:
    """Decode what a lane sent. Raises `WireError`."""
    try:
        return _lane_decoder.decode(payload)
    except _UNREADABLE as exc:
        raise WireError(str(exc)) from exc


def decode_hub_message(payload: bytes) -> HubMessage:
    """Decode what the hub sent. Raises `WireError`."""
    try:
        return _hub_decoder.decode(payload)
    except _UNREADABLE as exc:
        raise WireError(str(exc)) from exc


def decode_body(raw: bytes) -> RecordBody:
    """Decode a record's body. Raises `WireError`, also for a type this version does not know."""
    try:
        return _body_decoder.decode(raw)
    except _UNREADABLE as exc:
        raise WireError(str(exc)) from exc
