"""The library of faults: complete, honest about what a bench cannot have, and reversible."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.clock import ManualClock
from devices.sim.bench import Bench
from devices.sim.faults.table import FAULTS, Allows, FaultError, FaultSwitches
from devices.sim.faults.uart import Framing, heard
from gate_agent.domain.faults import FaultCode
from hil_tests.rig import devices_at

PLAIN = Framing(baud=9_600)
SEVEN_EVEN = Framing(baud=9_600, data_bits=7, even_parity=True)


def bench_of(folder: Path) -> Bench:
    """A bench that is never started: nothing is opened."""
    return Bench(devices_at(folder, 20_001, 20_002), ManualClock())


def test_every_fault_says_in_both_languages_what_it_is_and_has_a_code_that_lanes_know() -> None:
    known = {code.value for code in FaultCode}
    assert len(FAULTS) >= 50
    for fault in FAULTS.values():
        assert fault.en
        assert any(ord(sign) > 0x4E00 for sign in fault.zh), fault.name
        assert fault.code is None or fault.code in known, fault.name


@pytest.mark.parametrize("device", ["bus", "weighbridge", "card_reader", "camera", "barrier"])
def test_each_device_has_harmful_faults_and_their_number_is_no_accident(device: str) -> None:
    mine = [fault for fault in FAULTS.values() if fault.device == device]
    assert len(mine) >= 5
    assert any(fault.allows is Allows.NOTHING for fault in mine)


def test_a_fault_that_is_ended_leaves_nothing_behind(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    switches = FaultSwitches(bench)
    turned = []
    for fault in FAULTS.values():
        if fault.refusal(bench) is None and "unplugged" not in fault.name:
            switches.turn(fault.name, on=True)
            assert switches.active == (fault.name,)
            switches.clear()
            turned.append(fault.name)
    assert len(turned) > 40
    assert (bench.scale.fault.value, bench.card_reader.fault.value) == ("none", "none")
    assert (bench.scale_line.fault.value, bench.card_line.fault.value) == ("none", "none")
    assert bench.world.boom.faults == type(bench.world.boom.faults)()
    assert bench.world.boom.position == 0.0


def test_what_an_indicator_has_no_words_for_is_refused_by_name(tmp_path: Path) -> None:
    switches = FaultSwitches(bench_of(tmp_path))
    with pytest.raises(FaultError, match="yaohua-continuous cannot say net"):
        switches.turn("scale_net", on=True)
    with pytest.raises(FaultError, match="no fault 'scale_on_fire'; there are scale_unplugged"):
        switches.turn("scale_on_fire", on=True)
    assert switches.active == ()


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
