"""Armed deadlines on the monotonic clock. Belongs to the lane thread."""

from __future__ import annotations

import heapq


class Deadlines:
    """A heap of (when, token). Nothing is ever disarmed: the lane ignores an old token."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []

    def arm(self, token: int, due_s: float) -> None:
        """`token` is due at `due_s` monotonic seconds."""
        heapq.heappush(self._heap, (due_s, token))

    def due(self, now_s: float) -> int | None:
        """Take the earliest token that is due, or None."""
        if self._heap and self._heap[0][0] <= now_s:
            return heapq.heappop(self._heap)[1]
        return None

    def wait_s(self, now_s: float, at_most_s: float) -> float:
        """Seconds until the next one is due, between 0 and `at_most_s`."""
        if not self._heap:
            return at_most_s
        return min(at_most_s, max(0.0, self._heap[0][0] - now_s))
