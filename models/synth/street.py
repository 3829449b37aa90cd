"""Streets and lanes with plates in them, and with much that only looks like a plate.

A `StreetScene` is one picture with the corners of every plate that can be seen in it. Backgrounds
are photographs, where the caller has some, or drawn lanes and textures; plates are pasted in
perspective, in the light of the place, among signs, numbers and boards of `models.synth.clutter`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from models.lpr.api import BgrImage
from models.lpr.boxes import Quad
from models.synth.camera import pose
from models.synth.clutter import draw_clutter
from models.synth.perspective import blend, warp_onto
from models.synth.scenes import draw_scene

Quads = npt.NDArray[np.float32]
"""N x 4 x 2 pixels; top left, top right, bottom right, bottom left of the reading direction."""

_WIDTH_PX: Final = (24.0, 330.0)
_NO_QUADS: Final = np.zeros((0, 4, 2), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatePicture:
    """A frontal plate, cut at its edges. `exact` is false where the edges are only roughly cut."""

    image: BgrImage
    rows: int
    exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetScene:
    """A picture and its plates.

    `rows` and `exact` have one entry per quad; `ignored` are places that teach nothing, because
    nobody knows whether a plate stands there.
    """

    image: BgrImage
    quads: Quads = field(default_factory=lambda: _NO_QUADS)
    rows: tuple[int, ...] = ()
    exact: tuple[bool, ...] = ()
    ignored: Quads = field(default_factory=lambda: _NO_QUADS)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetSources:
    """What scenes are made of. `photographs` may be empty: backgrounds are drawn then."""

    plates: Sequence[PlatePicture]
    photographs: Sequence[StreetScene] = ()


def draw_street(rng: np.random.Generator, sources: StreetSources) -> StreetScene:
    """One scene of a kind chosen at random; about one in eight shows no plate at all.

    Raises:
        ValueError: there is no plate picture to paste.
    """
    if not sources.plates:
        raise ValueError("a street needs at least one plate picture")
    kind = rng.random()
    if not sources.photographs or kind < _DRAWN_SHARE:
        return _furnished(rng, StreetScene(image=_drawn_background(rng)), sources)
    if kind < _DRAWN_SHARE + 0.16:
        return _mosaic(rng, sources)
    photograph = sources.photographs[int(rng.integers(len(sources.photographs)))]
    if kind < _DRAWN_SHARE + 0.30:
        return photograph
    if kind < _DRAWN_SHARE + 0.50:
        return _exchanged(rng, photograph, sources)
    return _furnished(rng, _window(rng, without_plates(rng, photograph)), sources)


_DRAWN_SHARE: Final = 0.28


def draw_ground(rng: np.random.Generator, sources: StreetSources) -> BgrImage:
    """A picture without a plate, about 600 x 400: a photograph painted over, or drawn."""
    if not sources.photographs or rng.random() < _DRAWN_SHARE:
        image = _drawn_background(rng)
    else:
        photograph = sources.photographs[int(rng.integers(len(sources.photographs)))]
        image = _window(rng, without_plates(rng, photograph)).image.copy()
    for _ in range(int(rng.integers(0, 3))):
        draw_clutter(rng, image)
    return image


def without_plates(rng: np.random.Generator, scene: StreetScene) -> StreetScene:
    """The scene with its plates painted over: a background where nothing is to be found."""
    image = scene.image.copy()
    for quad in scene.quads:
        _paint_over(rng, image, quad)
    return StreetScene(image=image, ignored=scene.ignored)


def _paint_over(rng: np.random.Generator, image: BgrImage, quad: Quad) -> None:
    """Fills the place of a plate with what surrounds it: smeared, flat, or a piece of nearby."""
    height, width = image.shape[:2]
    middle = quad.mean(axis=0)
    grown = (quad - middle) * 1.12 + middle
    mask = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(mask, np.round(grown).astype(np.int32), 255)
    left, top = np.maximum(np.floor(grown.min(axis=0)).astype(int) - 8, 0)
    right, bottom = np.minimum(np.ceil(grown.max(axis=0)).astype(int) + 8, [width, height])
    region, inside = image[top:bottom, left:right], mask[top:bottom, left:right]
    if region.size == 0:
        return
    choice = rng.random()
    apart = min(top, height - bottom) + height // 2 > region.shape[0] * 2
    if choice < 0.4 or (choice > 0.7 and not apart):
        small = (max(8, region.shape[1] // 3), max(8, region.shape[0] // 3))
        few = cv2.resize(region, small, interpolation=cv2.INTER_AREA)
        hole = (cv2.resize(inside, small, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
        smeared = cv2.inpaint(few, hole, 3, cv2.INPAINT_TELEA)
        patch = cv2.resize(smeared, (region.shape[1], region.shape[0]))
    elif choice < 0.7:
        rim = region[inside == 0]
        tone = rim.mean(axis=0) if rim.size else np.full(3, 90.0)
        tone = np.clip(tone * rng.uniform(0.6, 1.2), 0, 255)
        patch = np.full_like(region, tone.astype(np.uint8))
        patch = cv2.add(patch, rng.integers(0, 12, region.shape, np.uint8))
    else:  # the half of the picture that the plate is not in has enough of its stuff
        from_top = 0 if top + bottom > height else height // 2
        rise = from_top + int(rng.integers(0, max(1, height // 2 - region.shape[0])))
        side = int(rng.integers(0, max(1, width - region.shape[1])))
        patch = image[rise : rise + region.shape[0], side : side + region.shape[1]].copy()
        patch = cv2.resize(patch, (region.shape[1], region.shape[0]))
    soft = np.asarray(cv2.GaussianBlur(inside, (7, 7), 2.0), np.uint8)
    blend(region, np.asarray(patch, np.uint8), soft)


def _exchanged(rng: np.random.Generator, scene: StreetScene, sources: StreetSources) -> StreetScene:
    """The photograph with another plate where its own was: true place, true tilt, another make."""
    image = without_plates(rng, scene).image
    placed: list[tuple[Quad, PlatePicture]] = []
    for quad in scene.quads:
        plate = _pick(rng, sources.plates)
        target = _of_shape(quad, plate.image.shape[1] / plate.image.shape[0])
        _mount(rng, image, plate, target, [])
        placed.append((target, plate))
    return _with_plates(image, placed, scene.ignored)


def _of_shape(quad: Quad, aspect: float) -> Quad:
    """The quad made taller or flatter about its middle, so that a plate of `aspect` fits it."""
    across = float(np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3])) / 2
    down = float(np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])) / 2
    stretch = across / max(down, 1.0) / aspect
    squeeze = min(1.0, 1.6 / stretch) if stretch > 1 else 1.0
    upper, lower = (quad[0] + quad[3]) / 2, (quad[1] + quad[2]) / 2
    left, right = (quad[3] - quad[0]) / 2 * stretch, (quad[2] - quad[1]) / 2 * stretch
    shaped = np.array([upper - left, lower - right, lower + right, upper + left])
    middle = shaped.mean(axis=0)
    return np.asarray((shaped - middle) * squeeze + middle, np.float32)


def _furnished(rng: np.random.Generator, scene: StreetScene, sources: StreetSources) -> StreetScene:
    """Clutter first, then up to four plates (in one of eight scenes none) that do not overlap."""
    image = scene.image.copy()
    for _ in range(int(rng.integers(0, 6))):
        draw_clutter(rng, image)
    placed: list[tuple[Quad, PlatePicture]] = []
    for _ in range(0 if rng.random() < 0.13 else int(rng.choice([1, 2, 3, 4]))):
        for target, plate in _placed(rng, image, sources.plates):
            taken = [quad for quad, _ in placed]
            if any(_touch(target, other) for other in (*taken, *scene.ignored)):
                continue
            _mount(rng, image, plate, target, taken)
            placed.append((target, plate))
    return _with_plates(image, placed, scene.ignored)


def _mount(
    rng: np.random.Generator,
    image: BgrImage,
    plate: PlatePicture,
    target: Quad,
    taken: Sequence[Quad],
) -> None:
    """Paste a plate, in two of five cases with a holder around it that covers none of `taken`."""
    if rng.random() < 0.4:
        _holder(rng, image, target, taken)
    _paste(rng, image, plate, target)


def _with_plates(
    image: BgrImage, placed: Sequence[tuple[Quad, PlatePicture]], ignored: Quads
) -> StreetScene:
    return StreetScene(
        image=image,
        quads=np.array([quad for quad, _ in placed], np.float32).reshape(-1, 4, 2),
        rows=tuple(plate.rows for _, plate in placed),
        exact=tuple(plate.exact for _, plate in placed),
        ignored=ignored,
    )


def _placed(
    rng: np.random.Generator, image: BgrImage, plates: Sequence[PlatePicture]
) -> list[tuple[Quad, PlatePicture]]:
    """A place for one plate, or for two that stand close as 粤Z and Hong Kong plates do."""
    height, width = image.shape[:2]
    plate = _pick(rng, plates)
    aspect = plate.image.shape[1] / plate.image.shape[0]
    low, high = _WIDTH_PX[0], min(_WIDTH_PX[1], 0.8 * width, 0.7 * height * aspect)
    span_px = float(np.exp(rng.uniform(np.log(low), np.log(max(high, low + 1)))))
    unit = pose(rng, aspect, span_px / aspect)
    reach = np.abs(unit).max(axis=0) + 2
    middle = rng.uniform(reach, np.maximum(reach + 1, [width - reach[0], height - reach[1]]))
    first = np.asarray(unit + middle, np.float32)
    if rng.random() > 0.25:
        return [(first, plate)]
    other = _pick(rng, plates)
    shape = _of_shape(first, other.image.shape[1] / other.image.shape[0])
    gap = float(rng.uniform(1.05, 1.6))
    if rng.random() < 0.7:  # one above the other
        away = ((first[3] - first[0]) + (shape[3] - shape[0])) / 2 * gap
    else:
        away = ((first[1] - first[0]) + (shape[1] - shape[0])) / 2 * gap
    second = np.asarray(shape + away * (1 if rng.integers(2) else -1), np.float32)
    inside = second.min() > 2 and bool((second.max(axis=0) < [width - 2, height - 2]).all())
    return [(first, plate), (second, other)] if inside else [(first, plate)]


def _touch(one: Quad, other: Quad) -> bool:
    low = np.maximum(one.min(axis=0), other.min(axis=0))
    high = np.minimum(one.max(axis=0), other.max(axis=0))
    apart = bool((low >= high).any())
    return not apart and cv2.intersectConvexConvex(one, other)[0] > 4.0


def _paste(rng: np.random.Generator, image: BgrImage, plate: PlatePicture, quad: Quad) -> None:
    """The plate in the light of its place, with edges as soft as a lens makes them."""
    picture = _lit(rng, plate.image, float(_mean_color(image, quad).mean()))
    warp_onto(image, picture, quad, soft_px=float(rng.uniform(0.2, 1.0)))


def _holder(rng: np.random.Generator, image: BgrImage, quad: Quad, others: Sequence[Quad]) -> None:
    """What a plate is screwed to: a frame, or a recess in the body, wider than the plate.

    None where it would cover a plate that is already there.
    """
    middle = quad.mean(axis=0)
    recess = rng.random() < 0.5
    wide, tall = (0.45, 0.8) if recess else (0.08, 0.35)
    margin = 1 + rng.uniform(0.01, [wide, tall])
    grown = np.asarray((quad - middle) * margin + middle, np.float32)
    if any(_touch(grown, other) for other in others):
        return
    points = np.round(grown * 16).astype(np.int32)
    if recess:
        paint = _mean_color(image, grown)
        fill = tuple(float(v) for v in np.clip(paint * rng.uniform(0.6, 1.15), 0, 255))
        edge = tuple(float(v) for v in np.clip(paint * rng.uniform(0.3, 1.5), 0, 255))
        cv2.fillConvexPoly(image, points, fill, cv2.LINE_AA, 4)
        cv2.polylines(image, [points], isClosed=True, color=edge, thickness=2, shift=4)
    else:
        tone = int(rng.choice([12, 30, 60, 120, 190]))
        cv2.fillConvexPoly(image, points, (tone, tone, tone), cv2.LINE_AA, 4)


def _mean_color(image: BgrImage, quad: Quad) -> npt.NDArray[np.float64]:
    height, width = image.shape[:2]
    left, top = np.clip(quad.min(axis=0).astype(int) - 4, 0, [width - 2, height - 2])
    right, bottom = np.clip(quad.max(axis=0).astype(int) + 4, [left + 1, top + 1], [width, height])
    return np.asarray(image[top:bottom:2, left:right:2].mean(axis=(0, 1)), np.float64)


def _lit(rng: np.random.Generator, plate: BgrImage, tone: float) -> BgrImage:
    """Gain between what the plate would have by day and what its surroundings suggest."""
    gain = float(np.clip(0.45 + tone / 230, 0.3, 1.25) * rng.uniform(0.75, 1.25))
    tint = rng.uniform(0.88, 1.12, 3)
    offset = rng.uniform(-8, 24)
    tables = np.clip(np.arange(256)[:, None] * gain * tint + offset, 0, 255).astype(np.uint8)
    lit = cv2.LUT(plate, tables.reshape(256, 1, 3))
    if rng.random() < 0.35:  # light that falls from one side
        ramp = np.linspace(rng.uniform(0.55, 1), rng.uniform(0.8, 1.2), plate.shape[1])
        lit = np.clip(lit * ramp[None, :, None].astype(np.float32), 0, 255)
    return np.asarray(lit, np.uint8)


def _mosaic(rng: np.random.Generator, sources: StreetSources) -> StreetScene:
    """Several photographs side by side, small: plates as a far camera sees them."""
    height, width = int(rng.integers(320, 449)), int(rng.integers(512, 705))
    columns, lines = int(rng.integers(2, 5)), int(rng.integers(1, 4))
    image = np.full((height, width, 3), 114, np.uint8)
    quads: list[Quad] = []
    ignored: list[Quad] = []
    rows: list[int] = []
    exact: list[bool] = []
    for cell in range(columns * lines):
        scene = sources.photographs[int(rng.integers(len(sources.photographs)))]
        if rng.random() < 0.5:
            scene = _exchanged(rng, scene, sources)
        left, top = cell % columns * width // columns, cell // columns * height // lines
        room = (width // columns, height // lines)
        part = _window(rng, scene, (room[0] / room[1]))
        scale = room[0] / part.image.shape[1], room[1] / part.image.shape[0]
        small = cv2.resize(part.image, room, interpolation=cv2.INTER_AREA)
        image[top : top + room[1], left : left + room[0]] = small
        shift = np.array([left, top], np.float32)
        quads.extend(part.quads * np.array(scale, np.float32) + shift)
        ignored.extend(part.ignored * np.array(scale, np.float32) + shift)
        rows.extend(part.rows)
        exact.extend(part.exact)
    return StreetScene(
        image=image,
        quads=np.array(quads, np.float32).reshape(-1, 4, 2),
        rows=tuple(rows),
        exact=tuple(exact),
        ignored=np.array(ignored, np.float32).reshape(-1, 4, 2),
    )


def _window(
    rng: np.random.Generator, scene: StreetScene, aspect: float | None = None
) -> StreetScene:
    """A part of the scene that cuts through none of its plates."""
    height, width = scene.image.shape[:2]
    aspect = aspect or float(rng.uniform(1.0, 1.8))
    wide = min(width, height * aspect) * float(rng.uniform(0.7, 1.0))
    tall = wide / aspect
    left, top = float(rng.uniform(0, width - wide)), float(rng.uniform(0, height - tall))
    if len(scene.quads):
        low, high = scene.quads.min(axis=(0, 1)) - 4, scene.quads.max(axis=(0, 1)) + 4
        wide, tall = max(wide, high[0] - low[0]), max(tall, high[1] - low[1])
        left = float(np.clip(left, max(0, high[0] - wide), max(0, low[0])))
        top = float(np.clip(top, max(0, high[1] - tall), max(0, low[1])))
    x, y = int(left), int(top)
    part = scene.image[y : int(y + tall) + 1, x : int(x + wide) + 1]
    shift = np.array([x, y], np.float32)
    return StreetScene(
        image=part,
        quads=scene.quads - shift,
        rows=scene.rows,
        exact=scene.exact,
        ignored=scene.ignored - shift,
    )


def _drawn_background(rng: np.random.Generator) -> BgrImage:
    """A drawn lane with its truck, or a wall of gradients, texture and grain."""
    width, height = int(rng.integers(512, 705)), int(rng.integers(320, 449))
    if rng.random() < 0.5:
        lane = draw_scene(rng, None).image
        left, top = int(rng.integers(0, 400)), int(rng.integers(0, 300))
        part = lane[top : 720 - int(rng.integers(0, 80)), left : 1280 - int(rng.integers(0, 300))]
        return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    coarse = rng.integers(0, 256, (int(rng.integers(2, 9)), int(rng.integers(2, 9)), 3), np.uint8)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    image = cv2.addWeighted(image, 0.5, np.full_like(image, int(rng.integers(20, 220))), 0.5, 0)
    grain_px = int(rng.choice([2, 3, 5, 9]))
    grain = rng.integers(0, 50, (height // grain_px + 1, width // grain_px + 1, 1), np.uint8)
    fine = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.subtract(image, cv2.merge([fine] * 3)), np.uint8)


def _pick(rng: np.random.Generator, plates: Sequence[PlatePicture]) -> PlatePicture:
    return plates[int(rng.integers(len(plates)))]
