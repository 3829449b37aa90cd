"""What a reader of windshield tags is to the rest of the program.

Contract
- A reading is one tag that was seen by `reads_min` answers within `repeat_s`. It is reported once,
  and again every `repeat_s` while it goes on being seen.
- `tag_id` is the tag's EPC in upper-case hex, as sent: the first byte is the most significant.
- Every tag in view is reported, the one of the vehicle in the next lane, too: a reading says that a
  tag is near, never whose it is. Power and aim of the antenna decide what is near.
- No tag in view gives no reading and no error. A reader that does not answer is `LinkDown`, never
  "no tag".
- `received_s` is the moment at which the tag was asked for: a reading may look older than it is,
  never younger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from devices.line_api import OnALine

if TYPE_CHECKING:
    from devices.readings import TagReading


class TagReader(OnALine, Protocol):
    """A reader of windshield tags. Answers without a tag count among its `good_frames`."""

    @property
    def is_heard(self) -> bool:
        """Whether it has answered since it was opened."""
        ...

    def read(self, timeout_s: float) -> list[TagReading]:
        """Ask when it is time, else wait up to `timeout_s`; the tags seen often enough.

        Raises:
            LinkDown: the wire is gone, or nothing was answered for `SILENT_S`. `close()`, then
                `open()` again.
        """
        ...
