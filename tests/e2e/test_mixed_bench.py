"""Benches on which a device is real: the bench does not own it, and proves the lane all the same.

The hardware is a process of its own; what puts a truck's weight on its scale and closes its loops
is a relay box, over Modbus.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from devices.clock import SystemClock
from devices.config import BusConfig
from devices.modbus import ModbusBus
from devices.sim.bench import DEVICES, Bench
from devices.sim.lane_world import LaneWorld, TruckVisit, VisitHandle
from hil_tests.demo.places import is_free
from hil_tests.demo.processes import Process
from hil_tests.lane_bench.bench_file import WIRES as SENSORS
from hil_tests.lane_bench.bench_file import RelayBox, load_bench
from hil_tests.lane_bench.catalogue import SCENARIOS
from hil_tests.lane_bench.lane_view import LaneView
from hil_tests.lane_bench.player import Account
from hil_tests.lane_bench.pool import BrokenBench, Pool
from hil_tests.lane_bench.prompts import Prompts
from hil_tests.lane_bench.relay_box import BoxDrive
from hil_tests.rig import HOST, SHORT_LANE, devices_at, free_ports, quick_truck
from tests.bench_hardware import LOAD_KG, LOAD_RELAY, NORMALLY_CLOSED, SCALE_DRIVER, WIRES

CLOCK = SystemClock()
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
LONG_WAY_S = 5.0  # longer than a lane is watched that lets nobody in
LONG = ("no_declaration", "card_shown_before_the_truck_came")  # and nothing of them is of a scale
SHARE = [each.name for each in SCENARIOS if each.is_in_share and each.name not in LONG]


class Place:
    """Where the hardware is, and the bench file beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.board = folder / "board"
        self.box_port, self.scale_port = free_ports(2)

    def bench(self, name: str, real: str, *, wires: bool, further: str = "") -> Path:
        """A bench file with `real` devices and a relay box."""
        lane = [
            "[devices.weighbridge]",
            f'driver = "{SCALE_DRIVER}"',
            f'port = "tcp://{HOST}:{self.scale_port}"',
            "[devices.bus]",
            'transport = "rtu"',
            f'serial_port = "{self.board}"',
            f"normally_closed = {list(NORMALLY_CLOSED)}",
        ]
        if "bus" not in real:
            lane = lane[:3]
        (self.folder / "lane.toml").write_text("\n".join(lane))
        wired = ", ".join(f"{wire} = {relay}" for wire, relay in WIRES.items()) if wires else ""
        path = self.folder / f"{name}.toml"
        path.write_text(
            f'name = "{name}"\nmoves = "relay"\nlane_file = "lane.toml"\n[devices]\n{real}\n'
            f"[relay_box]\nwires = {{ {wired} }}\nload = {LOAD_RELAY}\nload_kg = {LOAD_KG}\n"
            f'[relay_box.board]\nhost = "{HOST}"\ntcp_port = {self.box_port}\n'
            f"{further}"
        )
        return path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def hardware(place: Place) -> Iterator[Process]:
    arguments = ["--box-port", str(place.box_port), "--scale-port", str(place.scale_port)]
    arguments += ["--board", str(place.board)]
    log = place.folder / "hardware.log"
    process = Process("hardware", "tests.bench_hardware", arguments, log)
    deadline_s = CLOCK.now().mono_s + 60.0
    while is_free(place.box_port) or is_free(place.scale_port) or not place.board.exists():
        process.check()
        assert CLOCK.now().mono_s < deadline_s
        CLOCK.sleep(0.1)
    yield process
    process.stop()
    process.join()


class Driver:
    """A person at the wheel of a real truck: reads the bench's lines, and drives by lamp and boom.

    The box works the real loops and beams as the wheels of a truck would; nothing of this truck is
    known to the bench.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._ports = free_ports(2)
        self._truck: VisitHandle | None = None
        self._box: BoxDrive | None = None
        self._bench: Bench | None = None
        self.lines: list[str] = []
        self.modes_on_the_way: list[str] = []  # of the lane, after a long way up to it

    def ask(self, text: str) -> str:
        self.lines.append(text)
        if "drive onto" in text or "stand before" in text:
            visit = TruckVisit(truck=quick_truck(9_999.0), picture=b"", card_uid=None)
            self._truck = self._world().send(visit)
            if "stand before" in text:
                CLOCK.sleep(LONG_WAY_S)
                self.modes_on_the_way.append(self._lane_mode())
            return "\n"
        if "otherwise" in text:  # the boom did what it should
            return "\n"
        assert self._truck is not None
        assert "Which way" in text
        assert self._truck.wait_gone(20.0)
        return "e\n" if self._truck.left_by == "entry" else "x\n"

    def tell(self, text: str) -> None:
        self.lines.append(text)
        if "The lane is open" in text:  # he sees the lamp
            return
        assert "Back out" in text
        assert self._truck is not None
        self._truck.turn_back()

    def stop(self) -> None:
        if self._box is not None and self._bench is not None:
            self._box.stop()
            self._bench.world.stop()

    def _state_dir(self) -> Path:
        return next((self._place.folder / "site").rglob("lane.db")).parent

    def _lane_mode(self) -> str:
        view = LaneView(self._state_dir())
        try:
            state = view.look()
        finally:
            view.close()
        assert state is not None
        return state.mode.value

    def _world(self) -> LaneWorld:
        if self._bench is None:
            state_dir = self._state_dir()
            config = devices_at(self._place.folder / "wheels", *self._ports)
            self._bench = Bench(
                config, CLOCK, geometry=SHORT_LANE, simulated=set(DEVICES) - {"bus"}
            )
            board = BusConfig(host=HOST, tcp_port=self._place.box_port)
            box = RelayBox(board=board, wires={sensor: WIRES[sensor] for sensor in SENSORS})
            self._box = BoxDrive(box, self._bench, state_dir, CLOCK)
            self._bench.world.tick(0.0)
            self._box.start()
            self._bench.world.start()
        return self._bench.world


def played(path: Path, names: list[str], driver: Driver | None = None) -> dict[str, Account]:
    scenarios = [BY_NAME[name] for name in names]
    bench, site = load_bench(path), path.parent / "site"
    ask = None if driver is None else Prompts(driver.ask, CLOCK)
    tell = print if driver is None else driver.tell
    pool = Pool(site, bench, path, scenarios, CLOCK, ask=ask, tell=tell)
    try:
        pool.start()
        return {name: pool.account(name, 150.0) for name in names}
    finally:
        pool.stop()


@pytest.mark.timeout(240)
def test_a_share_is_played_with_a_real_weighbridge_and_what_it_cannot_have_is_skipped_by_name(
    place: Place, hardware: Process
) -> None:
    path = place.bench("real scale", 'weighbridge = "real"', wires=False)
    accounts = played(path, SHARE)
    skipped = {name: found.skipped.en for name, found in accounts.items() if found.skipped}
    assert skipped == {
        "too_heavy_and_a_person_releases": (
            "the relay box has one load: its weight cannot be changed"
        ),
        "scale_frozen-before": "scale_frozen cannot be made on a real weighbridge",
        "scale_overload-capturing": "scale_overload cannot be made on a real weighbridge",
        "scale_net-before": "scale_net cannot be made on a real weighbridge",
        "filmed_from_arrival_to_departure": "this lane has no lane_camera",
        "container_camera_another-before": "this lane has no camera that reads containers",
    }
    assert {name: account.problems for name, account in accounts.items() if account.problems} == {}
    assert accounts["faultless"].verdict == "release"
    hardware.check()


@pytest.mark.timeout(240)
def test_a_relay_box_drives_a_truck_through_a_lane_whose_board_and_scale_are_real(
    place: Place, hardware: Process
) -> None:
    truck = f'[truck]\nplate = "粤B12345"\ncard_uid = "8A2B3C4D"\ngross_kg = {LOAD_KG}\n'
    real = 'bus = "real"\nweighbridge = "real"'
    path = place.bench("real lane", real, wires=True, further=truck)
    # One truck that comes again: a hold order of its last trip must not stay.
    accounts = played(path, ["agency_hold", "no_declaration", "faultless", "boom_jammed-rising"])
    skipped = accounts["boom_jammed-rising"].skipped
    assert skipped is not None
    assert skipped.en == "boom_jammed cannot be made on a real barrier"
    driven = [account for account in accounts.values() if account.skipped is None]
    assert [account.problems for account in driven] == [[], [], []]
    assert [account.verdict for account in driven] == ["inspect", "refuse", "release"]
    for account in driven:  # its rises are counted; what else it did nobody can say
        assert account.steps[-1][1].en.startswith("boom: not observed by anybody")
    hardware.check()


@pytest.mark.timeout(120)
def test_a_bench_whose_relay_box_does_not_answer_says_so_once_and_plays_nothing(
    place: Place,
) -> None:
    path = place.bench("no box", 'weighbridge = "real"', wires=False)
    with pytest.raises(BrokenBench, match=str(place.box_port)):
        played(path, ["faultless"])


@pytest.mark.timeout(240)
def test_a_prompted_truck_is_seen_by_the_simulated_devices(place: Place, hardware: Process) -> None:
    path = place.bench("driven", 'bus = "real"', wires=False)
    text = path.read_text(encoding="utf-8")
    text = text[: text.index("[relay_box]")].replace('"relay"', '"prompt"')
    truck = f'[truck]\nplate = "粤B12345"\ncard_uid = "8A2B3C4D"\ngross_kg = {LOAD_KG}\n'
    path.write_text(text + truck, encoding="utf-8")
    driver = Driver(place)
    closed = "lane_closed_until_opened_again"
    names = ["plate_covered", "far_too_heavy", "faultless", "card_two_seconds_late", closed]
    try:
        accounts = played(path, names, driver)
    finally:
        driver.stop()
    assert {name: account.problems for name, account in accounts.items() if account.problems} == {}
    assert [account.skipped for account in accounts.values()] == [None] * len(names)
    assert [accounts[name].verdict for name in names[2:]] == ["release"] * 3
    assert driver.modes_on_the_way == ["closed"]
    assert "opened again" in [step.en for _, step in accounts[closed].steps]
    assert "weight_far_off" in accounts["far_too_heavy"].reasons
    assert not [line for line in driver.lines if "; hold" in line or "; cover" in line]
    assert all("地磅" in line for line in driver.lines if "the scale" in line)
    hardware.check()


PLAYED = b'"skipped":null'
ACCEPTANCE = """
import sys
from hil_tests.acceptance import __main__ as acceptance
acceptance.TAPE_S = 0.3
sys.exit(acceptance.main(sys.argv[1:]))
"""


@pytest.mark.timeout(300)
def test_ctrl_c_drops_every_relay_and_keeps_the_accounts(place: Place, hardware: Process) -> None:
    path = place.bench("ended", 'weighbridge = "real"', wires=False)
    text = path.read_text()
    path.write_text(text.replace("[relay_box.board]", "[relay_box.board]\nflash_on = false"))
    out = place.folder / "out"
    command = [sys.executable, "-c", ACCEPTANCE, "--bench", str(path), "--out", str(out)]
    command += ["--no-numbers", "-k", "no_card or no_declaration"]
    with (
        (place.folder / "acceptance.log").open("wb") as log,
        subprocess.Popen(
            command, stdout=log, stderr=log, cwd=Path(__file__).parents[2], start_new_session=True
        ) as process,
    ):
        accounts = out / "accounts-ended.jsonl"
        until_s = CLOCK.now().mono_s + 200.0
        # One account is kept, and the next truck stands on the scale.
        while not (accounts.exists() and PLAYED in accounts.read_bytes() and load_is_on(place)):
            assert process.poll() is None
            assert CLOCK.now().mono_s < until_s
            CLOCK.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.wait(60.0) == 1
    assert not load_is_on(place)
    report = msgspec.json.decode((out / "report.json").read_bytes())
    assert (report["verdict"], report["is_broken"]) == ("NOT ACCEPTED", True)
    of_what, *lines = accounts.read_bytes().splitlines()
    assert b"commit" in of_what
    kept = [msgspec.json.decode(line) for line in lines]
    played = [one["scenario"]["name"] for one in kept if one["skipped"] is None]
    assert len(played) == 1
    assert played == [step["name"] for step in report["steps"] if step["skipped"] is None]
    hardware.check()


def load_is_on(place: Place) -> bool:
    """Whether the relay of the load is drawn in, as the box itself says."""
    bus = ModbusBus(BusConfig(host=HOST, tcp_port=place.box_port), CLOCK)
    bus.open()
    try:
        return bus.read_coils(LOAD_RELAY, 1)[0]
    finally:
        bus.close()
