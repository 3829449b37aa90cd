"""What the lane's board says is what its switches say, however it is wired."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.lane_io.registers import INPUT_COUNT, BoardMap, decode_inputs
from devices.readings import LaneInputs

UNWIRED = ("received_s", "manual_switch")
INPUTS = [field.name for field in fields(LaneInputs) if field.name not in UNWIRED]
BOARDS = st.builds(
    lambda terminals, inverted: BoardMap(
        **dict(zip(INPUTS, terminals, strict=True)), normally_closed=frozenset(inverted)
    ),
    st.permutations(range(INPUT_COUNT)),
    st.sets(st.integers(0, INPUT_COUNT - 1)),
)


@given(board=BOARDS, switches=st.lists(st.booleans(), min_size=8, max_size=8))
def test_every_switch_is_read_from_its_terminal_whatever_the_wiring(
    board: BoardMap, switches: list[bool]
) -> None:
    bits = [False] * INPUT_COUNT
    for name, made in zip(INPUTS, switches, strict=True):
        terminal = getattr(board, name)
        bits[terminal] = made != (terminal in board.normally_closed)
    inputs = decode_inputs(bits, received_s=7.0, board=board)
    assert [getattr(inputs, name) for name in INPUTS] == switches
    assert inputs.received_s == 7.0


@given(bits=st.lists(st.booleans(), max_size=40).filter(lambda bits: len(bits) != INPUT_COUNT))
def test_an_answer_of_another_length_is_no_answer(bits: list[bool]) -> None:
    with pytest.raises(ValueError, match=f"{len(bits)} bits instead of 8"):
        decode_inputs(bits, received_s=0.0)
