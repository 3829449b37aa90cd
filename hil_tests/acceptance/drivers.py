"""Every driver's cable pulled for ten seconds, and what an idle lane costs: on simulators.

The faults are those of the library, so that a cable is pulled here as `gate-bench fault` and the
scenarios pull it. Each pull counts only if the lane told of it: its condition raised and cleared,
one log line for the loss and one for the way back.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from devices.registry import CARD_READERS, TAG_READERS, WEIGHBRIDGES
from devices.sim.faults.table import FAULTS
from hil_tests.acceptance.device_lines import stream_of
from hil_tests.acceptance.figures import Number, number
from hil_tests.bench.machine import cpu_s
from hil_tests.lane_bench.bench_file import NONE, BenchFile
from hil_tests.lane_bench.lane_site import BenchSite, LaneUnderTest
from hil_tests.lane_bench.pool import BrokenBench, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from devices.clock import Clock
    from devices.sim.faults.table import Fault

PULLED_S = 10.0
BACK_S = 3.0
NOT_SEEN_S = 3 * PULLED_S  # what a pull counts as that the lane did not tell of, or not its end
IDLE_S = 15.0
LANES = 3  # at a time: their simulators share one process, and starve each other
TOLD_S = 0.5  # until the last line is in the log
SIGN_REFRESH_S = 1.0  # a sign is heard of when it is written to, and only then
CABLES = tuple(
    fault for fault in FAULTS.values() if fault.code and fault.name.endswith("_unplugged")
)
NO_LINE = frozenset({"pcsc"})  # a reader of the computer's own: no wire of ours to pull


def benches_of_every_driver() -> Iterator[BenchFile]:
    """A lane for each indicator, a few at a time; the other devices are spread over them."""
    readers = [name for name in CARD_READERS if name not in NO_LINE]
    if find_spec("osdp") is None:
        readers.remove("osdp")
    for first in range(0, len(WEIGHBRIDGES), LANES):
        indicators = tuple(islice(WEIGHBRIDGES, first, first + LANES))
        turned = first % len(readers)
        yield BenchFile(
            name="every driver",
            lanes=len(indicators),
            weighbridges=indicators,
            buses=("tcp", "rtu"),
            boards=("waveshare", "waveshare", "lc"),
            cameras=("http", "rtsp", "rtsp-h264"),
            lane_cameras=("own", NONE, NONE),
            card_readers=(*readers[turned:], *readers[:turned]),
            tag_readers=(*TAG_READERS, NONE, NONE),
            signs=("led-64ff", "http", NONE),
            sign_refresh_s=SIGN_REFRESH_S,
        )


def lanes_of_every_driver(root: Path, pulls: int, clock: Clock) -> list[Number]:
    """Pull every cable of those lanes `pulls` times; measure them idle. Raises `BrokenBench`."""
    idle: list[float] = []
    took_s: defaultdict[str, list[float]] = defaultdict(list)
    odd: list[tuple[str, int]] = []
    try:
        for bench in benches_of_every_driver():
            with BenchSite(root, bench, root / "none", clock) as site:
                site.start()
                idle += _idle_share(site, clock)
                _Pulls(site, clock, took_s, odd).pull(pulls)
    except Trouble as exc:
        raise BrokenBench(str(exc)) from exc
    return [
        *(
            number(
                f"back after a 10 s cable pull: {name}",
                f"拔线 10 秒后恢复: {name}",
                "s",
                values,
                BACK_S,
                "worst",
            )
            for name, values in took_s.items()
        ),
        number(
            "log lines beyond one lost and one back, of every pull above" + _named(odd),
            "每次拔线日志应为一行丢失一行恢复，此外的行数" + _named(odd),
            "lines",
            [0.0] * (sum(map(len, took_s.values())) - len(odd)) + [float(n) for _, n in odd],
            0.0,
            "worst",
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


def _named(odd: Iterable[tuple[str, int]]) -> str:
    names = sorted({name for name, _ in odd})
    return f" ({', '.join(names)})" if names else ""


def _idle_share(site: BenchSite, clock: Clock) -> list[float]:
    """Percent of a core for each lane, with its camera away."""
    pairs = [(bench.camera, bench.lane_camera) for bench in site.benches.values()]
    cameras = [camera for pair in pairs for camera in pair if camera is not None]
    for camera in cameras:
        camera.unplug()
    clock.sleep(4.0)
    pids = {name: site.processes[name].pid for name in site.lanes}
    before = {name: cpu_s([pid]) for name, pid in pids.items()}
    clock.sleep(IDLE_S)
    shares = [100 * (cpu_s([pid]) - before[name]) / IDLE_S for name, pid in pids.items()]
    for camera in cameras:
        camera.plug()
    clock.sleep(4.0)
    return shares


class _Pulls:
    """Pulls and plugs the cables of all lanes of a site."""

    def __init__(
        self,
        site: BenchSite,
        clock: Clock,
        took_s: defaultdict[str, list[float]],
        odd: list[tuple[str, int]],
    ) -> None:
        """`took_s` gets seconds until it was back, by driver; `odd` who had other log lines."""
        self._clock = clock
        self._site = site
        self._lanes = [
            LaneUnderTest(site, name, clock, ask=None, tell=lambda _line: None)
            for name in site.lanes
        ]
        self._took_s = took_s
        self._odd = odd

    def pull(self, times: int) -> None:
        """Pull and plug every cable so often."""
        for _ in range(times):
            before = {lane.name: self._lines(lane) for lane in self._lanes}
            for lane in self._lanes:
                for cable in _cables_of(lane):
                    lane.faults.turn(cable.name, on=True)
            self._clock.sleep(PULLED_S)
            for cable in CABLES:
                self._plug([lane for lane in self._lanes if cable in _cables_of(lane)], cable)
            self._clock.sleep(TOLD_S)
            for lane in self._lanes:
                self._compare(lane, before[lane.name])
        for lane in self._lanes:
            lane.view.close()

    def _plug(self, lanes: Sequence[LaneUnderTest], cable: Fault) -> None:
        """Plug one device of each lane in, and note how long each took to be heard again."""
        pulled, plugged_s = deque(lanes), dict[str, float]()
        deadline_s = self._clock.now().mono_s + NOT_SEEN_S
        while pulled or (plugged_s and self._clock.now().mono_s < deadline_s):
            if pulled:
                lane = pulled.popleft()
                is_told = _has(lane, cable)
                plugged_s[lane.name] = self._clock.now().mono_s if is_told else float("-inf")
                lane.faults.turn(cable.name, on=False)
            for lane in lanes:
                if lane.name in plugged_s and not _has(lane, cable):
                    self._note(lane, cable, self._clock.now().mono_s - plugged_s.pop(lane.name))
            self._clock.sleep(0.005)
        for lane in lanes:
            if lane.name in plugged_s:
                self._note(lane, cable, NOT_SEEN_S)

    def _note(self, lane: LaneUnderTest, cable: Fault, took_s: float) -> None:
        """A pull that was not told of took for ever."""
        self._took_s[driver_of(lane, cable.device)].append(min(took_s, NOT_SEEN_S))

    def _compare(self, lane: LaneUnderTest, before: Counter[tuple[str, str]]) -> None:
        new = self._lines(lane) - before
        for cable in _cables_of(lane):
            counts = [new[cable.device, event] for event in ("link_lost", "link_recovered")]
            if beyond := sum(abs(count - 1) for count in counts):
                self._odd.append((driver_of(lane, cable.device), beyond))

    def _lines(self, lane: LaneUnderTest) -> Counter[tuple[str, str]]:
        """How often the lane's log has each event of each device."""
        path = self._site.places.folder / f"{lane.name}.log"
        return Counter(_events(path.read_text(encoding="utf-8", errors="replace").splitlines()))


def _events(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        try:
            said = msgspec.json.decode(line)
        except msgspec.DecodeError:
            continue  # of the interpreter, not of the lane
        if isinstance(said, dict) and "device" in said:
            yield said["device"], said.get("event", "")


def _cables_of(lane: LaneUnderTest) -> list[Fault]:
    return [cable for cable in CABLES if cable.refusal(lane.bench) is None]


def _has(lane: LaneUnderTest, cable: Fault) -> bool:
    """Whether the lane says so now; what cannot be read is not heard of again yet."""
    state = lane.view.look()
    return state is None or cable.code in {fault.value for fault in state.faults}


def driver_of(lane: LaneUnderTest, device: str) -> str:
    """The driver of a device of this lane, as the report names it."""
    config = lane.bench.config
    match device:
        case "bus":
            return f"modbus {config.bus.transport}"
        case "camera" | "lane_camera":
            return f"{device} {stream_of(getattr(config, device).source)}"
        case _:
            return f"{device} {getattr(config, device).driver}"
