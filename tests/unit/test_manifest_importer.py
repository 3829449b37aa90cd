"""What a person who imports declarations is told about each row."""

import json

import pytest

from central.errors import ManifestError
from central.manifest.importer import ParsedFile, parse

HEADER = "declaration_id,plates,card_uid,gross_kg,valid_from,valid_until,documents,holds"
GOOD = "d1,粤B·12345|FV1234,04a1b2c3,32000,2026-11-21T08:00:00+08:00,2026-11-22T00:00:00Z,released,"


def csv_of(*lines: str) -> ParsedFile:
    return parse("\n".join((HEADER, *lines)).encode(), "csv")


def the_problem(line: str) -> tuple[int, str, str]:
    parsed = csv_of(GOOD, line)
    assert [imported.row.declaration_id for imported in parsed.rows] == ["d1"], "good rows are kept"
    (problem,) = parsed.problems
    return problem.line, problem.field, problem.reason


def with_field(name: str, value: str) -> str:
    cells = GOOD.replace("d1", "d2").split(",")
    cells[HEADER.split(",").index(name)] = value
    return ",".join(cells)


def test_a_good_row_is_taken_with_normalized_plates_card_and_utc_times() -> None:
    (imported,) = csv_of(GOOD).rows
    row = imported.row
    assert imported.line == 2
    assert row.plates == ("粤B12345", "FV1234")
    assert row.card_uid == "04A1B2C3"
    assert row.gross_kg == 32_000
    assert row.valid_until_ms - row.valid_from_ms == 24 * 3_600_000
    assert row.documents == "released"
    assert row.holds == ()
    assert row.used_by is None


@pytest.mark.parametrize(
    ("card", "kept"),
    [
        ("SBM0002035", "SBM0002035"),  # of a customs card
        ("11010519491231002x", "11010519491231002X"),  # of an identity card: one of eleven
        ("440524198000000059", "440524198000000059"),
        ("KAKOU-2026-0001", "KAKOU20260001"),  # of a code on paper, as lanes compare it
    ],
)
def test_a_card_whose_number_is_text_can_be_declared(card: str, kept: str) -> None:
    (imported,) = csv_of(with_field("card_uid", card)).rows
    assert imported.row.card_uid == kept


@pytest.mark.parametrize("silence", ["", "absent", "null"])
def test_papers_of_which_nothing_is_said_are_pending(silence: str) -> None:
    element = {
        "declaration_id": "d1",
        "plates": ["粤B12345"],
        "card_uid": "04a1b2c3",
        "gross_kg": 32000,
        "valid_from": "2026-11-21T08:00:00+08:00",
        "valid_until": "2026-11-22T00:00:00Z",
    }
    if silence != "absent":
        element["documents"] = "" if silence == "" else None
    (imported,) = parse(json.dumps([element]).encode(), "json").rows
    assert imported.row.documents == "pending"


def test_holds_and_documents_come_through() -> None:
    line = GOOD[: -len("released,")] + "pending,CUSTOMS|QUARANTINE"
    (imported,) = csv_of(line).rows
    assert imported.row.documents == "pending"
    assert imported.row.holds == ("CUSTOMS", "QUARANTINE")


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    content = b"\xef\xbb\xbf" + f"{HEADER}\r\n{GOOD}\r\n\r\n".encode()
    parsed = parse(content, "csv")
    assert len(parsed.rows) == 1
    assert parsed.problems == ()


def test_columns_may_stand_in_any_order_and_the_last_two_may_be_absent() -> None:
    content = (
        "gross_kg,declaration_id,plates,card_uid,valid_until,valid_from\n"
        "18000,d9,AB1234,04A1B2C3,2026-11-22T00:00:00Z,2026-11-21T00:00:00Z\n"
    )
    (imported,) = parse(content.encode(), "csv").rows
    assert imported.row.gross_kg == 18_000


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("declaration_id", "", "empty"),
        ("declaration_id", "x" * 65, "1 to 64 printable"),
        ("declaration_id", "1.23457E+12", "a number that a spreadsheet has shortened"),
        ("plates", "", "empty"),
        ("plates", "AB1234|" + "9" * 30, "4 to 12 letters and digits"),
        ("plates", "粤B?2345", "'粤B?2345'"),
        ("card_uid", "zz", "'zz' is not 4 to 10 bytes in hex"),
        ("card_uid", "04A1B2C3D", "hex"),
        ("card_uid", "4.40524E+17", "nor a number of letters and digits"),
        ("gross_kg", "heavy", "'heavy' is not a whole number of kg"),
        ("gross_kg", "499", "499 is not in 500..200000 kg"),
        ("gross_kg", "200001", "200001 is not in"),
        ("gross_kg", "3e4", "'3e4'"),
        ("valid_from", "yesterday", "'yesterday' is not an ISO 8601 time"),
        ("valid_from", "2026-11-21T08:00:00", "has no offset"),
        ("valid_until", "2020-01-01T00:00:00Z", "is before valid_from"),
        ("documents", "maybe", "'maybe' is not one of"),
    ],
)
def test_a_bad_field_is_named_with_line_and_value(field: str, value: str, told: str) -> None:
    line, named, reason = the_problem(with_field(field, value))
    assert (line, named) == (3, field)
    assert told in reason


def test_a_doubled_declaration_names_both_lines_and_keeps_the_first() -> None:
    parsed = csv_of(GOOD, with_field("gross_kg", "20000").replace("d2", "d1"))
    assert [imported.row.gross_kg for imported in parsed.rows] == [32_000]
    (problem,) = parsed.problems
    assert problem.line == 3
    assert "line 2" in problem.reason
    assert "line 3" in problem.reason


def test_a_row_with_too_few_cells_is_refused_alone() -> None:
    line, field, reason = the_problem("d2,AB1234")
    assert (line, field) == (3, "")
    assert "2 cells where the header has 8" in reason


def test_a_forgotten_closing_quote_is_suspected_aloud() -> None:
    parsed = csv_of(GOOD, 'd2,"AB1234,04A1B2C3', "d3,x", "d4,x")
    (problem,) = parsed.problems
    assert problem.line == 3
    assert "closing quote" in problem.reason


def test_line_numbers_survive_a_quoted_cell_that_spans_lines() -> None:
    parsed = csv_of(GOOD.replace("04a1b2c3", '"04a1\n"'), with_field("gross_kg", "1"))
    assert [problem.line for problem in parsed.problems] == [2, 4]


def test_a_missing_column_stops_the_import_by_name() -> None:
    with pytest.raises(ManifestError, match="column 'card_uid' is missing"):
        parse(b"declaration_id,plates,gross_kg,valid_from,valid_until\n", "csv")


def test_an_unknown_or_doubled_column_stops_the_import_by_name() -> None:
    with pytest.raises(ManifestError, match="column 'colour' is not known"):
        parse((HEADER + ",colour\n").encode(), "csv")
    with pytest.raises(ManifestError, match="'plates' stands twice"):
        parse((HEADER + ",plates\n").encode(), "csv")


def test_an_empty_file_is_told() -> None:
    with pytest.raises(ManifestError, match="empty"):
        parse(b"", "csv")


def test_a_file_that_is_not_utf8_names_byte_and_line_and_the_likely_encoding() -> None:
    content = f"{HEADER}\n{GOOD}\n".encode("gb18030")
    with pytest.raises(ManifestError) as caught:
        parse(content, "csv")
    told = str(caught.value)
    assert f"offset {len(HEADER) + 1 + len('d1,')}, line 2" in told
    assert "GB18030" in told


@pytest.mark.parametrize("separator", [";", "\t"])
def test_columns_that_are_not_separated_by_commas_are_told(separator: str) -> None:
    with pytest.raises(ManifestError, match="separate them by commas"):
        parse(f"{HEADER}\n{GOOD}\n".replace(",", separator).encode(), "csv")


def test_what_a_spreadsheet_saves_instead_of_csv_is_called_by_its_name() -> None:
    with pytest.raises(ManifestError, match="UTF-16"):
        parse(f"{HEADER}\n{GOOD}\n".encode("utf-16"), "csv")
    with pytest.raises(ManifestError, match="Excel workbook"):
        parse(b"PK\x03\x04\x14\x00\x06\x00\xff\xfe", "csv")


def test_bytes_that_are_no_text_at_all_are_not_called_gb18030() -> None:
    with pytest.raises(ManifestError) as caught:
        parse(b"\xff\xff\xff\xff", "csv")
    assert "offset 0, line 1" in str(caught.value)
    assert "GB18030" not in str(caught.value)


def test_json_gives_the_same_rows_as_csv() -> None:
    element = {
        "declaration_id": "d1",
        "plates": ["粤B·12345", "FV1234"],
        "card_uid": "04a1b2c3",
        "gross_kg": 32000,
        "valid_from": "2026-11-21T08:00:00+08:00",
        "valid_until": "2026-11-22T00:00:00Z",
        "documents": "released",
    }
    parsed = parse(json.dumps([element]).encode(), "json")
    assert [one.row for one in parsed.rows] == [one.row for one in csv_of(GOOD).rows]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"gross_kg": 32000.5}, "gross_kg"),
        ({"gross_kg": True}, "gross_kg"),
        ({"gross_kg": None}, "gross_kg"),
        ({"plates": [1]}, "plates"),
        ({"plates": {"a": 1}}, "plates"),
        ({"card_uid": 4}, "card_uid"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_json_element_is_named_by_number_and_field(
    change: dict[str, object], field: str
) -> None:
    element: dict[str, object] = {
        "declaration_id": "d1",
        "plates": ["AB1234"],
        "card_uid": "04a1b2c3",
        "gross_kg": 32000,
        "valid_from": "2026-11-21T08:00:00+08:00",
        "valid_until": "2026-11-22T00:00:00Z",
    }
    good = element | {"declaration_id": "d0"}
    parsed = parse(json.dumps([good, element | change]).encode(), "json")
    assert [one.row.declaration_id for one in parsed.rows] == ["d0"]
    assert [(problem.line, problem.field) for problem in parsed.problems] == [(2, field)]


def test_json_that_is_no_array_of_objects_is_told() -> None:
    with pytest.raises(ManifestError, match="not JSON"):
        parse(b"[{]", "json")
    with pytest.raises(ManifestError, match="not an array"):
        parse(b"{}", "json")
    (problem,) = parse(b"[3]", "json").problems
    assert problem.reason == "3 is not an object"
