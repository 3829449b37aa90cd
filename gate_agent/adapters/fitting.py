"""A picture that is small enough to be sent."""

from __future__ import annotations

import cv2
import numpy as np

from gate_agent.store.picture_files import PICTURE_MAX_BYTES

QUALITIES = (80, 65, 50, 35, 20)


def fitting(jpeg: bytes, most_bytes: int = PICTURE_MAX_BYTES) -> bytes:
    """`jpeg`, or the same picture in at most `most_bytes`: of less quality, then of half the size.

    One that cannot be read is returned as it is: the hub will say that it has no such picture.
    """
    if len(jpeg) <= most_bytes:
        return jpeg
    try:
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return jpeg
    while image is not None and min(image.shape[:2]) > 1:
        for quality in QUALITIES:
            encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
            if len(encoded) <= most_bytes:
                return encoded
        image = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return jpeg
