"""Reads declarations from CSV and JSON: good rows, and for each bad one line, field and reason.

CSV has a header line with `declaration_id,plates,card_uid,gross_kg,valid_from,valid_until,
documents,holds` and the columns of `terms.py` in any order; from `documents` on they may be absent.
`plates`, `holds` and other lists are separated by `|`. JSON is an array of objects with the same
names, lists as arrays of strings or as in CSV. Times are ISO 8601 with an offset or `Z`. UTF-8,
with or without BOM. PURE.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from central.errors import ManifestError
from central.manifest.fields import ID_LENGTH, Bad, card, shown, text, texts, time_ms, whole
from central.manifest.report import RowProblem
from central.manifest.terms import COLUMNS, openings, terms
from gate_agent.domain.matching import normalize_plate
from gate_agent.wire.v1 import DeclarationRow, DocumentsName

REQUIRED = ("declaration_id", "plates", "card_uid", "gross_kg", "valid_from", "valid_until")
OPTIONAL = ("documents", "holds", *COLUMNS)
DOCUMENTS: dict[str, DocumentsName] = {
    "released": "released",
    "pending": "pending",
    "rejected": "rejected",
}
GROSS_KG = (500, 200_000)
PLATE_LENGTH = (4, 12)
PLATES_MOST = 6
HOLDS_MOST = 16
# What a spreadsheet makes of a long number: the digits are lost, two trips may look like one.
_SHORTENED = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)
_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRow:
    """A row that may go into the manifest, and where it stood."""

    line: int
    row: DeclarationRow
    opens: dict[str, int]  # when accounts begin that it draws on, where it says so


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile:
    """What a file holds."""

    rows: tuple[ImportedRow, ...]
    problems: tuple[RowProblem, ...]


def parse(content: bytes, file_format: Literal["csv", "json"]) -> ParsedFile:
    """Read a file. Raises `ManifestError` where no row can be read: encoding, header, syntax."""
    text = _decode(content)
    raw_rows = _csv_rows(text) if file_format == "csv" else _json_rows(text)
    rows: list[ImportedRow] = []
    problems: list[RowProblem] = []
    first_line: dict[str, int] = {}
    for line, raw in raw_rows:
        try:
            row, opens = _row(raw), openings(raw)
            _check_single(row.declaration_id, line, first_line)
        except Bad as bad:
            problems.append(RowProblem(line=line, field=bad.field, reason=bad.reason))
        else:
            rows.append(ImportedRow(line=line, row=row, opens=opens))
    return ParsedFile(rows=tuple(rows), problems=tuple(problems))


def _check_single(declaration_id: str, line: int, first_line: dict[str, int]) -> None:
    if declaration_id in first_line:
        raise Bad(
            "declaration_id",
            f"{declaration_id!r} is in line {first_line[declaration_id]} already;"
            f" line {line} is refused",
        )
    first_line[declaration_id] = line


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        message = (
            f"the file is not UTF-8: byte 0x{content[exc.start]:02x} at offset {exc.start},"
            f" line {line}"
        )
    if content.startswith(b"PK\x03\x04"):
        raise ManifestError("the file is an Excel workbook: save it as CSV UTF-8")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ManifestError(f"{message}; it reads as UTF-16: save it as UTF-8 and import it again")
    try:
        content.decode("gb18030")
    except UnicodeDecodeError:
        raise ManifestError(message) from None
    raise ManifestError(f"{message}; it reads as GB18030: save it as UTF-8 and import it again")


def _csv_rows(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = next(reader, None)
        if header is None:
            raise ManifestError("the file is empty: no header line")
        names = [name.strip() for name in header]
        _check_columns(names)
        end_line = reader.line_num
        for cells in reader:
            line, end_line = end_line + 1, reader.line_num  # a quoted cell may span lines
            if cells and any(cell.strip() for cell in cells):
                yield line, _named(names, cells, lines=end_line - line + 1)
    except csv.Error as exc:
        raise ManifestError(f"line {reader.line_num}: {exc}") from exc


def _named(names: Sequence[str], cells: Sequence[str], *, lines: int) -> dict[str, Any]:
    """Cells by column name; a wrong number of cells is kept under '' for `_row` to refuse."""
    if len(cells) != len(names):
        reason = f"{len(cells)} cells where the header has {len(names)}"
        if lines > 1:
            reason += f"; a quoted cell runs over {lines} lines: is a closing quote missing?"
        return {"": reason}
    return dict(zip(names, cells, strict=True))


def _check_columns(names: Sequence[str]) -> None:
    if len(names) == 1 and (mark := re.search(r"[;\t|]", names[0])):
        raise ManifestError(f"the columns are separated by {mark[0]!r}: separate them by commas")
    for name in REQUIRED:
        if name not in names:
            raise ManifestError(f"column {name!r} is missing; found: {', '.join(names)[:200]}")
    for name in names:
        if name not in (*REQUIRED, *OPTIONAL):
            raise ManifestError(f"column {name[:_SHOWN]!r} is not known")
        if names.count(name) > 1:
            raise ManifestError(f"column {name!r} stands twice in the header")


def _json_rows(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        elements = msgspec.json.decode(text)
    except msgspec.DecodeError as exc:
        raise ManifestError(f"not JSON: {exc}") from exc
    if not isinstance(elements, list):
        raise ManifestError("not an array of declarations")
    for line, element in enumerate(elements, start=1):
        if not isinstance(element, dict):
            yield line, {"": f"{shown(element)} is not an object"}
        else:
            yield line, element


def _row(raw: Mapping[str, Any]) -> DeclarationRow:
    if "" in raw:
        raise Bad("", str(raw[""]))
    for name in REQUIRED:
        if name not in raw:
            raise Bad(name, "missing")
    for name in raw:
        if name not in (*REQUIRED, *OPTIONAL):
            raise Bad(name[:_SHOWN], "not a known field")
    valid_from_ms = time_ms(raw, "valid_from")
    valid_until_ms = time_ms(raw, "valid_until")
    if valid_until_ms < valid_from_ms:
        raise Bad("valid_until", f"{shown(raw['valid_until'])} is before valid_from")
    documents = text(raw, "documents") if raw.get("documents") else "pending"
    if documents not in DOCUMENTS:
        raise Bad("documents", f"{shown(documents)} is not one of {', '.join(DOCUMENTS)}")
    return DeclarationRow(
        declaration_id=_declaration_id(raw),
        plates=_plates(raw),
        card_uid=card(text(raw, "card_uid"), "card_uid"),
        gross_kg=whole(raw["gross_kg"], "gross_kg", "kg", GROSS_KG),
        valid_from_ms=valid_from_ms,
        valid_until_ms=valid_until_ms,
        documents=DOCUMENTS[documents],
        holds=_holds(raw),
        **terms(raw),
    )


def _declaration_id(raw: Mapping[str, Any]) -> str:
    value = text(raw, "declaration_id")
    if not value:
        raise Bad("declaration_id", "empty")
    if len(value) > ID_LENGTH or not value.isprintable():
        raise Bad("declaration_id", f"{shown(value)} is not 1 to {ID_LENGTH} printable characters")
    if _SHORTENED.fullmatch(value):
        raise Bad(
            "declaration_id",
            f"{shown(value)} is a number that a spreadsheet has shortened: format it as text",
        )
    return value


def _plates(raw: Mapping[str, Any]) -> tuple[str, ...]:
    shortest, longest = PLATE_LENGTH
    plates: list[str] = []
    for part in texts(raw, "plates"):
        plate = normalize_plate(part)
        if not (shortest <= len(plate) <= longest and plate.isalnum()):
            raise Bad("plates", f"{shown(part)} is not {shortest} to {longest} letters and digits")
        if plate not in plates:
            plates.append(plate)
    if not plates:
        raise Bad("plates", "empty")
    if len(plates) > PLATES_MOST:
        raise Bad("plates", f"{len(plates)} plates, at most {PLATES_MOST}")
    return tuple(plates)


def _holds(raw: Mapping[str, Any]) -> tuple[str, ...]:
    holds = texts(raw, "holds")
    if len(holds) > HOLDS_MOST:
        raise Bad("holds", f"{len(holds)} holds, at most {HOLDS_MOST}")
    for hold in holds:
        if len(hold) > ID_LENGTH or not hold.isprintable():
            raise Bad("holds", f"{shown(hold)} is not 1 to {ID_LENGTH} printable characters")
    return tuple(dict.fromkeys(holds))
