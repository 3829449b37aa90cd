"""The driver against the simulated card reader, over a real pseudo-terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.card_reader.api import CardReader
from devices.card_reader.numbers import Spelling
from devices.clock import SystemClock
from devices.config import CardReaderConfig
from devices.errors import LinkDown
from devices.readings import CardReading
from devices.registry import open_card_reader
from devices.sim.card_reader import CardFault, SimCardReader
from devices.sim.pty_host import PtyHost

CLOCK = SystemClock()
PATIENCE_S = 20.0
MARKER = "FFFFFFFF"  # presented last: everything before it has arrived


class Desk:
    """A simulated reader and the driver that listens to it."""

    def __init__(self, link: Path) -> None:
        self.sim = SimCardReader(PtyHost(link))
        self.reader: CardReader = open_card_reader(CardReaderConfig(port=str(link)), CLOCK)

    def uids(self) -> list[str]:
        """Everything that was presented so far and came through."""
        self.sim.fault = CardFault.NONE
        self.sim.present(MARKER)
        uids: list[str] = []
        deadline_s = CLOCK.now().mono_s + PATIENCE_S
        while MARKER not in uids:
            assert CLOCK.now().mono_s < deadline_s, uids
            uids += [reading.uid for reading in self.reader.read(0.5)]
        return uids[:-1]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "card")
    desk.sim.start()
    desk.reader.open()
    yield desk
    desk.reader.close()
    desk.sim.stop()


def test_a_presented_card_is_read_at_once(desk: Desk) -> None:
    began_s = CLOCK.now().mono_s
    desk.sim.present("a2c31f07")
    readings: list[CardReading] = []
    while not readings and CLOCK.now().mono_s < began_s + PATIENCE_S:
        readings = desk.reader.read(0.5)
    (reading,) = readings
    assert reading.uid == "A2C31F07"
    assert began_s <= reading.received_s <= CLOCK.now().mono_s


def test_a_card_read_twice_is_one_presentation(desk: Desk) -> None:
    desk.sim.fault = CardFault.DOUBLE_READ
    desk.sim.present("A2C31F07", times=2)
    assert desk.uids() == ["A2C31F07"]


@pytest.mark.parametrize("fault", [CardFault.HALF_FRAME, CardFault.GARBAGE, CardFault.SILENCE])
def test_a_spoiled_presentation_gives_no_card_and_spoils_no_other(
    desk: Desk, fault: CardFault
) -> None:
    desk.sim.fault = fault
    desk.sim.present("A2C31F07")
    desk.sim.fault = CardFault.NONE
    desk.sim.present("04A2C31F07FFEE")
    assert desk.uids() == ["04A2C31F07FFEE"]


def test_noise_before_a_card_does_not_hide_it(desk: Desk) -> None:
    desk.sim.fault = CardFault.NOISE
    cards = [f"{number:08X}" for number in range(20)]
    for card in cards:
        desk.sim.present(card)
    assert desk.uids() == cards


def test_a_reader_that_sends_backwards_is_configured(tmp_path: Path) -> None:
    reverse = Spelling(number_format="hex", byte_order="reversed")
    sim = SimCardReader(PtyHost(tmp_path / "card"), spelling=reverse)
    sim.start()
    config = CardReaderConfig(port=str(tmp_path / "card"), byte_order="reversed")
    reader = open_card_reader(config, CLOCK)
    reader.open()
    sim.present("A2C31F07")
    deadline_s = CLOCK.now().mono_s + PATIENCE_S
    readings: list[CardReading] = []
    while not readings and CLOCK.now().mono_s < deadline_s:
        readings = reader.read(0.5)
    assert [reading.uid for reading in readings] == ["A2C31F07"]
    reader.close()
    sim.stop()


def test_an_unplugged_reader_recovers_without_a_restart(desk: Desk) -> None:
    desk.sim.host.unplug()
    with pytest.raises(LinkDown, match=r"card reader: .*card"):
        desk.reader.read(PATIENCE_S)
    desk.reader.close()
    desk.sim.present("0BADCA8D")  # while unplugged: lost, as on a real cable
    for _ in range(5):
        with pytest.raises(LinkDown):
            desk.reader.open()
        CLOCK.sleep(0.1)
    desk.sim.host.plug()
    desk.reader.open()
    desk.sim.present("A2C31F07")
    assert desk.uids() == ["A2C31F07"]
