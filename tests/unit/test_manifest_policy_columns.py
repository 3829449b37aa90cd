"""The columns that a policy may demand: taken as they are meant, refused by field and reason."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from central.manifest.importer import parse
from central.manifest.terms import COLUMNS
from gate_agent.wire import digest
from gate_agent.wire.convert import declaration_of, declaration_row
from gate_agent.wire.v1 import (
    AccountRow,
    AgencyRow,
    AppointmentRow,
    DeclarationRow,
    DocumentRow,
    TransitRow,
)

BASE = {
    "declaration_id": "D1",
    "plates": "粤B12345",
    "card_uid": "04A1B2C3",
    "gross_kg": "32000",
    "valid_from": "2026-11-21T00:00Z",
    "valid_until": "2026-11-22T00:00Z",
    "documents": "released",
}
SAID = {
    "credit_class": "AA",
    "direction": "out",
    "kind": "loaded",
    "cargo": "toys",
    "trailer_plate": "粤B·5678挂",
    "containers": "CSQU3054383|HLXU 4074106",
    "tag_id": "e2801160",
    "tare_kg": "15600",
    "transit_seal": "S1",
    "transit_from": "2026-11-21T01:00Z",
    "transit_until": "2026-11-21T05:00Z",
    "transit_destination": "5301",
    "transit_seal_checked": "2026-11-21T00:30Z",
    "accounts": "list:JB-7:12:500@2026-11-30T00:00Z|permit:P 9:1",
    "items": "tax=paid|licence=matched@2026-11-21T00:00Z",
    "agencies": "customs=agreed|quarantine=hold@2026-11-21T00:00Z<port of Q",
    "risk": "unknown",
    "appointment_from": "2026-11-21T02:00Z",
    "appointment_until": "2026-11-21T03:00Z",
    "fee_paid": "yes",
    "tax_refund": "no",
    "priority": "yes",
    "office": "5316",
    "company": "Alpha",
    "agent": "Ocean Broker",
    "crew": "04:a1:b2:c9|04A1B2C3|44030119800101123x|04A1B2C9",  # the second is the driver's
}
DAY_MS = 1_795_219_200_000  # 2026-11-21T00:00Z
HOUR_MS = 3_600_000
FIRST_DIGEST = "bbdc03be9932805347a1d9a135c4621d260d9a3d9c1a735d30664d43c128285f"


def csv_of(row: dict[str, str]) -> bytes:
    return (",".join(row) + "\n" + ",".join(row.values()) + "\n").encode()


def the_row(row: dict[str, str]) -> DeclarationRow:
    parsed = parse(csv_of(row), "csv")
    assert parsed.problems == ()
    return parsed.rows[0].row


def test_every_column_is_tried_here() -> None:
    assert set(SAID) == set(COLUMNS)


def test_every_column_is_taken_as_it_is_meant() -> None:
    assert the_row(BASE | SAID) == DeclarationRow(
        declaration_id="D1",
        plates=("粤B12345",),
        card_uid="04A1B2C3",
        gross_kg=32_000,
        valid_from_ms=DAY_MS,
        valid_until_ms=DAY_MS + 24 * HOUR_MS,
        credit_class="AA",
        direction="out",
        kind="loaded",
        cargo="toys",
        trailer_plate="粤B5678挂",
        containers=("CSQU3054383", "HLXU4074106"),
        tag_id="E2801160",
        tare_kg=15_600,
        transit=TransitRow(
            seal_no="S1",
            from_ms=DAY_MS + HOUR_MS,
            until_ms=DAY_MS + 5 * HOUR_MS,
            destination="5301",
            seal_checked_at_ms=DAY_MS + HOUR_MS // 2,
        ),
        accounts=(
            AccountRow(
                kind="list",
                account_id="JB-7",
                quantity=12,
                granted=500,
                closes_ms=DAY_MS + 9 * 24 * HOUR_MS,
            ),
            AccountRow(kind="permit", account_id="P 9", quantity=1),
        ),
        items=(
            DocumentRow(code="tax", state="paid"),
            DocumentRow(code="licence", state="matched", checked_at_ms=DAY_MS),
        ),
        agencies=(
            AgencyRow(agency="customs", state="agreed"),
            AgencyRow(agency="quarantine", state="hold", at_ms=DAY_MS, source="port of Q"),
        ),
        risk="unknown",
        appointment=AppointmentRow(from_ms=DAY_MS + 2 * HOUR_MS, until_ms=DAY_MS + 3 * HOUR_MS),
        fee_paid=True,
        tax_refund=False,
        priority=True,
        office="5316",
        company="Alpha",
        agent="Ocean Broker",
        crew=("04A1B2C9", "44030119800101123X"),
    )


def test_a_file_without_these_columns_says_what_it_always_said() -> None:
    empty = BASE | dict.fromkeys(SAID, "")
    assert the_row(empty) == the_row(BASE)
    assert b"credit_class" not in msgspec.json.encode(the_row(BASE))


def test_row_49_json_says_the_same_as_csv() -> None:
    row: dict[str, Any] = BASE | SAID
    row |= {"containers": SAID["containers"].split("|"), "fee_paid": True, "tare_kg": 15_600}
    parsed = parse(json.dumps([row]).encode(), "json")
    assert parsed.problems == ()
    assert parsed.rows[0].row == the_row(BASE | SAID)


@pytest.mark.parametrize(
    ("changed", "field", "reason"),
    [
        ({"crew": "04A1B2C9|04A1"}, "crew", "'04A1' is not 4 to 10 bytes"),
        ({"direction": "up"}, "direction", "not one of in, out"),
        ({"kind": "full"}, "kind", "not one of loaded"),
        ({"containers": "CSQU3054384"}, "containers", "no container number"),
        ({"tare_kg": "12"}, "tare_kg", "12 is not in 300..60000 kg"),
        ({"tare_kg": "heavy"}, "tare_kg", "not a whole number of kg"),
        ({"transit_until": ""}, "transit_until", "needs both ends"),
        ({"transit_from": "", "transit_until": ""}, "transit_seal", "needs transit_from"),
        ({"transit_until": "2026-11-20T00:00Z"}, "transit_until", "before transit_from"),
        ({"accounts": "list:JB-7:0"}, "accounts", "0 is not in 1..999999999"),
        ({"accounts": "loan:JB-7:1"}, "accounts", "KIND:ID:QUANTITY"),
        ({"accounts": "list:J:1|permit:J:1"}, "accounts", "stands twice"),
        ({"items": "tax"}, "items", "CODE=STATE"),
        ({"items": "tax=paid@yesterday"}, "items", "not an ISO 8601 time"),
        ({"agencies": "customs=maybe"}, "agencies", "agreed, pending or hold"),
        ({"agencies": "customs=agreed|customs=pending"}, "agencies", "stands twice"),
        ({"risk": "some"}, "risk", "not one of low, high, unknown"),
        ({"appointment_until": ""}, "appointment_until", "both ends"),
        ({"fee_paid": "perhaps"}, "fee_paid", "not yes or no"),
        ({"trailer_plate": "粤B/1"}, "trailer_plate", "letters and digits"),
    ],
)
def test_row_9_a_bad_value_is_returned_by_line_field_and_reason_before_a_truck_comes(
    changed: dict[str, str], field: str, reason: str
) -> None:
    (problem,) = parse(csv_of(BASE | SAID | changed), "csv").problems
    assert (problem.line, problem.field) == (2, field)
    assert reason in problem.reason


def test_the_whole_row_comes_through_the_core_and_back() -> None:
    row = the_row(BASE | SAID)
    again = declaration_row(declaration_of(row))
    forgotten = tuple(msgspec.structs.replace(each, granted=None) for each in row.accounts)
    assert again == msgspec.structs.replace(row, accounts=forgotten)


def test_a_change_in_any_of_these_columns_changes_the_digest() -> None:
    """Else a lane would go on with an old agreement, believing that it holds the newest rows."""
    whole = BASE | SAID
    digests = {digest.row_digest(the_row(whole)), digest.row_digest(the_row(BASE))}
    for column in ("credit_class", "items", "agencies", "risk", "fee_paid", "accounts", "cargo"):
        digests.add(digest.row_digest(the_row(whole | {column: ""})))
    assert len(digests) == 9


def test_a_row_that_says_none_of_them_keeps_the_digest_of_the_first_version() -> None:
    """Lanes of both ages agree on it."""
    assert digest.row_digest(the_row(BASE)) == FIRST_DIGEST
