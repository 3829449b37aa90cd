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

One file, though it is long: it is the whole of what travels, and whoever speaks it reads one page.
"""

from __future__ import annotations

from typing import Literal

import msgspec

OutcomeName = Literal["release", "hold", "inspect", "refuse"]
DecisionName = Literal["release", "inspect", "refuse"]
DocumentsName = Literal["released", "pending", "rejected"]


class PlateCandidateFact(msgspec.Struct, frozen=True, kw_only=True):
    """A declared plate that the picture was held against; the logarithm of how probable it is."""

    text: str
    milli_nats: int


class OtherPlateFact(msgspec.Struct, frozen=True, kw_only=True):
    """Another plate in the same frames."""

    text: str
    confidence_permille: int
    frames_agreed: int


class DoubtfulCharacterRow(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A character of a reading, its place from 0, and what else it may be, in permille."""

    place: int
    permille: int
    others: tuple[tuple[str, int], ...] = ()


class FrameReadingRow(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One plate as one frame was read, as an array; later additions stand at its end.

    `ppm` is the probability of the text in millionths, the place is in pixels of the overview.
    """

    frame: int
    text: str
    ppm: int
    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0
    doubts: tuple[DoubtfulCharacterRow, ...] = ()


class PlateFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the camera and reader saw. `confidence_permille` 0..1000, voted over the frames.

    What stands after `age_ms` came later in v1. `none_milli_nats` is what is left for a plate that
    nobody declared; None: the picture was held against nothing. `earlier` is what a camera of its
    own reading said before, where it was another plate.
    """

    text: str
    plate_class: str
    confidence_permille: int
    frames_agreed: int
    frames_seen: int
    # sha256 of the JPEG, sent as PictureTaken
    picture_id: str | None = msgspec.field(default_factory=lambda: None)
    age_ms: int = msgspec.field(default_factory=lambda: 0)  # at the decision
    candidates: tuple[PlateCandidateFact, ...] = ()
    none_milli_nats: int | None = None
    others: tuple[OtherPlateFact, ...] = ()
    readings: tuple[FrameReadingRow, ...] = ()  # what was voted over
    earlier: tuple[str, ...] = ()


class CardFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The driver's card, upper-case hex; of a customs card its fields, where the lane reads them.

    `fields` came later in v1: names of the interface document, with the text on the card.
    """

    uid: str
    age_ms: int = 0
    fields: dict[str, str] = {}


class TagFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The windshield tag that was seen first, as its reader writes it, and those seen besides.

    With others there it is not known which is this vehicle's.
    """

    tag_id: str
    others: tuple[str, ...] = ()
    age_ms: int = 0


class ContainersFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The container numbers that were read, each with its right check digit."""

    numbers: tuple[str, ...] = msgspec.field(default_factory=lambda: ())
    age_ms: int = 0


class WeightFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The gross weight."""

    gross_kg: int
    division_kg: int
    spread_kg: int
    within_kg: int = 0  # it had not settled, and was bound to settle this near to `gross_kg`
    age_ms: int = 0


class SightingRow(msgspec.Struct, frozen=True, kw_only=True):
    """The same plate in another passage.

    `gap_ms`: from its leaving there to this arrival; None: it has not left there.
    """

    lane: str
    passage_id: str
    gap_ms: int | None


class KnownEmptyRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a plate weighed on earlier empty trips: the middle one of so many."""

    kg: int
    times: int


class ClaimFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the hub said when the passage asked for its declaration.

    `holder` is the passage that has it instead. `alone_until_ms`: where the hub did not answer,
    until when the lane may release this company's vehicles by itself; None: not at all. What was
    known of the plates then is the hub's word, or the lane's own where it did not answer.
    """

    declaration_id: str
    state: Literal["pending", "granted", "held", "used", "unanswered"]
    holder: str = ""
    alone_until_ms: int | None = None
    sightings: tuple[SightingRow, ...] = ()
    known_empty: KnownEmptyRow | None = None


class EvidenceFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the lane had in hand when it decided. None: not sensed.

    What stands after `faults` came later in v1. No tag, no containers: none was in view, the lane
    has no reader for them, or its version did not tell of them. `camera_plate` is what a camera of
    its own reading posted; where the lane read nothing, `plate` is that too.
    """

    plate: PlateFact | None = msgspec.field(default_factory=lambda: None)
    card: CardFact | None = msgspec.field(default_factory=lambda: None)
    weight: WeightFact | None = msgspec.field(default_factory=lambda: None)
    faults: tuple[str, ...] = msgspec.field(default_factory=lambda: ())
    claim: ClaimFact | None = None  # None: nothing was claimed
    tag: TagFact | None = None
    containers: ContainersFact | None = None
    camera_plate: PlateFact | None = None


class DocumentRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one document, and since when."""

    code: str
    state: str
    checked_at_ms: int | None = None


class AgencyRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one authority says; `source` is whose finding it is if not its own."""

    agency: str
    state: Literal["agreed", "pending", "hold"]
    at_ms: int | None = None
    source: str = ""


class TransitRow(msgspec.Struct, frozen=True, kw_only=True):
    """A journey under seal from one office to another."""

    seal_no: str
    from_ms: int
    until_ms: int
    destination: str = ""
    seal_checked_at_ms: int | None = None


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity taken from an account that several trips share; `balance` as the hub knows it.

    `pending` is the lane's own: what it took that the hub did not know when it told the balance.
    """

    kind: Literal["list", "permit", "book"]
    account_id: str
    quantity: int
    granted: int | None = None  # when the account began; the hub reckons with it
    balance: int | None = None
    closes_ms: int | None = None
    pending: int = 0


class AppointmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """When the vehicle is expected, both ends included."""

    from_ms: int
    until_ms: int


class DrawRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the lane drew for this declaration: two numbers 0..999."""

    period: str
    inspect_permille: int
    review_permille: int


class DeclarationRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One declaration: what was declared in advance for one vehicle trip.

    What stands after `used_by` came later in v1; at its default it says nothing and is not
    written. The earlier fields are written always: a factory is what msgspec does not leave out.
    """

    declaration_id: str
    plates: tuple[str, ...]  # normalized, no separators; any of them identifies the vehicle
    card_uid: str
    gross_kg: int
    valid_from_ms: int
    valid_until_ms: int
    documents: DocumentsName = msgspec.field(default_factory=lambda: "released")
    # agencies that want the vehicle inspected
    holds: tuple[str, ...] = msgspec.field(default_factory=lambda: ())
    # passage id that used the declaration up
    used_by: str | None = msgspec.field(default_factory=lambda: None)
    credit_class: str = ""
    direction: Literal["in", "out"] | None = None
    kind: Literal["loaded", "empty_container", "empty"] | None = None
    cargo: str = ""
    trailer_plate: str = ""
    containers: tuple[str, ...] = ()
    tag_id: str = ""
    tare_kg: int | None = None
    transit: TransitRow | None = None
    accounts: tuple[AccountRow, ...] = ()
    items: tuple[DocumentRow, ...] = ()
    agencies: tuple[AgencyRow, ...] = ()
    risk: Literal["low", "high", "unknown"] | None = None
    appointment: AppointmentRow | None = None
    fee_paid: bool | None = None
    tax_refund: bool = False
    priority: bool = False
    office: str = ""
    company: str = ""
    agent: str = ""  # who declared for the company; "": itself
    crew: tuple[str, ...] = ()  # cards beside `card_uid` whose holders may drive, too
    drawn: DrawRow | None = None  # the lane's own, in its records; never in a manifest


class ObligationRow(msgspec.Struct, frozen=True, kw_only=True):
    """What remains to be done after a release, and by when."""

    code: str
    due_ms: int | None = None
    to: str = ""


class LaneStarted(msgspec.Struct, frozen=True, kw_only=True, tag="lane_started"):
    """The agent came up; `interrupted` names the passage it found open."""

    version: str
    interrupted: str | None = None


class PolicyAdopted(msgspec.Struct, frozen=True, kw_only=True, tag="policy_adopted"):
    """From now on the lane judges by this pack."""

    version: str
    policy_hash: str


class PassageOpened(msgspec.Struct, frozen=True, kw_only=True, tag="passage_opened"):
    """A vehicle came."""

    passage_id: str


class PictureTaken(msgspec.Struct, frozen=True, kw_only=True, tag="picture_taken"):
    """One evidence picture. `jpeg` is None when the file was lost on the lane."""

    passage_id: str
    picture_id: str
    view: Literal["plate", "overview", "lane"]
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
    policy_hash: str = ""  # SHA-256 of the pack's canonical JSON
    place: str = ""  # where to inspect
    notify: str = ""  # the coordinator of this company
    obligations: tuple[ObligationRow, ...] = ()


class WeighedAfterwards(msgspec.Struct, frozen=True, kw_only=True, tag="weighed_afterwards"):
    """The weight of a vehicle that was judged while the scale still swung.

    `within_kg` 0: settled. More: it left before, and the weight was known to this much.
    """

    passage_id: str
    gross_kg: int
    within_kg: int
    agrees: bool  # with the interval that the verdict rests on


class PassageOverridden(msgspec.Struct, frozen=True, kw_only=True, tag="passage_overridden"):
    """The lane carried out a supervisor's decision."""

    passage_id: str
    command_id: str
    decision: DecisionName
    by: str
    reason: str
    slip: str = ""
    emergency: str = ""  # the kind of emergency that the lane was in
    local: bool = False  # ordered at the lane itself


class CommandCarriedOut(msgspec.Struct, frozen=True, kw_only=True, tag="command_carried_out"):
    """The lane carried out a command that concerns no passage."""

    command_id: str
    command: Literal["set_mode", "lower_barrier", "evacuate", "end_evacuation"]
    by: str
    reason: str
    mode: str = ""  # that was set
    emergency: str = ""  # its kind
    local: bool = False  # ordered at the lane itself


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
    left: Literal["exit", "entry", "unseen", "evacuation"]
    arrived_at_ms: int
    timeline: Timeline
    clip_id: str = ""  # SHA-256 of the clip, which stays on the lane's disk


class PassageSealed(msgspec.Struct, frozen=True, kw_only=True, tag="passage_sealed"):
    """The dossier of a passage, made when it closed: see `gate_agent.wire.dossier`.

    `dossier` is its canonical JSON, zlib-compressed; `sha256` is of that JSON. What the clocks
    did while the passage lasted is said here too, so that nobody has to open it to be warned.
    """

    passage_id: str
    format: str
    sha256: str
    dossier: bytes
    is_whole: bool = True  # False: parts were left out, or it began before dossiers were kept
    restarts: int = 0  # of the agent, in mid passage
    clock_steps: int = 0  # times that the wall clock was set in mid passage
    is_clock_set: bool = True  # False: it stood at 1970 or so


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
    | PolicyAdopted
    | PassageOpened
    | PictureTaken
    | PassageDecided
    | WeighedAfterwards
    | PassageOverridden
    | CommandCarriedOut
    | CommandRefused
    | PassageClosed
    | PassageSealed
    | FaultChanged
    | AlarmRaised
)


class RawRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record whose body is not yet decoded, so that one unknown type spoils no batch.

    `chain` is its link in the lane's chain (`gate_agent.wire.chain`); None: made by a version
    that had none.
    """

    seq: int
    at_ms: int
    body: msgspec.Raw
    chain: str | None = None


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


class AuthorityLeft(msgspec.Struct, frozen=True, kw_only=True):
    """How long a lane may still release vehicles of a credit class if it hears nothing."""

    credit_class: str  # "": of no class
    left_s: int  # 0: not without the hub


class PolicyRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """The packs that the hub names and a lane cannot take: by their digest, and why not."""

    digest: str
    why: str


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
    policy_version: str = ""  # of the pack that the lane judges by
    policy_hash: str = ""
    authority: tuple[AuthorityLeft, ...] = ()
    emergency: str = ""  # in mode `emergency` its kind, as the pack names it
    policy_refused: PolicyRefusal | None = None  # None: it judges by what the hub names
    evacuation: str = ""  # the command that ordered the one that lasts; "": none


class ManifestHead(msgspec.Struct, frozen=True, kw_only=True, tag="manifest_head"):
    """The hub's newest manifest version. Hearing it is what keeps a lane's manifest fresh."""

    version: int
    count: int
    digest: str  # see gate_agent.wire.digest
    at_ms: int
    policy_digest: str = ""  # of the packs that the hub distributes; "": none


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


class PolicyRequest(msgspec.Struct, frozen=True, kw_only=True, tag="policy_request"):
    """A lane asks for the packs: what it holds has the digest `have`, "" for nothing."""

    lane: str
    have: str


class DrawSecret(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The secret of a period of draws. On the way to a lane only; it is in no record."""

    period: str
    secret: bytes
    from_ms: int | None = None  # the ends that the hub committed to; None: a hub that says none
    until_ms: int | None = None


class PolicyPacks(msgspec.Struct, frozen=True, kw_only=True, tag="policy_packs"):
    """Every pack that is in force or will be, as canonical JSON, and the secrets they need."""

    digest: str
    packs: tuple[bytes, ...]
    secrets: tuple[DrawSecret, ...] = ()


class ClaimRequest(msgspec.Struct, frozen=True, kw_only=True, tag="claim_request"):
    """A passage asks for a declaration. Sent once and worth nothing after 300 ms."""

    lane: str
    epoch: str
    token: int
    passage_id: str
    declaration_id: str
    since_arrival_ms: int = 0  # of the vehicle, when it was asked


class ClaimAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="claim_answer"):
    """The answer to the request with this epoch and token.

    `granted`: no other passage has the declaration. `held`: `holder`, which has not ended, asked
    before. `used`: `holder` was released on it. `sightings`: where the declared plates were seen
    lately; `known_empty`: what they weigh empty.
    """

    epoch: str
    token: int
    state: Literal["granted", "held", "used"]
    holder: str = ""
    sightings: tuple[SightingRow, ...] = ()
    known_empty: KnownEmptyRow | None = None


class ClipRequest(msgspec.Struct, frozen=True, kw_only=True, tag="clip_request"):
    """The hub asks for the next bytes of a clip. Worth nothing after it expires; asked again."""

    clip_id: str
    offset: int
    expires_at_ms: int


class ClipPart(msgspec.Struct, frozen=True, kw_only=True, tag="clip_part"):
    """Some bytes of a clip, sent when every record is acknowledged and no claim is to come.

    `total_bytes` None: the lane does not have it, or no longer.
    """

    lane: str
    clip_id: str
    offset: int
    total_bytes: int | None
    content: bytes


class OverrideCommand(msgspec.Struct, frozen=True, kw_only=True, tag="override"):
    """A named supervisor's decision for one passage. Expires; carried out at most once."""

    command_id: str
    passage_id: str
    decision: DecisionName
    by: str
    reason: str
    issued_at_ms: int
    expires_at_ms: int
    slip: str = ""  # the numbered slip of an emergency


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
    mode: Literal["auto", "attended", "emergency", "closed"]
    by: str
    reason: str
    issued_at_ms: int
    expires_at_ms: int
    kind: str = ""  # of the emergency, as the pack names it


class EvacuateCommand(msgspec.Struct, frozen=True, kw_only=True, tag="evacuate"):
    """A named supervisor orders the boom up, and kept open until the evacuation is ended."""

    command_id: str
    by: str
    reason: str
    issued_at_ms: int
    expires_at_ms: int


class EndEvacuationCommand(msgspec.Struct, frozen=True, kw_only=True, tag="end_evacuation"):
    """A named supervisor ends the evacuation that one command ordered. The boom stays open."""

    command_id: str
    evacuation_id: str  # that command: an order that comes late ends no later evacuation
    by: str
    reason: str
    issued_at_ms: int
    expires_at_ms: int


LaneCommand = LowerBarrierCommand | SetModeCommand | EvacuateCommand | EndEvacuationCommand
"""An order that concerns a lane, not a passage."""
Command = OverrideCommand | LaneCommand

LaneMessage = (
    RecordBatch
    | LaneStatus
    | LaneHealth
    | ManifestRequest
    | PolicyRequest
    | ClaimRequest
    | ClipPart
)
HubMessage = (
    RecordAck
    | ManifestHead
    | ManifestPart
    | PolicyPacks
    | ClaimAnswer
    | ClipRequest
    | OverrideCommand
    | LowerBarrierCommand
    | SetModeCommand
    | EvacuateCommand
    | EndEvacuationCommand
)

_encoder = msgspec.json.Encoder()
_lane_decoder: msgspec.json.Decoder[LaneMessage] = msgspec.json.Decoder(LaneMessage)
_hub_decoder: msgspec.json.Decoder[HubMessage] = msgspec.json.Decoder(HubMessage)
_body_decoder: msgspec.json.Decoder[RecordBody] = msgspec.json.Decoder(RecordBody)

# RecursionError: nested a hundred thousand deep, perhaps in a field that would have been ignored.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class WireError(Exception):
    """A message that is not valid v1; the text names the field."""


def encode(message: LaneMessage | HubMessage | RecordBody) -> bytes:
    """The JSON bytes of a message."""
    return _encoder.encode(message)


def decode_lane_message(payload: bytes) -> LaneMessage:
    """Decode what a lane sent. Raises `WireError`."""
    try:
        return _lane_decoder.decode(payload)
    except UNREADABLE as exc:
        raise WireError(str(exc)) from exc


def decode_hub_message(payload: bytes) -> HubMessage:
    """Decode what the hub sent. Raises `WireError`."""
    try:
        return _hub_decoder.decode(payload)
    except UNREADABLE as exc:
        raise WireError(str(exc)) from exc


def decode_body(raw: bytes) -> RecordBody:
    """Decode a record's body. Raises `WireError`, also for a type this version does not know."""
    try:
        return _body_decoder.decode(raw)
    except UNREADABLE as exc:
        raise WireError(str(exc)) from exc
