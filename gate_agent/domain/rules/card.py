"""What is written on a customs card, where the lane's reader reads it: it may only contradict.

Of the fields two things are judged: the registration's date with its validity in days, and the
vehicle's plate. What the others mean for this trip (a document, containers, seals, a weight of
some earlier day) is not certain: a person sees them beside the declaration, no rule reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gate_agent.domain.evidence import CardEvidence, Evidence
from gate_agent.domain.manifest import Declaration
from gate_agent.domain.matching import normalize_plate
from gate_agent.domain.policy_pack import PolicyPack
from gate_agent.domain.reasons import Reason

REGISTERED = "IC_REG_DATETIME"
VALID_DAYS = "IC_PER_DAY_DUE"
VEHICLE = "IC_VE_NAME"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_MOST_DAYS = 100_000
_WRITTEN = "%Y-%m-%d %H:%M:%S"  # the only form that fills the 19 bytes of the field


def card_reasons(evidence: Evidence, pack: PolicyPack, wall_ms: int) -> Iterator[Reason]:
    """A card that has expired, or that does not say what the pack demands."""
    card = evidence.card
    if card is None:
        return
    until_ms = valid_until_ms(card, pack.utc_offset_min)
    if until_ms is not None and wall_ms > until_ms:
        yield Reason.CARD_EXPIRED
    if any(not _says(card, name, until_ms) for name in pack.card_demands):
        yield Reason.CARD_INCOMPLETE


def card_plate_reasons(
    evidence: Evidence, declaration: Declaration, _pack: PolicyPack, _wall_ms: int
) -> Iterator[Reason]:
    """A card that was written for a vehicle other than the declared one, any of its plates."""
    written = normalize_plate(_field(evidence.card, VEHICLE)) if evidence.card else ""
    if written and written not in {normalize_plate(plate) for plate in declaration.plates}:
        yield Reason.CARD_PLATE_DIFFERS


def valid_until_ms(card: CardEvidence, utc_offset_min: int) -> int | None:
    """UTC epoch milliseconds of the end of the last day on which the card is valid.

    The latest of the readings that its fields allow: so many days after the day of registration,
    that day included, by the port's own time. None: it does not say, or not in a form that is
    certain; 0 days may mean "without end".
    """
    days = _field(card, VALID_DAYS)
    if not (days.isascii() and days.isdecimal() and 0 < int(days) <= _MOST_DAYS):
        return None
    try:
        registered = datetime.strptime(_field(card, REGISTERED), _WRITTEN).replace(tzinfo=UTC)
        last = registered.replace(hour=0, minute=0, second=0) + (int(days) + 1) * _DAY
    except (ValueError, OverflowError):
        return None
    return (last - _EPOCH) // timedelta(milliseconds=1) - utc_offset_min * 60_000 - 1


def _says(card: CardEvidence, name: str, until_ms: int | None) -> bool:
    """A validity that cannot be read says nothing."""
    if name in (REGISTERED, VALID_DAYS):
        return until_ms is not None
    return bool(_field(card, name))


def _field(card: CardEvidence | None, name: str) -> str:
    return dict(card.fields).get(name, "").strip() if card else ""
