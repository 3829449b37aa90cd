"""What a person is asked, and how long that takes: such time is no time of the lane."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock


class Prompts:
    """Shows lines to a person, one at a time. Asked by one thread, looked at by any."""

    def __init__(self, ask: Callable[[str], str], clock: Clock) -> None:
        """`ask` shows a line and returns the answer."""
        self._ask = ask
        self._clock = clock
        self._before_s = 0.0
        self._since_s: float | None = None
        self._lock = threading.Lock()

    def __call__(self, text: str) -> str:
        """Show a line and wait for the answer, however long that takes."""
        since_s = self._now_s()
        with self._lock:
            self._since_s = since_s
        try:
            return self._ask(text)
        finally:
            with self._lock:
                self._before_s += self._now_s() - since_s
                self._since_s = None

    @property
    def waited_s(self) -> float:
        """How long answers were waited for until now, the one that is open included."""
        with self._lock:
            open_s = 0.0 if self._since_s is None else self._now_s() - self._since_s
            return self._before_s + open_s

    def _now_s(self) -> float:
        return self._clock.now().mono_s
