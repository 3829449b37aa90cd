"""Everything a lane can ask for. Imperative; carried out only after the step was committed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gate_agent.domain.manifest import Declaration
from gate_agent.domain.reasons import Reason
from gate_agent.domain.records import RecordBody
from gate_agent.domain.vocabulary import CommandId, DeclarationId, PassageId


class Lamp(StrEnum):
    """The lamps of the lane. All off means stop."""

    EXIT_RED = "exit_red"
    EXIT_GREEN = "exit_green"
    ENTRY_GREEN = "entry_green"
    SOUNDER = "sounder"
    STROBE = "strobe"


class Sign(StrEnum):
    """The text on the lane's sign; each has its words in the catalogue under `sign.`."""

    OUT_OF_SERVICE = "out_of_service"
    WELCOME = "welcome"
    PULL_FORWARD = "pull_forward"
    PRESENT_CARD = "present_card"
    WEIGHING = "weighing"
    PROCEED = "proceed"
    BOOM_CLOSING = "boom_closing"
    WAIT_FOR_OFFICER = "wait_for_officer"
    GO_TO_INSPECTION = "go_to_inspection"
    TURN_BACK = "turn_back"
    EVACUATION = "evacuation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Put a fact or verdict into the outbox, in the same transaction as this step."""

    body: RecordBody


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkUsed:
    """Use a declaration up on this lane, in the same transaction as this step."""

    declaration_id: DeclarationId
    passage_id: PassageId
    draws_on: tuple[tuple[str, int], ...] = ()  # accounts and quantities it takes with it


def mark_used(declaration: Declaration, passage_id: PassageId) -> MarkUsed:
    """The effect by which a passage uses a declaration up, with all that it draws on."""
    return MarkUsed(
        declaration_id=declaration.declaration_id,
        passage_id=passage_id,
        draws_on=tuple((each.account_id, each.quantity) for each in declaration.accounts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPlate:
    """Read the plate of the vehicle in view; answered by `PlateRead`.

    What is read is held against the declared plates that it could be taken for, and against those
    of the papers that name `card_uid`; None: no card yet.
    """

    passage_id: PassageId
    attempt: int
    card_uid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepClip:
    """The vehicle leaves: write its clip; answered by `ClipKept`, or not where nothing films."""

    passage_id: PassageId


@dataclass(frozen=True, slots=True, kw_only=True)
class FindDeclarations:
    """Look up what was declared for a plate or a card; answered by `DeclarationsFound`."""

    token: int
    plate: str | None
    card_uid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimDeclaration:
    """Ask the hub to keep a declaration for one passage; answered by `ClaimAnswered`, or not."""

    token: int
    declaration_id: DeclarationId
    passage_id: PassageId
    since_arrival_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmDeadline:
    """Send `DeadlineExpired(token)` after this time."""

    token: int
    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLamp:
    """Switch a lamp or the sounder."""

    lamp: Lamp
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """Show a text on the sign, and what the driver is to do about `reason` where there is one.

    `emergency`: the kind that the lane is in.
    """

    sign: Sign
    reason: Reason | None = None
    emergency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseBarrier:
    """Raise the boom for one passage. Worthless `valid_for_s` after this step."""

    passage_id: PassageId
    command_id: CommandId
    valid_for_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseForEvacuation:
    """Raise the boom for everybody, by the order in `command_id`. Else as `RaiseBarrier`."""

    command_id: CommandId
    valid_for_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerBarrier:
    """Lower the boom; the driver's and the barrier's own interlocks may still refuse."""

    command_id: CommandId


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """The event made no sense in this phase and changed nothing: visible, not fatal."""

    why: str


Effect = (
    Record
    | MarkUsed
    | RequestPlate
    | KeepClip
    | FindDeclarations
    | ClaimDeclaration
    | ArmDeadline
    | SetLamp
    | Show
    | RaiseBarrier
    | RaiseForEvacuation
    | LowerBarrier
    | Ignored
)
