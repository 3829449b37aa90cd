"""The library of faults: complete, honest about what a bench cannot have, and reversible."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.clock import ManualClock
from devices.config import (
    CardReaderConfig,
    ContainerCameraConfig,
    LaneCameraConfig,
    PlateCameraConfig,
    SignConfig,
    TagReaderConfig,
)
from devices.sim.bench import Bench
from devices.sim.container_camera import ANOTHER_CONTAINER, misread
from devices.sim.faults.line import FaultyLine, LineFault
from devices.sim.faults.table import FAULTS, Allows, FaultError, FaultSwitches
from devices.sim.faults.uart import Framing, heard
from devices.sim.weighbridge import ScaleFault, SimWeighbridge
from devices.weighbridge.protocols import protocol_named
from gate_agent.domain.containers import check_digit, is_container_number
from gate_agent.domain.faults import FaultCode
from hil_tests.rig import devices_at

PLAIN = Framing(baud=9_600)
SEVEN_EVEN = Framing(baud=9_600, data_bits=7, even_parity=True)


def bench_of(folder: Path) -> Bench:
    """A bench that is never started: nothing is opened."""
    return Bench(devices_at(folder, 20_001, 20_002), ManualClock())


def full_bench_of(folder: Path) -> Bench:
    """One with everything that a lane may have beside, never started either."""
    config = msgspec.structs.replace(
        devices_at(folder, 20_001, 20_002),
        tag_reader=TagReaderConfig(port=str(folder / "tags")),
        sign=SignConfig(driver="http", url="http://127.0.0.1:20003/"),
        plate_camera=PlateCameraConfig(driver="isapi", port=20_004, allow=("127.0.0.1",)),
        lane_camera=LaneCameraConfig(source="http://127.0.0.1:20005/"),
        container_camera=ContainerCameraConfig(port=20_006, allow=("127.0.0.1",)),
    )
    return Bench(config, ManualClock())


def test_every_fault_has_a_code_that_lanes_know() -> None:
    known = {code.value for code in FaultCode}
    assert len(FAULTS) >= 80
    for fault in FAULTS.values():
        assert fault.code is None or fault.code in known, fault.name


@pytest.mark.parametrize(
    "device", ["bus", "weighbridge", "card_reader", "camera", "barrier", "tag_reader"]
)
def test_each_device_has_harmful_faults_and_their_number_is_no_accident(device: str) -> None:
    mine = [fault for fault in FAULTS.values() if fault.device == device]
    assert len(mine) >= 5
    assert any(fault.allows is Allows.NOTHING for fault in mine)


@pytest.mark.parametrize("device", ["sign", "plate_camera", "lane_camera"])
def test_what_a_lane_can_do_without_never_keeps_a_good_truck_waiting(device: str) -> None:
    mine = [fault for fault in FAULTS.values() if fault.device == device]
    assert len(mine) >= (2 if device == "lane_camera" else 3)
    assert not any(fault.allows is Allows.NOTHING for fault in mine)
    contradicts = [fault.name for fault in mine if fault.allows is Allows.EITHER]
    assert contradicts == (["plate_camera_another"] if device == "plate_camera" else [])


def test_only_another_container_than_the_declared_keeps_a_truck_that_need_not_show_one() -> None:
    mine = {fault.name: fault for fault in FAULTS.values() if fault.device == "container_camera"}
    forbids = [name for name, fault in mine.items() if fault.allows is not Allows.RELEASE]
    assert forbids == ["container_camera_another"]
    assert mine["container_camera_another"].allows is Allows.NOTHING
    assert len(mine) >= 7


def test_a_misread_container_number_never_has_the_check_digit_that_belongs_to_it() -> None:
    numbers = [f"KAKU{each:06d}" for each in range(200)]
    for number in numbers:
        whole = f"{number}{check_digit(number)}"
        assert is_container_number(whole)
        assert not is_container_number(misread(whole))
    assert is_container_number(ANOTHER_CONTAINER)


def test_a_fault_that_is_ended_leaves_nothing_behind(tmp_path: Path) -> None:
    bench = full_bench_of(tmp_path)
    switches = FaultSwitches(bench)
    before = state_of(bench)
    turned = []
    for fault in FAULTS.values():
        if fault.refusal(bench) is None and "unplugged" not in fault.name:
            switches.turn(fault.name, on=True)
            assert switches.active == (fault.name,)
            switches.clear()
            assert state_of(bench) == before, fault.name
            turned.append(fault.name)
    assert len(turned) > 60
    assert bench.world.boom.faults == type(bench.world.boom.faults)()
    assert bench.world.boom.position == 0.0


def state_of(bench: Bench) -> list[object]:
    """Everything that a fault may set, but for the boom and the board."""
    parts = {
        bench.scale: ("fault",),
        bench.lane_camera: ("stalled",),
        bench.scale_line: ("fault",),
        bench.card_reader: ("fault", "beside"),
        bench.card_line: ("fault",),
        bench.tag_reader: ("fault",),
        bench.camera: ("stalled", "frozen", "cut_short", "instead"),
        bench.plate_camera: ("fault", "is_plugged"),
        bench.container_camera: ("fault", "is_plugged"),
        bench.sign: ("status", "hangs"),
        bench.world: ("stops_short", "is_followed", "obstacle_under_boom"),
    }
    return [getattr(part, name) for part, names in parts.items() for name in names]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("tag_missing", "this lane has no tag reader"),
        ("tag_unplugged", "this lane has no tag reader"),
        ("sign_unplugged", "this lane has no sign"),
        ("plate_camera_late", "this lane has no camera that reads plates itself"),
        ("container_camera_half", "this lane has no camera that reads containers"),
        ("lane_camera_unplugged", "this lane has no lane camera of its own"),
        ("card_osdp_nak", "stx-len-uid does not speak OSDP"),
    ],
)
def test_a_lane_without_a_device_refuses_its_faults_and_says_why(
    tmp_path: Path, name: str, why: str
) -> None:
    with pytest.raises(FaultError, match=why):
        FaultSwitches(bench_of(tmp_path)).turn(name, on=True)


def test_what_a_device_of_this_kind_cannot_do_is_refused_by_name(tmp_path: Path) -> None:
    config = full_bench_of(tmp_path).config
    assert config.tag_reader is not None
    config = msgspec.structs.replace(
        config,
        tag_reader=msgspec.structs.replace(config.tag_reader, address=255),
        sign=SignConfig(driver="led-64ff", port=str(tmp_path / "sign")),
        card_reader=CardReaderConfig(driver="resident-id", port=str(tmp_path / "card")),
    )
    switches = FaultSwitches(Bench(config, ManualClock()))
    for name, why in (
        ("tag_wrong_address", "255: whoever answers is heard"),
        ("sign_refuses", "not waited for"),
        ("sign_hangs", "not waited for"),
        ("card_reversed", "resident-id sends text"),
        ("card_two_at_once", "resident-id selects one card"),
    ):
        with pytest.raises(FaultError, match=why):
            switches.turn(name, on=True)


def test_what_an_indicator_has_no_words_for_is_refused_by_name(tmp_path: Path) -> None:
    switches = FaultSwitches(bench_of(tmp_path))
    with pytest.raises(FaultError, match="yaohua-continuous cannot say net"):
        switches.turn("scale_net", on=True)
    with pytest.raises(FaultError, match="no fault 'scale_on_fire'; there are scale_unplugged"):
        switches.turn("scale_on_fire", on=True)
    assert switches.active == ()


def test_every_reason_why_not_is_in_both_languages(tmp_path: Path) -> None:
    for bench in (
        bench_of(tmp_path),
        Bench(bench_of(tmp_path).config, ManualClock(), simulated=()),
    ):
        refused = [fault.refusal(bench) for fault in FAULTS.values()]
        reasons = [reason for reason in refused if reason is not None]
        assert len(reasons) > 10
        assert all(any(ord(sign) > 0x4E00 for sign in reason.zh) for reason in reasons)
        assert all(reason.en.isascii() for reason in reasons)


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=20), st.booleans())
def test_a_chopped_line_loses_nothing_and_changes_nothing(
    packets: list[bytes],
    sends_on: bool,  # noqa: FBT001 - drawn
) -> None:
    far = FarEnd()
    line = FaultyLine(far, baud=9_600, sends_on=sends_on)
    line.fault = LineFault.CHOPPED
    for packet in packets:
        line.write(packet)
        assert sends_on or far.heard.endswith(packet)
    line.fault = LineFault.NONE
    line.write(b"end")
    assert far.heard == b"".join(packets) + b"end"


def test_a_sum_in_the_other_spelling_is_the_same_weight() -> None:
    for name in ("yaohua-continuous", "yaohua-command"):
        protocol = protocol_named(name)
        host = FarEnd()
        sim = SimWeighbridge(host, lambda: 0.0, ManualClock(), protocol=protocol)
        sim.fault = ScaleFault.OTHER_SUM
        spelled = set()
        for digits in range(0, 4_000, 20):
            frame = replace(protocol.rest, digits=digits)
            packet = sim._damaged(protocol.encode(frame))
            spelled.add(packet != protocol.encode(frame))
            assert protocol.make_decoder().feed(packet) == [frame]
        assert spelled == {True, False}


class FarEnd:
    """The driver's end of a line, that hears everything."""

    is_plugged = True

    def __init__(self) -> None:
        self.heard = b""

    def plug(self) -> None:
        """Nothing to plug."""

    def unplug(self) -> None:
        """Nothing to pull."""

    def write(self, payload: bytes) -> None:
        self.heard += payload

    def read(self, _timeout_s: float) -> bytes:
        return b""


def test_a_real_device_is_not_made_faulty_by_the_bench(tmp_path: Path) -> None:
    config = devices_at(tmp_path, 20_001, 20_002)
    bench = Bench(config, ManualClock(), simulated={"bus", "card_reader", "camera"})
    with pytest.raises(FaultError, match="weighbridge is not simulated"):
        FaultSwitches(bench).turn("scale_silent", on=True)


@given(st.binary(max_size=60))
def test_a_receiver_with_the_same_settings_hears_what_was_sent(payload: bytes) -> None:
    assert heard(payload, sent=PLAIN, read=PLAIN) == payload


@given(st.binary(min_size=1, max_size=60))
def test_seven_bits_with_parity_are_heard_with_the_parity_as_an_eighth_bit(payload: bytes) -> None:
    received = heard(payload, sent=SEVEN_EVEN, read=PLAIN)
    assert [byte & 0x7F for byte in received] == [byte & 0x7F for byte in payload]
    assert all(byte.bit_count() % 2 == 0 for byte in received)


@given(st.binary(max_size=60), st.sampled_from([1_200, 4_800, 19_200, 38_400]), st.booleans())
def test_a_line_that_is_set_or_wired_wrongly_gives_bytes_of_its_own(
    payload: bytes,
    baud: int,
    swapped: bool,  # noqa: FBT001 - drawn
) -> None:
    received = heard(payload, sent=Framing(baud=baud), read=PLAIN, swapped=swapped)
    assert len(received) <= 12 * (len(payload) + 1) * max(1, 9_600 // baud)
    if payload and baud < 9_600 and not swapped:
        assert received != payload
