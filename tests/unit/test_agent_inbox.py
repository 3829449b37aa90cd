"""The inbox, the deadlines and the debounce: nothing dropped in silence, nothing late for ever."""

from hypothesis import given
from hypothesis import strategies as st

from gate_agent.adapters.debounce import CLEAR_S, Debounce
from gate_agent.domain.events import CardPresented, FaultCleared, FaultRaised, Stamped
from gate_agent.domain.faults import FaultCode, prevents_release
from gate_agent.inbox import Inbox
from gate_agent.runtime.deadlines import Deadlines
from tests.builders import START, after
from tests.lane_inputs import lane_inputs


def _cards(inbox: Inbox, count: int) -> list[bool]:
    return [inbox.put(CardPresented(uid=f"{n:02X}"), after(START, n)) for n in range(count)]


def _taken(inbox: Inbox) -> list[Stamped]:
    taken: list[Stamped] = []
    while (stamped := inbox.take(0.0)) is not None:
        taken.append(stamped)
    return taken


def test_events_come_out_in_the_order_in_which_they_went_in() -> None:
    inbox = Inbox()
    assert all(_cards(inbox, 5))
    assert inbox.waiting() == 5
    assert [one.at for one in _taken(inbox)] == [after(START, n) for n in range(5)]


def test_dropped_facts_are_told_before_anything_else_is_taken_and_until_all_is() -> None:
    inbox = Inbox(capacity=3)
    assert _cards(inbox, 5) == [True, True, True, False, False]
    taken = [one.event for one in _taken(inbox)]
    assert taken[0] == FaultRaised(code=FaultCode.OVERRUN, detail="facts were dropped")
    assert [type(event) for event in taken[1:4]] == [CardPresented] * 3
    assert taken[4:] == [FaultCleared(code=FaultCode.OVERRUN)]
    assert prevents_release(FaultCode.OVERRUN)


def test_an_inbox_that_was_full_takes_events_again_and_can_be_full_again() -> None:
    inbox = Inbox(capacity=1)
    for _ in range(3):
        assert _cards(inbox, 2) == [True, False]
        kinds = [type(one.event).__name__ for one in _taken(inbox)]
        assert kinds == ["FaultRaised", "CardPresented", "FaultCleared"]


@given(armed=st.lists(st.floats(0, 100), max_size=30), now_s=st.floats(0, 100))
def test_deadlines_come_due_in_their_order_and_none_is_forgotten(
    armed: list[float], now_s: float
) -> None:
    deadlines = Deadlines()
    for token, due_s in enumerate(armed):
        deadlines.arm(token, due_s)
    due: list[int] = []
    while (next_due := deadlines.due(now_s)) is not None:
        due.append(next_due)
    assert [armed[token] for token in due] == sorted(due_s for due_s in armed if due_s <= now_s)
    left = [due_s for due_s in armed if due_s > now_s]
    assert deadlines.wait_s(now_s, 1_000.0) == (min(left) - now_s if left else 1_000.0)
    assert deadlines.wait_s(now_s, 0.5) <= 0.5
    assert deadlines.wait_s(1e9, 0.5) == (0.0 if left else 0.5)


@given(st.lists(st.tuples(st.floats(0.001, 0.2), st.booleans()), min_size=1, max_size=60))
def test_a_bouncing_contact_shows_occupied_at_once_and_clear_only_after_rest(
    steps: list[tuple[float, bool]],
) -> None:
    debounce, now_s, occupied_s = Debounce(), 10.0, float("-inf")
    for duration_s, occupied in steps:
        now_s += duration_s
        if occupied:
            occupied_s = now_s
        steady = debounce.feed(lane_inputs(received_s=now_s, exit_loop=occupied))
        assert steady.exit_loop == (occupied or now_s - occupied_s < CLEAR_S)
        assert not steady.entry_loop
