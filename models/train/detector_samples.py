"""Training pictures for the detector: a part of a scene, turned, scaled, and badly photographed.

`models.synth.camera` photographs one plate, and blurs by shares of its height; here a whole picture
is photographed, with plates of all sizes in it, and lamps, rain and shadows between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from models.lpr.api import BgrImage
from models.lpr.detector import PADDING
from models.synth.street import Quads, StreetScene

_PLATE_PX: Final = (22.0, 340.0)
_SCALE: Final = (0.25, 2.2)
_ON_GROUND_SHARE: Final = 0.65


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSample:
    """A picture of the size that was asked for, and what is in it (pixels of this picture)."""

    image: BgrImage
    quads: Quads
    rows: tuple[int, ...]
    exact: tuple[bool, ...]
    ignored: Quads


def take_sample(
    rng: np.random.Generator, scene: StreetScene, size: tuple[int, int], ground: BgrImage | None
) -> DetectorSample:
    """A random part of `scene` as a picture of `size` (height, width in pixels).

    Mostly a plate stands in it, of a width drawn evenly by its logarithm from 22 to 340 px. Where
    the scene ends, the sample shows gray as the lane's own input does, or `ground`, a picture
    without a plate.
    """
    matrix, scale = _placement(rng, scene, size)
    image = scene.image
    if scale < 0.6:
        image, factor = _shrunk(image, scale)
        unshrink = np.array([[1 / factor[0], 0, 0], [0, 1 / factor[1], 0], [0, 0, 1]])
    else:
        unshrink = np.eye(3)
    if ground is not None and rng.random() < _ON_GROUND_SHARE:
        canvas = cv2.resize(ground, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    else:
        canvas = np.full((*size, 3), PADDING, np.uint8)
    turned = cv2.warpAffine(
        image,
        (matrix @ unshrink)[:2],
        (size[1], size[0]),
        dst=canvas,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_TRANSPARENT,
    )
    return DetectorSample(
        image=exposed(rng, np.asarray(turned, np.uint8)),
        quads=_moved(scene.quads, matrix),
        rows=scene.rows,
        exact=scene.exact,
        ignored=_moved(scene.ignored, matrix),
    )


def _placement(
    rng: np.random.Generator, scene: StreetScene, size: tuple[int, int]
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], float]:
    """The 3 x 3 map from scene to sample, and its scale."""
    height, width = size
    if len(scene.quads) and rng.random() < 0.88:
        quad = scene.quads[int(rng.integers(len(scene.quads)))]
        span_px = max(8.0, float(np.linalg.norm(quad[1] - quad[0])))
        low, high = np.log(_PLATE_PX[0]), np.log(min(_PLATE_PX[1], 0.92 * width))
        scale = float(np.clip(np.exp(rng.uniform(low, high)) / span_px, *_SCALE))
        if rng.random() < 0.85:  # too small a picture teaches little but the gray around it
            bare = max(width / scene.image.shape[1], height / scene.image.shape[0])
            scale = max(scale, 0.6 * bare)
            scale = min(scale, 0.95 * width / span_px)
        reach = (quad.max(axis=0) - quad.min(axis=0)) / 2 * scale
        reach = np.minimum(reach + 3, [0.49 * width, 0.49 * height])
        middle = quad.mean(axis=0)
    else:
        scale = float(rng.uniform(0.5, 1.3))
        middle = rng.uniform(0, 1, 2) * [scene.image.shape[1], scene.image.shape[0]]
        reach = np.array([0.2 * width, 0.2 * height])
    goal = np.array([rng.uniform(r, s - r) for r, s in zip(reach, (width, height), strict=True)])
    angle = np.radians(np.clip(rng.normal(0, 5), -15, 15)) if rng.random() < 0.7 else 0.0
    stretch = float(np.exp(rng.normal(0, 0.06)))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([scale * stretch, scale / stretch])
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = goal - linear @ middle
    return matrix, scale


def _shrunk(image: BgrImage, scale: float) -> tuple[BgrImage, tuple[float, float]]:
    """The picture near its final scale without aliasing, and the factors that were applied."""
    height, width = image.shape[:2]
    small = (max(8, round(width * scale * 1.15)), max(8, round(height * scale * 1.15)))
    shrunk = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA), np.uint8)
    return shrunk, (small[0] / width, small[1] / height)


def _moved(quads: Quads, matrix: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Quads:
    return np.asarray(quads @ matrix[:2, :2].T + matrix[:2, 2], np.float32)


def exposed(rng: np.random.Generator, image: BgrImage) -> BgrImage:
    """The picture as some camera would have taken it: light, lens, sensor, compression."""
    image = _toned(rng, image)
    if rng.random() < 0.25:
        image = _shaded(rng, image)
    if rng.random() < 0.10:
        image = _glare(rng, image)
    if rng.random() < 0.05:
        image = _rain(rng, image)
    if rng.random() < 0.35:
        image = _blurred(rng, image)
    if rng.random() < 0.5:
        image = _noisy(rng, image)
    if rng.random() < 0.35:
        quality = int(rng.integers(18, 90))
        _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return image


def _toned(rng: np.random.Generator, image: BgrImage) -> BgrImage:
    """Exposure, contrast, gamma and color cast in one table; one in eight is infrared gray."""
    if rng.random() < 0.12:
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        image = np.asarray(cv2.merge([gray, gray, gray]), np.uint8)
        cast = np.ones(3)
    else:
        cast = np.exp(rng.normal(0, 0.10, 3))
        if rng.random() < 0.25:
            image = _saturated(rng, image)
    night = rng.random() < 0.15
    gain = rng.uniform(0.25, 0.6) if night else np.exp(rng.normal(0, 0.25))
    gamma = float(np.exp(rng.normal(0, 0.25)))
    level = (np.arange(256) / 255.0) ** gamma
    level = (level - 0.5) * np.exp(rng.normal(0, 0.2)) + 0.5 + rng.normal(0, 0.05)
    table = np.clip(level[:, None] * gain * cast * 255, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table.reshape(256, 1, 3)), np.uint8)


def _saturated(rng: np.random.Generator, image: BgrImage) -> BgrImage:
    """Paler or stronger colors, and a turn of the color wheel: mostly small, sometimes any."""
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    reach = 8 if rng.random() < 0.6 else 90
    turn, share = int(rng.integers(-reach, reach + 1)), float(rng.uniform(0.3, 1.5))
    hue = ((np.arange(256) + turn) % 180).astype(np.uint8)
    saturation = np.clip(np.arange(256) * share, 0, 255).astype(np.uint8)
    table = np.stack([hue, saturation, np.arange(256, dtype=np.uint8)], axis=1)
    return np.asarray(
        cv2.cvtColor(cv2.LUT(hsv, table.reshape(256, 1, 3)), cv2.COLOR_HSV2BGR), np.uint8
    )


def _shaded(rng: np.random.Generator, image: BgrImage) -> BgrImage:
    """A shadow with an edge, or light that fades across the picture."""
    height, width = image.shape[:2]
    small = np.full((height // 4, width // 4), 255, np.uint8)
    corners = rng.uniform(-0.3, 1.3, (int(rng.integers(3, 6)), 2)) * [width // 4, height // 4]
    hull = cv2.convexHull(corners.astype(np.int32))
    cv2.fillConvexPoly(small, hull, int(rng.integers(60, 190)), cv2.LINE_AA)
    small = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(0.5, 8)))
    mask = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(image, cv2.merge([mask] * 3), scale=1 / 255), np.uint8)


def _glare(rng: np.random.Generator, image: BgrImage) -> BgrImage:
    """A lamp or the sun in the lens."""
    height, width = image.shape[:2]
    small = np.zeros((height // 4, width // 4, 3), np.uint8)
    center = (int(rng.integers(width // 4)), int(rng.integers(height // 4)))
    bright = int(rng.integers(90, 255))
    cv2.circle(small, center, int(rng.integers(3, 16)), (bright, bright, bright), -1)
    small = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(2, 10)))
    return np.asarray(cv2.add(image, cv2.resize(small, (width, height))), np.uint8)


def _rain(rng: np.random.Generator, image: BgrImage) -> BgrImage:
    """Streaks of falling water, all on one slant."""
    height, width = image.shape[:2]
    streaks = np.zeros_like(image)
    slant, length = int(rng.integers(-6, 7)), int(rng.integers(8, 28))
    for _ in range(int(rng.integers(30, 140))):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        cv2.line(streaks, (x, y), (x + slant, y + length), (110, 110, 110), 1, cv2.LINE_AA)
    return np.asarray(cv2.addWeighted(image, 0.9, streaks, 0.7, 8), np.uint8)


def _blurred(rng: np.random.Generator, image: BgrImage) -> BgrImage:
    """Out of focus, moving, or too few pixels stretched."""
    choice = rng.random()
    if choice < 0.4:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 2.2))), np.uint8)
    if choice < 0.7:
        length = int(rng.integers(3, 12))
        kernel = np.zeros((length, length), np.float32)
        slope = float(rng.uniform(-0.5, 0.5)) * length
        ends = (0, int(length / 2 - slope)), (length - 1, int(length / 2 + slope))
        cv2.line(kernel, *ends, 1.0, 1)
        return np.asarray(cv2.filter2D(image, -1, kernel / max(kernel.sum(), 1.0)), np.uint8)
    height, width = image.shape[:2]
    share = float(rng.uniform(0.35, 0.8))
    few = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


_FIELD_PX: Final = 1024


class _Noise:
    """One large field of normal noise, cut at random places: drawing it afresh costs too much."""

    field = (np.random.default_rng(5).standard_normal((_FIELD_PX, _FIELD_PX, 1)) * 32).astype(
        np.int8
    )


def _noisy(rng: np.random.Generator, image: BgrImage) -> BgrImage:
    height, width = image.shape[:2]
    left, top = int(rng.integers(_FIELD_PX - width)), int(rng.integers(_FIELD_PX - height))
    grain = _Noise.field[top : top + height, left : left + width].astype(np.float32)
    sigma = float(np.exp(rng.uniform(np.log(1.0), np.log(14.0)))) / 32
    planes = cv2.merge([grain[:, :, 0] * sigma] * 3)
    return np.asarray(np.clip(image + planes, 0, 255), np.uint8)
