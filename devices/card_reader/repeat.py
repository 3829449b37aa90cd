"""One presentation, one reading. Pure."""

from __future__ import annotations


class RepeatFilter:
    """Tells a card presented anew from one that the reader sends twice.

    The same number within `repeat_s` of the time it was last let through is a repeat. Another
    card in between does not matter. Times are monotonic seconds.
    """

    def __init__(self, repeat_s: float) -> None:
        self._repeat_s = repeat_s
        self._passed_s: dict[str, float] = {}

    def is_repeat(self, uid: str, at_s: float) -> bool:
        """Judge one frame; a card that is not a repeat counts as let through now."""
        self._passed_s = {
            known: passed_s
            for known, passed_s in self._passed_s.items()
            if at_s - passed_s < self._repeat_s
        }
        if uid in self._passed_s:
            return True
        self._passed_s[uid] = at_s
        return False
