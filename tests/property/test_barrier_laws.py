"""What holds for the boom in every order of polls, commands, faults and silences."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from devices.barrier.driver import Barrier
from devices.barrier.state import BarrierState, Motion, command, lose, observe
from devices.clock import ManualClock
from devices.config import BarrierConfig
from devices.errors import CommandRefused, DeviceError, DeviceTimeout
from devices.readings import BarrierPosition, LaneInputs
from devices.sim.boom import BoomContact, SimBoom
from tests.lane_inputs import lane_inputs
from tests.paper_board import PaperBoard

SWITCHES = (
    "front_beam",
    "exit_loop",
    "barrier_up",
    "barrier_down",
    "barrier_fault",
    "emergency_stop",
)
CONFIG = BarrierConfig()
some_switches = st.frozensets(st.sampled_from(SWITCHES), max_size=3)
some_wait_s = st.sampled_from([0.0, 0.02, 0.1, 0.3, 0.6, 2.0, 5.0])
Step = tuple[str, float, frozenset[str]]
a_step = st.tuples(
    st.sampled_from(
        ["poll", "poll", "poll", "raise", "lower", "lower_old", "lost", "fail", "close"]
    ),
    some_wait_s,
    some_switches,
)
some_steps = st.lists(a_step, max_size=40)


@given(some_steps)
def test_closed_is_said_only_with_the_down_limit_made_and_the_up_limit_not(
    steps: list[Step],
) -> None:
    state, now_s = BarrierState(travel_max_s=CONFIG.travel_max_s), 0.0
    last: LaneInputs | None = None
    for what, wait_s, switches in steps:
        now_s += wait_s
        match what:
            case "raise" | "fail":
                state = command(state, Motion.RAISE, now_s, is_doubtful=what == "fail")
            case "lower" | "lower_old":
                state = command(state, Motion.LOWER, now_s, is_doubtful=what == "lower_old")
            case "lost" | "close":
                state, last = lose(state), None
            case _:
                last = lane_inputs(received_s=now_s, **dict.fromkeys(switches, True))
                state = observe(state, last, now_s)
        if state.position is BarrierPosition.CLOSED:
            assert last is not None
            assert last.barrier_down
            assert not last.barrier_up
            assert not last.barrier_fault


class _Lane:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.board = PaperBoard(self.clock)
        self.barrier = Barrier(self.board, self.clock, CONFIG)
        self.inputs = lane_inputs(received_s=0.0)
        self.sent = 0

    def do(self, what: str, switches: frozenset[str]) -> None:
        now_s = self.clock.now().mono_s
        self.board.error_on_writes = DeviceTimeout("silent") if what == "fail" else None
        match what:
            case "poll" | "fail":
                self.inputs = lane_inputs(received_s=now_s, **dict.fromkeys(switches, True))
                self.barrier.observe(self.inputs)
            case "raise":
                self.barrier.raise_boom(f"r{len(self.board.tried)}", now_s + 1.0)
            case "lower" | "lower_old":
                self.sent += 1
                self.barrier.lower_boom(f"l{self.sent}", self.inputs)
            case "close":
                self.barrier.lost()
                self.barrier.close()
            case _:
                self.barrier.lost()


@given(st.lists(a_step, min_size=20, max_size=40))
def test_no_pulse_that_raises_or_stops_is_cut_but_for_a_command_the_other_way(
    steps: list[Step],
) -> None:
    lane = _Lane()
    for what, wait_s, switches in steps:
        lane.clock.advance(wait_s)
        with suppress(CommandRefused, DeviceError):
            lane.do(what, switches)
    commands = lane.board.commands
    for number, (kind, coil, at_s) in enumerate(commands):
        if kind != "off" or coil == 1:
            continue
        followed_by = {each for each, _, then_s in commands[number + 1 :] if then_s == at_s}
        is_pulsed = any(
            each[:2] == ("pulse", coil) and each[2] <= at_s < each[2] + CONFIG.pulse_s
            for each in commands[:number]
        )
        assert not is_pulsed or "pulse" in followed_by


@given(some_steps)
def test_the_lower_contact_never_closes_over_an_occupied_or_unknown_loop(
    steps: list[Step],
) -> None:
    lane = _Lane()
    for what, wait_s, switches in steps:
        lane.clock.advance(wait_s)
        before, position = lane.board.pulses(1), lane.barrier.position
        with suppress(CommandRefused, DeviceError):
            lane.do(what, switches)
        if lane.board.pulses(1) > before:
            inputs = lane.inputs
            assert not any((inputs.exit_loop, inputs.front_beam, inputs.emergency_stop))
            assert lane.clock.now().mono_s - inputs.received_s <= CONFIG.inputs_fresh_s
            assert position not in {BarrierPosition.UNKNOWN, BarrierPosition.FAULT}


@given(some_steps, st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=8))
def test_a_command_id_moves_a_contact_at_most_once(steps: list[Step], ids: list[str]) -> None:
    lane = _Lane()
    for what, wait_s, switches in steps:
        lane.clock.advance(wait_s)
        with suppress(CommandRefused, DeviceError):
            lane.do(what, switches)
    lane.board.error_on_writes = None
    before = lane.board.pulses(0)
    for command_id in ids:
        lane.barrier.raise_boom(command_id, float("inf"))
    assert lane.board.pulses(0) == before + len(set(ids))


@given(
    lower_at=st.integers(min_value=6, max_value=26),
    occupied=st.lists(st.booleans(), min_size=150, max_size=150),
    false_limits=st.lists(st.sampled_from(["", "", "up", "down"]), min_size=150, max_size=150),
)
def test_without_the_controllers_own_loop_the_driver_still_reverses_within_a_poll(
    lower_at: int, occupied: list[bool], false_limits: list[str]
) -> None:
    """The controller's safety loop is cut; only the driver's interlock is left.

    The limit switches flicker: made for one poll here and there, wherever the boom is.
    """
    clock = ManualClock()
    board = PaperBoard(clock)
    barrier = Barrier(board, clock, CONFIG)
    boom = SimBoom(travel_s=1.5)
    boom.push_to(1.0)
    boom.advance(clock.now().mono_s, safety_occupied=False)
    heard = fallen_polls = 0
    false_limits = [
        "" if sooner or poll < 6 else now
        for poll, (sooner, now) in enumerate(zip(["", *false_limits], false_limits, strict=False))
    ]
    for poll, is_occupied in enumerate(occupied):
        clock.advance(0.02)
        for _, coil, at_s in board.commands[heard:]:
            if coil in (0, 1):
                contact = (BoomContact.RAISE, BoomContact.LOWER)[coil]
                boom.contact(contact, True, at_s)
                boom.contact(contact, False, at_s)
        heard = len(board.commands)
        before = boom.position
        boom.advance(clock.now().mono_s, safety_occupied=False)
        inputs = lane_inputs(
            received_s=clock.now().mono_s,
            exit_loop=is_occupied,
            barrier_up=boom.up_limit or false_limits[poll] == "up",
            barrier_down=boom.down_limit or false_limits[poll] == "down",
        )
        barrier.observe(inputs)
        is_over_something = is_occupied and poll > 0 and occupied[poll - 1]
        fallen_polls = fallen_polls + 1 if is_over_something and boom.position < before else 0
        assert fallen_polls == 0
        if poll == lower_at:
            try:
                barrier.lower_boom("l", inputs)
            except CommandRefused:
                return
