"""The driver against the simulated indicator, over a real pseudo-terminal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devices.clock import SystemClock
from devices.config import WeighbridgeConfig
from devices.errors import DeviceConfigError, LinkDown
from devices.readings import WeighbridgeReading, WeightStatus
from devices.registry import open_weighbridge
from devices.sim.pty_host import PtyHost
from devices.sim.weighbridge import ScaleFault, SimWeighbridge
from devices.weighbridge.settle import SettleFilter, WeightPhase, WeightState

CLOCK = SystemClock()
PATIENCE_S = 20.0


class Platform:
    """A platform with a load that a test may change while the indicator sends."""

    def __init__(self, link: Path) -> None:
        self.load_kg = 0.0
        self.config = WeighbridgeConfig(port=str(link), max_kg=60_000)
        self.sim = SimWeighbridge(PtyHost(link), lambda: self.load_kg, CLOCK)
        self.scale = open_weighbridge(self.config, CLOCK)
        self.judge = SettleFilter(self.config)

    def readings_until(
        self, done: Callable[[WeighbridgeReading], bool]
    ) -> list[WeighbridgeReading]:
        readings: list[WeighbridgeReading] = []
        deadline_s = CLOCK.now().mono_s + PATIENCE_S
        while CLOCK.now().mono_s < deadline_s:
            for reading in self.scale.read(0.5):
                readings.append(reading)
                if done(reading):
                    return readings
        pytest.fail(f"not seen within {PATIENCE_S} s; the last readings: {readings[-3:]}")

    def wait_for(self, phase: WeightPhase) -> WeightState:
        states: list[WeightState] = []

        def arrived(reading: WeighbridgeReading) -> bool:
            states.append(self.judge.feed(reading))
            return states[-1].phase is phase

        self.readings_until(arrived)
        return states[-1]

    def readings_for(self, frames: int) -> list[WeighbridgeReading]:
        """What arrives while the indicator sends `frames` more frames."""
        last = self.sim.sent_frames + frames
        readings: list[WeighbridgeReading] = []
        while self.sim.sent_frames < last:
            readings += self.scale.read(0.1)
        return readings

    def quiet(self) -> list[WeighbridgeReading]:
        """Silence the indicator and take what is still under way."""
        self.sim.fault = ScaleFault.SILENCE
        readings: list[WeighbridgeReading] = []
        quiet_since_s = CLOCK.now().mono_s
        while CLOCK.now().mono_s < quiet_since_s + 0.5:
            if more := self.scale.read(0.1):
                readings += more
                quiet_since_s = CLOCK.now().mono_s
        return readings

    def opened_again(self) -> None:
        self.scale.close()
        deadline_s = CLOCK.now().mono_s + PATIENCE_S
        while True:
            try:
                self.scale.open()
            except LinkDown:
                assert CLOCK.now().mono_s < deadline_s
                CLOCK.sleep(0.05)
            else:
                return


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(tmp_path / "dev" / "scale")
    platform.sim.start()
    platform.scale.open()
    yield platform
    platform.scale.close()
    platform.sim.stop()


def test_a_vehicle_that_comes_to_rest_is_weighed(platform: Platform) -> None:
    assert platform.wait_for(WeightPhase.EMPTY).gross_kg == 0
    platform.load_kg = 25_676.0
    state = platform.wait_for(WeightPhase.SETTLED)
    assert (state.gross_kg, state.spread_kg) == (25_680, 0)
    assert state.span_s >= platform.config.settle_s
    platform.load_kg = 0.0
    assert platform.wait_for(WeightPhase.EMPTY).gross_kg == 0


def test_noise_on_the_line_costs_no_frame(platform: Platform) -> None:
    platform.load_kg = 8_000.0
    platform.readings_until(lambda reading: reading.gross_kg == 8_000)
    platform.quiet()
    sent, received = platform.sim.sent_frames, platform.scale.good_frames
    platform.sim.fault = ScaleFault.NOISE
    readings = platform.readings_for(30)
    readings += platform.quiet()
    assert {reading.gross_kg for reading in readings} == {8_000}
    assert platform.scale.good_frames - received == platform.sim.sent_frames - sent
    assert platform.scale.discarded_bytes > 0


@pytest.mark.parametrize("fault", [ScaleFault.GARBLE, ScaleFault.CUT])
def test_a_garbled_stream_gives_no_weight_until_it_is_clean(
    platform: Platform, fault: ScaleFault
) -> None:
    platform.load_kg = 8_000.0
    platform.wait_for(WeightPhase.SETTLED)
    platform.sim.fault = fault
    platform.readings_for(3)
    assert platform.readings_for(20) == []
    assert platform.judge.at(CLOCK.now().mono_s).phase is WeightPhase.STALE
    platform.sim.fault = ScaleFault.NONE
    assert platform.wait_for(WeightPhase.SETTLED).gross_kg == 8_000


def test_a_silent_indicator_becomes_a_link_that_is_down_and_comes_back(platform: Platform) -> None:
    platform.load_kg = 8_000.0
    platform.wait_for(WeightPhase.SETTLED)
    platform.sim.fault = ScaleFault.SILENCE
    with pytest.raises(LinkDown, match="no good frame for"):
        platform.readings_until(lambda _: False)
    assert platform.judge.at(CLOCK.now().mono_s).gross_kg is None
    platform.sim.fault = ScaleFault.NONE
    platform.opened_again()
    assert platform.wait_for(WeightPhase.SETTLED).gross_kg == 8_000


def test_overload_and_a_broken_cell_are_no_weight(platform: Platform) -> None:
    platform.load_kg = 8_000.0
    platform.wait_for(WeightPhase.SETTLED)
    platform.sim.fault = ScaleFault.OVERLOAD
    assert platform.wait_for(WeightPhase.INVALID).status is WeightStatus.OVERLOAD
    platform.sim.fault = ScaleFault.NEGATIVE
    platform.readings_until(lambda reading: reading.gross_kg < 0)
    assert platform.wait_for(WeightPhase.INVALID).status is WeightStatus.UNDERLOAD


def test_a_frozen_indicator_keeps_the_time_at_which_it_settled(platform: Platform) -> None:
    platform.load_kg = 8_000.0
    settled = platform.wait_for(WeightPhase.SETTLED)
    platform.sim.fault = ScaleFault.FREEZE
    platform.load_kg = 30_000.0
    readings = platform.readings_for(20)
    states = [platform.judge.feed(reading) for reading in readings]
    assert {state.since_s for state in states} == {settled.since_s}


def test_an_unplugged_scale_gives_no_weight_and_recovers_without_a_restart(
    platform: Platform,
) -> None:
    platform.load_kg = 8_000.0
    platform.wait_for(WeightPhase.SETTLED)
    for _ in range(3):
        platform.sim.host.unplug()
        with pytest.raises(LinkDown, match=r"weighbridge: .*scale"):
            platform.readings_until(lambda _: False)
        platform.scale.close()
        for _ in range(5):
            with pytest.raises(LinkDown, match=r"weighbridge: .*scale"):
                platform.scale.open()
            CLOCK.sleep(0.1)
        assert platform.judge.at(CLOCK.now().mono_s).phase is WeightPhase.STALE
        platform.sim.host.plug()
        platform.opened_again()
        assert platform.wait_for(WeightPhase.SETTLED).gross_kg == 8_000


def test_a_blocked_read_ends_when_the_driver_is_closed(platform: Platform) -> None:
    platform.sim.fault = ScaleFault.SILENCE
    failures: list[LinkDown] = []
    reading = threading.Event()

    def read_on() -> None:
        try:
            while True:
                reading.set()
                platform.scale.read(60.0)
        except LinkDown as exc:
            failures.append(exc)

    reader = threading.Thread(target=read_on)
    reader.start()
    reading.wait(PATIENCE_S)
    platform.scale.close()
    reader.join(PATIENCE_S)
    assert not reader.is_alive()
    assert len(failures) == 1


def test_a_port_in_use_is_refused_to_a_second_program(platform: Platform) -> None:
    second = open_weighbridge(platform.config, CLOCK)
    with pytest.raises(LinkDown, match=r"scale: open in another program"):
        second.open()


def test_what_was_sent_before_the_port_was_opened_is_not_read(tmp_path: Path) -> None:
    platform = Platform(tmp_path / "scale")
    platform.load_kg = 8_000.0
    platform.sim.start()
    while platform.sim.sent_frames < 10:  # nobody listens: the indicator is not held up
        CLOCK.sleep(0.02)
    platform.load_kg = 12_000.0
    seen = platform.sim.sent_frames
    while platform.sim.sent_frames < seen + 2:
        CLOCK.sleep(0.02)
    platform.scale.open()
    (first, *_) = platform.readings_until(lambda _: True)
    assert first.gross_kg == 12_000
    platform.scale.close()
    platform.sim.stop()


def test_an_open_port_that_nobody_reads_does_not_hold_the_indicator_up(tmp_path: Path) -> None:
    host = PtyHost(tmp_path / "scale", baud=10_000_000)
    host.plug()
    scale = open_weighbridge(WeighbridgeConfig(port=str(host.link_path)), CLOCK)
    scale.open()
    for _ in range(2_000):
        host.write(b"\x00" * 64)
        if host.lost_bytes:
            break
    assert host.lost_bytes > 0
    scale.close()
    host.unplug()


def test_the_line_takes_the_time_that_its_baud_rate_needs(tmp_path: Path) -> None:
    host = PtyHost(tmp_path / "scale", baud=9_600)
    host.plug()
    began_s = CLOCK.now().mono_s
    host.write(b"\x00" * 96)
    assert CLOCK.now().mono_s - began_s >= 0.1
    host.unplug()


def test_a_stopped_simulator_leaves_no_link_and_starts_again(tmp_path: Path) -> None:
    link = tmp_path / "scale"
    sim = SimWeighbridge(PtyHost(link), lambda: 0.0, CLOCK)
    for _ in range(2):
        sim.start()
        sim.start()
        assert link.is_symlink()
        sim.stop()
        sim.stop()
        assert not link.is_symlink()


def test_a_file_in_the_place_of_the_link_is_not_overwritten(tmp_path: Path) -> None:
    link = tmp_path / "scale"
    link.write_text("a person's file")
    with pytest.raises(DeviceConfigError, match="not a simulator's: left alone"):
        PtyHost(link).plug()
    assert link.read_text() == "a person's file"


def test_a_converter_that_got_its_name_back_meanwhile_keeps_it(tmp_path: Path) -> None:
    link = tmp_path / "scale"
    host = PtyHost(link)
    host.plug()
    link.unlink()
    link.symlink_to("/dev/null")  # as udev does it
    host.unplug()
    assert link.resolve() == Path("/dev/null")
