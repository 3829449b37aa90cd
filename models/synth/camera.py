"""How a camera sees a plate: from the side, coarse, in its own light, through its own codec.

`pose` gives the four corners of a plate in a small window of camera pixels, `place` lays the plate
there over a background, and `expose` does to the window what lens, sensor and codec do.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from models.lpr.api import BgrImage
from models.synth.wear import cloud_patch

Quad = npt.NDArray[np.float32]
"""4 x 2: top left, top right, bottom right, bottom left, in pixels."""

_BOX: Final = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])


def pose(rng: np.random.Generator, aspect: float, height_px: float) -> Quad:
    """Corners around the origin of a plate `aspect` times as wide as high, turned in space.

    Most plates face the camera within 15 degrees; one in four is turned as far as 50 sideways.
    """
    wild = rng.random() < 0.3
    yaw = np.radians(rng.uniform(-50, 50) if wild else rng.normal(0, 13))
    pitch = np.radians(rng.uniform(-30, 30) if wild else rng.normal(0, 9))
    roll = np.radians(rng.uniform(-20, 20) if rng.random() < 0.25 else rng.normal(0, 4))
    points = np.zeros((4, 3))
    points[:, :2] = _BOX * [aspect * height_px, height_px]
    turn_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    turn_x = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    turn_z = np.array(
        [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    )
    points = points @ (turn_z @ turn_x @ turn_y).T
    distance = height_px * aspect * float(rng.uniform(2.5, 8.0))
    flat = points[:, :2] * (distance / (distance + points[:, 2:]))
    if rng.random() < 0.3:
        flat[:, 0] += flat[:, 1] * rng.uniform(-0.3, 0.3)
    return np.asarray(flat, np.float32)


def place(
    plate: BgrImage, quad: Quad, background: BgrImage, holder: tuple[int, int, int] | None
) -> BgrImage:
    """`background` with the plate on `quad`, in a holder of that color where one is given."""
    high, wide = plate.shape[:2]
    source = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, quad)
    window = background.copy()
    size = (window.shape[1], window.shape[0])
    if holder is not None:
        grown = (quad - quad.mean(axis=0)) * np.float32(1.08) + quad.mean(axis=0)
        cv2.fillConvexPoly(window, np.round(grown * 16).astype(np.int32), holder, cv2.LINE_AA, 4)
    warped = cv2.warpPerspective(
        plate, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillConvexPoly(mask, np.round(quad * 16 - 8).astype(np.int32), (255,), cv2.LINE_AA, 4)
    share = cv2.merge([mask, mask, mask])
    kept = cv2.multiply(window, cv2.bitwise_not(share), scale=1 / 255)
    return np.asarray(cv2.add(kept, cv2.multiply(warped, share, scale=1 / 255)), np.uint8)


def expose(rng: np.random.Generator, window: BgrImage, *, gently: bool = False) -> BgrImage:
    """The window as one camera delivers it: light, blur, grain, codec.

    Args:
        rng: every choice comes from here.
        window: camera pixels.
        gently: for pictures that a camera has already made once.
    """
    odds = 0.45 if gently else 1.0
    image = _light(rng, window, odds)
    if rng.random() < 0.1 * odds:
        image = _rain(rng, image)
    if rng.random() < 0.85 * odds:
        image = _blur(rng, image)
    if rng.random() < 0.6 * odds:
        image = _grain(rng, image)
    if rng.random() < 0.1:
        image = _sharpen(image, float(rng.uniform(0.4, 1.6)))
    if rng.random() < 0.75:
        quality = int(rng.integers(22, 96))
        packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return image


def _light(rng: np.random.Generator, window: BgrImage, odds: float) -> BgrImage:
    """Exposure, gamma, contrast, color cast; sometimes no color at all."""
    steps = np.linspace(0, 1, 256)[:, None]
    mood = rng.random()
    gain, gamma, floor = rng.normal(1.0, 0.16), float(np.exp(rng.normal(0, 0.22))), 0.0
    if mood < 0.11 * odds:  # night
        gain = rng.uniform(0.22, 0.6)
    elif mood < 0.23 * odds:  # too bright
        gain, floor = rng.uniform(1.2, 2.1), rng.uniform(0, 0.15)
    elif mood < 0.36 * odds:  # haze: little contrast
        gain, floor = rng.uniform(0.25, 0.65), rng.uniform(0.1, 0.5)
    cast = np.exp(rng.normal(0, 0.16 if rng.random() < 0.35 else 0.05, 3))
    table = np.clip((steps**gamma * gain + floor) * cast * 255, 0, 255).astype(np.uint8)
    image = np.asarray(cv2.LUT(window, table.reshape(256, 1, 3)), np.uint8)
    fate = rng.random()
    if fate < 0.07:  # infrared, or an old camera
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        return np.asarray(cv2.merge([gray, gray, gray]), np.uint8)
    if fate < 0.22:
        return _saturated(image, float(rng.uniform(0.25, 1.7)))
    if fate < 0.3:
        height, width = image.shape[:2]
        field = cloud_patch(rng, width, height) * float(rng.uniform(0.3, 0.9))
        return np.asarray(image * (1 - field[:, :, None]), np.uint8)
    return image


def _saturated(image: BgrImage, factor: float) -> BgrImage:
    gray = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return np.asarray(cv2.addWeighted(image, factor, gray, 1 - factor, 0), np.uint8)


def _blur(rng: np.random.Generator, image: BgrImage) -> BgrImage:
    """Out of focus, in motion, or a coarse picture blown up; in shares of the window's height."""
    height, width = image.shape[:2]
    choice = rng.random()
    if choice < 0.45:
        sigma = height * float(rng.uniform(0.004, 0.022))
        return np.asarray(cv2.GaussianBlur(image, (0, 0), max(0.3, sigma)), np.uint8)
    if choice < 0.62:
        length = max(2, round(height * float(rng.uniform(0.03, 0.12))))
        kernel = np.zeros((length, length), np.float32)
        angle = rng.uniform(0, np.pi)
        reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
        middle = np.array([length / 2, length / 2]) - 0.5
        start, end = np.round(middle - reach).astype(int), np.round(middle + reach).astype(int)
        cv2.line(kernel, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), (1.0,))
        return np.asarray(cv2.filter2D(image, -1, kernel / max(1.0, float(kernel.sum()))), np.uint8)
    if choice < 0.9:
        scale = float(rng.uniform(max(0.4, min(0.9, 17 / height)), 0.95))
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        flag = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)[int(rng.integers(3))]
        return np.asarray(cv2.resize(small, (width, height), interpolation=flag), np.uint8)
    return image


def _grain(rng: np.random.Generator, image: BgrImage) -> BgrImage:
    sigma = min(float(rng.exponential(5)) + 1, 25)
    height, width = image.shape[:2]
    field = _grain_field(gray=bool(rng.integers(2)))
    top = int(rng.integers(max(1, field.shape[0] - height)))
    left = int(rng.integers(max(1, field.shape[1] - width)))
    noise = field[top : top + height, left : left + width]
    if noise.shape != image.shape:
        return image
    grainy = noise * np.float32(sigma)
    grainy += image
    return np.asarray(np.clip(grainy, 0, 255), np.uint8)


@lru_cache(maxsize=2)
def _grain_field(*, gray: bool) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(11)
    field = rng.standard_normal((640, 1024, 1 if gray else 3), np.float32)
    return np.repeat(field, 3, axis=2) if gray else field


def _rain(rng: np.random.Generator, image: BgrImage) -> BgrImage:
    height, width = image.shape[:2]
    streaks = np.zeros((height, width), np.uint8)
    slant = float(rng.uniform(-0.4, 0.4))
    for _ in range(int(rng.integers(4, 30))):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        long = int(height * rng.uniform(0.1, 0.4))
        end = (x + int(long * slant), y + long)
        cv2.line(streaks, (x, y), end, (int(rng.integers(40, 140)),), 1, cv2.LINE_AA)
    return np.asarray(cv2.add(image, cv2.merge([streaks, streaks, streaks])), np.uint8)


def _sharpen(image: BgrImage, amount: float) -> BgrImage:
    soft = cv2.GaussianBlur(image, (0, 0), 1.2)
    return np.asarray(cv2.addWeighted(image, 1 + amount, soft, -amount, 0), np.uint8)
