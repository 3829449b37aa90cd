"""The PC/SC driver against a real pcscd, in whose virtual reader a virtual card is laid."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.card_reader.api import CardReader
from devices.clock import SystemClock
from devices.config import CardReaderConfig
from devices.errors import DeviceConfigError, LinkDown
from devices.readings import CardReading
from devices.registry import open_card_reader
from devices.sim.virtual_card import VirtualCard
from tests.pcscd_service import PATIENCE_S, pcscd

pytestmark = pytest.mark.needs("virtual-card")
CLOCK = SystemClock()
READER = "Virtual PCD 00 00"
KEY = bytes.fromhex("A0A1A2A3A4A5")
UID = bytes.fromhex("A2C31F07")


def reader_of(config: CardReaderConfig) -> CardReader:
    reader = open_card_reader(config, CLOCK)
    deadline_s = CLOCK.now().mono_s + PATIENCE_S
    while True:
        try:
            reader.open()
        except LinkDown:
            assert CLOCK.now().mono_s < deadline_s
            CLOCK.sleep(0.1)
        else:
            return reader


def config_with(folder: Path, blocks: dict[str, int] | None = None) -> CardReaderConfig:
    (folder / "key").write_text(KEY.hex(), encoding="ascii")
    return CardReaderConfig(
        driver="pcsc", port=READER, key_file=str(folder / "key"), field_blocks=blocks or {}
    )


def reads_within(reader: CardReader, duration_s: float) -> list[CardReading]:
    readings: list[CardReading] = []
    until_s = CLOCK.now().mono_s + duration_s
    while CLOCK.now().mono_s < until_s:
        readings += reader.read(0.2)
    return readings


def next_card(reader: CardReader) -> CardReading:
    deadline_s = CLOCK.now().mono_s + PATIENCE_S
    while CLOCK.now().mono_s < deadline_s:
        for reading in reader.read(0.2):
            return reading
    pytest.fail("no card was read")


def test_a_card_is_its_uid_and_an_empty_reader_gives_none(tmp_path: Path) -> None:
    with pcscd():
        reader, card = reader_of(config_with(tmp_path)), VirtualCard(UID)
        assert reads_within(reader, 0.5) == []
        card.lay()
        reading = next_card(reader)
        card.take()
        reader.close()
    assert (reading.uid, reading.fields) == ("A2C31F07", ())


def test_a_customs_card_is_its_number_and_its_fields_are_read(tmp_path: Path) -> None:
    texts = {"DR_IC_NO": (4, "SBM0002035"), "IC_VE_NAME": (5, "粤B12345")}
    with pcscd():
        reader = reader_of(config_with(tmp_path, {"DR_IC_NO": 4, "IC_VE_NAME": 5}))
        card = VirtualCard(UID, key=KEY, texts=texts)
        card.lay()
        reading = next_card(reader)
        card.take()
        reader.close()
    assert reading.uid == "SBM0002035"
    assert reading.fields == (("DR_IC_NO", "SBM0002035"), ("IC_VE_NAME", "粤B12345"))


def test_a_card_with_another_key_is_no_card(tmp_path: Path) -> None:
    with pcscd():
        reader = reader_of(config_with(tmp_path, {"DR_IC_NO": 4}))
        card = VirtualCard(UID, key=b"\xff" * 6, texts={"DR_IC_NO": (4, "SBM0002035")})
        card.lay()
        assert reads_within(reader, 3.0) == []
        card.take()
        reader.close()


def test_a_service_that_ends_is_a_lost_reader_and_is_found_again(tmp_path: Path) -> None:
    with pcscd():
        reader = reader_of(config_with(tmp_path))
        assert reader.is_heard
    with pytest.raises(LinkDown, match="card reader: "):
        reads_within(reader, PATIENCE_S)
    reader.close()
    with pytest.raises(LinkDown):
        reader.open()
    with pcscd():
        back_s = CLOCK.now().mono_s
        reader = reader_of(config_with(tmp_path))
        assert CLOCK.now().mono_s - back_s < 3.0
        card = VirtualCard(UID)
        card.lay()
        assert next_card(reader).uid == "A2C31F07"
        card.take()
        reader.close()


def test_a_reader_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    config = CardReaderConfig(driver="pcsc", port="No such reader")
    with pcscd():
        reader_of(config_with(tmp_path)).close()  # the virtual reader is there
        with pytest.raises(LinkDown, match=f"'No such reader' is not one .*{READER}"):
            open_card_reader(config, CLOCK).open()


def test_a_field_that_there_is_not_is_refused_before_anything_is_opened() -> None:
    config = CardReaderConfig(driver="pcsc", port=READER, field_blocks={"NAME": 4})
    with pytest.raises(DeviceConfigError, match=r"card_reader\.field_blocks: 'NAME'"):
        open_card_reader(config, CLOCK)
