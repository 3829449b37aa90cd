"""What a camera that reads container numbers is to the rest of the program.

Contract
- A reading is what one post said, one container number or a few, as the camera wrote them. Whether
  a number is one (ISO 6346, its check digit) is for those who judge.
- It says nothing while nobody comes, so that it is silent cannot be told from that it is broken.
  Nothing may rest on its absence; a lane that demands container numbers holds who has none.
- A post with an empty list is a sign of life and no reading.
- `LinkDown` says that the lane cannot listen: the address is taken, or not the machine's.
- `received_s` is the moment at which the last byte of the post had come. The camera's own clock is
  not believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from devices.readings import ContainerReading


class ContainerCamera(Protocol):
    """A camera that posts container numbers as vehicles come. One thread uses it."""

    @property
    def is_heard(self) -> bool:
        """Whether the lane listens; of the camera itself nothing is known."""
        ...

    def open(self) -> None:
        """Begin to listen. Raises `LinkDown`, naming the address, when that is not possible."""
        ...

    def read(self, timeout_s: float) -> tuple[ContainerReading, ...]:
        """What came since the last call, oldest first; waits up to `timeout_s` for the first.

        Raises `LinkDown` when it is not open.
        """
        ...

    def close(self) -> None:
        """Stop listening. May be called twice."""
        ...
