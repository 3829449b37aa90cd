"""The grabbing thread of one open stream: its newest picture, and which pictures are good."""

from __future__ import annotations

import atexit
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2

from devices.camera import decoder_log
from devices.errors import LinkDown

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from devices.clock import Clock

JPEG_START = b"\xff\xd8"
JPEG_END = b"\xff\xd9"
JPEG_PADDING = b"\x00\r\n"
BACKLOG_GRAB_S = 0.012  # a frame that was there already takes no longer
BACKLOG_LIMIT_S = 0.5
KEY_DECODE_S = 0.25  # nor does it with the decoding of a large key picture, on a busy machine
DECODED_LIMIT_S = 2.0
KEY_PICTURE = ord("I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What came last: BGR pixels, or one JPEG as a flat array when `is_jpeg`."""

    pixels: npt.NDArray[np.uint8]
    is_jpeg: bool
    number: int
    received_s: float


class Feed:
    """The grabbing thread of one open capture, and the newest picture."""

    def __init__(
        self,
        capture: cv2.VideoCapture,
        clock: Clock,
        *,
        place: str,
        is_raw: bool,
        is_decoded_live: bool,
        frame_s: float,
        first_number: int,
    ) -> None:
        self._capture = capture
        self._clock = clock
        self._place = place
        self._is_raw = is_raw
        self._is_decoded_live = is_decoded_live
        self._is_damaged = False  # the last picture, or one that it builds on
        self._complaints = decoder_log.Complaints()
        self._frame_s = frame_s
        self._next_number = first_number
        self._changed = threading.Condition()
        self._picture: Picture | None = None
        self._arrived_s = clock.now().mono_s
        self._ended = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera-grab", daemon=True)

    def start(self) -> None:
        """Begin to grab."""
        # A thread inside OpenCV when the interpreter ends would abort the whole process.
        atexit.register(self.stop)
        self._thread.start()

    def stop(self) -> int:
        """End the thread; returns the number of the last frame."""
        self._stopping.set()
        self._thread.join()
        atexit.unregister(self.stop)
        return self._next_number - 1

    def newest(self, newer_than: int, wait_s: float, *, stale_s: float) -> Picture | None:
        """The newest picture beyond `newer_than`, or None; `LinkDown` when the camera is dead."""

        def is_news() -> bool:
            return bool(self._ended) or (
                self._picture is not None and self._picture.number > newer_than
            )

        with self._changed:
            deadline_s = self._clock.now().mono_s + wait_s
            while True:
                left_s = min(deadline_s, self._arrived_s + stale_s) - self._clock.now().mono_s
                has_news = self._changed.wait_for(is_news, max(0.0, left_s))
                if self._ended:
                    raise LinkDown(self._ended)
                if has_news:
                    return self._picture
                now_s = self._clock.now().mono_s
                if (silent_s := now_s - self._arrived_s) >= stale_s:
                    raise LinkDown(f"camera: no frame for {silent_s:.1f} s from {self._place}")
                if now_s >= deadline_s:
                    return None

    def _run(self) -> None:
        ended = f"camera: stopped: {self._place}"
        try:
            ended = self._grab_until_end()
        except cv2.error as exc:
            ended = f"camera: {self._place}: {exc}"
        finally:
            self._capture.release()
            decoder_log.forget()
            with self._changed:
                self._ended = ended
                self._changed.notify_all()

    def _grab_until_end(self) -> str:
        """Returns why the stream ended."""
        self._complaints = decoder_log.complaints()
        due_s = before_s = self._clock.now().mono_s
        backlog = _Backlog(before_s, is_decoded=self._is_decoded_live)
        while not self._stopping.is_set():
            if not self._capture.grab() and not self._rewind():
                return f"camera: the stream ended or fell silent: {self._place}"
            now_s = self._clock.now().mono_s
            is_old = not self._frame_s and backlog.holds(now_s, self._position_s())
            received_s = before_s if self._is_decoded_live else now_s
            before_s = now_s
            if self._is_whole() and not is_old:
                is_read, pixels = self._capture.retrieve()
                if is_read:
                    self._keep(cast("npt.NDArray[np.uint8]", pixels), received_s, now_s)
            if self._frame_s:
                due_s = max(due_s + self._frame_s, now_s - self._frame_s)
                self._stopping.wait(due_s - now_s)
        return f"camera: closed: {self._place}"

    def _position_s(self) -> float:
        """Of the picture in its stream, by the camera's clock; 0.0 where that is not known."""
        return self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000

    def _is_whole(self) -> bool:
        """Whether the decoder had every part of the picture, and of those that it builds on."""
        if not self._is_decoded_live:
            return True
        before, now = self._complaints, decoder_log.complaints()
        self._complaints = now
        builds_on_others = self._capture.get(cv2.CAP_PROP_FRAME_TYPE) != KEY_PICTURE
        self._is_damaged = now.wounds != before.wounds or (
            builds_on_others and (self._is_damaged or now.holes != before.holes)
        )
        return not self._is_damaged

    def _keep(self, pixels: npt.NDArray[np.uint8], received_s: float, now_s: float) -> None:
        if self._is_raw and not _is_whole_jpeg(pixels):
            return
        with self._changed:
            self._picture = Picture(
                pixels=pixels,
                is_jpeg=self._is_raw,
                number=self._next_number,
                received_s=received_s,
            )
            self._next_number += 1
            self._arrived_s = now_s
            self._changed.notify_all()

    def _rewind(self) -> bool:
        """A file begins again; a network stream does not."""
        return bool(
            self._frame_s
            and self._next_number > 1
            and self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            and self._capture.grab()
        )


class _Backlog:
    """What a stream piled up while it was being opened: it is older than it looks.

    A picture that has to be waited for is the first of the present.
    """

    def __init__(self, opened_s: float, *, is_decoded: bool) -> None:
        self._is_decoded = is_decoded
        self._before_s = opened_s
        self._until_s = opened_s + (DECODED_LIMIT_S if is_decoded else BACKLOG_LIMIT_S)
        self._usual_s = KEY_DECODE_S if is_decoded else BACKLOG_GRAB_S
        self._position_s: float | None = None
        self._is_over = False

    def holds(self, now_s: float, position_s: float) -> bool:
        """Whether the picture that was grabbed by now is a part of it."""
        took_s, self._before_s = now_s - self._before_s, now_s
        if self._is_decoded and self._position_s is not None:
            # Decoding takes longer the larger a picture is; half of the time until the next one
            # came tells it from waiting at any size that can be decoded at all.
            self._usual_s = max(BACKLOG_GRAB_S, (position_s - self._position_s) / 2)
        self._position_s = position_s
        self._is_over |= took_s > self._usual_s or now_s > self._until_s
        return not self._is_over


def _is_whole_jpeg(packet: npt.NDArray[np.uint8]) -> bool:
    """Cheap test for cut pictures: a JPEG ends with its end marker, whatever pads it."""
    flat = packet.reshape(-1)
    return flat[:2].tobytes() == JPEG_START and flat[-64:].tobytes().rstrip(JPEG_PADDING).endswith(
        JPEG_END
    )
