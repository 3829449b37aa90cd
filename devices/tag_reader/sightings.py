"""A tag that is seen once may be the next lane's. Pure."""

from __future__ import annotations

from collections import deque


class Sightings:
    """Tells which tags were seen often enough, and each of them once in a while.

    A tag counts when `reads_min` sightings of it lie within `window_s`, and then not again for
    `window_s`. Times are monotonic seconds and never go back.
    """

    def __init__(self, reads_min: int, window_s: float) -> None:
        self._reads_min = reads_min
        self._window_s = window_s
        self._seen_s: dict[str, deque[float]] = {}
        self._told_s: dict[str, float] = {}

    def counts(self, tag_id: str, at_s: float) -> bool:
        """Take one sighting; whether the tag is to be reported now."""
        self._forget(at_s)
        seen_s = self._seen_s.setdefault(tag_id, deque(maxlen=self._reads_min))
        seen_s.append(at_s)
        if len(seen_s) < self._reads_min or tag_id in self._told_s:
            return False
        self._told_s[tag_id] = at_s
        return True

    def _forget(self, now_s: float) -> None:
        oldest_s = now_s - self._window_s
        for seen_s in self._seen_s.values():
            while seen_s and seen_s[0] <= oldest_s:
                seen_s.popleft()
        self._seen_s = {tag: seen_s for tag, seen_s in self._seen_s.items() if seen_s}
        self._told_s = {tag: told_s for tag, told_s in self._told_s.items() if told_s > oldest_s}
