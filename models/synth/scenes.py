"""Draws what a lane camera sees: the front of a truck under a canopy, and its plate.

`draw_scene` draws the lane once, `photograph` takes one picture of it with the noise of that
moment, so that several frames of one passage differ as real frames do. Everything follows from
the generator that is handed in: the same seed gives the same pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from models.lpr.api import BgrImage
from models.lpr.plates import Corners

WIDTH_PX: Final = 1280
HEIGHT_PX: Final = 720

_Paint = tuple[int, int, int]
_CABS: Final[tuple[_Paint, ...]] = (
    (178, 84, 40),
    (44, 44, 176),
    (226, 226, 224),
    (70, 120, 60),
    (60, 160, 214),
    (92, 90, 88),
    (140, 60, 96),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneScene:
    """A lane without camera noise.

    `corners` are those of the plate in `image` (pixels; top left, top right, bottom right, bottom
    left), also where the plate is unreadable; None where the truck carries no plate.
    """

    image: BgrImage
    corners: Corners | None


def draw_scene(
    rng: np.random.Generator, plate: BgrImage | None, *, unreadable: bool = False
) -> LaneScene:
    """A truck front, 1280 x 720, with `plate` on its bumper in perspective.

    Args:
        rng: every choice comes from here: paint, place, tilt, light.
        plate: a frontal picture of the plate, or None for a truck without one.
        unreadable: cover the plate with mud or glare so that nobody could read it.
    """
    image = _lane(rng)
    x_px, y_px = int(rng.integers(-70, 71)), int(rng.integers(-25, 26))
    _truck(image, rng, x_px, y_px)
    if plate is None:
        return LaneScene(image=_light(image, rng), corners=None)
    corners = _plate_corners(rng, plate, x_px, y_px)
    picture = _cover(plate, rng) if unreadable else plate
    _paste(image, picture, corners)
    return LaneScene(image=_light(image, rng), corners=corners)


def paste_crop(scene: LaneScene, crop: BgrImage) -> LaneScene:
    """The scene with `crop` (a picture that a plate fills edge to edge) in place of its plate.

    The crop keeps its own proportions inside the width of the old plate, and its own light.

    Raises:
        ValueError: the scene has no plate to replace.
    """
    if scene.corners is None:
        raise ValueError("the scene has no plate to replace")
    quad = np.array(scene.corners, np.float32)
    height, width = crop.shape[:2]
    span_px = max(float(np.linalg.norm(quad[1] - quad[0])), 150.0)
    middle, right = quad.mean(axis=0), (quad[1] - quad[0]) / np.linalg.norm(quad[1] - quad[0])
    down = np.array([-right[1], right[0]], np.float32)
    half_x, half_y = right * span_px / 2, down * span_px * height / width / 2
    corners = _as_corners(
        np.array(
            [
                middle - half_x - half_y,
                middle + half_x - half_y,
                middle + half_x + half_y,
                middle - half_x + half_y,
            ]
        )
    )
    image = scene.image.copy()
    _paste(image, crop, corners)
    return replace(scene, image=image, corners=corners)


def photograph(rng: np.random.Generator, scene: LaneScene) -> BgrImage:
    """One frame of the scene: exposure of the moment, a little blur, sensor noise."""
    gain, offset = rng.uniform(0.94, 1.06), rng.uniform(-5, 5)
    table = np.clip(np.arange(256) * gain + offset - _NOISE_MEAN, 0, 255).astype(np.uint8)
    image = np.asarray(cv2.LUT(scene.image, table), np.uint8)
    blurred = cv2.GaussianBlur(image, (3, 3), float(rng.uniform(0.3, 0.8)))
    left, top = (int(v) for v in rng.integers(0, _NOISE_SPARE_PX, 2))
    noise = _noise_field(int(rng.integers(4)))[top : top + HEIGHT_PX, left : left + WIDTH_PX]
    return np.asarray(cv2.add(blurred, noise), np.uint8)


def encode_jpeg(image: BgrImage, quality: int = 85) -> bytes:
    """The picture as a JPEG of `quality` 1..100.

    Raises:
        ValueError: OpenCV cannot encode the array.
    """
    done, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"picture of shape {image.shape}: cannot be encoded")
    return bytes(packed)


_NOISE_MEAN: Final = 10
_NOISE_SIGMA: Final = 3.2
_NOISE_SPARE_PX: Final = 128


@lru_cache(maxsize=4)
def _noise_field(number: int) -> BgrImage:
    """One of four fixed fields of sensor noise; shifted at random they are fresh, and cheap."""
    rng = np.random.default_rng(977 + number)
    size = (HEIGHT_PX + _NOISE_SPARE_PX, WIDTH_PX + _NOISE_SPARE_PX)
    gray = rng.standard_normal(size, np.float32) * _NOISE_SIGMA + _NOISE_MEAN
    gray = np.clip(gray, 0, 2 * _NOISE_MEAN).astype(np.uint8)
    return np.asarray(cv2.merge([gray, gray, gray]), np.uint8)


def _lane(rng: np.random.Generator) -> BgrImage:
    """Sky, canopy, islands and road, with a coarse texture so that nothing is flat."""
    image = np.empty((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    sky = np.linspace(0, 1, 300)[:, None, None]
    day = float(rng.uniform(0.75, 1.0))
    image[:300] = ((1 - sky) * np.array([226, 200, 176]) + sky * np.array([236, 230, 224])) * day
    image[300:] = np.array([112, 112, 110]) * day
    road = np.array([[420, 300], [860, 300], [1180, 720], [100, 720]])
    cv2.fillPoly(image, [road], (92, 92, 92))
    for left in (True, False):
        island = np.array([[0, 420], [400, 300], [420, 300], [100, 720], [0, 720]])
        if not left:
            island[:, 0] = WIDTH_PX - island[:, 0]
        cv2.fillPoly(image, [island], (150, 152, 152))
        edge = np.array([island[2], island[3]])
        for step in range(0, 20, 2):  # the yellow and black curb
            start = edge[0] + (edge[1] - edge[0]) * step // 20
            end = edge[0] + (edge[1] - edge[0]) * (step + 1) // 20
            cv2.line(image, _point(start), _point(end), (30, 190, 230), 8)
    cv2.rectangle(image, (0, 0), (WIDTH_PX, int(rng.integers(46, 80))), (96, 88, 80), -1)
    cv2.rectangle(image, (36, 60), (120, 560), (120, 118, 116), -1)
    cv2.rectangle(image, (1150, 60), (1236, 560), (120, 118, 116), -1)
    grain = rng.integers(0, 18, (45, 80), np.uint8)
    texture = cv2.resize(grain, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.subtract(image, cv2.merge([texture] * 3)), np.uint8)


def _point(at: npt.NDArray[np.int64]) -> tuple[int, int]:
    return int(at[0]), int(at[1])


def _truck(image: BgrImage, rng: np.random.Generator, x_px: int, y_px: int) -> None:
    """Cab, windshield, grille, bumper, lamps and wheels around the middle of the lane."""
    paint = _CABS[int(rng.integers(len(_CABS)))]
    dark = _shade(paint, 0.55)
    middle = 640 + x_px
    origin = np.array([middle, y_px])

    def box(left: int, top: int, right: int, bottom: int, color: _Paint) -> None:
        start, end = (middle + left, top + y_px), (middle + right, bottom + y_px)
        cv2.rectangle(image, start, end, color, -1, cv2.LINE_AA)

    box(-330, 90, 330, 190, _shade((150, 150, 150), float(rng.uniform(0.5, 1.4))))  # container
    box(-300, 560, -215, 668, (30, 30, 30))
    box(215, 560, 300, 668, (30, 30, 30))
    cab = np.array([[-270, 130], [270, 130], [300, 300], [305, 600], [-305, 600], [-300, 300]])
    cv2.fillPoly(image, [cab + origin], paint, cv2.LINE_AA)
    glass = np.array([[-240, 160], [240, 160], [268, 316], [-268, 316]])
    cv2.fillPoly(image, [glass + origin], (64, 56, 48), cv2.LINE_AA)
    shine = np.array([[-200, 160], [-110, 160], [-160, 316], [-262, 316]])
    cv2.fillPoly(image, [shine + origin], (112, 104, 96), cv2.LINE_AA)
    for side in (-1, 1):
        cv2.line(image, (middle, 312 + y_px), (middle + side * 190, 240 + y_px), (20, 20, 20), 4)
        mirror = (middle + side * 330, 230 + y_px)
        cv2.ellipse(image, mirror, (22, 56), 0, 0, 360, (38, 38, 38), -1, cv2.LINE_AA)
    box(-180, 350, 180, 470, dark)
    for top in range(360, 466, 18):
        box(-170, top, 170, top + 7, (52, 52, 52))
    box(-312, 500, 312, 618, _shade(paint, 0.8))
    box(-312, 604, 312, 634, (48, 48, 50))
    for side in (-1, 1):
        lamp = (middle + side * 248, 532 + y_px)
        cv2.ellipse(image, lamp, (44, 22), 0, 0, 360, (214, 218, 222), -1, cv2.LINE_AA)
        cv2.ellipse(image, lamp, (44, 22), 0, 0, 360, (60, 60, 60), 3, cv2.LINE_AA)
    shadow = (middle, 684 + y_px)
    cv2.ellipse(image, shadow, (340, 18), 0, 0, 360, (58, 58, 58), -1, cv2.LINE_AA)


def _shade(paint: _Paint, share: float) -> _Paint:
    blue, green, red = (min(255, int(v * share)) for v in paint)
    return blue, green, red


def _plate_corners(rng: np.random.Generator, plate: BgrImage, x_px: int, y_px: int) -> Corners:
    height, width = plate.shape[:2]
    span_px = float(rng.uniform(165, 235))
    half = np.array([span_px / 2, span_px * height / width / 2])
    unit = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64)
    quad = unit * half
    turn, shear = rng.uniform(-0.07, 0.07), rng.uniform(-0.10, 0.10)
    quad = quad @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    quad[:, 0] += quad[:, 1] * shear
    quad *= 1 + 0.04 * float(rng.uniform(-1, 1)) * unit[:, :1]  # one side is nearer
    drop_px = 25.0 if height * 2 > width * 0.9 else 0.0  # a two-row plate hangs lower
    middle = np.array([640 + x_px + rng.uniform(-25, 25), 562 + y_px - drop_px])
    return _as_corners(quad + middle)


def _as_corners(quad: npt.NDArray[np.floating]) -> Corners:
    a, b, c, d = ((float(x), float(y)) for x, y in quad)
    return a, b, c, d


def _paste(image: BgrImage, picture: BgrImage, corners: Corners) -> None:
    """Warps `picture` onto `corners` with soft edges, writing into `image`."""
    quad = np.array(corners, np.float32)
    low = np.floor(quad.min(axis=0)).astype(int) - 3
    high = np.ceil(quad.max(axis=0)).astype(int) + 3
    low, high = np.maximum(low, 0), np.minimum(high, [WIDTH_PX, HEIGHT_PX])
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    scale = 2.0 * size[0] / picture.shape[1]
    if scale < 1.0:  # a picture much larger than its place would alias
        picture = np.asarray(
            cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
    height, width = picture.shape[:2]
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, (quad - low).astype(np.float32))
    warped = cv2.warpPerspective(
        picture, matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillConvexPoly(mask, np.round((quad - low) * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    share = (mask[:, :, None] / 255.0).astype(np.float32)
    region = image[low[1] : high[1], low[0] : high[0]]
    region[:] = (region * (1 - share) + warped * share).astype(np.uint8)


def _cover(plate: BgrImage, rng: np.random.Generator) -> BgrImage:
    """Mud over most of the serial, or glare that washes the plate out."""
    height, width = plate.shape[:2]
    if rng.integers(2):
        glare = np.full_like(plate, 250)
        washed = cv2.addWeighted(cv2.GaussianBlur(plate, (0, 0), 20), 0.04, glare, 0.96, 0)
        return np.asarray(washed, np.uint8)
    muddy = plate.copy()
    for _ in range(26):
        center = (int(rng.integers(width)), int(rng.integers(height)))
        axes = (int(rng.integers(width // 12, width // 6)), int(rng.integers(height // 4, height)))
        tone = int(rng.integers(52, 84))
        cv2.ellipse(muddy, center, axes, 0, 0, 360, (tone, tone + 14, tone + 24), -1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(muddy, (31, 31), 9), np.uint8)


def _light(image: BgrImage, rng: np.random.Generator) -> BgrImage:
    """The hour of the day: an overall gain and a side that the sun reaches less."""
    lit = cv2.convertScaleAbs(image, alpha=float(rng.uniform(0.82, 1.08)))
    shade = np.linspace(0, rng.uniform(0, 22), WIDTH_PX).astype(np.uint8)
    if rng.integers(2):
        shade = shade[::-1]
    row = np.repeat(shade, 3).reshape(1, WIDTH_PX, 3)
    return np.asarray(cv2.subtract(lit, np.tile(row, (HEIGHT_PX, 1, 1))), np.uint8)
