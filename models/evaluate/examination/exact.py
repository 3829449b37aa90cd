"""Arithmetic on pictures that gives the same bytes on every machine: no OpenCV, no libm."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.int32]
"""Height x width x 3 (or x 1), blue green red, 0..255 unless said otherwise."""
Matrix = tuple[float, float, float, float, float, float, float, float, float]
Quad = tuple[tuple[float, float], ...]
"""Top left, top right, bottom right, bottom left of a plate in its reading direction."""

ONE: Final = 256
"""The fixed-point unit of shares and gains."""


def area_resized(picture: Picture, width_px: int, height_px: int) -> Picture:
    """A two-dimensional picture shrunk or grown, each pixel the mean of the area it covers."""
    return _means(_means(picture, height_px).T, width_px).T


def _means(lines: Picture, count: int) -> Picture:
    """`count` means over equal parts of the first axis; parts may share a line in proportion."""
    size = lines.shape[0]
    total = np.zeros((size + 1, *lines.shape[1:]), np.int32)
    np.cumsum(lines, axis=0, out=total[1:])
    edges = np.arange(count + 1, dtype=np.int32) * size  # in units of 1/count of a line
    whole, part = edges // count, edges % count
    upto = total[whole] * count + lines[np.minimum(whole, size - 1)] * part[:, None]
    return np.asarray((upto[1:] - upto[:-1] + size // 2) // size, np.int32)


def grown(field: Picture, height_px: int, width_px: int) -> Picture:
    """A small field drawn out to a large one, linear in between."""
    return _drawn_out(_drawn_out(field, height_px).swapaxes(0, 1), width_px).swapaxes(0, 1)


def _drawn_out(lines: Picture, count: int) -> Picture:
    steps = np.arange(count, dtype=np.int32) * (lines.shape[0] - 1) * ONE // max(1, count - 1)
    low = np.minimum(steps // ONE, lines.shape[0] - 2)
    share = (steps - low * ONE).reshape(-1, *([1] * (lines.ndim - 1)))
    between = lines[low] * (ONE - share) + lines[low + 1] * share
    return np.asarray((between + ONE // 2) // ONE, np.int32)


def mixed(under: Picture, over: Picture, share: Picture | int) -> Picture:
    """`over` on `under`; `share` of `over` in 0..ONE, a number or height x width x 1."""
    return (under * (ONE - share) + over * share + ONE // 2) // ONE


def rough(rng: np.random.Generator, height_px: int, width_px: int, cells: int) -> Picture:
    """Smooth noise in 0..255 with about `cells` humps across, two octaves, as H x W x 1."""
    across = max(2, cells)
    down = max(2, cells * height_px // max(1, width_px))
    coarse = rng.integers(0, 256, (down, across), dtype=np.int32)
    fine = rng.integers(0, 256, (down * 3, across * 3), dtype=np.int32)
    both = grown(coarse, height_px, width_px) * 2 + grown(fine, height_px, width_px)
    return (both // 3)[:, :, None]


def line_mean(picture: Picture, steps: list[tuple[int, int]]) -> Picture:
    """The mean of the picture moved by each of `steps` (right, down), its edge repeated."""
    reach = max(max(abs(right), abs(down)) for right, down in steps)
    padded = np.pad(picture, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    height, width = picture.shape[:2]
    total = np.zeros_like(picture)
    for right, down in steps:
        top, left = reach + down, reach + right
        total += padded[top : top + height, left : left + width]
    return (total + len(steps) // 2) // len(steps)


def unit_to_quad(quad: Quad) -> Matrix:
    """The projection that takes the unit square to `quad`, in closed form."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = quad
    dx1, dx2, sx = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, sy = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    scale = dx1 * dy2 - dx2 * dy1
    g, h = (sx * dy2 - dx2 * sy) / scale, (dx1 * sy - sx * dy1) / scale
    return (x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h, 1)


def inverted(m: Matrix) -> Matrix:
    """The inverse projection, up to scale."""
    a, b, c, d, e, f, g, h, i = m
    return (
        e * i - f * h,
        c * h - b * i,
        b * f - c * e,
        f * g - d * i,
        a * i - c * g,
        c * d - a * f,
        d * h - e * g,
        b * g - a * h,
        a * e - b * d,
    )


def paste(image: Picture, picture: Picture, quad: Quad, *, samples: int) -> None:
    """Draws `picture` into `quad` of `image`, each pixel the mean of `samples` x `samples`."""
    xs, ys = [p[0] for p in quad], [p[1] for p in quad]
    left, top = max(0, int(min(xs)) - 1), max(0, int(min(ys)) - 1)
    right = min(image.shape[1], int(max(xs)) + 2)
    bottom = min(image.shape[0], int(max(ys)) + 2)
    if right <= left or bottom <= top:
        return
    a, b, c, d, e, f, g, h, i = inverted(unit_to_quad(quad))
    x = (np.arange((right - left) * samples) + 0.5)[None, :] / samples + left
    y = (np.arange((bottom - top) * samples) + 0.5)[:, None] / samples + top
    depth = g * x + h * y + i
    across, down = (a * x + b * y + c) / depth, (d * x + e * y + f) / depth
    height, width = picture.shape[:2]
    inside = (across >= 0) & (across < 1) & (down >= 0) & (down < 1)
    column = np.clip((across * width).astype(np.int32), 0, width - 1)
    row = np.clip((down * height).astype(np.int32), 0, height - 1)
    taken = np.where(inside[:, :, None], picture[row, column], 0)
    shape = (bottom - top, samples, right - left, samples)
    total = taken.reshape(*shape, 3).sum(axis=(1, 3))
    count = inside.reshape(shape).sum(axis=(1, 3))[:, :, None]
    region = image[top:bottom, left:right]
    full = samples * samples
    region[:] = (region * (full - count) + total + full // 2) // full
