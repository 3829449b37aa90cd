"""One question at a time to a device that answers in order, and no answer taken for another's.

An answer that comes after its time is up says nothing of which question it belongs to. So after a
question without an answer the device is asked something whose answer cannot be taken for any other,
and what comes before that answer is dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from devices.errors import LinkDown
from devices.line_device import LineConfig, LineDevice

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from devices.framing import FrameDecoder
    from devices.link import Transport

F = TypeVar("F")

SILENT_S = 3.0  # a device that is asked several times a second and says nothing this long is gone


class AskedConfig(LineConfig, Protocol):
    """The keys that the table of every such device has."""

    @property
    def poll_s(self) -> float:
        """The time between two turns of asking."""
        ...

    @property
    def reply_s(self) -> float:
        """An answer later than this is dropped."""
        ...


class AskedLine(LineDevice[F]):
    """The driver of a device that is asked; what it is asked is the deriving class's.

    Used by one thread; only `close` may come from another. `check` is the question that puts
    answers in order again and `is_check` knows its answer. `late_frames` counts what was dropped
    because it may belong to an earlier question. A device that answers nothing for `silent_s` is
    lost.
    """

    def __init__(
        self,
        name: str,
        config: AskedConfig,
        clock: Clock,
        *,
        make_decoder: Callable[[], FrameDecoder[F]],
        check: bytes,
        is_check: Callable[[F], bool],
        silent_s: float = SILENT_S,
        connect: Callable[[], Transport] | None = None,
    ) -> None:
        super().__init__(name, config, clock, make_decoder=make_decoder, connect=connect)
        self._name = name
        self._check = check
        self._is_check = is_check
        self._poll_s = config.poll_s
        self._reply_s = config.reply_s
        self._silent_s = silent_s
        self._due_s = 0.0
        self._in_order = False
        self._answered_s = 0.0
        self.is_heard = False  # has answered since it was opened
        self.late_frames = 0

    def open(self) -> None:
        """Take the wire; what it may still carry is nobody's answer."""
        super().open()
        self._in_order = self.is_heard = False
        self._answered_s = self._due_s = self._clock.now().mono_s

    def turn(self, timeout_s: float) -> float | None:
        """Wait up to `timeout_s` for the time to ask; that time, None where it has not come.

        Raises:
            LinkDown: the wire is gone.
        """
        wait_s = self._due_s - self._clock.now().mono_s
        if wait_s > 0:
            self._listen(min(timeout_s, wait_s))
            if wait_s > timeout_s:
                return None
        asked_s = self._clock.now().mono_s
        self._due_s = asked_s + self._poll_s
        return asked_s

    def _listen(self, wait_s: float) -> None:
        """Let `wait_s` pass. What a device says without being asked is dropped."""
        until_s = self._clock.now().mono_s + wait_s
        while (left_s := until_s - self._clock.now().mono_s) > 0:
            self.late_frames += len(self._stream.read(left_s))

    def ask(self, question: bytes, is_last: Callable[[F], bool]) -> list[F] | None:
        """The answer, up to and with the frame that `is_last`; None when there was none in time.

        Raises:
            LinkDown: the wire is gone, or nothing was answered for `silent_s`.
        """
        if not self._in_order:
            self._in_order = self._exchange(self._check, self._is_check) is not None
        answer = self._exchange(question, is_last) if self._in_order else None
        now_s = self._clock.now().mono_s
        if answer is not None:
            self._answered_s, self.is_heard = now_s, True
        elif now_s - self._answered_s > self._silent_s:
            raise LinkDown(
                f"{self._name}: no answer for {now_s - self._answered_s:.1f} s on {self._place}, "
                f"{self.discarded_bytes} bytes discarded so far"
            )
        return answer

    def _exchange(self, question: bytes, is_last: Callable[[F], bool]) -> list[F] | None:
        self._stream.write(question)
        until_s = self._clock.now().mono_s + self._reply_s
        heard: list[F] = []
        while (left_s := until_s - self._clock.now().mono_s) > 0:
            for frame, _ in self._stream.read(left_s):
                heard.append(frame)
                if is_last(frame):
                    return heard
        self._in_order = False
        self.late_frames += len(heard)
        return None
