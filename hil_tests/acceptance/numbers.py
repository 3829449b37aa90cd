"""The times that a lane is accepted by, measured on simulators with the lane's own drivers."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import msgspec
import structlog

from devices.barrier.driver import Barrier
from devices.config import BarrierConfig, BusConfig, WeighbridgeConfig
from devices.lane_io.driver import LaneIo
from devices.lane_io.registers import board_of
from devices.modbus import ModbusBus
from devices.registry import WEIGHBRIDGES, open_weighbridge
from devices.sim.line_host import line_host
from devices.sim.modbus_host import ModbusHost
from devices.sim.weighbridge import SimWeighbridge
from devices.weighbridge.protocols import protocol_named
from gate_agent.adapters.lane_io import LaneIoAdapter
from gate_agent.adapters.service import Service
from gate_agent.adapters.weighbridge import WeighbridgeAdapter
from gate_agent.domain.events import InputsChanged, WeightObserved
from gate_agent.domain.faults import FaultCode
from gate_agent.inbox import Inbox
from hil_tests.bench.machine import cpu_s
from hil_tests.demo.judge import percentile
from hil_tests.lane_bench.bench_file import BenchFile
from hil_tests.lane_bench.lane_site import BenchSite, LaneUnderTest
from hil_tests.lane_bench.pool import BrokenBench, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from devices.clock import Clock
    from devices.sim.faults.turns import Plug
    from devices.sim.line_host import LineHost

PULLED_S = 10.0
RTU_REQUEST_BYTES, RTU_ANSWER_BYTES = 8, 6
BITS_PER_BYTE = 10
EDGES = 400
TAKE_S = 0.5
WEIGH_S = 40.0
TOGGLE_S = 0.7  # settled in between: three events each time
IDLE_S = 15.0
CODES = {
    "weighbridge": FaultCode.SCALE_LINK,
    "card_reader": FaultCode.CARD_LINK,
    "bus": FaultCode.BUS_LINK,
    "camera": FaultCode.CAMERA_LINK,
}


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """One measured time or share, and what it may be at most."""

    en: str
    zh: str
    unit: str
    n: int
    p50: float | None
    p99: float | None
    worst: float | None
    limit: float
    judged: str = "worst"  # which of them the limit is for

    @property
    def is_good(self) -> bool:
        """Whether the limit is kept; nothing measured is not good."""
        value: float | None = getattr(self, self.judged)
        return value is not None and value <= self.limit


def number(en: str, zh: str, unit: str, values: Sequence[float], limit: float, by: str) -> Number:
    """The spread of `values`."""
    return Number(
        en=en,
        zh=zh,
        unit=unit,
        n=len(values),
        p50=_rounded(percentile(values, 50)),
        p99=_rounded(percentile(values, 99)),
        worst=_rounded(max(values, default=None)),
        limit=limit,
        judged=by,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


# --- cables and idle lanes ------------------------------------------------------------------------


def lanes_of_every_driver(root: Path, pulls: int, clock: Clock) -> list[Number]:
    """Pull every cable of a lane of each indicator for ten seconds; measure idle lanes.

    Raises `BrokenBench`.
    """
    drivers = tuple(WEIGHBRIDGES)
    bench = BenchFile(
        name="every indicator",
        lanes=len(drivers),
        weighbridges=drivers,
        buses=("tcp", "rtu"),
    )
    try:
        with BenchSite(root, bench, root / "none", clock) as site:
            site.start()
            idle = _idle_share(site, clock)
            took_s = _pulled(site, pulls, clock)
    except Trouble as exc:
        raise BrokenBench(str(exc)) from exc
    return [
        *(
            number(
                f"back after a 10 s cable pull: {name}",
                f"拔线 10 秒后恢复: {name}",
                "s",
                values,
                3.0,
                "worst",
            )
            for name, values in took_s.items()
        ),
        number(
            "an idle lane's processor, camera aside",
            "空闲车道 CPU 占用 (不含摄像机)",
            "% of a core",
            idle,
            5.0,
            "p50",
        ),
    ]


def _idle_share(site: BenchSite, clock: Clock) -> list[float]:
    """Percent of a core for each lane, with its camera away."""
    for bench in site.benches.values():
        if bench.camera is not None:
            bench.camera.unplug()
    clock.sleep(4.0)
    pids = {name: site.processes[name].pid for name in site.lanes}
    before = {name: cpu_s([pid]) for name, pid in pids.items()}
    clock.sleep(IDLE_S)
    shares = [100 * (cpu_s([pid]) - before[name]) / IDLE_S for name, pid in pids.items()]
    for bench in site.benches.values():
        if bench.camera is not None:
            bench.camera.plug()
    clock.sleep(4.0)
    return shares


def _pulled(site: BenchSite, pulls: int, clock: Clock) -> dict[str, list[float]]:
    lanes = [
        LaneUnderTest(site, name, clock, ask=None, tell=lambda _line: None) for name in site.lanes
    ]
    took_s: dict[str, list[float]] = {}
    for _ in range(pulls):
        for lane in lanes:
            _turn(lane, plugged=False)
        clock.sleep(PULLED_S)
        for device, code in CODES.items():
            for driver, seconds in _plug_and_wait(lanes, device, code, clock):
                took_s.setdefault(driver, []).append(seconds)
    for lane in lanes:
        lane.view.close()
    return took_s


def _plug_and_wait(
    lanes: Sequence[LaneUnderTest], device: str, code: FaultCode, clock: Clock
) -> Iterator[tuple[str, float]]:
    """Plug one device of each lane in, and say how long each took to be heard again."""
    plugged_s = {}
    for lane in lanes:
        _turn(lane, plugged=True, only=device)
        plugged_s[lane.name] = clock.now().mono_s
    waiting = list(lanes)
    deadline_s = clock.now().mono_s + 3 * PULLED_S
    while waiting and clock.now().mono_s < deadline_s:
        for lane in tuple(waiting):
            state = lane.view.look()
            if state is not None and code not in state.faults:
                waiting.remove(lane)
                yield _driver(lane, device), clock.now().mono_s - plugged_s[lane.name]
        clock.sleep(0.01)
    for lane in waiting:
        yield _driver(lane, device), 3 * PULLED_S


def _driver(lane: LaneUnderTest, device: str) -> str:
    config = lane.bench.config
    return {
        "weighbridge": config.weighbridge.driver,
        "card_reader": config.card_reader.driver,
        "bus": f"modbus {config.bus.transport}",
        "camera": "camera stream",
    }[device]


def _turn(lane: LaneUnderTest, *, plugged: bool, only: str = "") -> None:
    ends: dict[str, Plug | None] = {
        "weighbridge": lane.bench.scale.host,
        "card_reader": lane.bench.card_reader.host,
        "bus": lane.bench.board,
        "camera": lane.bench.camera,
    }
    for device, end in ends.items():
        if end is not None and only in ("", device):
            end.plug() if plugged else end.unplug()


# --- from the wire to the lane --------------------------------------------------------------------


class _StampedLine:
    """A line that knows when its last byte had gone."""

    def __init__(self, inner: LineHost, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock
        self.sent_s = 0.0

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
        self._inner.write(payload)
        self.sent_s = self._clock.now().mono_s


def weight_to_event(folder: Path, clock: Clock) -> Number:
    """From the last byte of a frame on the line to the lane's inbox, of a streaming one."""
    config = WeighbridgeConfig(port=str(folder / "latency-scale"))
    inner = line_host("weighbridge", config.port, baud=config.baud, clock=clock)
    line = _StampedLine(inner, clock)
    load = threading.Event()
    sim = SimWeighbridge(
        line,
        lambda: 20_000.0 if load.is_set() else 0.0,
        clock,
        protocol=protocol_named(config.driver),
        rate_hz=10.0,  # so that the next frame is far from the last one's event
    )
    inbox = Inbox()
    adapter = WeighbridgeAdapter(open_weighbridge(config, clock), config, inbox, clock)
    service = Service("weighbridge", adapter, FaultCode.SCALE_LINK, inbox, clock, _no_log())
    sim.start()
    service.start()
    took_ms: list[float] = []
    until_s, toggle_s = clock.now().mono_s + WEIGH_S, 0.0
    try:
        while (now_s := clock.now().mono_s) < until_s:
            if now_s > toggle_s:
                toggle_s = now_s + TOGGLE_S
                load.clear() if load.is_set() else load.set()
            stamped = inbox.take(0.05)
            if stamped is not None and isinstance(stamped.event, WeightObserved) and line.sent_s:
                took_ms.append(1000 * (clock.now().mono_s - line.sent_s))
    finally:
        service.stop()
        service.join(5.0)
        sim.stop()
    return number(
        "last byte of a frame to the lane's event",
        "最后一个字节到车道事件",
        "ms",
        took_ms[1:],
        20.0,
        "p99",
    )


def edge_to_event(folder: Path, clock: Clock) -> Number:
    """From a loop's contact to the lane's inbox, over RTU at 19200 with the line's own time."""
    config = BusConfig(transport="rtu", serial_port=str(folder / "latency-bus"), baud=19_200)
    board = ModbusHost(config, clock)
    board.delay_answers((RTU_REQUEST_BYTES + RTU_ANSWER_BYTES) * BITS_PER_BYTE / config.baud)
    map_ = board_of(config)
    inbox, bus = Inbox(), ModbusBus(config, clock)
    adapter = LaneIoAdapter(
        bus,
        LaneIo(bus, clock, map_),
        Barrier(bus, clock, BarrierConfig(), map_),
        config.poll_s,
        inbox,
        clock,
        _no_log(),
    )
    service = Service("bus", adapter, FaultCode.BUS_LINK, inbox, clock, _no_log())
    chance, took_ms, on = random.Random(1), [], False
    board.start()
    service.start()
    try:
        _next_inputs(inbox, clock)
        for _ in range(EDGES):
            clock.sleep(chance.uniform(0.05, 0.12))
            while inbox.take(0.0) is not None:
                pass
            on, edge_s = not on, clock.now().mono_s
            board.set_input(map_.entry_loop, on)
            if _next_inputs(inbox, clock) and on:  # clear is told later, by intent
                took_ms.append(1000 * (clock.now().mono_s - edge_s))
    finally:
        service.stop()
        service.join(5.0)
        board.stop()
    return number(
        "loop edge to the lane's event, RTU 19200",
        "线圈动作到车道事件 (RTU 19200)",
        "ms",
        took_ms,
        60.0,
        "p99",
    )


def _next_inputs(inbox: Inbox, clock: Clock) -> bool:
    until_s = clock.now().mono_s + TAKE_S
    while clock.now().mono_s < until_s:
        stamped = inbox.take(0.02)
        if stamped is not None and isinstance(stamped.event, InputsChanged):
            return True
    return False


def _no_log() -> structlog.stdlib.BoundLogger:
    def drop(*_: object) -> str:
        raise structlog.DropEvent

    log: structlog.stdlib.BoundLogger = structlog.wrap_logger(None, processors=[drop])
    return log
