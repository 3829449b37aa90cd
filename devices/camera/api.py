"""What a plate camera is, whatever it is plugged into.

Contract
- The newest picture is always at hand; nothing is queued. Whoever asks gets the present, however
  long ago it last asked, so a slow plate reader sees no backlog.
- A frame is a picture that arrived whole. An old picture is never handed out a second time as a
  new one, and one that cannot be decoded counts as not having come.
- `None` from `latest` says that no newer frame came in the time given, while the camera is still
  believed to be alive. `LinkDown` says that it is not: nothing came for `stale_s`, or the other
  end closed the stream.
- `received_s` is the moment of arrival in this process. What piled up while a stream was being
  opened is dropped, because it is older than it looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from devices.readings import Frame, JpegFrame, RecognizedPlate


class Camera(Protocol):
    """A source of pictures. One thread uses it; another may `close` it."""

    def open(self) -> None:
        """Start delivering. On an open camera this closes and opens again.

        Raises `LinkDown`, naming the source, when it cannot be reached in `open_timeout_s`.
        """
        ...

    def latest(self, newer_than: int, timeout_s: float) -> Frame | None:
        """The newest frame whose `number` is greater than `newer_than`, waiting for one if need be.

        Pass 0 at first, then the `number` of the last frame you had. Returns None when no newer
        frame came within `timeout_s`. Raises `LinkDown` when no frame has come for `stale_s`,
        when the source has ended, or when the camera is not open. After `LinkDown`: `close`,
        wait, `open` again; numbers go on counting.
        """
        ...

    def close(self) -> None:
        """Give the source back; a waiting `latest` ends with `LinkDown`. May be called twice.

        Waits for a read in progress, at most about `stale_s`.
        """
        ...


class JpegCamera(Camera, Protocol):
    """A camera whose pictures can be kept as they came, without the cost of decoding them."""

    def latest_jpeg(self, newer_than: int, timeout_s: float) -> JpegFrame | None:
        """As `latest`; the JPEG is whole, but nobody has looked whether it can be decoded."""
        ...


class PlateCamera(Protocol):
    """A camera that recognizes plates itself and sends what it read when a vehicle came by.

    It says nothing while nobody comes, so that it is silent cannot be told from that it is broken:
    its reading may confirm or contradict, and nothing may rest on its absence.
    """

    def open(self) -> None:
        """Begin to listen. Raises `LinkDown`, naming the address, when that is not possible."""
        ...

    def read(self, timeout_s: float) -> tuple[RecognizedPlate, ...]:
        """What came since the last call, oldest first; waits up to `timeout_s` for the first.

        Raises `LinkDown` when it is not open.
        """
        ...

    def close(self) -> None:
        """Stop listening. May be called twice."""
        ...
