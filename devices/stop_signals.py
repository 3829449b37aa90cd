"""SIGTERM and SIGINT as something that a main thread can wait for.

Not a `threading.Event`: its lock is not reentrant, so a second signal that arrives while the
first one's handler is inside `set()`, or while the main thread is just entering `wait()`, blocks
the process for ever. `queue.SimpleQueue.put` is documented as reentrant for this very use.
"""

from __future__ import annotations

import queue
import signal


class StopSignals:
    """Takes over SIGTERM and SIGINT of this process. Made and waited for in the main thread."""

    def __init__(self) -> None:
        self._arrived: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._must_stop = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _frame: self._arrived.put(number))

    def wait(self, timeout_s: float | None) -> bool:
        """Whether one of them has arrived, ever; waits up to `timeout_s`, or for ever."""
        if not self._must_stop:
            try:
                self._arrived.get(timeout=timeout_s)
            except queue.Empty:
                return False
            self._must_stop = True
        return True
