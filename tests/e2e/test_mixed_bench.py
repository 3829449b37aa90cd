"""Benches on which a device is real: the bench does not own it, and proves the lane all the same.

The hardware is a process of its own; what puts a truck's weight on its scale and closes its loops
is a relay box, over Modbus.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.clock import SystemClock
from hil_tests.demo.places import is_free
from hil_tests.demo.processes import Process
from hil_tests.lane_bench.bench_file import load_bench
from hil_tests.lane_bench.catalogue import SCENARIOS
from hil_tests.lane_bench.player import Account
from hil_tests.lane_bench.pool import BrokenBench, Pool
from hil_tests.rig import HOST, free_ports
from tests.bench_hardware import LOAD_KG, LOAD_RELAY, NORMALLY_CLOSED, SCALE_DRIVER, WIRES

CLOCK = SystemClock()
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
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


def played(path: Path, names: list[str]) -> dict[str, Account]:
    scenarios = [BY_NAME[name] for name in names]
    bench = load_bench(path)
    pool = Pool(path.parent / "site", bench, path, scenarios, CLOCK, tell=lambda _line: None)
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
