"""From a lit scene to the picture a lane camera sends: light, weather, lens, sensor, compression.

The sensor has a color filter over its pixels and is interpolated from it, its noise grows with the
light, and the picture is quantized in blocks as JPEG does: none of it is what training degrades
with. The cosine matrix is rounded to integers, so that every sum is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.evaluate.examination.exact import ONE, Picture, grown, line_mean, mixed


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """The light and weather of a passage; shares and gains in 1/256, lengths in mm at the plate."""

    is_night: bool
    is_infrared: bool
    gain: int
    tint: tuple[int, int, int]
    shadow: tuple[int, int, int] | None
    glare: tuple[int, int, int] | None
    haze: int
    rain: int
    defocus_mm: float
    motion_mm: float
    noise: int
    quality: int


_NIGHTS_IN_TEN: Final = 3


def any_weather(rng: np.random.Generator) -> Weather:
    """Day, dusk, night or infrared; each trouble in a minority of the passages."""
    is_night = rng.integers(10) < _NIGHTS_IN_TEN
    is_blurred = int(rng.integers(3))  # out of focus, moving, or neither
    warm, cold = int(rng.integers(-26, 27)), int(rng.integers(-14, 15))
    return Weather(
        is_night=bool(is_night),
        is_infrared=bool(is_night and rng.integers(3) == 0),
        gain=int(rng.integers(110, 190)) if is_night else int(rng.integers(150, 330)),
        tint=(ONE - warm, ONE + cold, ONE + warm),
        shadow=_maybe(rng, 4, (-300, 301), (-260, 261), (110, 190)),
        glare=_maybe(rng, 4, (-220, 221), (-130, 131), (50, 130)),
        haze=int(rng.integers(0, 70)) if rng.integers(3) == 0 else 0,
        rain=int(rng.integers(30, 170)) if rng.integers(6) == 0 else 0,
        defocus_mm=int(rng.integers(0, 36)) / 10 if is_blurred == 1 else 0.8,
        motion_mm=int(rng.integers(0, 100)) / 10 if is_blurred == 2 else 0.0,  # noqa: PLR2004
        noise=int(rng.integers(6, 20)) if is_night else int(rng.integers(1, 9)),
        quality=int(rng.integers(38, 91)),
    )


def _maybe(
    rng: np.random.Generator, seldom: int, *ranges: tuple[int, int]
) -> tuple[int, int, int] | None:
    first, second, third = (int(rng.integers(*limits)) for limits in ranges)
    return (first, second, third) if rng.integers(seldom) == 0 else None


def photographed(
    rng: np.random.Generator,
    scene: Picture,
    weather: Weather,
    center: tuple[int, int],
    px_per_mm: float,
) -> Picture:
    """What the camera sends of `scene`; `center` is the plate's, where shadow and glare fall."""
    image = _lit(scene, weather, center)
    image = _wet(rng, image, weather)
    image = _through_lens(rng, image, weather, px_per_mm)
    return _compressed(_sensed(rng, image, weather), weather.quality)


def _lit(scene: Picture, weather: Weather, center: tuple[int, int]) -> Picture:
    height, width = scene.shape[:2]
    image = scene
    if weather.is_infrared:
        image = np.repeat((image.sum(axis=2, keepdims=True) + 1) // 3, 3, axis=2)
    else:
        image = image * np.array(weather.tint, np.int32) // ONE
    image = image * weather.gain // ONE
    x = np.arange(width, dtype=np.int32)[None, :, None] - center[0]
    y = np.arange(height, dtype=np.int32)[:, None, None] - center[1]
    if weather.is_night:  # the lamp of the lane lights the middle
        far = (x * x + y * y) // 900
        image = image * ONE * 2 // (ONE + far)
    if weather.shadow is not None:
        right, down, share = weather.shadow
        side = np.clip((x * down - y * right) // 40 + ONE // 2, 0, ONE)
        image = image * (ONE - (ONE - share) * side // ONE) // ONE
    if weather.glare is not None:
        right, down, strength = weather.glare
        far = ((x - right) ** 2 + (y - down) ** 2) // 60
        image = image + strength * ONE // (ONE + far)
    image = np.clip(image, 0, 255)
    if weather.haze == 0:
        return image
    return mixed(image, np.full((1, 1, 3), 176, np.int32), weather.haze)


def _wet(rng: np.random.Generator, image: Picture, weather: Weather) -> Picture:
    """Rain as bright streaks, all in one slant."""
    height, width = image.shape[:2]
    slant = int(rng.integers(-3, 4))
    tones = rng.integers(18, 70, max(1, weather.rain))
    places = rng.integers(0, (height, width), (max(1, weather.rain), 2))
    lengths = rng.integers(6, 30, max(1, weather.rain))
    if weather.rain == 0:
        return image
    wet = image.copy()
    for (y, x), tone, length in zip(places.tolist(), tones.tolist(), lengths.tolist(), strict=True):
        for step in range(length):
            at_y, at_x = y + step, x + slant * step // 8
            if at_y < height and 0 <= at_x < width:
                wet[at_y, at_x] = np.minimum(wet[at_y, at_x] + tone, 255)
    return wet


def _through_lens(
    rng: np.random.Generator, image: Picture, weather: Weather, px_per_mm: float
) -> Picture:
    radius = weather.defocus_mm * px_per_mm
    reach = int(radius) + 1
    disc = [
        (right, down)
        for right in range(-reach, reach + 1)
        for down in range(-reach, reach + 1)
        if (right * right + down * down) <= radius * radius + 0.3
    ]
    blurred = line_mean(image, disc) if len(disc) > 1 else image
    length = int(weather.motion_mm * px_per_mm)
    right, down = ((0, 8), (3, 8), (-3, 8), (8, 2), (-8, 2))[int(rng.integers(5))]
    if length < 1:
        return blurred
    path = [(right * step // 8, down * step // 8) for step in range(length + 1)]
    return line_mean(blurred, path)


def _sensed(rng: np.random.Generator, image: Picture, weather: Weather) -> Picture:
    """One color per pixel with noise, and the other two interpolated from its neighbors."""
    height, width = image.shape[:2]
    raw = np.empty((height, width), np.int32)
    raw[0::2, 0::2], raw[0::2, 1::2] = image[0::2, 0::2, 0], image[0::2, 1::2, 1]
    raw[1::2, 0::2], raw[1::2, 1::2] = image[1::2, 0::2, 1], image[1::2, 1::2, 2]
    dice = rng.integers(-64, 65, (2, height, width), dtype=np.int16).astype(np.int32).sum(axis=0)
    spread = weather.noise * (48 + raw) // 8
    raw = np.clip(raw + dice * spread // (64 * 16), 0, 255)
    out = np.empty((height, width, 3), np.int32)
    edged = np.pad(raw, 1, mode="reflect")
    beside = (edged[1:-1, :-2] + edged[1:-1, 2:]) // 2
    above = (edged[:-2, 1:-1] + edged[2:, 1:-1]) // 2
    cross = (beside + above) // 2
    corner = (edged[:-2, :-2] + edged[:-2, 2:] + edged[2:, :-2] + edged[2:, 2:]) // 4
    for y, x, colors in (
        (0, 0, (raw, cross, corner)),
        (0, 1, (beside, raw, above)),
        (1, 0, (above, raw, beside)),
        (1, 1, (corner, cross, raw)),
    ):
        for channel, source in enumerate(colors):
            out[y::2, x::2, channel] = source[y::2, x::2]
    if weather.is_infrared:
        out[:] = (out.sum(axis=2, keepdims=True) + 1) // 3
    return out


_BLOCK: Final = 8
# cos((2x+1)uπ/16) · 4096 · (u ? 1/2 : 1/√8), rounded
_COSINES: Final = np.array(
    [
        [1448, 1448, 1448, 1448, 1448, 1448, 1448, 1448],
        [2009, 1703, 1138, 400, -400, -1138, -1703, -2009],
        [1892, 784, -784, -1892, -1892, -784, 784, 1892],
        [1703, -400, -2009, -1138, 1138, 2009, 400, -1703],
        [1448, -1448, -1448, 1448, 1448, -1448, -1448, 1448],
        [1138, -2009, 400, 1703, -1703, -400, 2009, -1138],
        [784, -1892, 1892, -784, -784, 1892, -1892, 784],
        [400, -1138, 1703, -2009, 2009, -1703, 1138, -400],
    ],
    np.float64,
)
_UNIT: Final = 4096
_LUMA_STEPS: Final = (16, 12, 14, 20, 28, 48, 68, 84)
"""Quantization by the sum of both frequencies, coarsely as Annex K of JPEG."""


def _compressed(image: Picture, quality: int) -> Picture:
    blue, green, red = image[:, :, 0], image[:, :, 1], image[:, :, 2]
    luma = (red * 77 + green * 150 + blue * 29) // ONE
    blue_less, red_less = _halved(blue - luma), _halved(red - luma)
    luma = _quantized(luma, quality, 1)
    height, width = luma.shape
    blue_less = grown(_quantized(blue_less, quality, 2), height, width)
    red_less = grown(_quantized(red_less, quality, 2), height, width)
    new_blue, new_red = luma + blue_less, luma + red_less
    new_green = (luma * ONE - new_red * 77 - new_blue * 29) // 150
    planes = np.stack([new_blue, new_green, new_red], axis=2)
    return np.asarray(np.clip(planes, 0, 255), np.int32)


def _halved(plane: Picture) -> Picture:
    total = plane[0::2, 0::2] + plane[1::2, 0::2] + plane[0::2, 1::2] + plane[1::2, 1::2]
    return np.asarray(total // 4, np.int32)


def _quantized(plane: Picture, quality: int, coarser: int) -> Picture:
    """Blocks of 8 x 8 through an integer cosine transform, rounded to steps, and back."""
    height, width = plane.shape
    down, across = -height % _BLOCK, -width % _BLOCK
    padded = np.pad(plane, ((0, down), (0, across)), mode="edge").astype(np.float64)
    rows, columns = padded.shape[0] // _BLOCK, padded.shape[1] // _BLOCK
    blocks = padded.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2)
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality  # noqa: PLR2004 - as libjpeg
    sums = np.add.outer(np.arange(_BLOCK), np.arange(_BLOCK)) // 2
    steps = np.maximum(1, np.array(_LUMA_STEPS)[sums] * coarser * scale // 100).astype(np.float64)
    waves = np.floor((_COSINES @ blocks @ _COSINES.T) / (_UNIT * _UNIT) / steps + 0.5) * steps
    back = np.floor((_COSINES.T @ waves @ _COSINES) / (_UNIT * _UNIT) + 0.5)
    flat = back.swapaxes(1, 2).reshape(padded.shape)
    return np.asarray(flat[:height, :width], np.int32)
