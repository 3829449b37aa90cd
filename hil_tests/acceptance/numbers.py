"""From the wire to the lane's inbox: the times that a lane is accepted by, on simulators."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from devices.config import WeighbridgeConfig
from devices.registry import WEIGHBRIDGES, open_weighbridge
from devices.sim.line_host import line_host
from devices.sim.weighbridge import SimWeighbridge
from devices.weighbridge.protocols import protocol_named
from gate_agent.adapters.service import Service
from gate_agent.adapters.weighbridge import WeighbridgeAdapter
from gate_agent.domain.events import WeightObserved
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.vocabulary import WeightState
from gate_agent.inbox import Inbox
from hil_tests.acceptance.figures import Number, number
from hil_tests.bench import loop_edge

if TYPE_CHECKING:
    from pathlib import Path

    from devices.clock import Clock
    from devices.sim.line_host import LineHost

WEIGH_S = 24.0  # each
SIDE_BY_SIDE = 4
NOTED_S = 0.002  # within this of its last byte the end of a frame is noted
TOGGLE_S = 0.9  # at rest in between, by every settling rule
AT_REST = frozenset({WeightState.SETTLED, WeightState.EMPTY})


class _StampedLine:
    """A line that knows when its last byte had gone."""

    def __init__(self, inner: LineHost, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock
        self.sent_s = self._before_s = 0.0  # of the last frame, and of the one before
        self._is_sending = threading.Lock()

    @property
    def is_plugged(self) -> bool:
        return self._inner.is_plugged

    def plug(self) -> None:
        self._inner.plug()

    def unplug(self) -> None:
        self._inner.unplug()

    def read(self, timeout_s: float) -> bytes:
        return self._inner.read(timeout_s)

    def write(self, payload: bytes) -> None:
        with self._is_sending:
            self._inner.write(payload)
            self._before_s, self.sent_s = self.sent_s, self._clock.now().mono_s

    def age_ms(self, at_s: float) -> float:
        """How long before `at_s` the last byte had gone.

        The thread that sends may note the moment after the other end has read. What comes earlier
        than that in the middle of a frame is about the frame before.
        """
        with self._is_sending:
            is_of_last = at_s >= self.sent_s - NOTED_S
            return 1000 * (max(0.0, at_s - self.sent_s) if is_of_last else at_s - self._before_s)


def weights_to_event(folder: Path, clock: Clock) -> list[Number]:
    """Of every indicator that a lane file may name, a few at a time: each waits for its wire."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as several:
        return list(several.map(lambda name: weight_to_event(name, folder, clock), WEIGHBRIDGES))


def weight_to_event(driver: str, folder: Path, clock: Clock) -> Number:
    """From the last byte that shows a stable weight to the lane's inbox.

    That is the frame's last byte where the indicator sends by itself, the answer's where it is
    asked, and the check's after it where the weight counts only then.
    """
    config = WeighbridgeConfig(driver=driver, port=str(folder / f"latency-{driver}"))
    inner = line_host("weighbridge", config.port, baud=config.baud, clock=clock)
    line, load = _StampedLine(inner, clock), threading.Event()
    sim = SimWeighbridge(
        line,
        lambda: 20_000.0 if load.is_set() else 0.0,
        clock,
        protocol=protocol_named(config.driver, config.address),
        rate_hz=10.0,  # so that the next frame is far from the last one's event
    )
    inbox = Inbox()
    adapter = WeighbridgeAdapter(open_weighbridge(config, clock), config, inbox, clock)
    service = Service(
        "weighbridge", adapter, FaultCode.SCALE_LINK, inbox, clock, loop_edge.silent_log()
    )
    sim.start()
    service.start()
    try:
        took_ms = _stable_ms(line, load, inbox, clock)
    finally:
        service.stop()
        service.join(5.0)
        sim.stop()
    return number(
        f"last byte of a stable weight to the lane's event: {driver}",
        f"稳定重量最后一个字节到车道事件: {driver}",
        "ms",
        took_ms,
        20.0,
        "p99",
    )


def _stable_ms(
    line: _StampedLine, load: threading.Event, inbox: Inbox, clock: Clock
) -> list[float]:
    """A load comes and goes; how old each event of a weight at rest was when it came."""
    took_ms: list[float] = []
    until_s, toggle_s = clock.now().mono_s + WEIGH_S, 0.0
    while (now_s := clock.now().mono_s) < until_s:
        if now_s > toggle_s:
            toggle_s = now_s + TOGGLE_S
            load.clear() if load.is_set() else load.set()
        stamped = inbox.take(0.05)
        event = None if stamped is None else stamped.event
        if isinstance(event, WeightObserved) and event.state in AT_REST and line.sent_s:
            took_ms.append(line.age_ms(clock.now().mono_s))
    return took_ms[1:]


def edge_to_event(clock: Clock) -> Number:
    """From a loop's contact to the lane's inbox, over RTU at 19200 with the line's own time."""
    return number(
        "loop edge to the lane's event, RTU 19200",
        "线圈动作到车道事件 (RTU 19200)",
        "ms",
        loop_edge.edges_ms(clock),
        loop_edge.BAR_MS,
        "p99",
    )
