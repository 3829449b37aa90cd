"""Where an examined plate hangs: a truck's rear or front in a lane, drawn without any photograph.

Also what looks like a plate and is none: a container's number, a lettered board, lamps, a grille.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.evaluate.examination.exact import Picture, Quad, grown, mixed, paste, rough
from models.evaluate.examination.plates import PX_PER_MM, glyph

WIDTH_PX: Final = 960
HEIGHT_PX: Final = 540
_LETTERS: Final = "ABCDEFGHJKLMNPRSTUWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """How a plate stands to the camera: tangents of half the angles, scale, center in pixels."""

    yaw: float
    pitch: float
    roll: float
    px_per_mm: float
    focal_px: float
    center: tuple[float, float]

    def quad(
        self, width_mm: float, height_mm: float, right_mm: float = 0, down_mm: float = 0
    ) -> Quad:
        """Corners in the picture of a plate that hangs `right_mm`, `down_mm` from the center."""
        depth_mm = self.focal_px / self.px_per_mm
        corners = []
        for unit_x, unit_y in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
            x, y, z = right_mm + unit_x * width_mm / 2, down_mm + unit_y * height_mm / 2, 0.0
            x, y = _turned(x, y, self.roll)
            x, z = _turned(x, z, self.yaw)
            y, z = _turned(y, z, self.pitch)
            scale = self.focal_px / (depth_mm + z)
            corners.append((self.center[0] + x * scale, self.center[1] + y * scale))
        return tuple(corners)


def _turned(one: float, other: float, half_tangent: float) -> tuple[float, float]:
    """A rotation without trigonometry: exact on every machine."""
    square = half_tangent * half_tangent
    cosine, sine = (1 - square) / (1 + square), 2 * half_tangent / (1 + square)
    return one * cosine - other * sine, one * sine + other * cosine


def any_pose(rng: np.random.Generator, px_per_mm: tuple[float, float]) -> Pose:
    """A lane camera at 4 to 8 m: seldom straight ahead, seldom steep."""
    return Pose(
        yaw=_uniform(rng, -0.26, 0.26),
        pitch=_uniform(rng, -0.10, 0.20),
        roll=_uniform(rng, -0.05, 0.05),
        px_per_mm=_uniform(rng, *px_per_mm),
        focal_px=_uniform(rng, 700, 2200),
        center=(_uniform(rng, 300, WIDTH_PX - 300), _uniform(rng, 190, HEIGHT_PX - 130)),
    )


def _uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return low + (high - low) * (int(rng.integers(0, 10_001)) / 10_000)


def street(rng: np.random.Generator) -> Picture:
    """The lane around the truck, coarse and out of focus."""
    half = np.empty((HEIGHT_PX // 2, WIDTH_PX // 2, 3), np.int32)
    sky = rng.integers(90, 236, 3)
    ground = rng.integers(60, 130) + rng.integers(-12, 13, 3)
    horizon = int(rng.integers(40, 130))
    half[:horizon], half[horizon:] = sky, ground
    for _ in range(int(rng.integers(4, 12))):  # buildings, booths, signs, other vehicles
        x, y = int(rng.integers(-40, WIDTH_PX // 2)), int(rng.integers(-20, HEIGHT_PX // 2))
        wide, high = int(rng.integers(10, 160)), int(rng.integers(8, 110))
        half[max(0, y) : y + high, max(0, x) : x + wide] = rng.integers(25, 230, 3)
    texture = rough(rng, *half.shape[:2], int(rng.integers(6, 40)))
    half = np.clip(half + (texture - 128) * int(rng.integers(10, 60)) // 128, 0, 255)
    return grown(half, HEIGHT_PX, WIDTH_PX)


def truck(rng: np.random.Generator, image: Picture, pose: Pose, plate_mm: tuple[int, int]) -> None:
    """The panel that carries the plate, with what stands around it, in the plate's own pose."""
    body = int(rng.integers(2000, 2500)), int(rng.integers(1500, 2300))
    panel = _panel(rng, body)
    drop_mm = int(rng.integers(-900, -500))
    paste(image, panel, pose.quad(*body, 0, drop_mm), samples=1)
    wide, high = plate_mm[0] + int(rng.integers(30, 200)), plate_mm[1] + int(rng.integers(20, 120))
    mount = np.empty((8, 8, 3), np.int32)
    mount[:] = rng.integers(14, 120) + rng.integers(-10, 11, 3)
    paste(image, mount, pose.quad(wide, high), samples=2)
    for side in (-1, 1):  # lamps, brighter than anything beside them
        lamp = np.empty((6, 12, 3), np.int32)
        lamp[:] = ((30, 40, 200), (200, 225, 250), (40, 140, 250))[int(rng.integers(3))]
        lamp += rng.integers(-30, 31, (6, 12, 1))
        place = side * int(rng.integers(560, 900)), int(rng.integers(-120, 80))
        paste(image, np.clip(lamp, 0, 255), pose.quad(220, 110, *place), samples=2)
    if rng.integers(3) == 0:
        place = int(rng.integers(-500, 500)), int(rng.integers(-900, -420))
        board, size = _board(rng)
        paste(image, board, pose.quad(*size, *place), samples=4)


def _panel(rng: np.random.Generator, body_mm: tuple[int, int]) -> Picture:
    """Corrugated steel, a tailgate, or a cab's bumper with its grille; 10 mm to the pixel."""
    width, height = body_mm[0] // 10, body_mm[1] // 10
    panel = np.empty((height, width, 3), np.int32)
    panel[:] = rng.integers(20, 225, 3)
    ribs = int(rng.integers(3))
    period = int(rng.integers(6, 20))
    if ribs == 0:
        shade = (np.arange(width, dtype=np.int32) % period * 60 // period)[None, :, None]
        panel = np.clip(panel - shade, 0, 255)
    elif ribs == 1:
        shade = (np.arange(height, dtype=np.int32) % period * 70 // period)[:, None, None]
        panel = np.clip(panel - shade, 0, 255)
    band = int(rng.integers(height // 2, height))
    panel[band:] = rng.integers(15, 90) + rng.integers(-8, 9, 3)
    soil = rough(rng, height, width, int(rng.integers(4, 16)))
    return mixed(panel, np.array([70, 86, 98], np.int32), soil * int(rng.integers(10, 110)) // 255)


def _board(rng: np.random.Generator) -> tuple[Picture, tuple[int, int]]:
    """A lettered board that is no plate: a container's number or a company's telephone."""
    is_container = bool(rng.integers(2))
    digits = "".join(str(d) for d in rng.integers(0, 10, 7))
    letters = "".join(_LETTERS[int(k)] for k in rng.integers(0, len(_LETTERS), 3))
    text = letters + "U" + digits if is_container else "1" + digits + str(rng.integers(100, 999))
    wide_mm, high_mm, gap_mm = 46, 84, 14
    size_mm = (len(text) * (wide_mm + gap_mm) + 60, 130)
    board = np.empty((size_mm[1] * PX_PER_MM // 2, size_mm[0] * PX_PER_MM // 2, 3), np.int32)
    board[:] = rng.integers(10, 246, 3)
    ink = (board[0, 0] + 128) % 256
    for place, character in enumerate(text):
        left, top = 30 + place * (wide_mm + gap_mm), 22
        region = board[top : top + high_mm, left : left + wide_mm]
        region[:] = mixed(region, ink, glyph(character, wide_mm, high_mm)[:, :, None])
    return board, size_mm
