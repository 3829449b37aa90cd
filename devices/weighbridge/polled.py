"""Driver of indicators that answer when they are asked.

Requests go out one at a time, at most one every `poll_s`. An answer that did not come within
`reply_s` may still come, and nothing in it says which request it belongs to. But indicators
answer in order, and every protocol has a `check` question whose answer cannot be taken for a
weight. So the driver keeps the list of what it has asked and not heard; an answer strikes off the
first request of its kind and all before it, which were lost. A weight counts only if nothing was
asked after it.

After a silence the check is asked: what comes before its answer belongs to earlier requests. When
the check itself stays unanswered, or an answer comes that nobody can have asked for, the driver
says nothing until the line has been quiet for `QUIET_S`, and then begins anew. An answer later
than that would be taken for a newer one: this is the limit of what can be told apart.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import TYPE_CHECKING

from devices.errors import LinkDown
from devices.line_device import LineDevice
from devices.weighbridge.driver import SILENT_S
from devices.weighbridge.indication import Answer, Heard, IndicatorFrame, reading_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from devices.config import WeighbridgeConfig
    from devices.link import Transport
    from devices.readings import WeighbridgeReading
    from devices.weighbridge.indication import IndicatorProtocol, Poll

QUIET_S = 1.5


class _Asked(Enum):
    """The two questions."""

    WEIGHT = "weight"
    CHECK = "check"


class PolledWeighbridge(LineDevice[Heard]):
    """An indicator in command mode. Fulfills `devices.weighbridge.api.Weighbridge`.

    `late_frames` counts weights that were dropped because they may belong to an earlier request.
    """

    def __init__(
        self,
        protocol: IndicatorProtocol,
        config: WeighbridgeConfig,
        clock: Clock,
        *,
        connect: Callable[[], Transport] | None = None,
    ) -> None:
        """Raises ValueError when `protocol` is of an indicator that sends by itself."""
        if protocol.poll is None:
            raise ValueError(f"{protocol.name} is not asked")
        super().__init__(
            "weighbridge", config, clock, make_decoder=protocol.make_decoder, connect=connect
        )
        self._poll: Poll = protocol.poll
        self._config = config
        self.late_frames = 0
        self._refusal = ""
        self._begin(0.0)

    def _begin(self, now_s: float) -> None:
        """Nothing was asked yet, and what the line may still carry is not ours."""
        self._outstanding: deque[_Asked] = deque()
        self._in_order = False
        self._in_doubt = False
        self._tared = False
        self._unchecked: tuple[IndicatorFrame, float] | None = None
        self._asked_s = self._heard_s = self._due_s = self._weighed_s = now_s

    def open(self) -> None:
        """Take the wire; see the contract in `api`."""
        super().open()
        self._begin(self._clock.now().mono_s)

    def read(self, timeout_s: float) -> list[WeighbridgeReading]:
        """Ask when it is time, wait up to `timeout_s` for bytes; see the contract in `api`."""
        self._ask()
        readings: list[WeighbridgeReading] = []
        for heard, received_s in self._stream.read(self._wait_s(timeout_s)):
            readings += self._take(heard, received_s)
        self._ask()
        now_s = self._clock.now().mono_s
        if readings:
            self._weighed_s = now_s
        elif now_s - self._weighed_s > SILENT_S:
            raise LinkDown(self._silence(now_s))
        return readings

    # --- asking -----------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Send the request that is due, unless an answer may still be on its way."""
        now_s = self._clock.now().mono_s
        if self._outstanding and now_s - self._asked_s > self._config.reply_s:
            self._in_order, self._unchecked = False, None
            self._in_doubt = self._in_doubt or _Asked.CHECK in self._outstanding
        elif self._outstanding:
            return
        if self._in_doubt:
            if now_s - max(self._asked_s, self._heard_s) <= QUIET_S:
                return
            self._outstanding.clear()
            self._in_doubt = False
        if not self._in_order or self._unchecked is not None:
            self._send(self._poll.check, _Asked.CHECK, now_s)
        elif now_s >= self._due_s:
            self._send(self._poll.ask, _Asked.WEIGHT, now_s)
            self._due_s = now_s + self._config.poll_s

    def _send(self, request: bytes, asked: _Asked, now_s: float) -> None:
        self._stream.write(request)
        self._outstanding.append(asked)
        self._asked_s = now_s

    def _wait_s(self, timeout_s: float) -> float:
        """How long to listen before there may be something to ask."""
        until_s = self._due_s
        if self._in_doubt:
            until_s = max(self._asked_s, self._heard_s) + QUIET_S
        elif self._outstanding:
            until_s = self._asked_s + self._config.reply_s
        # A hundredth more: at the very moment an answer is not late yet.
        return max(0.0, min(timeout_s, until_s + 0.01 - self._clock.now().mono_s))

    # --- hearing ----------------------------------------------------------------------------------

    def _take(self, heard: Heard, received_s: float) -> list[WeighbridgeReading]:
        self._heard_s = received_s
        if self._poll.is_checked(heard):
            return self._take_check(heard)
        if isinstance(heard, Answer):
            self._refusal = heard.text
            self._in_order = False  # nobody knows what it refused
            if self._outstanding:
                self._outstanding.popleft()
            return []
        counts = self._in_order and self._strike_off(_Asked.WEIGHT)
        if not counts:
            self.late_frames += 1
            return []
        if self._poll.after_each:
            self._unchecked = (heard, received_s)
            return []
        return [self._reading(heard, received_s, tared=False)]

    def _take_check(self, heard: Heard) -> list[WeighbridgeReading]:
        self._in_order = self._strike_off(_Asked.CHECK)
        weighed, self._unchecked = self._unchecked, None
        if not self._in_order:
            return []
        self._in_doubt = False
        tared_before = self._tared
        self._tared = isinstance(heard, IndicatorFrame) and heard.digits != 0
        if weighed is None:
            return []
        return [self._reading(*weighed, tared=tared_before or self._tared)]

    def _strike_off(self, answered: _Asked) -> bool:
        """Take the request that this answers from the list; whether it was the last one asked."""
        while self._outstanding:
            if self._outstanding.popleft() is answered:
                return not self._outstanding
        self._in_order, self._in_doubt = False, True
        return False

    def _reading(
        self, frame: IndicatorFrame, received_s: float, *, tared: bool
    ) -> WeighbridgeReading:
        return reading_of(
            frame,
            received_s=received_s,
            division_kg=self._config.division_kg,
            unit=self._config.unit,
            tared=tared,
        )

    def _silence(self, now_s: float) -> str:
        refused = f", last refusal {self._refusal!r}" if self._refusal else ""
        return (
            f"weighbridge: no weight for {now_s - self._weighed_s:.1f} s on {self._place}, "
            f"{self.discarded_bytes} bytes discarded and "
            f"{self.late_frames} late answers so far{refused}"
        )
