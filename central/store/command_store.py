"""Orders: written down with their audit entry before they are sent."""

from __future__ import annotations

import sqlite3

from central.errors import CommandStale, StaleReason
from central.store import audit, hub_store
from central.store.rows import CommandKind, CommandRow, CommandState
from gate_agent.wire.v1 import (
    Command,
    EndEvacuationCommand,
    EvacuateCommand,
    LaneCommand,
    LowerBarrierCommand,
    OverrideCommand,
    SetModeCommand,
    encode,
)

LATE_ANSWER_MS = 3_000  # how long after its expiry an order may still be answered in time


def issue_override(db: sqlite3.Connection, command: OverrideCommand) -> CommandRow:
    """Write down a decision for a held passage.

    Raises `CommandStale` when the passage does not wait for one: unknown, closed, never held, or
    somebody else's decision was carried out or is on its way. One that was carried out binds
    until the lane hands the vehicle to a person again.
    """
    found = db.execute(
        "SELECT lane, verdict, closed_at_ms, override_decision, override_by,"
        " decided_seq > overridden_seq FROM passages WHERE passage_id = ?",
        [command.passage_id],
    ).fetchone()
    subject = f"passage {command.passage_id}"
    if found is None:
        raise CommandStale(StaleReason.UNKNOWN_PASSAGE, subject)
    lane, verdict, closed_at_ms, override_decision, override_by, is_held_again = found
    if closed_at_ms is not None:
        raise CommandStale(StaleReason.CLOSED, subject)
    if override_decision is not None and not is_held_again:
        raise CommandStale(StaleReason.DECIDED, subject, override_by)
    if verdict not in ("hold", "inspect"):
        raise CommandStale(StaleReason.NOT_HELD, subject)
    pending = db.execute(
        "SELECT issued_by FROM commands WHERE passage_id = ? AND state = 'pending'",
        [command.passage_id],
    ).fetchone()
    if pending is not None:
        raise CommandStale(StaleReason.PENDING, subject, pending[0])
    if command.slip:
        _take_slip(db, command)
    return _write_down(db, command, lane)


def _take_slip(db: sqlite3.Connection, command: OverrideCommand) -> None:
    """A slip belongs to the passage that it was first written for."""
    db.execute(
        "INSERT OR IGNORE INTO slips (slip, passage_id, command_id, at_ms) VALUES (?,?,?,?)",
        [command.slip, command.passage_id, command.command_id, command.issued_at_ms],
    )
    (passage_id,) = db.execute(
        "SELECT passage_id FROM slips WHERE slip = ?", [command.slip]
    ).fetchone()
    if passage_id != command.passage_id:
        raise CommandStale(StaleReason.SLIP_USED, f"slip {command.slip} of passage {passage_id}")


def issue_to_lane(
    db: sqlite3.Connection,
    command: LaneCommand,
    lane: str,
) -> CommandRow:
    """Write down an order that concerns a lane, not a passage.

    Raises `CommandStale` while another order of the same kind is on its way to that lane.
    """
    pending = db.execute(
        "SELECT issued_by FROM commands WHERE lane = ? AND kind = ? AND state = 'pending'",
        [lane, _kind(command).value],
    ).fetchone()
    if pending is not None:
        raise CommandStale(StaleReason.PENDING, f"lane {lane}", pending[0])
    return _write_down(db, command, lane)


def expire_due(db: sqlite3.Connection, now_ms: int) -> int:
    """Mark orders that nobody answered in time; how many."""
    return db.execute(
        "UPDATE commands SET state = 'expired', resolved_at_ms = ?1"
        " WHERE state = 'pending' AND expires_at_ms < ?1 - ?2",
        [now_ms, LATE_ANSWER_MS],
    ).rowcount


def any_due(db: sqlite3.Connection, now_ms: int) -> bool:
    """Whether `expire_due` would find something."""
    return (
        db.execute(
            "SELECT 1 FROM commands WHERE state = 'pending' AND expires_at_ms < ? LIMIT 1",
            [now_ms - LATE_ANSWER_MS],
        ).fetchone()
        is not None
    )


def still_to_send(
    db: sqlite3.Connection, now_ms: int, lane: str | None = None
) -> tuple[tuple[str, bytes], ...]:
    """(lane, wire bytes) of orders that may still be carried out, oldest first."""
    rows = db.execute(
        "SELECT lane, body FROM commands WHERE state = 'pending' AND expires_at_ms > ?1"
        " AND (?2 IS NULL OR lane = ?2) ORDER BY issued_at_ms, rowid",
        [now_ms, lane],
    )
    return tuple((to, body) for to, body in rows)


def _write_down(db: sqlite3.Connection, command: Command, lane: str) -> CommandRow:
    kind, value = _kind(command), _value(command)
    passage_id = command.passage_id if isinstance(command, OverrideCommand) else None
    db.execute(
        "INSERT INTO commands (command_id, kind, lane, passage_id, value, issued_by, reason,"
        " issued_at_ms, expires_at_ms, state, body) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        [
            command.command_id,
            kind.value,
            lane,
            passage_id,
            value,
            command.by,
            command.reason,
            command.issued_at_ms,
            command.expires_at_ms,
            CommandState.PENDING.value,
            encode(command),
        ],
    )
    audit.record(
        db,
        at_ms=command.issued_at_ms,
        who=command.by,
        action=f"command_{kind.value}",
        lane=lane,
        passage_id=passage_id,
        detail=_detail(command, value),
    )
    row = hub_store.command(db, command.command_id)
    assert row is not None, "the row was inserted above"  # noqa: S101
    return row


def _detail(command: Command, value: str) -> str:
    """What the audit log says beside who and where: the value in front, which console reads."""
    said = (
        command.slip
        if isinstance(command, OverrideCommand)
        else command.kind
        if isinstance(command, SetModeCommand)
        else ""
    )
    reason = f"{said}: {command.reason}" if said else command.reason
    return f"{value}: {reason}" if value else reason


def _kind(command: Command) -> CommandKind:
    match command:
        case OverrideCommand():
            return CommandKind.OVERRIDE
        case LowerBarrierCommand():
            return CommandKind.LOWER_BARRIER
        case SetModeCommand():
            return CommandKind.SET_MODE
        case EvacuateCommand():
            return CommandKind.EVACUATE
        case EndEvacuationCommand():
            return CommandKind.END_EVACUATION


def _value(command: Command) -> str:
    match command:
        case OverrideCommand():
            return command.decision
        case LowerBarrierCommand() | EvacuateCommand() | EndEvacuationCommand():
            return ""
        case SetModeCommand():
            return command.mode
