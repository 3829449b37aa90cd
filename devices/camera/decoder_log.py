"""What FFmpeg's decoder says while it decodes, which OpenCV hands to nobody.

A decoder of H.264 that misses a part of a picture paints something in its place (older pictures, a
gray smear) and hands it out as if it were whole: OpenCV has no option to forbid it and no property
that tells. In its log the decoder says so each time, on the thread that asked for the picture.
`listen` takes that log from the very libavutil that OpenCV was built with; `complaints` counts what
was said on the calling thread. Where that library is not found nothing is counted.

The words are those of FFmpeg's h264 and hevc decoders; tests damage streams and see that they are
heard. Of H.265 only missing pictures are said: damage within a picture is not noticed there.
"""

from __future__ import annotations

import atexit
import ctypes
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2

HOLES = (
    b"Frame num gap",
    b"reference picture missing",
    b"Missing reference picture",
    b"Could not find ref with POC",
)
"""A picture on which this one builds did not come."""
WOUNDS = (b"concealing", b"error while decoding")
"""A part of this picture did not come."""
LEVEL_MAX = 48  # AV_LOG_DEBUG: as which FFmpeg says that pictures are missing
LIBRARY = "opencv_python_headless.libs/libavutil-*.so*"

_holes: Counter[int] = Counter()
_wounds: Counter[int] = Counter()


@dataclass(frozen=True, slots=True)
class Complaints:
    """How often decoders have complained on one thread."""

    holes: int = 0
    wounds: int = 0


def listen() -> bool:
    """Hear what decoders say from now on; False where that cannot be. After a stream was opened.

    OpenCV takes the log for itself when the first stream is opened: call it after each.
    """
    if _LIBRARY is None:
        return False
    _LIBRARY.av_log_set_callback(_HEAR)
    return True


def complaints() -> Complaints:
    """Of the calling thread, since it began."""
    me = threading.get_ident()
    return Complaints(_holes[me], _wounds[me])


def forget() -> None:
    """This thread ends: its number may become another's."""
    for counts in (_holes, _wounds):
        counts.pop(threading.get_ident(), None)


def _hear(_context: int | None, level: int, text: bytes | None, _values: int | None) -> None:
    """Called by FFmpeg on whichever thread is in it."""
    if level > LEVEL_MAX or text is None:
        return
    if text.startswith(HOLES):
        _holes[threading.get_ident()] += 1
    elif text.startswith(WOUNDS):
        _wounds[threading.get_ident()] += 1


_HEAR = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(
    _hear
)


def _opencv_libavutil() -> ctypes.CDLL | None:
    """The library, which is loaded already: opened again by its path it is the same one."""
    site = Path(cv2.__file__).parents[1]
    path = next(iter(sorted(site.glob(LIBRARY))), None)
    if path is None:
        return None
    library = ctypes.CDLL(str(path))
    library.av_log_set_callback.restype = None
    atexit.register(library.av_log_set_callback, None)  # nobody is there to hear after the end
    return library


_LIBRARY = _opencv_libavutil()
