from __future__ import annotations

from typing import Literal

import pytest

from devices.card_reader.codecs.stx_len import CardFrame, CardType, encode
from devices.card_reader.driver import ListeningCardReader
from devices.card_reader.protocols import PROTOCOLS, STX_LEN, CardProtocol
from devices.clock import ManualClock
from devices.config import CardReaderConfig
from devices.errors import LinkDown
from devices.readings import CardReading
from devices.transports.memory import MemoryTransport, null_modem


def packet(uid: str) -> bytes:
    return encode(CardFrame(card_type=CardType.MIFARE, batch=9, serial=bytes.fromhex(uid)))


class Bench:
    """A driver with the far end of its wire in hand, in time that moves when told to."""

    def __init__(
        self,
        byte_order: Literal["as_sent", "reversed"] = "as_sent",
        protocol: CardProtocol = STX_LEN,
    ) -> None:
        self.clock = ManualClock(mono_s=100.0)
        self.reader = ListeningCardReader(
            protocol,
            CardReaderConfig(
                driver=protocol.name, port="null modem", byte_order=byte_order, repeat_s=2.0
            ),
            self.clock,
            connect=self._connect,
        )
        self.reader.open()

    def _connect(self) -> MemoryTransport:
        self.wire, near = null_modem()
        return near

    def presents(self, uid: str) -> list[str]:
        self.wire.write(packet(uid))
        return [reading.uid for reading in self.reader.read(0.1)]


def test_a_card_is_one_reading_with_its_serial_and_time() -> None:
    bench = Bench()
    bench.wire.write(packet("A2C31F07"))
    assert bench.reader.read(0.1) == [CardReading(uid="A2C31F07", received_s=100.0)]


def test_seven_byte_serials_are_read_whole() -> None:
    assert Bench().presents("04a2c31f07ffee") == ["04A2C31F07FFEE"]


def test_a_reader_that_sends_the_serial_backwards_gives_the_same_identity() -> None:
    assert Bench(byte_order="reversed").presents("071FC3A2") == ["A2C31F07"]


def test_the_same_card_within_two_seconds_is_one_presentation() -> None:
    bench = Bench()
    assert bench.presents("A2C31F07") == ["A2C31F07"]
    bench.clock.advance(1.9)
    assert bench.presents("A2C31F07") == []
    assert bench.reader.good_frames == 2


def test_a_card_left_on_the_reader_is_reported_again() -> None:
    bench = Bench()
    reported = 0
    for _ in range(45):
        reported += len(bench.presents("A2C31F07"))
        bench.clock.advance(0.1)
    assert reported == 3


def test_another_card_is_never_taken_for_a_repeat() -> None:
    bench = Bench()
    assert bench.presents("A2C31F07") == ["A2C31F07"]
    assert bench.presents("A2C31F08") == ["A2C31F08"]
    assert bench.presents("A2C31F07") == []


def test_a_card_that_lay_waiting_is_as_old_as_it_can_be() -> None:
    bench = Bench()
    bench.clock.advance(30.0)
    bench.wire.write(packet("A2C31F07"))
    assert [reading.received_s for reading in bench.reader.read(0.1)] == [100.0]


@pytest.mark.parametrize("driver", PROTOCOLS)
def test_an_unplugged_reader_gives_no_card_and_says_so(driver: str) -> None:
    bench = Bench(protocol=PROTOCOLS[driver])
    bench.wire.close()
    with pytest.raises(LinkDown, match="card reader: "):
        bench.reader.read(0.1)
    bench.reader.close()
    with pytest.raises(LinkDown, match="card reader: not open"):
        bench.reader.read(0.1)


def test_silence_is_no_error() -> None:
    bench = Bench()
    bench.clock.advance(3_600)
    assert bench.reader.read(0.0) == []
