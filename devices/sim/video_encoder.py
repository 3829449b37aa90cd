"""The encoder of simulated H.264 and H.265 cameras: PyAV, the extra `sim-h264`.

For benches and tests only: its wheel brings x264 and x265, which are under the GPL.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from devices.sim.rtp_nal import CodedPicture, VideoCodec, is_slice, parameters_of, units_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CLOCK_HZ = 90_000
_ENCODERS = {
    VideoCodec.H264: (
        "libx264",
        "x264-params",
        # What cameras do: CABAC, one reference, key pictures where they are due and nowhere else.
        "cabac=1:ref=1:scenecut=0:sliced-threads=0",
    ),
    VideoCodec.H265: (
        "libx265",
        "x265-params",
        "scenecut=0:pools=none:frame-threads=1:repeat-headers=1:log-level=none:info=0",
    ),
}
av.logging.set_level(av.logging.PANIC)


class VideoEncoder:
    """Encodes pictures of one size in order. From one thread."""

    def __init__(
        self,
        codec: VideoCodec,
        *,
        width_px: int,
        height_px: int,
        rate_fps: float,
        coarseness: int,
    ) -> None:
        """`coarseness` is the encoder's CRF: 18 is large and fine, 40 is small and coarse."""
        self.codec = codec
        self.size_px = (width_px, height_px)
        name, words, usual = _ENCODERS[codec]
        context = av.CodecContext.create(name, "w")
        assert isinstance(context, VideoCodecContext)  # noqa: S101 - for the type checker
        context.width, context.height, context.pix_fmt = width_px, height_px, "yuv420p"
        context.time_base = Fraction(1, CLOCK_HZ)
        context.framerate = Fraction(rate_fps).limit_denominator(1_000)
        context.gop_size = 100_000  # `encode` says where a key picture is due
        context.max_b_frames = 0
        context.thread_count = 1
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "crf": str(coarseness),
            "forced-idr": "1",
            words: usual,
        }
        self._context = context

    def encode(
        self, image: npt.NDArray[np.uint8], *, number: int, at_s: float, is_key: bool
    ) -> CodedPicture:
        """One picture, BGR, at once; `at_s` since the first one."""
        frame = VideoFrame.from_ndarray(image, format="bgr24")
        frame.pts = round(at_s * CLOCK_HZ)
        frame.pict_type = PictureType.I if is_key else PictureType.NONE
        coded = b"".join(bytes(packet) for packet in self._context.encode(frame))
        units = units_of(coded)
        return CodedPicture(
            number=number,
            units=tuple(unit for unit in units if is_slice(self.codec, unit)),
            parameters=tuple(parameters_of(self.codec, units).values()),
            is_key=is_key,
        )
