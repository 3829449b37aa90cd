"""What is declared for the vehicles of a script: a function of its number and the vehicle alone."""

from __future__ import annotations

import random
from typing import Any

import msgspec

from gate_agent.wire.v1 import (
    AccountRow,
    AgencyRow,
    AppointmentRow,
    DeclarationRow,
    DocumentsName,
    TransitRow,
)
from hil_tests.virtual_port.lane_uses import LaneUse, use_of
from hil_tests.virtual_port.loop import WALL_MS
from hil_tests.virtual_port.script import Kind, Papers, Trip, Truck, papers

DAY_MS = 86_400_000
MONTH_MS = 30 * DAY_MS
MINUTE_MS = 60_000
AGENCY = "quarantine"
ANSWER_AGE_MS = 10 * DAY_MS  # an answer that is older is none
SEAL_AGE_MS = 5 * DAY_MS
A_LIST = 90  # vehicles, of which those that draw on a list draw on the same one
CLASSES = {"AA": 25, "A": 40, "B": 25, "C": 10}
BAD_CLASS = "D"
OTHER_TARE_KG = 3_000  # at least, by which a copied plate's vehicle weighs otherwise

_DOCUMENTS: dict[Kind, DocumentsName] = {Kind.PENDING: "pending", Kind.REJECTED: "rejected"}
NOTHING_OF_ITS_OWN = (Kind.UNDECLARED, Kind.REPLAYED, Kind.WRONG_WAY)


def papers_of(seed: int, truck: Truck) -> Papers:
    """What is declared of whoever comes, or of whom it imitates."""
    own = papers(seed, truck.of or truck.number)
    if truck.again is not None:
        vehicle = papers(seed, truck.again)
        own = msgspec.structs.replace(own, plate=vehicle.plate, tare_kg=vehicle.tare_kg)
    if truck.kind is Kind.CLONE_TARE:
        rng = random.Random(f"{seed}-clone-{truck.number}")
        off_kg = OTHER_TARE_KG + rng.randrange(0, 100) * 20
        own = msgspec.structs.replace(own, tare_kg=own.tare_kg + rng.choice([-1, 1]) * off_kg)
    if truck.trip is Trip.EMPTY:
        own = msgspec.structs.replace(own, gross_kg=own.tare_kg)
    return own


def row_of(seed: int, truck: Truck) -> DeclarationRow | None:
    """The declaration as it is brought in before the day; None: nothing of its own."""
    if truck.kind in NOTHING_OF_ITS_OWN:
        return None
    own = papers_of(seed, truck)
    rng = random.Random(f"{seed}-row-{truck.number}")
    (credit_class,) = rng.choices(list(CLASSES), list(CLASSES.values()))
    row = DeclarationRow(
        declaration_id=own.declaration_id,
        plates=(own.plate,),
        card_uid=own.card_uid,
        gross_kg=own.gross_kg,
        valid_from_ms=WALL_MS - MONTH_MS,
        valid_until_ms=WALL_MS - 1_000 if truck.kind is Kind.STALE else WALL_MS + MONTH_MS,
        documents=_DOCUMENTS.get(truck.kind, "released"),
        holds=("customs",) if truck.kind is Kind.HELD else (),
        credit_class=BAD_CLASS if truck.kind is Kind.MANUAL_CLASS else credit_class,
        fee_paid=truck.kind is not Kind.UNPAID,
        agencies=_agencies(truck, rng),
    )
    changes = _for_the_lane(truck, credit_class, rng) | _for_the_trip(truck, own, rng)
    return msgspec.structs.replace(row, **changes)


def held(row: DeclarationRow) -> DeclarationRow:
    """The same with an agency that wants to see the vehicle."""
    (answer,) = row.agencies
    return msgspec.structs.replace(
        row, agencies=(msgspec.structs.replace(answer, state="hold", at_ms=None),)
    )


def _agencies(truck: Truck, rng: random.Random) -> tuple[AgencyRow, ...]:
    at_ms = WALL_MS - 60 * MINUTE_MS
    agreed = AgencyRow(agency=AGENCY, state="agreed", at_ms=at_ms)
    if truck.kind is not Kind.UNAGREED:
        return (agreed,)
    found: tuple[AgencyRow, ...] = rng.choice(
        [
            (),
            (AgencyRow(agency=AGENCY, state="pending", at_ms=at_ms),),
            (AgencyRow(agency=AGENCY, state="hold", at_ms=at_ms),),
            (AgencyRow(agency=AGENCY, state="agreed", at_ms=WALL_MS - ANSWER_AGE_MS),),
            (AgencyRow(agency=AGENCY, state="agreed", at_ms=at_ms, source="border"),),
        ]
    )
    return found


def _for_the_lane(truck: Truck, credit_class: str, rng: random.Random) -> dict[str, Any]:
    """What makes it welcome in the lane it comes to, or not."""
    is_wrong = truck.kind is Kind.WRONG_LANE
    said: dict[str, Any] = {"direction": "in"}
    match use_of(truck.lane):
        case LaneUse.EXPORT:
            said["direction"] = "in" if is_wrong else "out"
        case LaneUse.GREEN if is_wrong:
            said["credit_class"] = "B"
        case LaneUse.GREEN:
            said["priority"] = credit_class != "AA"
        case LaneUse.HOURS if rng.random() < 0.5:
            said["appointment"] = AppointmentRow(
                from_ms=WALL_MS - DAY_MS, until_ms=WALL_MS + MONTH_MS
            )
        case _:
            pass
    return said


def _for_the_trip(truck: Truck, own: Papers, rng: random.Random) -> dict[str, Any]:
    match truck.trip:
        case Trip.TRANSIT:
            return {"transit": _transit(truck, rng)}
        case Trip.LISTED:
            return {"accounts": (_account(truck, rng),)}
        case Trip.EMPTY:
            return {"kind": "empty", "tare_kg": own.tare_kg}
        case Trip.TAGGED:
            return {"tag_id": own.tag_id}
        case Trip.TWO_PLATES:
            return {"plates": (own.plate, own.second_plate), "trailer_plate": f"{own.plate}挂"}
        case Trip.PLAIN:
            return {}


def _transit(truck: Truck, rng: random.Random) -> TransitRow:
    good = TransitRow(
        seal_no=f"S{truck.number}",
        from_ms=WALL_MS - DAY_MS,
        until_ms=WALL_MS + MONTH_MS,
        destination="yard 3",
        seal_checked_at_ms=WALL_MS - 30 * MINUTE_MS,
    )
    if truck.kind is not Kind.TRANSIT_LATE:
        return good
    wrong: dict[str, Any] = rng.choice(
        [
            {"until_ms": WALL_MS - rng.randrange(2, 600) * MINUTE_MS},
            {"until_ms": WALL_MS - rng.randrange(2, 600) * MINUTE_MS},
            {"seal_no": ""},
            {"seal_checked_at_ms": None},
            {"seal_checked_at_ms": WALL_MS - SEAL_AGE_MS},
        ]
    )
    return msgspec.structs.replace(good, **wrong)


def _account(truck: Truck, rng: random.Random) -> AccountRow:
    quantity = rng.randrange(1, 5)
    if truck.kind is Kind.ACCOUNT_EMPTY:
        is_over = rng.random() < 0.5
        return AccountRow(
            kind="list",
            account_id=f"X{truck.number}",
            quantity=quantity,
            granted=quantity + 1 if is_over else quantity - 1,
            closes_ms=WALL_MS - MINUTE_MS if is_over else None,
        )
    account_id = f"L{truck.number // A_LIST}"
    return AccountRow(
        kind="list",
        account_id=account_id,
        quantity=quantity,
        granted=random.Random(account_id).randrange(7, 18),
    )
