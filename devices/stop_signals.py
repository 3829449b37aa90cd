"""SIGTERM, SIGINT and SIGHUP: as something that a main thread can wait for, or as one Ctrl-C.

A SIGHUP is a connection that was lost (SSH): whoever started the program from there is gone, and
the program ends as if it had been told to. One that was ignored from the start (`nohup`) stays so.

Not a `threading.Event`: its lock is not reentrant, so a second signal that arrives while the
first one's handler is inside `set()`, or while the main thread is just entering `wait()`, blocks
the process for ever. `queue.SimpleQueue.put` is documented as reentrant for this very use.
"""

from __future__ import annotations

import contextlib
import queue
import signal
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator


class StopSignals:
    """Takes over the signals that end this process. Made and waited for in the main thread."""

    def __init__(self) -> None:
        self._arrived: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._must_stop = False
        for number in _ending():
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


@contextlib.contextmanager
def ended_in_order() -> Iterator[None]:
    """Let each of them be a `KeyboardInterrupt` inside, once. In the main thread.

    What was begun is undone by its own `finally`: a contact that was closed is opened. The signals
    that come after the first are ignored, so that none breaks into that.
    """
    before = {number: signal.signal(number, _interrupt) for number in _ending()}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    for number in _ending():
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _ending() -> tuple[signal.Signals, ...]:
    always = (signal.SIGTERM, signal.SIGINT)
    is_hung_up_on = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    return (*always, signal.SIGHUP) if is_hung_up_on else always
