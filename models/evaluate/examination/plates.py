"""The plates of the examination: ink, paint, bolts and what the road does to them.

Two pixels to the millimeter. The glyph pictures (`glyphs.png`, 64 x 128 each) were drawn once from
the fonts that the OpenCV 5 wheel carries: WenQuanYi Micro Hei (Apache-2.0) and Rubik (OFL).
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Final, assert_never

import cv2
import numpy as np

from models.evaluate.examination.exact import ONE, Picture, area_resized, grown, mixed, rough
from models.evaluate.examination.texts import ExamKind

PX_PER_MM: Final = 2
_ORDER: Final = (
    "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼挂学警港澳领使试超应急"
    "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
)
_COLUMNS: Final = 11
_GLYPH_PX: Final = (64, 128)

_Cell = tuple[str, float, float, float, float]
"""Character, left, top, width and height in millimeters."""
_Layout = tuple[int, int, list[_Cell]]


@lru_cache(maxsize=1)
def _atlas() -> Picture:
    content = (resources.files(__package__ or "") / "glyphs.png").read_bytes()
    sheet = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    return np.asarray(sheet, np.int32)


def glyph(character: str, width_px: int, height_px: int) -> Picture:
    """Ink of a character, 0..255, filling a cell; `-` is a short bar."""
    if character == "-":
        bar = np.zeros((height_px, width_px), np.int32)
        bar[height_px * 45 // 100 : height_px * 55 // 100] = 255
        return bar
    row, column = divmod(_ORDER.index(character), _COLUMNS)
    wide, high = _GLYPH_PX
    ink = _atlas()[row * high : (row + 1) * high, column * wide : (column + 1) * wide]
    return area_resized(ink, width_px, height_px)


def exam_plate(rng: np.random.Generator, kind: ExamKind, text: str, *, rows: int) -> Picture:
    """The plate, clean or worn; a person can read it."""
    width_mm, height_mm, cells = _layout(rng, kind, text, rows)
    size = (height_mm * PX_PER_MM, width_mm * PX_PER_MM)
    paint, ink, is_raised = _colors(rng, kind)
    plate = _painted(rng, kind, size, paint)
    strength = int(rng.integers(205, ONE + 1))  # of the ink: the sun bleaches it
    if kind not in _PLAIN_EDGE:
        _rim(plate, ink)
    for character, left, top, width, height in cells:
        x, y = round(left * PX_PER_MM), round(top * PX_PER_MM)
        mask = glyph(character, round(width * PX_PER_MM), round(height * PX_PER_MM))
        region = plate[y : y + mask.shape[0], x : x + mask.shape[1]]
        if is_raised:  # the pressed edge throws a thin shadow
            shadow = np.roll(mask, (2, 2), (0, 1))[: region.shape[0], : region.shape[1], None]
            region[:] = mixed(region, region * 3 // 4, shadow)
        share = (mask * strength // 255)[: region.shape[0], : region.shape[1], None]
        region[:] = mixed(region, ink, share)
    return _worn(rng, plate)


_PLAIN_EDGE: Final = frozenset({ExamKind.HK_ONE_ROW, ExamKind.HK_TWO_ROWS})


def _colors(rng: np.random.Generator, kind: ExamKind) -> tuple[Picture, Picture, bool]:
    """Paint, ink, and whether the characters are pressed out of the sheet."""
    match kind:
        case ExamKind.GREEN_SMALL | ExamKind.GREEN_LARGE:
            paint, ink = (120, 190, 110), (30, 34, 30)
        case ExamKind.YELLOW_TWO_ROWS | ExamKind.TRAILER:
            paint, ink = (30, 168, 232), (28, 30, 34)
        case ExamKind.CROSS_BORDER | ExamKind.MACAU_ONE_ROW | ExamKind.MACAU_TWO_ROWS:
            paint, ink = (34, 32, 30), (228, 230, 230)
        case ExamKind.HK_ONE_ROW | ExamKind.HK_TWO_ROWS:
            paint, ink = (((40, 190, 240) if rng.integers(2) else (232, 236, 236)), (26, 26, 26))
        case _:
            assert_never(kind)
    tone = np.clip(np.array(paint, np.int32) + rng.integers(-12, 13, 3), 12, 250)
    return tone, np.array(ink, np.int32), kind in _PRESSED


_PRESSED: Final = frozenset({ExamKind.YELLOW_TWO_ROWS, ExamKind.TRAILER, ExamKind.CROSS_BORDER})


def _painted(
    rng: np.random.Generator, kind: ExamKind, size: tuple[int, int], paint: Picture
) -> Picture:
    height, width = size
    plate = np.empty((height, width, 3), np.int32)
    plate[:] = paint
    if kind in {ExamKind.GREEN_SMALL, ExamKind.GREEN_LARGE}:
        white = np.array([214, 228, 216], np.int32)
        share = (np.arange(height, dtype=np.int32) * ONE // height)[:, None, None]
        reach = share if kind is ExamKind.GREEN_SMALL else np.full_like(share, 230)
        plate[:] = mixed(np.broadcast_to(white, plate.shape), paint, reach)
        if kind is ExamKind.GREEN_LARGE:
            plate[:, : width * 27 // 100] = np.array([40, 176, 226]) + rng.integers(-10, 11, 3)
    return plate


def _rim(plate: Picture, ink: Picture) -> None:
    height, width = plate.shape[:2]
    for inset, thick in ((6, 4),):
        plate[inset : inset + thick, inset : width - inset] = ink
        plate[height - inset - thick : height - inset, inset : width - inset] = ink
        plate[inset : height - inset, inset : inset + thick] = ink
        plate[inset : height - inset, width - inset - thick : width - inset] = ink


def _layout(rng: np.random.Generator, kind: ExamKind, text: str, rows: int) -> _Layout:
    match kind:
        case ExamKind.GREEN_SMALL | ExamKind.GREEN_LARGE:
            return 480, 140, _row(text, 25, 90, 43, 9, 480, wide_gap_after=2, wide_gap_mm=49)
        case ExamKind.YELLOW_TWO_ROWS | ExamKind.TRAILER | ExamKind.CROSS_BORDER if rows == 1:
            return 440, 140, _row(text, 25, 90, 45, 12, 440, wide_gap_after=2, wide_gap_mm=34)
        case ExamKind.YELLOW_TWO_ROWS | ExamKind.TRAILER | ExamKind.CROSS_BORDER:
            upper = _row(text[:2], 15, 60, 80, 60, 440)
            return 440, 220, [*upper, *_row(text[2:], 90, 110, 65, 15, 440)]
        case ExamKind.HK_ONE_ROW:
            width_mm = int(rng.integers(480, 531))
            return width_mm, 112, _row(text, 17, 78, 50, 10, width_mm, 2, 34)
        case ExamKind.HK_TWO_ROWS:
            upper = _row(text[:2], 14, 76, 50, 14, 300)
            return 300, 206, [*upper, *_row(text[2:], 114, 76, 50, 10, 300)]
        case ExamKind.MACAU_ONE_ROW:
            shown = text[:2] + "-" + text[2:4] + "-" + text[4:]
            return 520, 112, _row(shown, 18, 76, 46, 10, 520)
        case ExamKind.MACAU_TWO_ROWS:
            upper = _row(text[:2], 14, 70, 50, 14, 310)
            return 310, 196, [*upper, *_row(text[2:4] + "-" + text[4:], 106, 74, 46, 8, 310)]


def _row(
    text: str,
    top_mm: float,
    height_mm: float,
    width_mm: float,
    gap_mm: float,
    plate_mm: float,
    wide_gap_after: int = 0,
    wide_gap_mm: float = 0.0,
) -> list[_Cell]:
    """Characters side by side, centered on the plate."""
    cells: list[_Cell] = []
    left_mm = 0.0
    for place, character in enumerate(text):
        wide_mm = width_mm * 6 / 10 if character == "-" else width_mm
        cells.append((character, left_mm, top_mm, wide_mm, height_mm))
        wide = place + 1 == wide_gap_after
        left_mm += wide_mm + (wide_gap_mm if wide else gap_mm)
    start_mm = (plate_mm - (cells[-1][1] + cells[-1][3])) / 2
    return [(c, left + start_mm, top, wide, high) for c, left, top, wide, high in cells]


def _worn(rng: np.random.Generator, plate: Picture) -> Picture:
    """Bolts with rust below them, scratches, a film of dust, splashes from below."""
    height, width = plate.shape[:2]
    worn = plate.copy()
    if rng.integers(3):
        _bolt(rng, worn)
    for _ in range(int(rng.integers(0, 9))):
        _scratch(rng, worn)
    dust = rough(rng, height, width, int(rng.integers(3, 9)))
    film = int(rng.integers(0, 90)) * dust // 255
    soil = np.array([92, 112, 128], np.int32) + rng.integers(-25, 26, 3)
    worn = mixed(worn, soil, film)
    if rng.integers(3) == 0:  # splashes, thicker toward the lower edge
        spots = rough(rng, height, width, int(rng.integers(14, 34)))
        slope = grown(np.array([[[120]], [[190]]], np.int32), height, 1)
        over = np.clip(spots + slope - 330, 0, 70) * int(rng.integers(1, 3))
        worn = mixed(worn, soil * 3 // 5, over)
    return worn


def _bolt(rng: np.random.Generator, plate: Picture) -> None:
    height, width = plate.shape[:2]
    radius = int(rng.integers(7, 12))
    tone = int(rng.integers(70, 190))
    rows_px = np.arange(height, dtype=np.int32)[:, None]
    columns_px = np.arange(width, dtype=np.int32)[None, :]
    for x in (width // 4, width - width // 4):
        for y in (17, height - 17):
            far = (rows_px - y) ** 2 + (columns_px - x) ** 2
            plate[far < radius * radius] = tone
            plate[far < radius * radius // 5] = tone // 2
        streak = int(rng.integers(0, height // 3))
        region = plate[24 : 24 + streak, x - 4 : x + 5]
        region[:] = mixed(region, np.array([38, 66, 104], np.int32), 80)


def _scratch(rng: np.random.Generator, plate: Picture) -> None:
    height, width = plate.shape[:2]
    x, y = int(rng.integers(width)), int(rng.integers(height))
    right, down = int(rng.integers(-120, 121)), int(rng.integers(-40, 41))
    tone = int(rng.integers(60, 200))
    for step in range(64):
        at_x, at_y = x + right * step // 64, y + down * step // 64
        if 0 <= at_x < width - 2 and 0 <= at_y < height - 2:
            plate[at_y : at_y + 2, at_x : at_x + 2] = tone
