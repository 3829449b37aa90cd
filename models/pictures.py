"""Picture files as arrays, or an error that says what is wrong with the file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from models.lpr.api import BgrImage, PictureError

_BYTES_MAX: Final = 64 * 1024 * 1024
_SIDE_MIN_PX: Final = 8
_JPEG: Final = b"\xff\xd8"
_JPEG_END: Final = b"\xff\xd9"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_END: Final = b"IEND"


def load_picture(path: Path) -> BgrImage:
    """The picture as 8-bit BGR, turned upright by its EXIF orientation.

    Gray, CMYK, 16-bit and transparent pictures are converted.

    Raises:
        PictureError: no file, empty, cut short, too small, too large, or not a picture.
    """
    try:
        if path.stat().st_size > _BYTES_MAX:
            raise PictureError(f"{path}: more than {_BYTES_MAX} bytes")
        content = path.read_bytes()
    except OSError as exc:
        raise PictureError(f"{path}: {exc.strerror or exc}") from exc
    return decode_picture(content, str(path))


def decode_picture(content: bytes, name: str) -> BgrImage:
    """The picture in `content`; `name` is what errors call it.

    Raises:
        PictureError: empty, cut short, too small, or not a picture.
    """
    if not content:
        raise PictureError(f"{name}: the file is empty")
    if _is_cut_short(content):
        raise PictureError(f"{name}: the picture is cut short after {len(content)} bytes")
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as exc:
        raise PictureError(f"{name}: cannot be decoded: {exc.err}") from exc
    if image is None:
        raise PictureError(f"{name}: not a picture that can be decoded")
    height, width = image.shape[:2]
    if min(height, width) < _SIDE_MIN_PX:
        raise PictureError(f"{name}: {width} x {height} pixels are too few to hold a plate")
    return np.asarray(image, np.uint8)


def _is_cut_short(content: bytes) -> bool:
    """Whether the end marker is missing: a decoder would fill the rest with gray."""
    if content.startswith(_JPEG):
        return _JPEG_END not in content[-4096:]
    return content.startswith(_PNG) and _PNG_END not in content[-4096:]
