"""The last seconds of a lane, and everything since its vehicle came, in bounded memory. Pure.

While the lane is empty the frames of the last `before_s` seconds are kept. From the arrival on
nothing is dropped by age. Where the bytes do not suffice the frame goes whose neighbors are nearest
to each other, never the first nor one of the last `before_s` seconds: a vehicle that waits for an
hour keeps its beginning, its end at full pace, and an even pace between. What is lost is pace,
never a stretch of time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gate_agent.store.avi import ClipFrame


class ClipRing:
    """Frames in order of time, at most `max_bytes` of them."""

    def __init__(self, *, before_s: float, max_bytes: int) -> None:
        self._before_s = before_s
        self._max_bytes = max_bytes
        self._frames: list[ClipFrame] = []
        self._bytes = 0
        self._since_s: float | None = None

    @property
    def bytes_kept(self) -> int:
        """How many bytes of pictures are in it. Never above `max_bytes`."""
        return self._bytes

    def add(self, frame: ClipFrame) -> None:
        """The newest frame; a single one that is larger than everything allowed is left out."""
        if len(frame.jpeg) > self._max_bytes:
            return
        self._frames.append(frame)
        self._bytes += len(frame.jpeg)
        self._forget_before(frame.at_s)
        while self._bytes > self._max_bytes:
            self._thin()

    def begin(self, at_s: float) -> None:
        """A vehicle came: what was kept until now stays."""
        self._since_s = at_s

    def end(self, at_s: float) -> None:
        """It is gone: only the last seconds count again."""
        self._since_s = None
        self._forget_before(at_s)

    def clip(self) -> tuple[ClipFrame, ...]:
        """Everything from before the arrival until now; empty when nobody came."""
        if self._since_s is None:
            return ()
        begin_s = self._since_s - self._before_s
        return tuple(frame for frame in self._frames if frame.at_s >= begin_s)

    def _forget_before(self, now_s: float) -> None:
        until_s = (now_s if self._since_s is None else self._since_s) - self._before_s
        stale = 0
        while stale < len(self._frames) and self._frames[stale].at_s < until_s:
            self._bytes -= len(self._frames[stale].jpeg)
            stale += 1
        del self._frames[:stale]

    def _thin(self) -> None:
        """Drop the one frame that is missed least."""
        frames, recent_s = self._frames, self._frames[-1].at_s - self._before_s
        inner = range(1, len(frames) - 1)
        older = [at for at in inner if frames[at].at_s < recent_s] or list(inner)
        least = min(older, key=lambda at: frames[at + 1].at_s - frames[at - 1].at_s, default=0)
        self._bytes -= len(frames.pop(least).jpeg)
