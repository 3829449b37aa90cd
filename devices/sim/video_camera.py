"""A simulated network camera that sends H.264 or H.265 over RTSP, as nearly every one does.

One thread encodes each picture once, whoever watches; a connection begins in the middle of a group
of pictures, as at most cameras, so that its client waits for the next key picture. Parameter sets
stand in the session description, before each key picture, or both. Where the picture changes its
size, or `coarseness` is changed, the encoder begins anew with a key picture, as a camera does whose
settings somebody changes.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from devices.sim.rtp_nal import PAYLOAD_TYPE, CodedPicture, VideoCodec, media_lines, payloads
from devices.sim.rtp_nal import parameters_of as sets_among
from devices.sim.rtsp_camera import IDLE_S, RtpPicture, RtspCamera
from devices.sim.video_encoder import VideoEncoder

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from devices.clock import Clock
    from devices.sim.rtsp_camera import Viewer

ParameterSets = Literal["described", "in_band", "both"]
KEPT = 64  # coded pictures, for a client that is slow
FIRST_OF_GROUP = 0


class VideoCamera(RtspCamera):
    """H.264 or H.265 over RTSP. What is wrong with its stream is settable while it runs.

    `stalled` takes no pictures, `frozen` encodes one for ever, `cut_short` leaves out the second
    half of each picture's packets, `loses_keys` sends no key picture, `loses_packets` leaves out
    every so many-th packet (0: none), `flips_bits` sends every so many-th packet damaged.
    """

    has_key_pictures = True

    def __init__(
        self,
        host: str,
        port: int,
        picture: Callable[[], bytes],
        clock: Clock,
        *,
        path: str = "/h264/ch1/main/av_stream",
        rate_fps: float = 8.0,
        codec: VideoCodec = VideoCodec.H264,
        group_s: float = 1.0,
        parameter_sets: ParameterSets = "both",
    ) -> None:
        """A key picture comes every `group_s`."""
        super().__init__(host, port, picture, path=path, rate_fps=rate_fps)
        self.codec = codec
        self.coarseness = 26
        self.loses_keys = False
        self.loses_packets = 0
        self.flips_bits = 0
        self._clock = clock
        self._parameter_sets = parameter_sets
        self._group = max(1, round(group_s * rate_fps))
        self._encoder: VideoEncoder | None = None
        self._coarseness = self.coarseness  # that the encoder was made with
        self._in_group = FIRST_OF_GROUP
        self._taken = 0
        self._changed = threading.Condition()
        self._coded: deque[CodedPicture] = deque(maxlen=KEPT)
        self._described: tuple[bytes, ...] = ()
        self._stopping = threading.Event()
        self._encoding: threading.Thread | None = None

    def start(self) -> None:
        """Listen, and begin to take pictures. Raises `LinkDown` when the port is taken."""
        super().start()
        if self._encoding is None:
            self._stopping.clear()
            self._encoding = threading.Thread(
                target=self._encode_on, name=f"sim-encoder-{self.port}", daemon=True
            )
            self._encoding.start()

    def stop(self) -> None:
        """Drop every client and stop listening; leaves no thread behind."""
        super().stop()
        if self._encoding is not None:
            self._stopping.set()
            self._encoding.join()
            self._encoding = None

    def media_lines(self) -> tuple[str, ...]:
        """What the session description says; waits for the first picture."""
        with self._changed:
            self._changed.wait_for(lambda: self._described, 10 * IDLE_S)
            is_told = self._parameter_sets != "in_band"
            told = sets_among(self.codec, self._described) if is_told else {}
        return media_lines(self.codec, told)

    def new_viewer(self) -> Viewer:
        """For one connection."""
        return _VideoViewer(self)

    @property
    def newest(self) -> int:
        """The number of the picture that was encoded last; 0: none yet."""
        return self._taken

    def coded_after(self, number: int) -> CodedPicture | None:
        """The first kept picture after `number`, waiting for one."""
        with self._changed:
            self._changed.wait_for(lambda: self._taken > number, IDLE_S)
            return next((each for each in self._coded if each.number > number), None)

    def packets_of(self, coded: CodedPicture) -> RtpPicture | None:
        """What is sent of a picture, as the faults will have it."""
        if coded.is_key and self.loses_keys:
            return None
        in_band = coded.parameters if self._parameter_sets != "described" else ()
        units = (*in_band, *coded.units)
        pieces = [piece for unit in units for piece in payloads(self.codec, unit)]
        whole = len(pieces)
        if self.cut_short:
            pieces = pieces[: (whole + 1) // 2] if whole > 1 else [pieces[0][: len(pieces[0]) // 2]]
        lost = frozenset(at for at in range(len(pieces)) if self._is_nth(at, self.loses_packets))
        pieces = [
            _damaged(piece) if self._is_nth(at, self.flips_bits) else piece
            for at, piece in enumerate(pieces)
        ]
        return RtpPicture(
            pieces=tuple(pieces),
            at_s=coded.number * self.interval_s,
            is_whole=not self.cut_short,
            lost=lost,
        )

    def _is_nth(self, at: int, every: int) -> bool:
        """Whether the packet is one of those that a fault strikes."""
        return every > 0 and at % every == every - 1

    def _encode_on(self) -> None:
        due_s = self._clock.now().mono_s
        while not self._stopping.is_set():
            picture = self.seen_picture()
            if picture is not None:
                self._take(picture)
            due_s += self.interval_s
            wait_s = due_s - self._clock.now().mono_s
            due_s -= min(0.0, wait_s)  # what was too slow is not made up for
            self._stopping.wait(max(0.0, wait_s))

    def _take(self, picture: bytes) -> None:
        decoded = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        if decoded is None:
            return
        height_px, width_px = (side // 2 * 2 for side in decoded.shape[:2])
        image: npt.NDArray[np.uint8] = np.ascontiguousarray(
            decoded[:height_px, :width_px], dtype=np.uint8
        )
        encoder = self._encoder_for((width_px, height_px))
        coded = encoder.encode(
            image,
            number=self._taken + 1,
            at_s=(self._taken + 1) * self.interval_s,
            is_key=self._in_group == FIRST_OF_GROUP,
        )
        self._in_group = (self._in_group + 1) % self._group
        with self._changed:
            self._described = coded.parameters or self._described
            self._coded.append(coded)
            self._taken += 1
            self._changed.notify_all()

    def _encoder_for(self, size_px: tuple[int, int]) -> VideoEncoder:
        encoder = self._encoder
        if encoder is None or encoder.size_px != size_px or self._coarseness != self.coarseness:
            self._in_group, self._coarseness = FIRST_OF_GROUP, self.coarseness
            encoder = self._encoder = VideoEncoder(
                self.codec,
                width_px=size_px[0],
                height_px=size_px[1],
                rate_fps=1.0 / self.interval_s,
                coarseness=self.coarseness,
            )
        return encoder


class _VideoViewer:
    """A connection that gets every picture from the one after its beginning."""

    payload_type = PAYLOAD_TYPE
    pause_s = 0.0

    def __init__(self, camera: VideoCamera) -> None:
        self._camera = camera
        self._number: int | None = None

    def next_picture(self) -> RtpPicture | None:
        if self._number is None:
            self._number = self._camera.newest
        coded = self._camera.coded_after(self._number)
        if coded is None:
            return None
        self._number = coded.number
        return self._camera.packets_of(coded)


def _damaged(piece: bytes) -> bytes:
    """The same packet with a run of wrong bytes in its middle."""
    middle = len(piece) // 2
    run = bytes(byte ^ 0x5A for byte in piece[middle : middle + 24])
    return piece[:middle] + run + piece[middle + len(run) :]
