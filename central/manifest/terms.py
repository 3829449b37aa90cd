"""The columns that a policy may demand: credit, transit, accounts, documents, agencies. PURE.

Lists are separated by `|`. Forms, with times in ISO 8601 and an offset:

    items     CODE=STATE@CHECKED           tax=paid|licence=matched@2026-11-21T08:00+08:00
    agencies  AGENCY=STATE@SAID<SOURCE     customs=agreed|quarantine=agreed@2026-…Z<port of Q
    accounts  KIND:ID:QUANTITY:GRANTED@CLOSES   list:JB-7:12:500@2026-11-30T00:00Z
              KIND:ID:QUANTITY:GRANTED@OPENS/CLOSES
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from central.manifest.fields import (
    Bad,
    card,
    checked_name,
    moment_ms,
    name,
    one_of,
    shown,
    text,
    texts,
    time_ms,
    whole,
    yes_or_no,
)
from gate_agent.domain.containers import is_container_number
from gate_agent.domain.matching import normalize_card, normalize_plate
from gate_agent.wire.v1 import (
    AccountRow,
    AgencyRow,
    AppointmentRow,
    DocumentRow,
    TransitRow,
)

LISTED_MOST = 16
TARE_KG = (300, 60_000)
QUANTITY = (1, 999_999_999)
_ACCOUNT = re.compile(r"(list|permit|book):([^:|]+):(\d{1,9})(?::(\d{1,9}))?(?:@(.+))?\Z")
_ITEM = re.compile(r"([^=@|]+)=([^=@|]+)(?:@(.+))?\Z")
_AGENCY = re.compile(r"([^=@<|]+)=(agreed|pending|hold)(?:@([^<]+))?(?:<([^<]+))?\Z")


def terms(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What the row says beyond the first columns, as fields of a `DeclarationRow`. Raises `Bad`."""
    return {field: found for field, read in _READERS.items() if (found := read(raw)) is not None}


def _listed(raw: Mapping[str, Any], field: str) -> list[str]:
    parts = texts(raw, field)
    if len(parts) > LISTED_MOST:
        raise Bad(field, f"{len(parts)} entries, at most {LISTED_MOST}")
    return parts


def _when(value: str | None, field: str) -> int | None:
    return None if value is None else moment_ms(value.strip(), field)


def _trailer(raw: Mapping[str, Any]) -> str:
    plate = normalize_plate(name(raw, "trailer_plate"))
    if plate and not plate.isalnum():
        raise Bad("trailer_plate", f"{shown(raw['trailer_plate'])} is not letters and digits")
    return plate


def _containers(raw: Mapping[str, Any]) -> tuple[str, ...]:
    numbers = tuple(part.replace(" ", "").upper() for part in _listed(raw, "containers"))
    for number in numbers:
        if not is_container_number(number):
            raise Bad("containers", f"{shown(number)} is no container number: check its digits")
    return numbers


def _crew(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Each card once, and not the driver's own again: two texts would be two digests."""
    cards = dict.fromkeys(card(part, "crew") for part in _listed(raw, "crew"))
    cards.pop(normalize_card(text(raw, "card_uid")), None)
    return tuple(cards)


def _tare_kg(raw: Mapping[str, Any]) -> int | None:
    value = raw.get("tare_kg")
    return None if value in (None, "") else whole(value, "tare_kg", "kg", TARE_KG)


def _transit(raw: Mapping[str, Any]) -> TransitRow | None:
    if not (raw.get("transit_from") or raw.get("transit_until")):
        for field in ("transit_seal", "transit_destination", "transit_seal_checked"):
            if raw.get(field):
                raise Bad(field, "a transit needs transit_from and transit_until")
        return None
    for field in ("transit_from", "transit_until"):
        if not raw.get(field):
            raise Bad(field, "missing: a transit needs both ends of its time")
    row = TransitRow(
        seal_no=name(raw, "transit_seal"),
        from_ms=time_ms(raw, "transit_from"),
        until_ms=time_ms(raw, "transit_until"),
        destination=name(raw, "transit_destination"),
        seal_checked_at_ms=time_ms(raw, "transit_seal_checked")
        if raw.get("transit_seal_checked")
        else None,
    )
    if row.until_ms < row.from_ms:
        raise Bad("transit_until", f"{shown(raw['transit_until'])} is before transit_from")
    return row


def _appointment(raw: Mapping[str, Any]) -> AppointmentRow | None:
    if not (raw.get("appointment_from") or raw.get("appointment_until")):
        return None
    for field in ("appointment_from", "appointment_until"):
        if not raw.get(field):
            raise Bad(field, "missing: an appointment needs both ends")
    from_ms, until_ms = time_ms(raw, "appointment_from"), time_ms(raw, "appointment_until")
    if until_ms < from_ms:
        raise Bad("appointment_until", "is before appointment_from")
    return AppointmentRow(from_ms=from_ms, until_ms=until_ms)


def _accounts(raw: Mapping[str, Any]) -> tuple[AccountRow, ...]:
    rows = []
    for part in _listed(raw, "accounts"):
        found = _ACCOUNT.match(part)
        if found is None:
            raise Bad("accounts", f"{shown(part)} is not KIND:ID:QUANTITY:GRANTED@CLOSES")
        kind, account_id, quantity, granted, period = found.groups()
        closes = None if period is None else period.rpartition("/")[2]
        rows.append(
            AccountRow(
                kind=cast("Any", kind),  # the pattern names them
                account_id=checked_name(account_id.strip(), "accounts"),
                quantity=whole(quantity, "accounts", "units", QUANTITY),
                granted=None if granted is None else int(granted),
                closes_ms=_when(closes, "accounts"),
            )
        )
    if len({row.account_id for row in rows}) < len(rows):
        raise Bad("accounts", "one account stands twice")
    return tuple(rows)


def openings(raw: Mapping[str, Any]) -> dict[str, int]:
    """When accounts of the row begin, by their ids, where it says so. Raises `Bad`."""
    found: dict[str, int] = {}
    for part in _listed(raw, "accounts"):
        opens, slash, closes = part.partition("@")[2].partition("/")
        if slash:
            opens_ms = moment_ms(opens.strip(), "accounts")
            if moment_ms(closes.strip(), "accounts") <= opens_ms:
                raise Bad("accounts", f"{shown(part)} closes before it opens")
            found[part.split(":")[1].strip()] = opens_ms
    return found


def _items(raw: Mapping[str, Any]) -> tuple[DocumentRow, ...]:
    rows = []
    for part in _listed(raw, "items"):
        found = _ITEM.match(part)
        if found is None:
            raise Bad("items", f"{shown(part)} is not CODE=STATE@TIME")
        code, state, checked = found.groups()
        rows.append(
            DocumentRow(
                code=checked_name(code.strip(), "items"),
                state=checked_name(state.strip(), "items"),
                checked_at_ms=_when(checked, "items"),
            )
        )
    return tuple(rows)


def _agencies(raw: Mapping[str, Any]) -> tuple[AgencyRow, ...]:
    rows = []
    for part in _listed(raw, "agencies"):
        found = _AGENCY.match(part)
        if found is None:
            raise Bad("agencies", f"{shown(part)} is not AGENCY=agreed, pending or hold@TIME")
        agency, state, said, source = found.groups()
        rows.append(
            AgencyRow(
                agency=checked_name(agency.strip(), "agencies"),
                state=cast("Any", state),
                at_ms=_when(said, "agencies"),
                source=checked_name((source or "").strip(), "agencies"),
            )
        )
    if len({row.agency for row in rows}) < len(rows):
        raise Bad("agencies", "one agency stands twice")
    return tuple(rows)


_READERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "credit_class": lambda raw: name(raw, "credit_class"),
    "direction": lambda raw: one_of(raw, "direction", ("in", "out")),
    "kind": lambda raw: one_of(raw, "kind", ("loaded", "empty_container", "empty")),
    "cargo": lambda raw: name(raw, "cargo"),
    "trailer_plate": _trailer,
    "containers": _containers,
    "tag_id": lambda raw: text(raw, "tag_id").upper() if raw.get("tag_id") else "",
    "tare_kg": _tare_kg,
    "transit": _transit,
    "accounts": _accounts,
    "items": _items,
    "agencies": _agencies,
    "risk": lambda raw: one_of(raw, "risk", ("low", "high", "unknown")),
    "appointment": _appointment,
    "fee_paid": lambda raw: yes_or_no(raw, "fee_paid"),
    "tax_refund": lambda raw: yes_or_no(raw, "tax_refund"),
    "priority": lambda raw: yes_or_no(raw, "priority"),
    "office": lambda raw: name(raw, "office"),
    "company": lambda raw: name(raw, "company"),
    "agent": lambda raw: name(raw, "agent"),
    "crew": _crew,
}
COLUMNS = (
    *(field for field in _READERS if field not in ("transit", "appointment")),
    "transit_seal",
    "transit_from",
    "transit_until",
    "transit_destination",
    "transit_seal_checked",
    "appointment_from",
    "appointment_until",
)
