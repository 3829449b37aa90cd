"""A real boom under `make hil`: who may order it down, who looks at it, and what prompts say."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from devices.clock import ManualClock, SystemClock
from gate_agent.domain.events import BarrierMoved, Stamped
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.state import Step
from gate_agent.domain.vocabulary import Barrier, Instant, LaneId
from gate_agent.store.lane_store import LaneStore
from hil_tests.lane_bench.bench_file import BenchFile, load_bench
from hil_tests.lane_bench.boom_watcher import BoomWatcher, Looked
from hil_tests.lane_bench.fault_turn import FaultTurn
from hil_tests.lane_bench.faults import FaultMaker
from hil_tests.lane_bench.lane_site import BenchSite, LaneUnderTest
from hil_tests.lane_bench.prompts import Prompts
from hil_tests.site import SiteError

LOWER = "/api/v1/lanes/lane1/lower-barrier"
OTHER_ANSWERS = ("", "\n", "n\n", "no\n", "yeah\n", "j\n", "y n\n", "无\n")
LANE = """
[devices.bus]
transport = "rtu"
serial_port = "/dev/kakou/board"
[devices.weighbridge]
driver = "mt-sics"
port = "/dev/kakou/scale"
[devices.card_reader]
port = "/dev/kakou/card"
[devices.camera]
source = "rtsp://10.20.1.60/stream"
"""
BENCH = """
name = "real"
moves = "prompt"
lane_file = "lane.toml"
[devices]
bus = "real"
weighbridge = "real"
[truck]
plate = "粤B12345"
card_uid = "8A2B3C4D"
gross_kg = 18240
"""


class Hub(ThreadingHTTPServer):
    """Signs everybody in and keeps what is ordered."""

    ordered: list[str]


class _Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Hub)
        self.rfile.read(int(self.headers["Content-Length"]))
        is_login = self.path == "/login"
        if not is_login:
            self.server.ordered.append(self.path)
        self.send_response(303 if is_login else 200)
        self.send_header("Set-Cookie", "session=1")
        self.end_headers()
        self.wfile.write(b"" if is_login else b"{}")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def bench_path(tmp_path: Path) -> Path:
    (tmp_path / "lane.toml").write_text(LANE, encoding="utf-8")
    path = tmp_path / "bench.toml"
    path.write_text(BENCH, encoding="utf-8")
    return path


@pytest.fixture
def site(bench_path: Path, tmp_path: Path) -> Iterator[BenchSite]:
    bench: BenchFile = load_bench(bench_path)
    found = BenchSite(tmp_path / "site", bench, bench_path, SystemClock())
    yield found
    found.stop()
    found.places.lock.close()


@pytest.fixture
def hub(site: BenchSite) -> Iterator[Hub]:
    server = Hub((site.hub_host, site.places.console_port), _Answer)
    server.ordered = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Person:
    """Answers what it is asked, and keeps it."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, text: str) -> str:
        self.asked.append(text)
        return self._answers.pop(0)


def lane_with(site: BenchSite, person: Person | None) -> LaneUnderTest:
    clock = SystemClock()
    ask = None if person is None else Prompts(person, clock)
    return LaneUnderTest(site, "lane1", clock, ask=ask, tell=lambda _line: None)


@contextmanager
def journal_of(site: BenchSite) -> Iterator[LaneStore]:
    """The lane's own database, as its agent would have it open."""
    folder = site.state_dir("lane1")
    folder.mkdir(parents=True, exist_ok=True)
    store = LaneStore(folder / "lane.db", LaneId("lane1"), ReleasePolicy())
    yield store
    store.close()


def test_a_real_boom_is_never_ordered_down_without_a_persons_yes(site: BenchSite, hub: Hub) -> None:
    person = Person(*OTHER_ANSWERS, "y\n", " YES \n")
    lane = lane_with(site, person)
    assert not any(lane.order_boom_down() for _ in OTHER_ANSWERS)
    assert hub.ordered == []
    assert lane.order_boom_down()
    assert lane.order_boom_down()
    assert hub.ordered == [LOWER, LOWER]
    assert all("under it" in text and "杆下" in text for text in person.asked)
    nobody = lane_with(site, None)
    assert not nobody.order_boom_down()
    assert hub.ordered == [LOWER, LOWER]


def test_a_real_barrier_that_nobody_works_by_its_key_is_not_reported_as_worked(
    site: BenchSite, hub: Hub
) -> None:
    with journal_of(site):
        assert not lane_with(site, None).work_boom_by_key()
        person = Person("\n")
        assert lane_with(site, person).work_boom_by_key()
    assert "nobody under it" in person.asked[0]
    assert hub.ordered == []


def test_the_rises_of_a_real_boom_are_counted_from_what_the_lane_committed(
    site: BenchSite, hub: Hub
) -> None:
    lane = lane_with(site, None)
    with pytest.raises(SiteError, match="the boom is not counted"):
        assert lane.raise_count == 0
    with journal_of(site) as store:

        def moved(*positions: Barrier) -> None:
            for position in positions:
                event = Stamped(BarrierMoved(position=position), Instant(1.0, 1_000))
                store.commit(event, Step(store.lane))

        moved(Barrier.CLOSED)
        assert (lane.raise_count, lane.forced_count) == (0, 0)
        moved(Barrier.OPENING, Barrier.OPEN, Barrier.CLOSING, Barrier.CLOSED)
        assert (lane.raise_count, lane.forced_count) == (1, 0)
        moved(Barrier.UNKNOWN, Barrier.FORCED, Barrier.CLOSED)
        assert (lane.raise_count, lane.forced_count) == (1, 1)
        lane.view.close()
    assert hub.ordered == []


def test_a_boom_that_nobody_looked_at_is_reported_as_not_observed() -> None:
    assert BoomWatcher(None, is_real=True).look() is Looked.NOT_OBSERVED
    assert BoomWatcher(Person("\n"), is_real=True).look() is Looked.OBSERVED
    assert BoomWatcher(Person("y\n"), is_real=True).look() is Looked.WRONG
    assert BoomWatcher(Person(), is_real=False).look() is Looked.BY_ITS_WORLD
    assert BoomWatcher(None, is_real=False).may_come_down()  # a simulated one hurts nobody


def test_a_fault_by_hand_is_there_at_enter_and_lasts_until_the_prompt_at_least(
    site: BenchSite,
) -> None:
    clock, asked = ManualClock(), list[str]()

    def slowly(text: str) -> str:
        asked.append(text)
        clock.sleep(30.0)
        return "\n"

    maker = FaultMaker(site.benches["lane1"], slowly)
    fault = FaultTurn(maker, "scale_unplugged", clock, lambda: clock.now().mono_s)
    begun_ms = clock.now().wall_ms
    assert fault.turn_on()
    clock.sleep(5.0)
    assert fault.turn_off()
    assert not fault.turn_off()
    assert fault.is_by_hand
    times = (fault.on_ms, fault.ending_ms, fault.off_ms)
    assert [at_ms - begun_ms for at_ms in times if at_ms] == [30_000, 35_000, 65_000]
    assert all("pull the plug" in text and "拔下数据线插头；插回即恢复" in text for text in asked)
    assert "Enter at that very moment" in asked[1]
    assert all("the boom may move" in text and "栏杆随时可能动作" in text for text in asked)
