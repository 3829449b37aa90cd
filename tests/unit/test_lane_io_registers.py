"""Which terminal is which."""

import pytest

from devices.clock import ManualClock
from devices.errors import DeviceTimeout, RemoteProtocolError
from devices.lane_io.driver import LaneIo
from devices.lane_io.registers import BoardMap, decode_inputs, lamp_coil
from devices.readings import Lamp
from tests.paper_board import PaperBoard

NAMES = (
    "entry_loop",
    "front_beam",
    "rear_beam",
    "exit_loop",
    "barrier_up",
    "barrier_down",
    "barrier_fault",
    "emergency_stop",
)


@pytest.mark.parametrize(("terminal", "name"), list(enumerate(NAMES)))
def test_each_terminal_is_the_switch_that_the_wiring_plan_names(terminal: int, name: str) -> None:
    bits = [n == terminal for n in range(8)]
    inputs = decode_inputs(bits, received_s=5.0)
    assert [getattr(inputs, each) for each in NAMES] == [each == name for each in NAMES]
    assert inputs.received_s == 5.0


def test_a_cut_wire_on_a_normally_closed_emergency_stop_reads_as_pressed() -> None:
    board = BoardMap(normally_closed=frozenset({7}))
    assert decode_inputs([False] * 8, received_s=0.0, board=board).emergency_stop
    assert not decode_inputs([False] * 7 + [True], received_s=0.0, board=board).emergency_stop


@pytest.mark.parametrize("count", [0, 7, 9, 16])
def test_a_short_or_long_answer_is_no_answer(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} bits instead of 8"):
        decode_inputs([True] * count, received_s=0.0)


def test_a_map_with_two_wires_on_one_terminal_is_refused() -> None:
    with pytest.raises(ValueError, match="two inputs on one terminal"):
        BoardMap(entry_loop=3)
    with pytest.raises(ValueError, match="two relays on one terminal"):
        BoardMap(raise_coil=1)
    with pytest.raises(ValueError, match="no relay terminal 8"):
        BoardMap(raise_coil=8)


def test_every_lamp_has_a_relay_of_its_own_that_is_no_boom_contact() -> None:
    board = BoardMap()
    coils = {lamp_coil(lamp, board) for lamp in Lamp}
    assert len(coils) == len(Lamp)
    assert not coils & set(board.contacts)


def test_a_board_that_does_not_answer_gives_no_inputs_at_all() -> None:
    clock = ManualClock()
    board = PaperBoard(clock)
    lane_io = LaneIo(board, clock)
    board.inputs[3] = True
    assert lane_io.read().exit_loop
    board.error = DeviceTimeout("modbus: no answer")
    with pytest.raises(DeviceTimeout):
        lane_io.read()


def test_a_board_that_answers_too_few_bits_is_a_protocol_error() -> None:
    clock = ManualClock()
    board = PaperBoard(clock)
    board.inputs = [True] * 5
    with pytest.raises(RemoteProtocolError, match="5 bits instead of 8"):
        LaneIo(board, clock).read()


def test_lamps_are_what_the_board_says_not_what_was_asked() -> None:
    clock = ManualClock()
    board = PaperBoard(clock)
    lane_io = LaneIo(board, clock)
    lane_io.set_lamp(Lamp.EXIT_GREEN, True)
    assert lane_io.relays().lamps == {Lamp.EXIT_GREEN}
    board.coils = [False] * 8  # the board lost its supply
    assert not lane_io.relays().lamps


def test_a_lane_without_a_strobe_has_none_to_switch_and_reads_none_back() -> None:
    clock = ManualClock()
    board = PaperBoard(clock)
    lane_io = LaneIo(board, clock, BoardMap(strobe_coil=None))
    assert Lamp.STROBE not in lane_io.lamps
    lane_io.set_lamp(Lamp.STROBE, True)
    assert not any(board.coils)
    board.coils[7] = True  # whatever else hangs there
    assert not lane_io.relays().lamps
    assert LaneIo(board, clock).relays().lamps == {Lamp.STROBE}
