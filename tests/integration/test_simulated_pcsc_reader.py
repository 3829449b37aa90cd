"""The simulated PC/SC reader: real pcscd, real driver, cards that a bench lays down."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from devices.card_reader.api import CardReader
from devices.clock import SystemClock
from devices.config import CardReaderConfig
from devices.errors import LinkDown
from devices.registry import open_card_reader
from devices.sim.bench import Bench
from devices.sim.card_reader import CardFault
from devices.sim.faults.table import FaultError, FaultSwitches
from devices.sim.pcsc_reader import READER, SimPcscReader, has_virtual_reader
from hil_tests.rig import devices_at, free_ports
from tests.pcscd_service import PATIENCE_S, pcscd

CLOCK = SystemClock()
KEY = "A0A1A2A3A4A5"


def table(folder: Path, blocks: dict[str, int] | None = None) -> CardReaderConfig:
    (folder / "key").write_text(KEY, encoding="ascii")
    return CardReaderConfig(
        driver="pcsc", port=READER, key_file=str(folder / "key"), field_blocks=blocks or {}
    )


def opened(config: CardReaderConfig) -> CardReader:
    reader, deadline_s = open_card_reader(config, CLOCK), CLOCK.now().mono_s + PATIENCE_S
    while True:
        try:
            reader.open()
        except LinkDown:  # pcscd names its readers a moment after it listens
            assert CLOCK.now().mono_s < deadline_s
            CLOCK.sleep(0.1)
        else:
            return reader


def uids_within(reader: CardReader, duration_s: float, enough: int = 99) -> list[str]:
    uids: list[str] = []
    until_s = CLOCK.now().mono_s + duration_s
    while CLOCK.now().mono_s < until_s and len(uids) < enough:
        uids += [reading.uid for reading in reader.read(0.2)]
    return uids


@pytest.mark.needs("virtual-card")
def test_a_lane_with_a_pcsc_reader_is_simulated_and_its_card_is_read(tmp_path: Path) -> None:
    lane = devices_at(tmp_path, *free_ports(2))
    config = table(tmp_path, {"DR_IC_NO": 4, "IC_VE_NAME": 5})
    lane = msgspec.structs.replace(lane, card_reader=config)
    with pcscd(), Bench(lane, CLOCK) as bench:
        reader, switches = opened(config), FaultSwitches(bench)
        bench.card_reader.present("04A1B2C3")
        assert uids_within(reader, PATIENCE_S, 1) == ["04A1B2C3"]
        with pytest.raises(FaultError, match=r"no line to pull or damage"):
            switches.turn("card_line_swapped", on=True)
        reader.close()


@pytest.mark.needs("virtual-card")
def test_a_card_without_fields_is_its_uid_and_a_fault_of_the_reader_is_no_card(
    tmp_path: Path,
) -> None:
    config = table(tmp_path)
    sim = SimPcscReader(config)
    with pcscd():
        sim.start()
        reader = opened(config)
        sim.fault = CardFault.HALF_FRAME
        sim.present("04A1B2C3")
        assert uids_within(reader, 4.0) == []
        sim.fault = CardFault.NONE
        sim.present("A2C31F07")
        assert uids_within(reader, PATIENCE_S, 1) == ["A2C31F07"]
        sim.stop()
        reader.close()


def test_without_pcscd_it_is_said_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(LinkDown, match=r"needs pcscd with vpcd \(Debian: pcscd, vsmartcard-vpcd"):
        SimPcscReader(table(tmp_path)).start()
    with pytest.raises(ValueError, match="no card has the number"):
        SimPcscReader(table(tmp_path)).present("00" * 11)


@pytest.mark.needs("virtual-card")
def test_a_virtual_reader_that_was_looked_for_a_moment_ago_is_still_there() -> None:
    with pcscd():
        assert [has_virtual_reader() for _ in range(4)] == [True] * 4
