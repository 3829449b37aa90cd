"""The papers of the bench's trucks: what they show, and what the port's file declares of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from devices.card_reader.codecs.resident_id import is_resident_number
from devices.sim.faults.turns import EARLIER_CARD, EARLIER_PERSON
from gate_agent.domain.containers import check_digit
from hil_tests.lane_bench.scenario import Card, Papers
from hil_tests.rig import Papers as TruckPapers

if TYPE_CHECKING:
    from hil_tests.lane_bench.bench_file import BenchFile
    from hil_tests.lane_bench.scenario import Scenario

OTHER_PLATE = "粤Z99999"
TAGS = 0xE280_1160_6000_0000_0000_0000  # the first of this port's tags
CHECKS = "0123456789X"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def papers_of(number: int, bench: BenchFile, scenario: Scenario | None = None) -> TruckPapers:
    """The papers of the truck of scenario `number`, from 0."""
    truck, box = bench.truck, bench.relay_box
    if truck is not None:
        return TruckPapers(
            plate=truck.plate,
            card_uid=truck.card_uid,
            gross_kg=truck.gross_kg,
            container=_container(number, bench),
        )
    first, second = LETTERS[number % 24], LETTERS[number // 24 % 24]
    digits = 1_234 + 7 * number
    load_kg = box.load_kg if box is not None else None
    return TruckPapers(
        plate=f"粤{first}{second}{digits % 10_000:04d}",
        card_uid=_card(number, scenario.of if scenario is not None else ""),
        gross_kg=load_kg or 14_000 + 20 * (number % 500),
        tag_id=f"{TAGS + number:024X}",
        container=_container(number, bench),
    )


def _container(number: int, bench: BenchFile) -> str:
    """What a simulated camera reads and the port has declared; "" where a real one looks.

    What that reads on the vehicle at hand nobody told us: with nothing declared it says nothing.
    """
    if "container_camera" not in bench.simulated:
        return ""
    text = f"KAKU{number:06d}"
    return f"{text}{check_digit(text)}"


def _card(number: int, of: str) -> str:
    """The number of a card as the reader that the scenario is of reads them."""
    match of:
        case "card_reader resident-id":
            return resident_number(number)
        case "card_reader qr-line":
            return f"KAKOU-2026-{number:04d}"
        case _:
            return f"{0x51A40000 + number:08X}"


def resident_number(number: int) -> str:
    """The identity number of the driver of scenario `number`, with its check digit."""
    digits = f"4405241980{number % 10_000_000:07d}"
    return next(whole for check in CHECKS if is_resident_number(whole := digits + check))


def declaration_rows(scenario: Scenario, papers: TruckPapers, number: int) -> list[str]:
    """What the port's own file says of this trip; empty where it is not declared."""
    if scenario.papers is Papers.UNDECLARED:
        return []
    now = datetime.now(UTC)
    since_h, until_h = {
        Papers.EXPIRED: (-9.0, -1.0),
        Papers.NOT_YET_VALID: (3.0, 9.0),
    }.get(scenario.papers, (-1.0, 12.0))
    documents = {Papers.PENDING: "pending", Papers.REJECTED: "rejected"}
    holds = "customs" if scenario.papers is Papers.AGENCY_HOLD else ""
    card = papers.card_uid
    rows = []
    if scenario.card is Card.OTHER:  # what the driver shows belongs to another declared vehicle
        card = f"{int(card, 16) ^ 0x01000000:08X}"
        rows.append(_row(f"H{number}-b", OTHER_PLATE, papers.card_uid, papers.gross_kg, now))
    rows.append(
        _row(
            f"H{number}",
            papers.plate,
            card,
            papers.gross_kg,
            now,
            since_h,
            until_h,
            documents.get(scenario.papers, "released"),
            holds,
            papers.tag_id,
            papers.container,
        )
    )
    return rows


def drivers_before(number: int) -> list[str]:
    """The declarations of the drivers whose card is read too early or too late."""
    now = datetime.now(UTC)
    earlier = (("earlier", "粤Y88888", EARLIER_CARD), ("person", "粤Y99999", EARLIER_PERSON))
    return [_row(f"H{number}-{name}", plate, card, 21_000, now) for name, plate, card in earlier]


def _row(
    name: str,
    plate: str,
    card_uid: str,
    gross_kg: int,
    now: datetime,
    since_h: float = -1.0,
    until_h: float = 12.0,
    documents: str = "released",
    holds: str = "",
    tag_id: str = "",
    container: str = "",
) -> str:
    since = (now + timedelta(hours=since_h)).isoformat(timespec="seconds")
    until = (now + timedelta(hours=until_h)).isoformat(timespec="seconds")
    told = (name, plate, card_uid, gross_kg, since, until, documents, holds, tag_id, container)
    return ",".join(map(str, told))
