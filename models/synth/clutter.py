"""What stands in a street and is no plate: boards, painted numbers, grilles, lamps, overlays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from models.lpr.api import BgrImage
from models.lpr.plates import DIGITS, LETTERS, PROVINCES
from models.synth.camera import pose
from models.synth.glyphs import GlyphError, Mask, glyph_mask
from models.synth.perspective import warp_onto

_WORDS: Final = (
    "危险品",
    "爆",
    "腐蚀品",
    "易燃液体",
    "毒",
    "请勿靠近",
    "保持车距",
    "海关监管",
    "超市",
    "停车场",
    "出口",
    "入口",
    "限速",
    "港口集装箱",
    "物流",
    "中国重汽",
    "东风",
    "解放",
    "核载",
    "总质量",
    "国五",
    "右转弯危险",
    "禁止停车",
)
_PAINTS: Final = (
    (158, 66, 18),
    (18, 172, 240),
    (236, 236, 236),
    (24, 24, 26),
    (96, 178, 92),
    (40, 40, 190),
    (150, 150, 150),
    (90, 60, 40),
    (30, 120, 220),
)


def draw_clutter(rng: np.random.Generator, image: BgrImage) -> None:
    """Adds one thing that is no plate somewhere in `image`."""
    _KINDS[int(rng.choice(len(_KINDS), p=_SHARES))](rng, image)


def _board(rng: np.random.Generator, image: BgrImage) -> None:
    """A sign with one to four lines, or a bare painted rectangle in the color of a plate."""
    paint = _PAINTS[int(rng.integers(len(_PAINTS)))]
    dark = sum(paint) < 380
    ink = (240, 240, 240) if dark else (20, 20, 20)
    if rng.random() < 0.15:
        ink = (30, 30, 200)
    bare = rng.random() < 0.3
    count = 0 if bare else int(rng.choice([1, 1, 2, 3, 4]))
    lines = [_sign_text(rng, words=count == 1) for _ in range(count)]
    stamps = [_line_of(text, 56) for text in lines]
    wide = max([s.shape[1] for s in stamps], default=int(rng.integers(90, 420)))
    pad = int(rng.integers(6, 40))
    tall = sum(s.shape[0] + 14 for s in stamps) or int(rng.integers(60, 200))
    board = np.empty((tall + 2 * pad, wide + 2 * pad, 3), np.uint8)
    board[:] = paint
    if rng.random() < 0.4:
        cv2.rectangle(board, (3, 3), (board.shape[1] - 4, board.shape[0] - 4), ink, 3)
    top = pad
    for stamp in stamps:
        left = (board.shape[1] - stamp.shape[1]) // 2
        area = board[top : top + stamp.shape[0], left : left + stamp.shape[1]]
        area[stamp > 127] = ink
        top += stamp.shape[0] + 14
    _somewhere(rng, image, board, None)


def _painted(rng: np.random.Generator, image: BgrImage) -> None:
    """Letters straight on a body or a container: a number painted large, a container's code."""
    choice = rng.random()
    if choice < 0.35:
        text = _letters(rng, 3) + "U" + _digits(rng, 7)
    elif choice < 0.7:
        text = PROVINCES[int(rng.integers(31))] + _letters(rng, 1) + _digits(rng, 5)
    else:
        text = _sign_text(rng)
    rows = [text[:4], text[4:]] if len(text) > 6 and rng.random() < 0.3 else [text]
    stamps = [_line_of(row, 72) for row in rows]
    wide = max(s.shape[1] for s in stamps)
    opacity = np.zeros((sum(s.shape[0] + 12 for s in stamps), wide), np.uint8)
    top = 0
    for stamp in stamps:
        opacity[top : top + stamp.shape[0], : stamp.shape[1]] = stamp
        top += stamp.shape[0] + 12
    paint = np.empty((*opacity.shape, 3), np.uint8)
    paint[:] = (235, 235, 235) if rng.random() < 0.6 else _PAINTS[int(rng.integers(len(_PAINTS)))]
    _somewhere(rng, image, paint, opacity)


def _bars(rng: np.random.Generator, image: BgrImage) -> None:
    """A grille, a vent, a ladder, or the red and white tape along a trailer."""
    height, width = int(rng.integers(40, 140)), int(rng.integers(90, 420))
    patch = np.full((height, width, 3), int(rng.integers(10, 90)), np.uint8)
    step = int(rng.integers(6, 40))
    taped = rng.random() < 0.35
    ink = (225, 225, 225) if taped else tuple(int(v) for v in rng.integers(60, 230, 3))
    if taped:
        patch[:] = (40, 30, 190)
    upright = taped or rng.random() < 0.5
    for at in range(0, width if upright else height, step):
        far = at + step // 2
        corner = (far, height) if upright else (width, far)
        cv2.rectangle(patch, (at, 0) if upright else (0, at), corner, ink, -1)
    _somewhere(rng, image, patch, None)


def _lamp(rng: np.random.Generator, image: BgrImage) -> None:
    """A lamp, lit or not, with the halo of a lit one."""
    height, width = image.shape[:2]
    center = (int(rng.integers(width)), int(rng.integers(height)))
    axes = (int(rng.integers(6, 70)), int(rng.integers(5, 30)))
    color = [(230, 235, 240), (40, 40, 210), (30, 140, 240)][int(rng.integers(3))]
    cv2.ellipse(image, center, axes, float(rng.uniform(-20, 20)), 0, 360, color, -1, cv2.LINE_AA)
    cv2.ellipse(image, center, axes, 0, 0, 360, (50, 50, 50), 2, cv2.LINE_AA)


def _overlay(rng: np.random.Generator, image: BgrImage) -> None:
    """What a camera writes into its picture: date, hour, the name of the lane."""
    stamp = f"2026-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d} "
    stamp += f"{rng.integers(24):02d}:{rng.integers(60):02d}:{rng.integers(60):02d}"
    text = stamp if rng.random() < 0.6 else f"CAM {rng.integers(1, 20):02d} LANE {rng.integers(9)}"
    place = (int(rng.integers(0, 200)), int(rng.choice([20, image.shape[0] - 12])))
    size = float(rng.uniform(0.4, 0.9))
    ink = (245, 245, 245) if rng.random() < 0.7 else (40, 220, 240)
    if rng.random() < 0.6:
        cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (10, 10, 10), 3)
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, ink, 1, cv2.LINE_AA)


_KINDS: Final[tuple[Callable[[np.random.Generator, BgrImage], None], ...]] = (
    _board,
    _painted,
    _bars,
    _lamp,
    _overlay,
)
_SHARES: Final = (0.36, 0.28, 0.16, 0.1, 0.1)


def _sign_text(rng: np.random.Generator, *, words: bool = False) -> str:
    """A word, a telephone number, or letters; `words` leaves out what could be a foreign plate."""
    choice = rng.random() * (0.7 if words else 1.0)
    if choice < 0.5:
        return _WORDS[int(rng.integers(len(_WORDS)))]
    if choice < 0.7:
        return "1" + _digits(rng, 10)
    if choice < 0.85:
        return _letters(rng, int(rng.integers(2, 9)))
    return _digits(rng, int(rng.integers(1, 5)))


def _line_of(text: str, height_px: int) -> Mask:
    """Ink (255) of a line of text; characters that no font has are left out."""
    cells = []
    for character in text:
        wide_px = height_px if ord(character) > 255 else height_px * 5 // 9
        try:
            cells.append(glyph_mask(character, wide_px, height_px))
        except GlyphError:
            continue
        cells.append(np.zeros((height_px, height_px // 8), np.uint8))
    return np.hstack(cells) if cells else np.zeros((height_px, height_px), np.uint8)


def _somewhere(
    rng: np.random.Generator, image: BgrImage, picture: BgrImage, opacity: Mask | None
) -> None:
    height, width = image.shape[:2]
    span_px = float(np.exp(rng.uniform(np.log(24), np.log(0.7 * width))))
    aspect = picture.shape[1] / picture.shape[0]
    unit = pose(rng, aspect, span_px / aspect)
    middle = np.array([rng.uniform(0, width), rng.uniform(0, height)])
    shade = cv2.convertScaleAbs(picture, alpha=float(rng.uniform(0.35, 1.05)))
    quad = np.asarray(unit + middle, np.float32)
    soft_px = float(rng.uniform(0.2, 1.2))
    warp_onto(image, np.asarray(shade, np.uint8), quad, soft_px=soft_px, opacity=opacity)


def _letters(rng: np.random.Generator, count: int) -> str:
    return "".join(LETTERS[int(i)] for i in rng.integers(0, len(LETTERS), count))


def _digits(rng: np.random.Generator, count: int) -> str:
    return "".join(DIGITS[int(i)] for i in rng.integers(0, 10, count))
