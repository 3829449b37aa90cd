from __future__ import annotations

from dataclasses import replace

import pytest

from devices.clock import ManualClock
from devices.config import WeighbridgeConfig
from devices.errors import LinkDown
from devices.readings import WeighbridgeReading, WeightStatus
from devices.transports.memory import MemoryTransport, null_modem
from devices.weighbridge.codecs.yaohua import PROTOCOL, encode
from devices.weighbridge.driver import SILENT_S, ContinuousWeighbridge
from devices.weighbridge.indication import IndicatorFrame, IndicatorProtocol
from devices.weighbridge.protocols import protocols

FRAME = encode(IndicatorFrame(digits=25_680))
SENT_BY_ITSELF = [name for name, protocol in protocols().items() if protocol.poll is None]


class Bench:
    """A driver with the far end of its wire in hand, in time that moves when told to."""

    def __init__(self, protocol: IndicatorProtocol = PROTOCOL) -> None:
        self.clock = ManualClock(mono_s=100.0)
        self.wires: list[MemoryTransport] = []
        self.scale = ContinuousWeighbridge(
            protocol,
            WeighbridgeConfig(port="null modem"),
            self.clock,
            connect=self._connect,
        )

    def _connect(self) -> MemoryTransport:
        far, near = null_modem()
        self.wires.append(far)
        return near

    def send(self, wire: bytes) -> None:
        self.wires[-1].write(wire)


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.scale.open()
    return bench


def test_a_frame_is_one_reading_with_the_time_of_its_last_byte(bench: Bench) -> None:
    bench.send(FRAME[:5])
    assert bench.scale.read(0.1) == []
    bench.clock.advance(0.02)
    bench.send(FRAME[5:])
    assert bench.scale.read(0.1) == [
        WeighbridgeReading(gross_kg=25_680, status=WeightStatus.OK, motion=None, received_s=100.02)
    ]


def test_decimals_are_honored(bench: Bench) -> None:
    bench.send(encode(IndicatorFrame(digits=2_000, decimals=2)))
    assert [reading.gross_kg for reading in bench.scale.read(0.1)] == [20]


def test_an_indicator_set_to_tonnes_is_noticed(bench: Bench) -> None:
    bench.send(encode(IndicatorFrame(digits=25_680, decimals=3)))
    (reading,) = bench.scale.read(0.1)
    assert reading.status is WeightStatus.NOT_KG


def test_frames_that_lay_waiting_are_as_old_as_they_can_be(bench: Bench) -> None:
    bench.clock.advance(5.0)
    bench.send(FRAME)
    (waiting,) = bench.scale.read(0.1)
    assert waiting.received_s == 100.0
    assert bench.scale.read(0.0) == []
    bench.send(FRAME)
    (fresh,) = bench.scale.read(0.1)
    assert fresh.received_s == 105.0


def test_an_indicator_that_falls_silent_is_a_link_that_is_down(bench: Bench) -> None:
    bench.send(FRAME)
    bench.scale.read(0.1)
    bench.clock.advance(SILENT_S)
    assert bench.scale.read(0.0) == []
    bench.clock.advance(0.2)
    bench.send(b"\x55" * 9)
    with pytest.raises(LinkDown, match=r"no good frame for 3\.2 s on null modem at 9600 baud, 9 "):
        bench.scale.read(0.0)


@pytest.mark.parametrize("driver", SENT_BY_ITSELF)
def test_an_unplugged_scale_gives_no_weight_and_says_so(driver: str) -> None:
    protocol = protocols()[driver]
    bench = Bench(protocol)
    bench.scale.open()
    bench.send(2 * protocol.encode(replace(protocol.rest, digits=25_680)))
    assert bench.scale.read(0.1)[-1].gross_kg == 25_680
    bench.wires[-1].close()
    with pytest.raises(LinkDown, match="weighbridge: "):
        bench.scale.read(0.1)


def test_half_a_frame_from_before_an_unplug_is_forgotten(bench: Bench) -> None:
    bench.send(FRAME[:8])
    bench.scale.read(0.1)
    bench.scale.close()
    bench.scale.open()
    bench.send(FRAME[8:])
    assert bench.scale.read(0.1) == []
    bench.send(FRAME)
    assert len(bench.scale.read(0.1)) == 1
    assert bench.scale.good_frames == 1


def test_a_driver_that_was_never_opened_or_was_closed_gives_no_reading() -> None:
    scale = Bench().scale
    with pytest.raises(LinkDown, match="weighbridge: not open"):
        scale.read(0.0)
    scale.close()
    scale.open()
    scale.open()
    scale.close()
    scale.close()
    with pytest.raises(LinkDown, match="not open"):
        scale.read(0.0)
