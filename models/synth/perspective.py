"""Pasting: a picture warped onto a quad of another, clipped at its edges, softly blended in."""

from __future__ import annotations

import cv2
import numpy as np

from models.lpr.api import BgrImage
from models.lpr.boxes import Quad
from models.synth.glyphs import Mask


def warp_onto(
    image: BgrImage, picture: BgrImage, quad: Quad, *, soft_px: float, opacity: Mask | None = None
) -> None:
    """Draws `picture` onto `quad` into `image`, clipped at its edges.

    Args:
        image: written to.
        picture: a frontal picture; its edges come to lie on the edges of the quad.
        quad: pixels of `image`.
        soft_px: blur of the edge between picture and surroundings.
        opacity: 0..255 with the shape of the picture; None is opaque everywhere.
    """
    limit = np.array([image.shape[1], image.shape[0]])
    low = np.maximum(np.floor(quad.min(axis=0)).astype(int) - 3, 0)
    high = np.minimum(np.ceil(quad.max(axis=0)).astype(int) + 3, limit)
    if (low >= high).any():
        return
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    span_px = float(np.linalg.norm(quad[1] - quad[0]))
    scale = 1.3 * span_px / picture.shape[1]
    if scale < 1.0:  # a picture much larger than its place would alias
        small = (max(4, round(picture.shape[1] * scale)), max(4, round(picture.shape[0] * scale)))
        picture = np.asarray(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), np.uint8)
        if opacity is not None:
            opacity = np.asarray(cv2.resize(opacity, small, interpolation=cv2.INTER_AREA), np.uint8)
    height, width = picture.shape[:2]
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - 0.5
    local = (quad - low - 0.5).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(source, local)
    warped = cv2.warpPerspective(
        picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if opacity is None:
        share = np.zeros((size[1], size[0]), np.uint8)
        cv2.fillConvexPoly(share, np.round(local * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    else:
        share = np.asarray(cv2.warpPerspective(opacity, matrix, size), np.uint8)
    share = np.asarray(cv2.GaussianBlur(share, (5, 5), soft_px), np.uint8)
    blend(image[low[1] : high[1], low[0] : high[0]], np.asarray(warped, np.uint8), share)


def blend(region: BgrImage, over: BgrImage, share: Mask) -> None:
    """Writes `over` into `region` where `share` (0..255, height x width) says so."""
    weight = share[:, :, None].astype(np.float32) * (1 / 255)
    region[:] = (region + (over.astype(np.float32) - region) * weight).astype(np.uint8)
