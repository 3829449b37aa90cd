"""A whole simulated lane, seen and moved through the real drivers only."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from devices.barrier.driver import Barrier
from devices.camera.opening import open_camera
from devices.clock import SystemClock
from devices.config import (
    BusConfig,
    CameraConfig,
    CardReaderConfig,
    DevicesConfig,
    WeighbridgeConfig,
)
from devices.errors import DeviceConfigError, DeviceError, LinkDown
from devices.lane_io.driver import LaneIo
from devices.modbus import ModbusBus
from devices.readings import BarrierPosition, CardReading, Frame, Lamp, LaneInputs
from devices.registry import open_card_reader, open_weighbridge
from devices.sim.bench import Bench
from devices.sim.lane_world import TruckVisit
from devices.sim.truck import Axle, TruckSpec
from devices.weighbridge.settle import SettleFilter, WeightPhase, WeightState
from hil_tests.rig import free_ports

CLOCK = SystemClock()
TRAVEL_S = 0.6
QUICK = TruckSpec(
    gross_kg=32_100,
    length_m=8.0,
    axles=(Axle(behind_front_m=1.2, share=0.3), Axle(behind_front_m=6.5, share=0.7)),
    cruise_mps=8.0,
    accel_mps2=4.0,
    settle_s=1.5,
)


def free_port() -> int:
    return free_ports(1)[0]


def flat_picture(shade: int) -> bytes:
    return cv2.imencode(".jpg", np.full((120, 160, 3), shade, dtype=np.uint8))[1].tobytes()


TRUCK_PICTURE = flat_picture(220)


def a_lane(folder: Path, transport: str = "tcp") -> DevicesConfig:
    bus = (
        BusConfig(transport="rtu", serial_port=str(folder / "board"))
        if transport == "rtu"
        else BusConfig(tcp_port=free_port())
    )
    return DevicesConfig(
        bus=bus,
        weighbridge=WeighbridgeConfig(port=str(folder / "scale")),
        card_reader=CardReaderConfig(port=str(folder / "card")),
        camera=CameraConfig(source=f"http://127.0.0.1:{free_port()}/lane.mjpg", stale_s=1.0),
    )


class Operator:
    """Somebody who works the lane by its drivers, one look after the other."""

    def __init__(self, config: DevicesConfig) -> None:
        self.config = config
        self.bus = ModbusBus(config.bus, CLOCK)
        self.lane_io = LaneIo(self.bus, CLOCK)
        self.barrier = Barrier(self.bus, CLOCK, config.barrier)
        self.scale = open_weighbridge(config.weighbridge, CLOCK)
        self.reader = open_card_reader(config.card_reader, CLOCK)
        self.camera = open_camera(config.camera, CLOCK)
        self.settle = SettleFilter(config.weighbridge)
        self.seen: list[LaneInputs] = []
        self.cards: list[CardReading] = []
        self.frame: Frame | None = None

    def open(self) -> None:
        for device in (self.bus, self.scale, self.reader, self.camera):
            device.open()

    def close(self) -> None:
        for device in (self.bus, self.scale, self.reader, self.camera):
            device.close()

    def look(self) -> LaneInputs:
        inputs = self.lane_io.read()
        self.barrier.observe(inputs)
        self.seen.append(inputs)
        for reading in self.scale.read(0.01):
            self.settle.feed(reading)
        self.cards += self.reader.read(0.01)
        self.frame = self.camera.latest(self.frame.number if self.frame else 0, 0.0) or self.frame
        return inputs

    def look_until(self, condition: Callable[[], bool], within_s: float = 30.0) -> None:
        deadline_s = CLOCK.now().mono_s + within_s
        while not condition():
            assert CLOCK.now().mono_s < deadline_s, f"not within {within_s} s"
            self.look()

    @property
    def weight(self) -> WeightState:
        return self.settle.at(CLOCK.now().mono_s)

    @property
    def shade(self) -> int:
        return int(self.frame.image[9, 9, 0]) if self.frame is not None else -1

    def settled_on_the_platform(self) -> bool:
        weight = self.weight
        return weight.phase is WeightPhase.SETTLED and (weight.gross_kg or 0) > 1_000


def until_it_raises(read: Callable[[], object]) -> None:
    for _ in range(5):
        read()


@pytest.fixture
def config(tmp_path: Path) -> DevicesConfig:
    return a_lane(tmp_path)


@pytest.fixture
def bench(config: DevicesConfig) -> Iterator[Bench]:
    empty_picture = flat_picture(30)
    with Bench(config, CLOCK, empty_picture=empty_picture, boom_travel_s=TRAVEL_S) as bench:
        yield bench


@pytest.fixture
def operator(bench: Bench, config: DevicesConfig) -> Iterator[Operator]:
    operator = Operator(config)
    operator.open()
    yield operator
    operator.close()


def test_a_truck_comes_is_weighed_shows_its_card_and_leaves_when_the_boom_is_raised(
    bench: Bench, operator: Operator
) -> None:
    operator.look_until(lambda: operator.shade >= 0)
    assert operator.shade < 60
    assert operator.barrier.position is BarrierPosition.CLOSED
    visit = bench.world.send(TruckVisit(truck=QUICK, picture=TRUCK_PICTURE, card_uid="A2C31F07"))
    operator.lane_io.set_lamp(Lamp.EXIT_RED, on=True)
    operator.lane_io.set_lamp(Lamp.ENTRY_GREEN, on=True)
    operator.look_until(lambda: operator.seen[-1].entry_loop)
    operator.lane_io.set_lamp(Lamp.ENTRY_GREEN, on=False)
    operator.look_until(lambda: bool(operator.cards) and operator.settled_on_the_platform())
    assert visit.stopped_s is not None
    assert visit.card_presented_s is not None
    settled_s = CLOCK.now().mono_s - visit.stopped_s
    assert 1.0 < settled_s < 4.0
    assert operator.weight.gross_kg == pytest.approx(32_100, abs=20)
    assert [card.uid for card in operator.cards] == ["A2C31F07"]
    assert operator.shade > 180
    assert operator.barrier.position is BarrierPosition.CLOSED

    written_s = operator.barrier.raise_boom("c1", CLOCK.now().mono_s + 5.0)
    operator.lane_io.set_lamp(Lamp.EXIT_RED, on=False)
    operator.lane_io.set_lamp(Lamp.EXIT_GREEN, on=True)
    operator.look_until(lambda: operator.barrier.position is BarrierPosition.OPEN)
    operator.look_until(lambda: operator.seen[-1].exit_loop)
    operator.look_until(lambda: not operator.seen[-1].exit_loop)
    operator.lane_io.set_lamp(Lamp.EXIT_GREEN, on=False)
    operator.barrier.lower_boom("c2", operator.look())
    operator.look_until(lambda: operator.barrier.position is BarrierPosition.CLOSED)
    operator.look_until(lambda: visit.wait_gone(0))

    assert visit.left_by == "exit"
    assert visit.raise_contact_s is not None
    assert visit.boom_up_s is not None
    assert visit.raise_contact_s == pytest.approx(written_s, abs=0.1)
    assert visit.boom_up_s == pytest.approx(visit.raise_contact_s + TRAVEL_S, abs=0.1)
    assert visit.entered_s is not None
    assert visit.left_s is not None
    assert visit.entered_s < visit.stopped_s < visit.boom_up_s < visit.left_s
    assert bench.world.violations == ()
    operator.look_until(lambda: operator.weight.phase is WeightPhase.EMPTY, 5.0)
    operator.look_until(lambda: operator.shade < 60, 5.0)
    entry = [inputs.entry_loop for inputs in operator.seen].index(True)
    out = [inputs.exit_loop for inputs in operator.seen].index(True)
    assert entry < out


def test_every_cable_pulled_and_put_back_is_a_working_lane_again(
    bench: Bench, operator: Operator
) -> None:
    operator.look()
    assert bench.camera is not None
    cables = (bench.board, bench.scale.host, bench.card_reader.host, bench.camera)
    for cable in cables:
        cable.unplug()
    reads: tuple[Callable[[], object], ...] = (
        operator.lane_io.read,
        lambda: operator.scale.read(0.2),
        lambda: operator.reader.read(0.2),
        lambda: operator.camera.latest(1_000_000, 5.0),
    )
    for read in reads:
        with pytest.raises(DeviceError):
            until_it_raises(read)
    operator.close()
    with pytest.raises(LinkDown):
        operator.open()
    operator.close()
    for cable in cables:
        cable.plug()
    operator.open()
    operator.frame = None
    operator.look_until(lambda: operator.frame is not None)
    operator.look_until(lambda: operator.weight.phase is WeightPhase.EMPTY)
    bench.card_reader.present("04A1B2C3")
    operator.look_until(lambda: [card.uid for card in operator.cards] == ["04A1B2C3"])


def test_the_same_lane_works_over_modbus_rtu_by_changing_its_table(tmp_path: Path) -> None:
    config = a_lane(tmp_path, transport="rtu")
    with Bench(config, CLOCK, empty_picture=flat_picture(30)) as bench:
        operator = Operator(config)
        operator.open()
        try:
            bench.world.send(TruckVisit(truck=QUICK, picture=TRUCK_PICTURE, card_uid=None))
            operator.lane_io.set_lamp(Lamp.ENTRY_GREEN, on=True)
            operator.look_until(lambda: operator.look().entry_loop)
            operator.look_until(lambda: operator.weight.phase is WeightPhase.MOVING)
        finally:
            operator.close()


def test_a_second_bench_on_the_same_places_is_refused_and_disturbs_nothing(
    bench: Bench, operator: Operator, config: DevicesConfig
) -> None:
    operator.look()
    with pytest.raises(LinkDown, match=str(config.bus.tcp_port)):
        Bench(config, CLOCK).start()
    operator.look()
    operator.look_until(lambda: operator.weight.phase is WeightPhase.EMPTY)


def test_a_bench_that_is_stopped_leaves_no_link_behind(tmp_path: Path) -> None:
    bench = Bench(a_lane(tmp_path), CLOCK)
    bench.start()
    assert (tmp_path / "scale").is_symlink()
    bench.stop()
    bench.stop()
    assert list(tmp_path.iterdir()) == []


def test_a_bench_never_takes_the_place_of_a_real_port(tmp_path: Path) -> None:
    (tmp_path / "scale").symlink_to("/dev/null")
    with pytest.raises(DeviceConfigError, match=r"weighbridge\.port: .*scale exists"):
        Bench(a_lane(tmp_path), CLOCK).start()
    assert (tmp_path / "scale").resolve() == Path("/dev/null")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("https://127.0.0.1/lane", r"camera\.source: https://127.*name a stream, as source = "),
        ("v4l2:///dev/video0", r"camera\.source: v4l2:///dev/video0: a video device cannot be"),
        ("/dev/video0", r"camera\.source: /dev/video0: a video device cannot be simulated"),
        ("http://127.0.0.1:99999/", r"camera\.source: .*99999"),
    ],
)
def test_a_camera_that_the_bench_cannot_serve_is_refused_by_name(
    tmp_path: Path, source: str, why: str
) -> None:
    lane = a_lane(tmp_path)
    with pytest.raises(DeviceConfigError, match=why):
        Bench(
            DevicesConfig(
                bus=lane.bus,
                weighbridge=lane.weighbridge,
                card_reader=lane.card_reader,
                camera=CameraConfig(source=source),
            ),
            CLOCK,
        )


def test_a_line_that_cannot_be_simulated_is_refused_by_name(tmp_path: Path) -> None:
    lane = a_lane(tmp_path)
    with pytest.raises(DeviceConfigError, match=r"weighbridge\.port: .*udp://"):
        Bench(
            DevicesConfig(
                bus=lane.bus,
                weighbridge=WeighbridgeConfig(port="udp://127.0.0.1:4001"),
                card_reader=lane.card_reader,
                camera=lane.camera,
            ),
            CLOCK,
        )


def test_a_folder_of_pictures_needs_no_simulated_camera(tmp_path: Path) -> None:
    lane = a_lane(tmp_path)
    bench = Bench(
        DevicesConfig(
            bus=lane.bus,
            weighbridge=lane.weighbridge,
            card_reader=lane.card_reader,
            camera=CameraConfig(driver="folder", source=str(tmp_path)),
        ),
        CLOCK,
    )
    assert bench.camera is None
