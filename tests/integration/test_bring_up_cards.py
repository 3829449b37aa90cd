"""Every kind of card reader is brought into service step by step; each mistake is named."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from devices.bench import bring_up_asked_cards, cable
from devices.bench.bring_up_cards import compared
from devices.clock import SystemClock
from devices.config import CardReaderConfig, DevicesConfig
from devices.sim.card_reader import CardFault, SimulatedCardReader
from devices.sim.card_readers import sim_card_reader
from devices.sim.faults.line import FaultyLine, LineFault
from devices.sim.line_host import line_host
from devices.sim.pcsc_reader import READER, SimPcscReader
from devices.sim.virtual_card import VirtualCard
from hil_tests.rig import devices_at, free_ports
from tests.pcscd_service import pcscd
from tests.technician import Technician

if TYPE_CHECKING:
    from tests.technician import Answers

CLOCK = SystemClock()
KEY, OTHER_KEY = "00" * 15 + "01", "11" * 16
CARD = "A2C31F07"
PERSON = "11010519491231002X"


class Reader:
    """A simulated reader with settings of its own, and the lane's table of it."""

    def __init__(self, folder: Path, driver: str, *, own: dict[str, Any], **keys: object) -> None:
        (folder / "key").write_text(KEY)
        (folder / "other").write_text(OTHER_KEY)
        defaults: dict[str, Any] = {
            "port": str(folder / "card"),
            "baud": 115_200,
            "key_file": str(folder / "key"),
        }
        table = CardReaderConfig(driver=driver, **(defaults | keys))
        self.lane: DevicesConfig = msgspec.structs.replace(
            devices_at(folder, 1, 2), card_reader=table
        )
        real = msgspec.structs.replace(table, **own)
        inner = line_host("card_reader", real.port, baud=real.baud, clock=CLOCK)
        self.line = FaultyLine(inner, baud=real.baud)
        self.sim: SimulatedCardReader = sim_card_reader(real, self.line, CLOCK)
        self._timers: list[threading.Timer] = []

    def shows(self, card: str, *after_s: float) -> Callable[[], str]:
        """The technician presses Enter, and holds a card to it at these times."""

        def act() -> str:
            for each in after_s or (0.3, 1.8):
                timer = threading.Timer(each, self.sim.present, (card,))
                timer.start()
                self._timers.append(timer)
            return ""

        return act

    def pulls(self) -> str:
        timer = threading.Timer(0.6, self.line.unplug)
        timer.start()
        self._timers.append(timer)
        return ""

    def plugs(self) -> str:
        self.line.plug()
        return ""

    def __enter__(self) -> Reader:
        self.sim.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        for timer in self._timers:
            timer.cancel()
            timer.join()
        self.sim.stop()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bring_up_asked_cards, "ANSWER_S", 0.4)
    monkeypatch.setattr(bring_up_asked_cards, "TRY_S", 0.25)
    monkeypatch.setattr(bring_up_asked_cards, "SCAN_S", 0.03)
    monkeypatch.setattr(bring_up_asked_cards, "BAUDS", (57_600, 115_200))
    monkeypatch.setattr(cable, "PULL_WITHIN_S", 8.0)


def brought_up(reader: Reader, technician: Technician, **answers: str | Callable[[], str]) -> bool:
    return technician.brings_up("card_reader", reader.lane, answers, wait_s=3.0)


# --- each kind, from the port to the cable --------------------------------------------------------


@pytest.mark.parametrize(
    ("driver", "card", "steps"),
    [
        ("stx-len-uid", CARD, ["port", "bytes", "frames"]),
        ("osdp", CARD, ["port", "answer", "secure channel"]),
        ("resident-id", PERSON, ["port", "answer"]),
    ],
)
def test_a_reader_is_proved_from_its_port_to_its_cable(
    driver: str, card: str, steps: list[str], tmp_path: Path
) -> None:
    technician = Technician()
    with Reader(tmp_path, driver, own={}) as reader:
        assert brought_up(
            reader,
            technician,
            present=reader.shows(card, 0.2),
            present_again=reader.shows(card),
            card=card.lower(),
            pull=reader.pulls,
            plug=reader.plugs,
        ), technician.said
    assert [line[3:26].strip() for line in technician.lines] == [
        *steps,
        "card",
        "number",
        "cable pulled",
    ]
    assert all(" ok " in line for line in technician.lines), technician.said
    assert "back after" in technician.lines[-1]


def test_an_identity_number_is_not_shown_on_the_screen_but_its_end(tmp_path: Path) -> None:
    technician = Technician()
    with Reader(tmp_path, "resident-id", own={}) as reader:
        assert brought_up(reader, technician, present_again=reader.shows(PERSON), card=PERSON)
    assert "card …002X" in technician.said
    assert PERSON not in technician.said


def test_a_cable_that_was_not_pulled_or_is_not_back_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cable, "PULL_WITHIN_S", 1.2)
    technician = Technician()
    with Reader(tmp_path, "osdp", own={}) as reader:
        assert not brought_up(reader, technician, pull="", plug="")
        assert "another cable was pulled" in technician.said
        monkeypatch.setattr(cable, "PULL_WITHIN_S", 4.0)
        assert not brought_up(reader, technician, pull=reader.pulls, plug="")
    assert "the converter got another name" in technician.said


# --- OSDP -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ({"address": 5}, "card_reader.address = 5"),
        ({"baud": 57_600}, "it answers at 57600 baud: card_reader.baud = 57600"),
    ],
)
def test_an_osdp_reader_that_is_set_otherwise_says_itself_how(
    own: dict[str, Any], says: str, tmp_path: Path
) -> None:
    technician = Technician()
    with Reader(tmp_path, "osdp", own=own) as reader:
        assert not brought_up(reader, technician)
    assert "nobody answers as address 0 at 115200 baud" in technician.said
    assert says in technician.said


def test_an_osdp_reader_with_another_key_is_told_from_one_without(tmp_path: Path) -> None:
    technician = Technician()
    with Reader(tmp_path, "osdp", own={"key_file": str(tmp_path / "other")}) as reader:
        assert not brought_up(reader, technician)
    assert "it has another key than card_reader.key_file (SCBK)" in technician.said
    with Reader(tmp_path, "osdp", own={}) as reader:
        reader.sim._key = None  # type: ignore[attr-defined]
        reader.sim.stop()
        reader.sim.start()
        assert not brought_up(reader, technician)
    assert "it answers without a key: it has none yet" in technician.said


def test_an_osdp_line_that_is_wired_wrongly_is_named(tmp_path: Path) -> None:
    technician = Technician()
    with Reader(tmp_path, "osdp", own={}) as reader:
        reader.line.fault = LineFault.SWAPPED
        assert not brought_up(reader, technician)
        assert "-> A and B (or + and -) are swapped" in technician.said
        reader.line.fault = LineFault.NONE
        reader.sim.fault = CardFault.GARBAGE
        assert not brought_up(reader, technician)
        assert "every answer is damaged" in technician.said
        reader.line.unplug()
        assert not brought_up(reader, technician)
        assert "missing: the name under /dev/kakou" in technician.said


def test_a_converter_that_hears_itself_is_not_taken_for_a_reader(tmp_path: Path) -> None:
    technician, is_over = Technician(), threading.Event()
    reader = Reader(tmp_path, "osdp", own={})

    def echoes() -> None:
        while not is_over.is_set():
            reader.line.write(reader.line.read(0.02))

    reader.line.plug()
    converter = threading.Thread(target=echoes)
    converter.start()
    try:
        assert not brought_up(reader, technician)
    finally:
        is_over.set()
        converter.join()
        reader.line.unplug()
    assert "only our own question is heard: the converter's echo" in technician.said


def test_a_card_of_an_osdp_reader_in_another_format_has_its_formats_named(tmp_path: Path) -> None:
    technician = Technician()
    with Reader(tmp_path, "osdp", own={"number_format": "wiegand-26"}) as reader:
        assert not brought_up(reader, technician, present_again=reader.shows("8E6D5D"))
    assert "a card came as 26 bits, which is no hex number here" in technician.said
    assert 'number_format = "wiegand-26": then it is 8E6D5D' in technician.said


def test_a_card_that_is_held_too_early_is_asked_for_again(tmp_path: Path) -> None:
    technician = Technician()
    with Reader(tmp_path, "osdp", own={}) as reader:
        assert not brought_up(reader, technician, present_again=reader.shows(CARD, 0.3))
    assert "hold it to the reader once more" in technician.said


# --- readers that send ----------------------------------------------------------------------------


def test_a_line_of_text_in_another_format_has_its_formats_named(tmp_path: Path) -> None:
    technician, own = Technician(), {"number_format": "decimal", "characters": 10}
    table = {"number_format": "hex", "characters": 8}
    with Reader(tmp_path, "acg-ascii", own=own, **table) as reader:
        assert not brought_up(
            reader, technician, present=reader.shows(CARD, 0.2), present_again=reader.shows(CARD)
        )
    assert "a card came as text '2730696455', which is no hex number here" in technician.said
    assert 'number_format = "decimal": then it is A2C31F07' in technician.said
    assert "characters = 0, keep_bytes = 0: then it is 2730696455" in technician.said


@pytest.mark.parametrize(
    ("printed", "is_ok", "says"),
    [
        ("", True, "so it must stand in a declaration"),
        ("A2C31F07", True, "A2C31F07"),
        ("071FC3A2", False, 'byte_order = "reversed"'),
        ("2730696455", True, "the same number in decimal"),
        ("195,07943", True, "the same number in decimal"),
        ("41667,07943", True, "the same number in decimal"),
        ("0119522210", False, 'byte_order = "reversed"'),
        ("C31F07", False, "keep_bytes = 3"),
        ("123", False, "another card"),
    ],
)
def test_a_printed_number_is_compared_in_every_way_that_makers_print_it(
    printed: str,
    is_ok: bool,  # noqa: FBT001 - a column of the table
    says: str,
) -> None:
    finding = compared(CARD, printed, shown=CARD)
    assert finding.ok is is_ok
    assert says in "\n".join(each.en for each in (finding.said, *finding.advice))


# --- resident identity cards ----------------------------------------------------------------------


def test_a_resident_id_reader_at_another_port_or_baud_rate_is_named(tmp_path: Path) -> None:
    technician = Technician()
    with Reader(tmp_path, "resident-id", own={"baud": 57_600}) as reader:
        assert not brought_up(reader, technician)
    assert "it answers at 57600 baud: card_reader.baud = 57600" in technician.said
    with Reader(tmp_path, "resident-id", own={}) as reader:
        reader.sim.fault = CardFault.SILENCE
        assert not brought_up(reader, technician)
        assert "another port: look which name under /dev/kakou" in technician.said
        assert "it is in USB (HID) mode" in technician.said
        reader.sim.fault = CardFault.GARBAGE
        assert not brought_up(reader, technician)
        assert "something else answers: another device's port" in technician.said


def test_behind_a_serial_server_no_baud_rate_is_tried(tmp_path: Path) -> None:
    technician, port = Technician(), f"tcp://127.0.0.1:{free_ports(1)[0]}"
    with Reader(tmp_path, "resident-id", own={}, port=port) as reader:
        reader.sim.fault = CardFault.SILENCE
        assert not brought_up(reader, technician)
    assert "transmit and receive are swapped; no supply" in technician.said


# --- PC/SC ----------------------------------------------------------------------------------------


def pcsc_lane(folder: Path, **keys: object) -> DevicesConfig:
    (folder / "key").write_text("A0A1A2A3A4A5")
    table = CardReaderConfig(driver="pcsc", **({"port": READER, **keys}))  # type: ignore[arg-type]
    return msgspec.structs.replace(devices_at(folder, 1, 2), card_reader=table)


@contextmanager
def laid(card: VirtualCard) -> Iterator[None]:
    card.lay()
    try:
        yield
    finally:
        card.take()


@pytest.mark.needs("virtual-card")
def test_a_pcsc_reader_is_proved_from_its_service_to_its_plug(tmp_path: Path) -> None:
    technician, lane = Technician(), pcsc_lane(tmp_path)
    sim = SimPcscReader(lane.card_reader)
    services = ExitStack()

    def shows() -> str:
        sim.present(CARD)
        return ""

    def pulls() -> str:
        sim.stop()
        timer = threading.Timer(0.5, services.pop_all().close)
        timer.start()
        return ""

    def plugs() -> str:
        services.enter_context(pcscd())
        return ""

    services.enter_context(pcscd())
    sim.start()
    CLOCK.sleep(1.0)
    try:
        answers: Answers = {"present_again": shows, "card": CARD, "pull": pulls, "plug": plugs}
        is_good = technician.brings_up("card_reader", lane, answers, wait_s=10.0)
    finally:
        sim.stop()
        services.close()
    assert is_good, technician.said
    names = ["pcscd", "reader", "card", "number", "cable pulled"]
    assert [line[3:26].strip() for line in technician.lines] == names
    assert "back after" in technician.lines[-1]


@pytest.mark.needs("virtual-card")
def test_a_pcsc_reader_that_is_not_there_or_held_by_another_is_named(tmp_path: Path) -> None:
    technician, lane = Technician(), pcsc_lane(tmp_path)
    assert not technician.brings_up("card_reader", lane)
    assert "pcscd does not run: systemctl enable --now pcscd.socket" in technician.said
    in_chinese = Technician("zh")
    assert not in_chinese.brings_up("card_reader", lane)
    assert "pcscd 未运行：systemctl enable --now pcscd.socket" in in_chinese.said
    with pcscd():
        CLOCK.sleep(1.5)
        assert in_chinese.brings_up("card_reader", lane)
        assert "pcscd 有应答" in in_chinese.said
        assert not technician.brings_up("card_reader", pcsc_lane(tmp_path, port="ACR122U"))
        assert 'card_reader.port = "Virtual PCD 00 0' in technician.said
        assert not technician.brings_up("card_reader", pcsc_lane(tmp_path, port="Virtual PCD"))
        assert "card_reader.port: name more of it" in technician.said
        with laid(VirtualCard(bytes.fromhex(CARD))), held_alone():
            held = {"present_again": ""}
            assert not technician.brings_up("card_reader", lane, held, wait_s=1.0)
        assert "the reader is busy: end that program" in technician.said


@pytest.mark.needs("virtual-card")
def test_a_card_with_another_key_is_told_from_one_that_is_not_there(tmp_path: Path) -> None:
    keys: dict[str, Any] = {"key_file": str(tmp_path / "key"), "field_blocks": {"DR_IC_NO": 4}}
    technician, lane = Technician(), pcsc_lane(tmp_path, **keys)
    with pcscd():
        CLOCK.sleep(1.5)
        held = {"present_again": ""}
        assert not technician.brings_up("card_reader", lane, held, wait_s=1.0)
        assert "no card in 1 s" in technician.said
        with laid(VirtualCard(bytes.fromhex(CARD))):
            assert not technician.brings_up("card_reader", lane, held, wait_s=3.0)
        assert "another key A than card_reader.key_file" in technician.said


@contextmanager
def held_alone() -> Iterator[None]:
    """Another program has the card for itself."""
    from smartcard import scard  # noqa: PLC0415 - an extra

    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    deadline_s = CLOCK.now().mono_s + 10
    while True:
        result, card, _ = scard.SCardConnect(
            context, READER, scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_ANY
        )
        if result == scard.SCARD_S_SUCCESS:
            break
        assert CLOCK.now().mono_s < deadline_s
        CLOCK.sleep(0.2)
    try:
        yield
    finally:
        scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)
        scard.SCardReleaseContext(context)
