"""Where the characters of each kind of plate stand, in millimeters.

Mainland plates after the public geometry of GA36: one row 440 x 140, characters 45 x 90, gap 12, a
dot of 10 between the second and the third; new energy 480 x 140, 43 wide, gap 9; two rows 440 x
220, 80 x 60 above 65 x 110. Hong Kong and Macau plates are 520 x 110 in one row and near 285 x 200
in two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from models.lpr.plates import PROVINCES, PlateClass
from models.synth.glyph_book import GlyphStyle


class PlateKind(StrEnum):
    """Kinds of plates that look different; several may share a class."""

    BLUE = "blue"
    YELLOW_ONE_ROW = "yellow_one_row"
    YELLOW_TWO_ROWS = "yellow_two_rows"
    TRAILER = "trailer"
    TRAILER_ONE_ROW = "trailer_one_row"
    GREEN_SMALL = "green_small"
    GREEN_LARGE = "green_large"
    CROSS_BORDER = "cross_border"
    POLICE = "police"
    ARMED_POLICE = "armed_police"
    ARMED_POLICE_TWO_ROWS = "armed_police_two_rows"
    EMERGENCY = "emergency"
    DRIVING_SCHOOL = "driving_school"
    TRIAL = "trial"
    EMBASSY = "embassy"
    CONSULATE = "consulate"
    HONG_KONG = "hong_kong"
    HONG_KONG_TWO_ROWS = "hong_kong_two_rows"
    MACAU = "macau"
    MACAU_TWO_ROWS = "macau_two_rows"
    FOREIGN = "foreign"
    FOREIGN_TWO_ROWS = "foreign_two_rows"


CLASS_OF: Final[dict[PlateKind, PlateClass]] = {
    PlateKind.BLUE: PlateClass.BLUE,
    PlateKind.YELLOW_ONE_ROW: PlateClass.YELLOW,
    PlateKind.YELLOW_TWO_ROWS: PlateClass.YELLOW,
    PlateKind.TRAILER: PlateClass.YELLOW,
    PlateKind.TRAILER_ONE_ROW: PlateClass.YELLOW,
    PlateKind.GREEN_SMALL: PlateClass.GREEN,
    PlateKind.GREEN_LARGE: PlateClass.GREEN,
    PlateKind.CROSS_BORDER: PlateClass.BLACK,
    PlateKind.POLICE: PlateClass.WHITE,
    PlateKind.ARMED_POLICE: PlateClass.WHITE,
    PlateKind.ARMED_POLICE_TWO_ROWS: PlateClass.WHITE,
    PlateKind.EMERGENCY: PlateClass.WHITE,
    PlateKind.DRIVING_SCHOOL: PlateClass.YELLOW,
    PlateKind.TRIAL: PlateClass.YELLOW,
    PlateKind.EMBASSY: PlateClass.BLACK,
    PlateKind.CONSULATE: PlateClass.BLACK,
    PlateKind.HONG_KONG: PlateClass.HK,
    PlateKind.HONG_KONG_TWO_ROWS: PlateClass.HK,
    PlateKind.MACAU: PlateClass.MACAU,
    PlateKind.MACAU_TWO_ROWS: PlateClass.MACAU,
    PlateKind.FOREIGN: PlateClass.OTHER,
    PlateKind.FOREIGN_TWO_ROWS: PlateClass.OTHER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Where one character stands, in millimeters from the top left corner of the plate."""

    character: str
    left_mm: float
    top_mm: float
    width_mm: float
    height_mm: float
    style: GlyphStyle


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A plate's size, its characters, and its separators: dots (center) and dashes (center)."""

    kind: PlateKind
    text: str
    rows: int
    width_mm: float
    height_mm: float
    cells: tuple[Cell, ...]
    dots_mm: tuple[tuple[float, float], ...] = ()
    dashes_mm: tuple[tuple[float, float], ...] = ()


_TWO_ROWS: Final = frozenset(
    {
        PlateKind.YELLOW_TWO_ROWS,
        PlateKind.TRAILER,
        PlateKind.ARMED_POLICE_TWO_ROWS,
        PlateKind.HONG_KONG_TWO_ROWS,
        PlateKind.MACAU_TWO_ROWS,
        PlateKind.FOREIGN_TWO_ROWS,
    }
)


def lay_out(kind: PlateKind, text: str) -> Layout:
    """The layout of a normalized text as a plate of `kind`."""
    layout = _abroad(kind, text) if kind in _ABROAD else _mainland(kind, text)
    return replace(layout, kind=kind, rows=2 if kind in _TWO_ROWS else 1)


_ABROAD: Final = frozenset(
    kind
    for kind, plate_class in CLASS_OF.items()
    if plate_class in {PlateClass.HK, PlateClass.MACAU, PlateClass.OTHER}
)


def _mainland(kind: PlateKind, text: str) -> Layout:
    match kind:
        case PlateKind.GREEN_SMALL | PlateKind.GREEN_LARGE:
            return _green(text)
        case PlateKind.YELLOW_TWO_ROWS | PlateKind.TRAILER:
            return _two_rows(text, 2)
        case PlateKind.ARMED_POLICE_TWO_ROWS:
            return _two_rows(text, 3 if text[2] in PROVINCES else 2)
        case PlateKind.ARMED_POLICE:
            return _one_row(text, break_after=3 if text[2] in PROVINCES else 2)
        case PlateKind.EMBASSY:
            return _one_row(text, break_after=4 if text[0] == "使" else 3)
        case _:
            return _one_row(text)


def _abroad(kind: PlateKind, text: str) -> Layout:
    match kind:
        case PlateKind.MACAU:
            return _long(text, (text[:2], text[2:4], text[4:]), dashes=True)
        case PlateKind.MACAU_TWO_ROWS:
            return _stacked(text, 2, dash=True)
        case PlateKind.HONG_KONG_TWO_ROWS | PlateKind.FOREIGN_TWO_ROWS:
            return _stacked(text, _letters(text) or max(1, len(text) // 2))
        case _:
            return _long(text, _groups(text))


def _layout(text: str, size_mm: tuple[float, float], cells: list[Cell]) -> Layout:
    return Layout(
        kind=PlateKind.BLUE,
        text=text,
        rows=1,
        width_mm=size_mm[0],
        height_mm=size_mm[1],
        cells=tuple(cells),
    )


def _one_row(text: str, break_after: int = 2) -> Layout:
    """Seven cells of 45 in 440 mm; a longer text narrows its cells."""
    room_mm, break_mm = 409.0, 34.0
    gap_mm = 12.0 if len(text) <= 7 else 8.0
    width_mm = (room_mm - break_mm - gap_mm * (len(text) - 2)) / len(text)
    return _row(text, 440.0, width_mm, gap_mm, break_mm, break_after, GlyphStyle.ONE_ROW)


def _green(text: str) -> Layout:
    return replace(_row(text, 480.0, 43.0, 9.0, 49.0, 2, GlyphStyle.GREEN), dots_mm=())


def _row(
    text: str,
    plate_mm: float,
    width_mm: float,
    gap_mm: float,
    break_mm: float,
    break_after: int,
    style: GlyphStyle,
) -> Layout:
    total_mm = width_mm * len(text) + gap_mm * (len(text) - 2) + break_mm
    left_mm = (plate_mm - total_mm) / 2
    cells: list[Cell] = []
    for index, character in enumerate(text):
        cells.append(
            Cell(
                character=character,
                left_mm=left_mm,
                top_mm=25,
                width_mm=width_mm,
                height_mm=90,
                style=style,
            )
        )
        left_mm += width_mm + (break_mm if index + 1 == break_after else gap_mm)
    dot = (cells[break_after].left_mm - break_mm / 2, 70.0)
    return replace(_layout(text, (plate_mm, 140.0), cells), dots_mm=(dot,))


def _two_rows(text: str, above: int) -> Layout:
    upper, lower = text[:above], text[above:]
    pitch_mm = 140.0 if above == 2 else 110.0
    first_mm = 220.0 - pitch_mm * (above - 1) / 2 - 40.0
    cells = [
        Cell(
            character=character,
            left_mm=first_mm + pitch_mm * index,
            top_mm=15,
            width_mm=80,
            height_mm=60,
            style=GlyphStyle.UPPER,
        )
        for index, character in enumerate(upper)
    ]
    free_mm = 440 - 65 * len(lower) - 15 * (len(lower) - 1)
    cells += [
        Cell(
            character=character,
            left_mm=free_mm / 2 + 80 * index,
            top_mm=90,
            width_mm=65,
            height_mm=110,
            style=GlyphStyle.LOWER,
        )
        for index, character in enumerate(lower)
    ]
    dots = ((220.0, 45.0),) if above == 2 else ()
    return replace(_layout(text, (440.0, 220.0), cells), dots_mm=dots)


def _letters(text: str) -> int:
    """How many letters open the text, at most three."""
    count = 0
    while count < min(3, len(text) - 1) and text[count].isalpha():
        count += 1
    return count


def _groups(text: str) -> tuple[str, ...]:
    letters = _letters(text)
    return (text[:letters], text[letters:]) if letters else (text,)


def _long(text: str, groups: tuple[str, ...], *, dashes: bool = False) -> Layout:
    """Cells of 50 x 78 in 520 x 110 mm, groups apart; a long text narrows its cells."""
    gap_mm, space_mm, plate_mm = 9.0, 34.0, 520.0
    spaces = len(groups) - 1
    gaps_mm = gap_mm * (len(text) - 1 - spaces) + space_mm * spaces
    width_mm = min(50.0, (plate_mm - 30 - gaps_mm) / len(text))
    left_mm = (plate_mm - gaps_mm - width_mm * len(text)) / 2
    cells: list[Cell] = []
    middles: list[tuple[float, float]] = []
    for group in groups:
        if cells:
            middles.append((left_mm - gap_mm + (gap_mm - space_mm) / 2 + gap_mm, 55.0))
        for character in group:
            cells.append(
                Cell(
                    character=character,
                    left_mm=left_mm,
                    top_mm=16,
                    width_mm=width_mm,
                    height_mm=78,
                    style=GlyphStyle.FREE,
                )
            )
            left_mm += width_mm + gap_mm
        left_mm += space_mm - gap_mm
    marks = tuple((x - gap_mm, y) for x, y in middles) if dashes else ()
    return replace(_layout(text, (plate_mm, 110.0), cells), dashes_mm=marks)


def _stacked(text: str, above: int, *, dash: bool = False) -> Layout:
    """Two rows of equal height, each in the middle, on 285 x 200 mm."""
    cells: list[Cell] = []
    marks: tuple[tuple[float, float], ...] = ()
    for row, top_mm in ((text[:above], 14.0), (text[above:], 108.0)):
        split = dash and row == text[above:] and len(row) == 4
        gap_mm = 10.0
        extra_mm = 22.0 if split else 0.0
        room_mm = 255.0 - gap_mm * (len(row) - 1) - extra_mm
        width_mm = min(52.0, room_mm / max(1, len(row)))
        total_mm = width_mm * len(row) + gap_mm * (len(row) - 1) + extra_mm
        left_mm = (285.0 - total_mm) / 2
        for index, character in enumerate(row):
            cells.append(
                Cell(
                    character=character,
                    left_mm=left_mm,
                    top_mm=top_mm,
                    width_mm=width_mm,
                    height_mm=78,
                    style=GlyphStyle.FREE,
                )
            )
            left_mm += width_mm + gap_mm
            if split and index == 1:
                marks = ((left_mm - gap_mm / 2 + extra_mm / 2, top_mm + 39),)
                left_mm += extra_mm
    return replace(_layout(text, (285.0, 200.0), cells), dashes_mm=marks)
