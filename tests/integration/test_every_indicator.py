"""Every indicator that a lane file may name: its driver against its simulator, on a real line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devices import registry
from devices.clock import SystemClock
from devices.config import WeighbridgeConfig
from devices.errors import DeviceConfigError, LinkDown
from devices.readings import WeighbridgeReading, WeightStatus
from devices.sim.line_host import line_host
from devices.sim.weighbridge import RESTART_S, ScaleFault, SimWeighbridge
from devices.weighbridge.codecs.yaohua import PROTOCOL
from devices.weighbridge.indication import reading_of
from devices.weighbridge.polled import PolledWeighbridge
from devices.weighbridge.protocols import protocol_named, protocols
from devices.weighbridge.settle import SettleFilter, WeightPhase, WeightState
from hil_tests.rig import free_ports

CLOCK = SystemClock()
PATIENCE_S = 20.0
EVERY_INDICATOR = pytest.mark.parametrize("driver", registry.WEIGHBRIDGES)
ASKED = [name for name, protocol in protocols().items() if protocol.poll is not None]
STATUSES = {
    ScaleFault.OVERLOAD: WeightStatus.OVERLOAD,
    ScaleFault.NEGATIVE: WeightStatus.UNDERLOAD,
    ScaleFault.NET: WeightStatus.NET,
    ScaleFault.NOT_ZEROED: WeightStatus.NOT_ZEROED,
}


class Platform:
    """A platform with a load, its indicator, and the driver that reads it."""

    def __init__(self, driver: str, port: str) -> None:
        self.load_kg = 8_000.0
        config = WeighbridgeConfig(
            driver=driver, port=port, baud=115_200, address=7, settle_s=0.2, max_kg=60_000
        )
        self.sim = SimWeighbridge(
            line_host("weighbridge", port, baud=config.baud, clock=CLOCK),
            lambda: self.load_kg,
            CLOCK,
            protocol=protocol_named(driver, config.address),
        )
        self.scale = registry.open_weighbridge(config, CLOCK)
        self.judge = SettleFilter(config)

    def wait_for(self, phase: WeightPhase, status: WeightStatus = WeightStatus.OK) -> WeightState:
        state = None
        deadline_s = CLOCK.now().mono_s + PATIENCE_S
        while CLOCK.now().mono_s < deadline_s:
            for reading in self.scale.read(0.2):
                state = self.judge.feed(reading)
                if state.phase is phase and state.status is status:
                    return state
        pytest.fail(f"not {phase} with {status} within {PATIENCE_S} s; last {state}")

    def readings_for(self, seconds: float) -> list[WeighbridgeReading]:
        readings: list[WeighbridgeReading] = []
        until_s = CLOCK.now().mono_s + seconds
        while CLOCK.now().mono_s < until_s:
            readings += self.scale.read(0.05)
        return readings

    def opened_again(self) -> None:
        self.scale.close()
        deadline_s = CLOCK.now().mono_s + PATIENCE_S
        while True:
            try:
                self.scale.open()
            except LinkDown:
                assert CLOCK.now().mono_s < deadline_s
                CLOCK.sleep(0.02)
            else:
                return


@contextmanager
def platform(driver: str, port: str) -> Iterator[Platform]:
    platform = Platform(driver, port)
    platform.sim.start()
    try:
        platform.scale.open()
        yield platform
    finally:
        platform.scale.close()
        platform.sim.stop()


def free_tcp_port() -> str:
    return f"tcp://127.0.0.1:{free_ports(1)[0]}"


@EVERY_INDICATOR
def test_every_indicator_weighs_a_vehicle_that_comes_to_rest(driver: str, tmp_path: Path) -> None:
    with platform(driver, str(tmp_path / "scale")) as scale:
        assert scale.wait_for(WeightPhase.SETTLED).gross_kg == 8_000
        scale.load_kg = 25_676.0
        scale.wait_for(WeightPhase.MOVING)
        assert scale.wait_for(WeightPhase.SETTLED).gross_kg == 25_680
        scale.load_kg = 0.0
        assert scale.wait_for(WeightPhase.EMPTY).gross_kg == 0


@EVERY_INDICATOR
def test_every_indicator_recovers_from_a_pulled_cable_without_a_restart(
    driver: str, tmp_path: Path
) -> None:
    with platform(driver, str(tmp_path / "scale")) as scale:
        scale.wait_for(WeightPhase.SETTLED)
        scale.sim.host.unplug()
        with pytest.raises(LinkDown, match=r"weighbridge: .*scale"):
            scale.readings_for(PATIENCE_S)
        scale.load_kg = 30_000.0
        scale.sim.host.plug()
        scale.opened_again()
        scale.judge = SettleFilter(WeighbridgeConfig(port="-", settle_s=0.2))
        assert scale.wait_for(WeightPhase.SETTLED).gross_kg == 30_000


@EVERY_INDICATOR
def test_what_every_indicator_declares_unusable_is_no_weight(driver: str, tmp_path: Path) -> None:
    with platform(driver, str(tmp_path / "scale")) as scale:
        for fault, status in STATUSES.items():
            if not scale.sim.can_have(fault):
                continue
            scale.sim.fault = fault
            assert scale.wait_for(WeightPhase.INVALID, status).gross_kg is None
        scale.sim.fault = ScaleFault.NONE
        assert scale.wait_for(WeightPhase.SETTLED).gross_kg == 8_000
        if scale.sim.can_have(ScaleFault.MOTION):
            scale.sim.fault = ScaleFault.MOTION
            scale.wait_for(WeightPhase.MOVING)
            states = [scale.judge.feed(reading) for reading in scale.readings_for(0.6)]
            assert {state.phase for state in states} == {WeightPhase.MOVING}


@EVERY_INDICATOR
def test_every_indicator_that_is_tared_or_restarted_under_a_load_shows_zero_and_no_flag(
    driver: str, tmp_path: Path
) -> None:
    with platform(driver, str(tmp_path / "scale")) as scale:
        for fault in (ScaleFault.TARED, ScaleFault.RESTARTED):
            scale.load_kg = 8_000.0
            assert scale.wait_for(WeightPhase.SETTLED).gross_kg == 8_000
            scale.sim.fault = fault
            if fault is ScaleFault.RESTARTED:
                scale.readings_for(0.3)  # what was under way
                assert scale.readings_for(RESTART_S / 3) == []
            assert scale.wait_for(WeightPhase.EMPTY).gross_kg == 0
            scale.load_kg = 25_680.0
            assert scale.wait_for(WeightPhase.SETTLED).gross_kg == 17_680
            scale.sim.fault = ScaleFault.NONE
            scale.load_kg = 0.0
            scale.wait_for(WeightPhase.EMPTY)


@pytest.mark.parametrize("driver", ["yaohua-continuous", *ASKED])
def test_an_indicator_behind_a_serial_server_is_read_and_recovers(driver: str) -> None:
    with platform(driver, free_tcp_port()) as scale:
        assert scale.wait_for(WeightPhase.SETTLED).gross_kg == 8_000
        scale.sim.host.unplug()
        with pytest.raises(LinkDown, match=r"weighbridge: tcp://"):
            scale.readings_for(PATIENCE_S)
        scale.sim.host.plug()
        scale.opened_again()
        assert scale.wait_for(WeightPhase.SETTLED).gross_kg == 8_000


@pytest.mark.parametrize("driver", ASKED)
def test_an_indicator_that_answers_late_gives_no_weight(driver: str, tmp_path: Path) -> None:
    with platform(driver, str(tmp_path / "scale")) as scale:
        scale.wait_for(WeightPhase.SETTLED)
        scale.sim.fault = ScaleFault.LATE
        scale.readings_for(0.1)  # the answer that was under way
        scale.load_kg = 30_000.0
        assert scale.readings_for(1.2) == []
        assert isinstance(scale.scale, PolledWeighbridge)
        assert scale.scale.late_frames > 0
        assert scale.judge.at(CLOCK.now().mono_s).phase is WeightPhase.STALE
        scale.sim.fault = ScaleFault.NONE
        scale.opened_again()
        assert scale.wait_for(WeightPhase.SETTLED).gross_kg == 30_000


def test_a_fault_that_frames_cannot_say_is_refused_by_the_simulator(tmp_path: Path) -> None:
    sim = SimWeighbridge(
        line_host("weighbridge", str(tmp_path / "scale"), baud=9_600, clock=CLOCK),
        lambda: 0.0,
        CLOCK,
        protocol=PROTOCOL,
    )
    with pytest.raises(ValueError, match="yaohua-continuous: its frames cannot say net"):
        sim.fault = ScaleFault.NET
    assert sim.fault is ScaleFault.NONE


def test_a_line_that_no_simulator_can_serve_is_refused_by_name() -> None:
    with pytest.raises(DeviceConfigError, match=r"weighbridge\.port: .* not udp://"):
        line_host("weighbridge", "udp://127.0.0.1:1", baud=9_600, clock=CLOCK)


@EVERY_INDICATOR
def test_every_indicators_frame_at_rest_is_zero_kilograms(driver: str) -> None:
    rest = protocols()[driver].rest
    reading = reading_of(rest, received_s=0.0, division_kg=20)
    assert (reading.gross_kg, reading.status) == (0, WeightStatus.OK)
