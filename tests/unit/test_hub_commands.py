"""What a supervisor's order does, and when it is refused before it is sent."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from central.clock import ManualClock
from central.errors import CommandStale, StaleReason
from central.hub.changes import Changes
from central.hub.commands import Commands
from central.hub.lanes import Lanes
from central.store import command_store, hub_store
from central.store.connection import Store
from central.store.rows import CommandState
from gate_agent.wire.topics import Stream
from gate_agent.wire.v1 import (
    CommandCarriedOut,
    CommandRefused,
    OverrideCommand,
    PassageOpened,
    PassageOverridden,
    decode_hub_message,
)
from tests.hub_bench import a_store, closed, decided, take_bodies


@dataclass
class Wire:
    """Where orders go; `up` False is a broker that is not there."""

    sent: list[tuple[str, Stream, bytes]] = field(default_factory=list)
    up: bool = True

    def send(self, lane: str, stream: Stream, payload: bytes, *, qos: int) -> bool:
        assert qos == 1
        if self.up:
            self.sent.append((lane, stream, payload))
        return self.up


@dataclass
class Desk:
    store: Store
    clock: ManualClock
    wire: Wire
    commands: Commands

    def override(self, passage_id: str = "p1", by: str = "li") -> str:
        row = asyncio.run(
            self.commands.override(passage_id, "release", by=by, reason="looked at it")
        )
        return row.command_id

    def state(self, command_id: str) -> CommandState:
        row = self.store.read_now(hub_store.command, command_id)
        assert row is not None
        return row.state


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with a_store(tmp_path / "hub.db") as store:
        clock, wire = ManualClock(), Wire()
        commands = Commands(
            store=store,
            clock=clock,
            lanes=Lanes(clock, ["lane1"]),
            changes=Changes(),
            sender=wire,
            expires_after_s=20,
        )
        yield Desk(store, clock, wire, commands)


def stale(act: Callable[[], object]) -> StaleReason:
    with pytest.raises(CommandStale) as caught:
        act()
    return caught.value.reason


def test_an_override_is_in_the_audit_log_and_on_the_wire_with_its_expiry(desk: Desk) -> None:
    take_bodies(desk.store, PassageOpened(passage_id="p1"), decided("p1"))
    command_id = desk.override()
    ((lane, stream, payload),) = desk.wire.sent
    command = decode_hub_message(payload)
    assert (lane, stream) == ("lane1", Stream.COMMAND)
    assert isinstance(command, OverrideCommand)
    assert (command.command_id, command.by, command.decision) == (command_id, "li", "release")
    assert command.expires_at_ms - command.issued_at_ms == 20_000
    (entry,) = desk.store.read_now(hub_store.audit)
    assert (entry.who, entry.action, entry.passage_id) == ("li", "command_override", "p1")
    assert desk.state(command_id) is CommandState.PENDING


def test_an_override_that_the_lane_carried_out_is_done_and_leaves_the_queue(desk: Desk) -> None:
    take_bodies(desk.store, PassageOpened(passage_id="p1"), decided("p1"))
    command_id = desk.override()
    (waiting,) = desk.store.read_now(hub_store.held)
    assert waiting.pending is not None
    take_bodies(
        desk.store,
        PassageOverridden(
            passage_id="p1", command_id=command_id, decision="release", by="li", reason="looked"
        ),
    )
    assert desk.state(command_id) is CommandState.DONE
    assert desk.store.read_now(hub_store.held) == ()


def test_an_override_that_the_lane_refused_says_why_and_may_be_ordered_again(desk: Desk) -> None:
    take_bodies(desk.store, decided("p1"))
    command_id = desk.override()
    take_bodies(
        desk.store, CommandRefused(passage_id="p1", command_id=command_id, why="not_waiting")
    )
    row = desk.store.read_now(hub_store.command, command_id)
    assert row is not None
    assert (row.state, row.why) == (CommandState.REFUSED, "not_waiting")
    desk.override(by="wang")


def test_an_order_that_nobody_answers_expires_and_a_late_answer_is_still_believed(
    desk: Desk,
) -> None:
    take_bodies(desk.store, decided("p1"))
    command_id = desk.override()
    desk.clock.advance(22)
    assert not desk.store.read_now(command_store.any_due, desk.clock.wall_ms())
    desk.clock.advance(2)
    assert desk.store.write_now(command_store.expire_due, desk.clock.wall_ms()) == 1
    assert desk.state(command_id) is CommandState.EXPIRED
    take_bodies(
        desk.store,
        PassageOverridden(
            passage_id="p1", command_id=command_id, decision="release", by="li", reason="looked"
        ),
    )
    assert desk.state(command_id) is CommandState.DONE


def test_an_answer_of_another_lane_is_not_believed(desk: Desk) -> None:
    take_bodies(desk.store, decided("p1"))
    command_id = desk.override()
    take_bodies(
        desk.store,
        CommandRefused(passage_id=None, command_id=command_id, why="expired"),
        lane="lane2",
    )
    assert desk.state(command_id) is CommandState.PENDING


def test_a_screen_that_is_behind_is_told_what_has_happened_since(desk: Desk) -> None:
    assert stale(desk.override) is StaleReason.UNKNOWN_PASSAGE
    take_bodies(desk.store, PassageOpened(passage_id="p1"))
    assert stale(desk.override) is StaleReason.NOT_HELD
    take_bodies(desk.store, decided("p1"))
    command_id = desk.override(by="wang")
    assert stale(desk.override) is StaleReason.PENDING
    overridden = PassageOverridden(
        passage_id="p1", command_id=command_id, decision="refuse", by="wang", reason="no"
    )
    take_bodies(desk.store, overridden)
    assert stale(desk.override) is StaleReason.DECIDED
    take_bodies(desk.store, closed("p1", "refuse"))
    assert stale(desk.override) is StaleReason.CLOSED
    assert len(desk.wire.sent) == 1, "a refused order is never sent"
    assert len(desk.store.read_now(hub_store.audit)) == 1


def test_a_passage_that_the_lane_released_itself_is_not_for_a_person(desk: Desk) -> None:
    take_bodies(desk.store, decided("p1", "release"))
    assert stale(desk.override) is StaleReason.NOT_HELD


def test_an_order_waits_for_the_broker_and_is_sent_when_it_is_back(desk: Desk) -> None:
    take_bodies(desk.store, decided("p1"))
    desk.wire.up = False
    desk.override()
    assert desk.wire.sent == []
    desk.wire.up = True
    asyncio.run(desk.commands.send_again())
    assert len(desk.wire.sent) == 1


def test_an_expired_order_is_not_sent_again(desk: Desk) -> None:
    take_bodies(desk.store, decided("p1"))
    desk.override()
    desk.clock.advance(21)
    asyncio.run(desk.commands.send_again())
    assert len(desk.wire.sent) == 1


def test_mode_and_barrier_orders_are_done_when_the_lane_says_so(desk: Desk) -> None:
    mode = asyncio.run(desk.commands.set_mode("lane1", "closed", by="li", reason="repair"))
    assert stale(
        lambda: asyncio.run(desk.commands.set_mode("lane1", "auto", by="li", reason="no"))
    ) is (StaleReason.PENDING)
    boom = asyncio.run(desk.commands.lower_barrier("lane1", by="li", reason="left open"))
    take_bodies(
        desk.store,
        CommandCarriedOut(command_id=mode.command_id, command="set_mode", by="li", reason="repair"),
        CommandRefused(passage_id=None, command_id=boom.command_id, why="lane_not_empty"),
    )
    assert desk.state(mode.command_id) is CommandState.DONE
    assert desk.state(boom.command_id) is CommandState.REFUSED
    assert [entry.action for entry in desk.store.read_now(hub_store.audit)] == [
        "command_lower_barrier",
        "command_set_mode",
    ]


def test_a_lane_that_nobody_knows_gets_no_order(desk: Desk) -> None:
    assert (
        stale(lambda: asyncio.run(desk.commands.set_mode("lane9", "auto", by="li", reason="x")))
        is StaleReason.UNKNOWN_LANE
    )
