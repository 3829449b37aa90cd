"""OSDP readers: a real peripheral device of libosdp at the other end of a real line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devices.card_reader.api import CardReader
from devices.card_reader.numbers import Spelling
from devices.clock import SystemClock
from devices.config import CardReaderConfig, NumberFormat
from devices.errors import DeviceConfigError, LinkDown
from devices.registry import open_card_reader
from devices.sim.card_reader import CardFault
from devices.sim.osdp_reader import SimOsdpReader
from devices.sim.pty_host import PtyHost
from devices.transports.serial import SerialTransport

CLOCK = SystemClock()
PATIENCE_S = 20.0
KEY, OTHER_KEY = bytes(range(16)), bytes(range(16, 32))


def reader_at(folder: Path, number_format: NumberFormat | None = None) -> CardReader:
    (folder / "scbk").write_text(KEY.hex(), encoding="ascii")
    config = CardReaderConfig(
        driver="osdp",
        port=str(folder / "card"),
        baud=115_200,
        address=0x65,
        key_file=str(folder / "scbk"),
        number_format=number_format,
    )
    return open_card_reader(config, CLOCK)


@contextmanager
def sim_at(
    folder: Path, *, key: bytes | None = KEY, spelling: Spelling | None = None
) -> Iterator[SimOsdpReader]:
    host = PtyHost(folder / "card", baud=115_200)
    sim = SimOsdpReader(host, address=0x65, key=key, spelling=spelling)
    sim.start()
    try:
        yield sim
    finally:
        sim.stop()


def reads_within(reader: CardReader, duration_s: float) -> list[str]:
    uids: list[str] = []
    until_s = CLOCK.now().mono_s + duration_s
    while CLOCK.now().mono_s < until_s:
        uids += [reading.uid for reading in reader.read(0.1)]
    return uids


def next_uid(reader: CardReader) -> str:
    deadline_s = CLOCK.now().mono_s + PATIENCE_S
    while CLOCK.now().mono_s < deadline_s:
        for reading in reader.read(0.1):
            return reading.uid
    pytest.fail("no card was read")


def test_a_reader_that_speaks_plainly_answers_the_worked_poll_with_the_worked_answer(
    tmp_path: Path,
) -> None:
    with sim_at(tmp_path, key=None):
        wire = SerialTransport(str(tmp_path / "card"), 115_200)
        wire.write(bytes.fromhex("53 65 08 00 04 60 60 90"))  # POLL to 65hex, sequence 0
        heard = b""
        deadline_s = CLOCK.now().mono_s + PATIENCE_S
        while len(heard.lstrip(b"\xff")) < 8 and CLOCK.now().mono_s < deadline_s:
            heard += wire.read(64, 0.2)
        wire.close()
    assert heard.lstrip(b"\xff") == bytes.fromhex("53 E5 08 00 04 40 D2 96")


@pytest.mark.parametrize(
    ("number_format", "card"),
    [("hex", "A2C31F07"), ("wiegand-26", "8E6D5D"), ("wiegand-34", "A2C31F07")],
)
def test_a_card_comes_through_the_secure_channel_in_every_spelling(
    number_format: NumberFormat, card: str, tmp_path: Path
) -> None:
    reader = reader_at(tmp_path, number_format)
    with sim_at(tmp_path, spelling=Spelling(number_format=number_format)) as sim:
        reader.open()
        assert reads_within(reader, 1.6) == []
        assert reader.is_heard
        sim.present(card)
        assert next_uid(reader) == card
        reader.close()


@pytest.mark.parametrize("key", [OTHER_KEY, None], ids=["another key", "no key"])
def test_without_the_right_key_there_is_no_card_and_the_error_says_where_to_look(
    key: bytes | None, tmp_path: Path
) -> None:
    reader = reader_at(tmp_path)
    with sim_at(tmp_path, key=key) as sim:
        reader.open()
        sim.present("A2C31F07")
        with pytest.raises(LinkDown, match="no secure channel: another key"):
            reads_within(reader, PATIENCE_S)
        assert not reader.is_heard
        reader.close()


def test_a_reader_is_told_as_there_the_moment_its_channel_is_up(tmp_path: Path) -> None:
    reader = reader_at(tmp_path)
    with sim_at(tmp_path):
        reader.open()
        until_s = CLOCK.now().mono_s + PATIENCE_S
        assert reader.read(PATIENCE_S) == []
        assert reader.is_heard
        assert CLOCK.now().mono_s < until_s, "the rest of its time was not waited for"
        reader.close()


def test_a_card_presented_while_the_line_was_cut_is_not_the_next_vehicles(tmp_path: Path) -> None:
    reader = reader_at(tmp_path)
    with sim_at(tmp_path) as sim:
        reader.open()
        assert reads_within(reader, 1.6) == []
        sim.host.unplug()
        with pytest.raises(LinkDown):
            reads_within(reader, PATIENCE_S)
        reader.close()
        sim.present("0BADCA8D")
        CLOCK.sleep(0.2)
        sim.host.plug()
        reader.open()
        assert reads_within(reader, 1.6) == []
        sim.present("A2C31F07")
        assert next_uid(reader) == "A2C31F07"
        reader.close()


def test_a_reader_that_falls_silent_is_lost_in_two_seconds_and_back_in_one(tmp_path: Path) -> None:
    reader = reader_at(tmp_path)
    with sim_at(tmp_path) as sim:
        reader.open()
        assert reads_within(reader, 1.2) == []
        sim.fault = CardFault.SILENCE
        silent_s = CLOCK.now().mono_s
        with pytest.raises(LinkDown, match="card reader: no answer for"):
            reads_within(reader, PATIENCE_S)
        assert CLOCK.now().mono_s - silent_s < 3.0
        reader.close()
        reader.open()
        with pytest.raises(LinkDown, match="card reader: no answer for"):
            reads_within(reader, PATIENCE_S)
        reader.close()
        sim.fault = CardFault.NONE
        reader.open()
        assert reads_within(reader, 0.6) == []
        assert reader.is_heard
        reader.close()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (CardFault.NAK, "the secure channel on .* broke"),
        (CardFault.BUSY, "no answer for"),
        (CardFault.WRONG_SUM, "no answer for"),
    ],
)
def test_a_reader_that_only_refuses_or_is_always_busy_is_lost_and_comes_back(
    fault: CardFault, said: str, tmp_path: Path
) -> None:
    reader = reader_at(tmp_path)
    with sim_at(tmp_path) as sim:
        reader.open()
        assert reads_within(reader, 1.2) == []
        sim.fault = fault
        sim.present("0BADCA8D")
        spoiled_s = CLOCK.now().mono_s
        with pytest.raises(LinkDown, match=f"card reader: {said}"):
            reads_within(reader, PATIENCE_S)
        assert CLOCK.now().mono_s - spoiled_s < 3.0
        reader.close()
        sim.fault = CardFault.NONE
        reader.open()
        assert reads_within(reader, 1.6) == [], "a card of before is not the next vehicle's"
        assert reader.is_heard
        sim.present("A2C31F07")
        assert next_uid(reader) == "A2C31F07"
        reader.close()


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file"), ("xyz", "not hex digits"), ("00" * 15, "15 bytes, 16 are needed")],
)
def test_a_key_that_cannot_work_is_named_before_anything_is_opened(
    content: str | None, why: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "scbk").write_text(content, encoding="ascii")
    config = CardReaderConfig(driver="osdp", port="x", key_file=str(tmp_path / "scbk"))
    with pytest.raises(DeviceConfigError, match=f"card_reader.key_file: .*{why}"):
        open_card_reader(config, CLOCK)
