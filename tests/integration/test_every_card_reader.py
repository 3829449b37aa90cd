"""Every card reader on a line that a lane file may name: its driver against its simulator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devices import registry
from devices.card_reader.protocols import PROTOCOLS
from devices.card_reader.tables import check_table
from devices.clock import SystemClock
from devices.config import ByteOrder, CardReaderConfig, NumberFormat
from devices.errors import DeviceConfigError, LinkDown
from devices.sim.card_reader import CardFault
from devices.sim.card_readers import sim_card_reader
from devices.sim.line_host import line_host

CLOCK = SystemClock()
PATIENCE_S = 20.0
BACK_S = 3.0
ASKED = ("resident-id", "osdp")
KEY = "303132333435363738393A3B3C3D3E3F"
EVERY_READER = pytest.mark.parametrize("driver", [*PROTOCOLS, *ASKED])
# Two cards that the reader can carry, as the lane reads them.
CARDS = {
    "resident-id": ("11010519491231002X", "440524188001010014"),
    "em4100-ascii": ("62E3086CED", "00008E6D5D"),
    "qr-line": ("KAKOU-2026-0001", "KAKOU-2026-0002"),
}


class Desk:
    """A simulated reader and the driver that listens to it or asks it."""

    def __init__(
        self,
        driver: str,
        port: str,
        key_file: str,
        number_format: NumberFormat | None = None,
        byte_order: ByteOrder = "as_sent",
    ) -> None:
        self.driver = driver
        config = CardReaderConfig(
            driver=driver,
            port=port,
            baud=115_200,
            number_format=number_format,
            byte_order=byte_order,
            poll_s=0.05,
            reply_s=1.0,
            address=5,
            key_file=key_file,
        )
        host = line_host("card_reader", port, baud=config.baud, clock=CLOCK)
        self.sim = sim_card_reader(config, host, CLOCK)
        self.reader = registry.open_card_reader(config, CLOCK)
        self.cards = CARDS.get(driver, ("A2C31F07", "04A1B2C3"))

    def settle(self) -> None:
        """A reader behind a secure channel gives no card before that is up, and a second more."""
        if self.driver == "osdp":
            assert self.reads_within(1.6) == []

    def next_uid(self) -> str:
        deadline_s = CLOCK.now().mono_s + PATIENCE_S
        while CLOCK.now().mono_s < deadline_s:
            for reading in self.reader.read(0.2):
                return reading.uid
        pytest.fail("no card was read")

    def reads_within(self, quiet_s: float) -> list[str]:
        uids: list[str] = []
        until_s = CLOCK.now().mono_s + quiet_s
        while CLOCK.now().mono_s < until_s:
            uids += [reading.uid for reading in self.reader.read(0.1)]
        return uids


@contextmanager
def desk_of(
    driver: str,
    folder: Path,
    number_format: NumberFormat | None = None,
    byte_order: ByteOrder = "as_sent",
) -> Iterator[Desk]:
    key_file = folder / "scbk"
    key_file.write_text(KEY, encoding="ascii")
    desk = Desk(driver, str(folder / "card"), str(key_file), number_format, byte_order)
    desk.sim.start()
    try:
        desk.reader.open()
        desk.settle()
        yield desk
    finally:
        desk.reader.close()
        desk.sim.stop()


@EVERY_READER
def test_every_reader_reads_the_cards_that_are_presented(driver: str, tmp_path: Path) -> None:
    with desk_of(driver, tmp_path) as desk:
        for card in desk.cards:
            desk.sim.present(card)
            assert desk.next_uid() == card
        assert desk.reader.good_frames >= 2
        assert desk.reader.is_heard


@EVERY_READER
@pytest.mark.parametrize("fault", [CardFault.HALF_FRAME, CardFault.GARBAGE, CardFault.SILENCE])
def test_every_reader_gives_no_card_for_a_spoiled_presentation(
    driver: str, fault: CardFault, tmp_path: Path
) -> None:
    with desk_of(driver, tmp_path) as desk:
        desk.sim.fault = fault
        desk.sim.present(desk.cards[0])
        if driver == "osdp":
            with pytest.raises(LinkDown, match="card reader: "):
                desk.reads_within(PATIENCE_S)
            desk.reader.close()
            desk.sim.fault = CardFault.NONE
            desk.reader.open()
            desk.settle()
        else:
            assert desk.reads_within(0.6) == []
        desk.sim.fault = CardFault.NONE
        desk.sim.present(desk.cards[1])
        assert desk.next_uid() == desk.cards[1]


@EVERY_READER
def test_every_reader_recovers_from_a_pulled_cable_without_a_restart(
    driver: str, tmp_path: Path
) -> None:
    with desk_of(driver, tmp_path) as desk:
        desk.sim.present(desk.cards[0])
        assert desk.next_uid() == desk.cards[0]
        desk.sim.host.unplug()
        with pytest.raises(LinkDown, match=r"card reader: .*card"):
            desk.reads_within(PATIENCE_S)
        desk.reader.close()
        with pytest.raises(LinkDown):
            desk.reader.open()
        desk.sim.host.plug()
        desk.reader.open()
        plugged_s = CLOCK.now().mono_s
        desk.settle()
        desk.sim.present(desk.cards[1])
        assert desk.next_uid() == desk.cards[1]
        assert CLOCK.now().mono_s - plugged_s < BACK_S


def test_a_line_cut_short_and_joined_with_the_next_is_refused_by_its_length(
    tmp_path: Path,
) -> None:
    config = CardReaderConfig(driver="acg-ascii", port=str(tmp_path / "card"), characters=8)
    host = line_host("card_reader", config.port, baud=115_200, clock=CLOCK)
    sim = sim_card_reader(config, host, CLOCK)
    reader = registry.open_card_reader(config, CLOCK)
    sim.start()
    reader.open()
    try:
        sim.fault = CardFault.HALF_FRAME
        sim.present("0BADCA8D")
        sim.fault = CardFault.NONE
        sim.present("A2C31F07")
        sim.present("04A1B2C3")
        uids: list[str] = []
        deadline_s = CLOCK.now().mono_s + PATIENCE_S
        while "04A1B2C3" not in uids and CLOCK.now().mono_s < deadline_s:
            uids += [reading.uid for reading in reader.read(0.2)]
        assert uids == ["04A1B2C3"]
    finally:
        reader.close()
        sim.stop()


@pytest.mark.parametrize("byte_order", ["as_sent", "reversed"])
@pytest.mark.parametrize("number_format", ["hex", "decimal", "wiegand-34"])
def test_a_reader_of_lines_is_read_in_every_spelling(
    byte_order: ByteOrder, number_format: NumberFormat, tmp_path: Path
) -> None:
    with desk_of("acg-ascii", tmp_path, number_format, byte_order) as desk:
        desk.sim.present("A2C31F07")
        assert desk.next_uid() == "A2C31F07"


def test_a_number_format_that_the_reader_does_not_have_is_refused_by_name() -> None:
    config = CardReaderConfig(driver="stx-len-uid", port="x", number_format="decimal")
    with pytest.raises(DeviceConfigError, match=r"card_reader.number_format: 'decimal'"):
        registry.open_card_reader(config, CLOCK)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (CardReaderConfig(driver="qr-line", port="x", number_format="wiegand-26"), "number_format"),
        (CardReaderConfig(driver="osdp", port="x", number_format="decimal"), "number_format"),
        (CardReaderConfig(driver="osdp", port="x"), "key_file: needed by 'osdp'"),
        (CardReaderConfig(driver="pcsc", port="x", field_blocks={"DR_IC_NO": 7}), "holds keys"),
        (CardReaderConfig(driver="pcsc", port="x", field_blocks={"DR_IC_NO": 4}), "key_file: nee"),
    ],
)
def test_a_table_that_cannot_work_is_refused_without_its_key_or_library(
    config: CardReaderConfig, says: str
) -> None:
    with pytest.raises(DeviceConfigError, match=f"card_reader.*{says}"):
        check_table(config)


def test_an_asked_reader_that_is_switched_off_is_lost_and_not_taken_for_an_empty_one(
    tmp_path: Path,
) -> None:
    with desk_of("resident-id", tmp_path) as desk:
        desk.sim.fault = CardFault.SILENCE
        with pytest.raises(LinkDown, match=r"card reader: no answer for .* s on"):
            desk.reads_within(10.0)
        assert not desk.reader.is_heard
        desk.reader.close()
        desk.sim.fault = CardFault.NONE
        desk.reader.open()
        desk.sim.present(desk.cards[0])
        assert desk.next_uid() == desk.cards[0]


def test_answers_that_come_too_late_give_no_card(tmp_path: Path) -> None:
    with desk_of("resident-id", tmp_path) as desk:
        desk.sim.present(desk.cards[0])
        assert desk.next_uid() == desk.cards[0]
        desk.sim.fault = CardFault.LATE
        desk.sim.present(desk.cards[1])
        assert desk.reads_within(2.0) == []
