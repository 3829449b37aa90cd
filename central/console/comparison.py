"""Evidence beside declaration, row by row, for a person to compare. Pure.

The lane has already judged: a row is doubtful or different because the lane gave a reason that
concerns it, so the screen and the record never tell two stories. Where the lane had nothing to
compare with, the row says so instead of looking fine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from central.store.plate_taken import plate_taken
from gate_agent.domain.containers import normalize_container
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.matching import is_among, normalize_card, normalize_plate
from gate_agent.domain.rules.card import REGISTERED, VALID_DAYS, VEHICLE
from gate_agent.wire.v1 import DeclarationRow, EvidenceFacts


class Standing(StrEnum):
    """How a row stands; the words are `console.row.<standing>`."""

    MATCH = "match"  # the lane's reading agrees with the declaration
    IN_ORDER = "in_order"  # nothing to compare, and no reason against it
    DIFFERS = "differs"
    DOUBTFUL = "doubtful"
    MISSING = "missing"  # not sensed in the lane
    NOT_DECLARED = "not_declared"  # nothing to compare with


@dataclass(frozen=True, slots=True)
class Mark:
    """One character of a plate or card, and whether it differs from the other side."""

    char: str
    differs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the comparison; `check` names it, `reasons` are those that concern it."""

    check: str
    standing: Standing
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything the page puts side by side."""

    rows: tuple[Row, ...]
    plate_seen: tuple[Mark, ...]
    plates_declared: tuple[tuple[Mark, ...], ...]
    is_contradicted: bool  # a camera of its own reading posted a plate that is none of these
    card_seen: tuple[Mark, ...]
    card_declared: tuple[Mark, ...]
    card_fields_against: frozenset[str]  # of those on a customs card: what the lane held against it
    tags_seen: tuple[tuple[Mark, ...], ...]  # in the order in which they came into view
    tag_declared: tuple[Mark, ...]
    containers_seen: tuple[tuple[Mark, ...], ...]  # in the order in which they were read
    containers_declared: tuple[tuple[Mark, ...], ...]
    difference_kg: int | None  # weighed minus declared
    difference_percent: float | None
    loose_reasons: tuple[str, ...]  # of the lane itself, in no row


_ROW_REASONS: dict[str, frozenset[str]] = {
    "plate": frozenset(
        {
            "plate_missing", "plate_doubtful", "plate_stale", "plate_card_mismatch",
            "plate_blocked", "plate_ambiguous", "identity_unproven",
        }
    ),
    "card": frozenset(
        {
            "card_missing", "card_stale", "plate_card_mismatch", "card_blocked", "card_expired",
            "card_plate_differs", "card_incomplete",
        }
    ),
    "tag": frozenset({"identity_unproven"}),
    "container": frozenset({"container_differs", "identity_unproven"}),
    "weight": frozenset(
        {
            "weight_missing", "weight_stale", "weight_differs", "weight_far_off",
            "tare_missing", "not_empty", "tare_unlike",
        }
    ),
    "documents": frozenset(
        {
            "documents_pending", "documents_rejected", "condition_missing", "condition_not_met",
            "condition_failed", "condition_stale", "fee_unpaid", "declaration_incomplete",
            "account_unknown", "account_exhausted", "account_closed", "account_offline",
            "agent_blocked", "agent_unauthorized",
        }
    ),
    "holds": frozenset(
        {
            "agency_hold", "agency_pending", "agency_stale", "risk_high", "risk_review",
            "drawn_for_inspection", "draw_unavailable",
        }
    ),
    "validity": frozenset(
        {
            "declaration_expired", "declaration_not_yet_valid", "appointment_missing",
            "appointment_early", "appointment_missed", "outside_hours", "transit_early",
            "transit_late",
        }
    ),
    "used": frozenset({"declaration_used", "claimed_elsewhere", "seen_elsewhere"}),
    "faults": frozenset({"equipment_fault", "clock_doubtful"}),
    "manifest": frozenset({"manifest_missing", "manifest_stale", "offline_authority_over"}),
}  # fmt: skip
_DIFFERS = frozenset(
    {
        "plate_card_mismatch", "weight_differs", "weight_far_off", "documents_rejected",
        "agency_hold", "declaration_expired", "declaration_not_yet_valid", "declaration_used",
        "plate_blocked", "card_blocked", "card_expired", "card_plate_differs", "not_empty",
        "condition_failed", "condition_not_met", "agent_blocked",
        "account_exhausted", "account_closed", "risk_high", "drawn_for_inspection",
        "appointment_early", "appointment_missed", "transit_early", "transit_late", "tare_unlike",
        "container_differs",
    }
)  # fmt: skip
_CARD_FIELDS = {"card_expired": (REGISTERED, VALID_DAYS), "card_plate_differs": (VEHICLE,)}
_OF_DECLARATION = frozenset({"documents", "holds", "validity", "used"})


def compare(
    evidence: EvidenceFacts, declaration: DeclarationRow | None, reasons: Sequence[str]
) -> Comparison:
    """Put what the lane sensed beside what was declared."""
    plate = evidence.plate.text if evidence.plate else ""
    card = evidence.card.uid if evidence.card else ""
    plates = declaration.plates if declaration else ()
    declared_card = card_meant(declaration, card) if declaration else ""
    nearest = nearest_plate(plate, plates)
    seen, declared_tag = _tags(evidence), declaration.tag_id if declaration else ""
    other_tag = declared_tag if seen and not is_among(declared_tag, seen) else ""
    containers_seen = evidence.containers.numbers if evidence.containers else ()
    containers = declaration.containers if declaration else ()
    in_rows = frozenset().union(*_ROW_REASONS.values())
    there = {"tag": seen or declared_tag, "container": containers_seen or containers}
    checks = (each for each in _ROW_REASONS if there.get(each, True))
    difference_kg, percent = _difference(evidence, declaration)
    return Comparison(
        rows=tuple(_row(check, evidence, declaration, reasons) for check in checks),
        plate_seen=marks(plate, nearest),
        plates_declared=tuple(
            marks(text, plate) if plate and text == nearest else marks(text, None)
            for text in plates
        ),
        is_contradicted=_is_contradicted(evidence, declaration),
        card_seen=marks(card, declared_card or None),
        card_declared=marks(declared_card, card or None),
        card_fields_against=frozenset().union(*(_CARD_FIELDS.get(each, ()) for each in reasons)),
        tags_seen=tuple(
            marks(text, other_tag if other_tag and text == seen[0] else None) for text in seen
        ),
        tag_declared=marks(declared_tag, seen[0] if other_tag else None),
        containers_seen=_beside(containers_seen, containers),
        containers_declared=_beside(containers, containers_seen),
        difference_kg=difference_kg,
        difference_percent=percent,
        loose_reasons=tuple(reason for reason in reasons if reason not in in_rows),
    )


def _row(
    check: str,
    evidence: EvidenceFacts,
    declaration: DeclarationRow | None,
    reasons: Sequence[str],
) -> Row:
    own = tuple(reason for reason in reasons if reason in _ROW_REASONS[check])
    if check == "tag" and not _may_concern_tag(evidence, declaration):
        own = ()
    if check == "container" and not _may_concern_containers(evidence, declaration):
        own = tuple(reason for reason in own if reason != "identity_unproven")
    return Row(check=check, standing=_standing(check, evidence, declaration, own), reasons=own)


def _standing(
    check: str,
    evidence: EvidenceFacts,
    declaration: DeclarationRow | None,
    own: tuple[str, ...],
) -> Standing:
    sensed = {
        "plate": evidence.plate,
        "card": evidence.card,
        "tag": evidence.tag,
        "container": evidence.containers,
        "weight": evidence.weight,
    }
    if check in sensed and sensed[check] is None:
        return Standing.MISSING
    otherwise = declaration is not None and _reads_otherwise(check, evidence, declaration, own)
    if otherwise or _DIFFERS.intersection(own):
        return Standing.DIFFERS
    if own or (check == "faults" and evidence.faults):
        return Standing.DOUBTFUL
    if declaration is None and (check in sensed or check in _OF_DECLARATION):
        return Standing.NOT_DECLARED
    silent = {"tag": "tag_id", "container": "containers"}
    if check in silent and declaration is not None and not getattr(declaration, silent[check]):
        return Standing.NOT_DECLARED
    return Standing.MATCH if check in sensed else Standing.IN_ORDER


def card_meant(declaration: DeclarationRow, seen: str) -> str:
    """The one of the crew that was presented, else the driver's."""
    wanted = normalize_card(seen)
    cards = (declaration.card_uid, *declaration.crew)
    return next((each for each in cards if normalize_card(each) == wanted), declaration.card_uid)


def _reads_otherwise(
    check: str, evidence: EvidenceFacts, declaration: DeclarationRow, own: tuple[str, ...]
) -> bool:
    """Compared here too, since a lane finds its papers by plate or card alone."""
    if check == "plate" and evidence.plate is not None:
        declared = {normalize_plate(plate) for plate in declaration.plates}
        taken = plate_taken(evidence, declaration, own) or ""
        return normalize_plate(taken) not in declared
    if check == "card" and evidence.card is not None:
        return not is_among(evidence.card.uid, (declaration.card_uid, *declaration.crew))
    if check == "tag" and declaration.tag_id:
        return not is_among(declaration.tag_id, _tags(evidence))
    if check == "container" and declaration.containers and evidence.containers:
        return not _normalized(declaration.containers).issuperset(evidence.containers.numbers)
    return False


def _is_contradicted(evidence: EvidenceFacts, declaration: DeclarationRow | None) -> bool:
    posted = evidence.camera_plate
    if posted is None:
        return False
    declared = (*declaration.plates, declaration.trailer_plate) if declaration else ()
    read = (evidence.plate.text,) if evidence.plate else ()
    known = {normalize_plate(text) for text in (*read, *declared)}
    return any(normalize_plate(text) not in known for text in (posted.text, *posted.earlier))


def _normalized(numbers: Iterable[str]) -> frozenset[str]:
    return frozenset(normalize_container(number) for number in numbers)


def _beside(texts: Sequence[str], others: Sequence[str]) -> tuple[tuple[Mark, ...], ...]:
    """Container numbers; one that is not among the others is marked against the nearest of them."""
    known = _normalized(others)
    return tuple(
        marks(text, None if normalize_container(text) in known else nearest_plate(text, others))
        for text in texts
    )


def _may_concern_containers(evidence: EvidenceFacts, declaration: DeclarationRow | None) -> bool:
    """Whether an identity without proof may be the containers' doing; all of them read prove."""
    if declaration is None or not declaration.containers:
        return False
    read = evidence.containers.numbers if evidence.containers else ()
    is_whole = _normalized(declaration.containers) == set(read)
    return not is_whole or FaultCode.CONTAINER_CAMERA.value in evidence.faults


def _tags(evidence: EvidenceFacts) -> tuple[str, ...]:
    return (evidence.tag.tag_id, *evidence.tag.others) if evidence.tag else ()


def _may_concern_tag(evidence: EvidenceFacts, declaration: DeclarationRow | None) -> bool:
    """Whether an identity without proof may be the tag's doing; its own tag alone proves."""
    if declaration is None or not declaration.tag_id:
        return False
    tags = _tags(evidence)
    is_proof = len(tags) == 1 and is_among(declaration.tag_id, tags)
    return not is_proof or FaultCode.TAG_LINK.value in evidence.faults


def _difference(
    evidence: EvidenceFacts, declaration: DeclarationRow | None
) -> tuple[int | None, float | None]:
    if evidence.weight is None or declaration is None:
        return None, None
    difference_kg = evidence.weight.gross_kg - declaration.gross_kg
    return difference_kg, 100 * difference_kg / max(1, declaration.gross_kg)


def nearest_plate(seen: str, declared: Iterable[str]) -> str | None:
    """The declared plate that is fewest edits from `seen`; None when none is declared."""
    if not seen:
        return None
    return min(declared, key=lambda plate: distance(seen, plate), default=None)


def distance(left: str, right: str) -> int:
    """Edits (insert, delete, replace) between two plates after normalization."""
    mine, theirs = normalize_plate(left), normalize_plate(right)
    shared = _shared(mine, theirs)
    mine, theirs = mine[shared:], theirs[shared:]
    shared = _shared(mine[::-1], theirs[::-1])
    return _table(mine[: len(mine) - shared], theirs[: len(theirs) - shared])[-1][-1]


def _shared(left: str, right: str) -> int:
    """How many characters both begin with."""
    for place, (mine, theirs) in enumerate(zip(left, right, strict=False)):
        if mine != theirs:
            return place
    return min(len(left), len(right))


def marks(text: str, other: str | None) -> tuple[Mark, ...]:
    """The characters of `text`, marked where they are not aligned with an equal one of `other`.

    None marks nothing: there is nothing to compare with.
    """
    if other is None:
        return tuple(Mark(char, differs=False) for char in text)
    mine = [normalize_plate(char) for char in text]
    theirs = [char for char in (normalize_plate(char) for char in other) if char]
    table = _table(mine, theirs)
    row, column = len(mine), len(theirs)
    found: list[Mark] = []
    while row:
        aligned = column > 0 and (
            table[row][column] == table[row - 1][column - 1] + (mine[row - 1] != theirs[column - 1])
        )
        if aligned:
            found.append(Mark(text[row - 1], differs=mine[row - 1] != theirs[column - 1]))
            row, column = row - 1, column - 1
        elif column > 0 and table[row][column] == table[row][column - 1] + 1:
            column -= 1
        else:
            # A separator normalizes to nothing and is never a difference.
            found.append(Mark(text[row - 1], differs=mine[row - 1] != ""))
            row -= 1
    return tuple(reversed(found))


def _table(left: Sequence[str], right: Sequence[str]) -> list[list[int]]:
    table = [list(range(len(right) + 1))]
    for row, mine in enumerate(left, 1):
        line = [row]
        for column, theirs in enumerate(right, 1):
            above = table[row - 1]
            line.append(min(above[column] + 1, line[-1] + 1, above[column - 1] + (mine != theirs)))
        table.append(line)
    return table
