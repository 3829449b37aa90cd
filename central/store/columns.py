"""The columns that queries of `hub.db` name, and the frozen values that their rows become.

Each list of columns and the function below it belong together: the order is theirs alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from central.store.rows import (
    AlarmRow,
    AuditRow,
    CommandKind,
    CommandRow,
    CommandState,
    DeadLetterRow,
    PassageSummary,
)

Row = tuple[Any, ...]

PASSAGE = (
    "p.passage_id, p.lane, p.first_at_ms, p.first_received_ms, p.decided_at_ms,"
    " p.decided_received_ms, p.closed_at_ms, p.verdict, p.reasons, p.override_decision,"
    " p.override_by, p.outcome, p.decided_by, p.left_by, p.plate, p.card_uid, p.gross_kg,"
    " p.declaration_id"
)
COMMAND = (
    "command_id, kind, lane, passage_id, value, issued_by, reason, issued_at_ms, expires_at_ms,"
    " state, resolved_at_ms, why"
)
ALARM = "alarm_id, lane, code, passage_id, at_ms, detail, acknowledged_by, acknowledged_at_ms"
AUDIT = "audit_id, at_ms, who, action, lane, passage_id, detail"
DEAD_LETTER = "dead_letter_id, received_ms, topic, lane, epoch, seq, reason, payload, times"


def passage_of(row: Row) -> PassageSummary:
    """A line of the passages, of the columns `PASSAGE`."""
    return PassageSummary(
        passage_id=row[0],
        lane=row[1],
        first_at_ms=row[2],
        first_received_ms=row[3],
        decided_at_ms=row[4],
        decided_received_ms=row[5],
        closed_at_ms=row[6],
        verdict=row[7],
        reasons=_texts(row[8]),
        override_decision=row[9],
        override_by=row[10],
        outcome=row[11],
        decided_by=row[12],
        left=row[13],
        plate=row[14],
        card_uid=row[15],
        gross_kg=row[16],
        declaration_id=row[17],
    )


def _texts(column: str | None) -> tuple[str, ...]:
    decoded: Sequence[str] = msgspec.json.decode(column, type=list[str]) if column else ()
    return tuple(decoded)


def command_of(row: Row) -> CommandRow:
    """An order, of the columns `COMMAND`."""
    return CommandRow(
        command_id=row[0],
        kind=CommandKind(row[1]),
        lane=row[2],
        passage_id=row[3],
        value=row[4],
        issued_by=row[5],
        reason=row[6],
        issued_at_ms=row[7],
        expires_at_ms=row[8],
        state=CommandState(row[9]),
        resolved_at_ms=row[10],
        why=row[11],
    )


def alarm_of(row: Row) -> AlarmRow:
    """An alarm, of the columns `ALARM`."""
    return AlarmRow(
        alarm_id=row[0],
        lane=row[1],
        code=row[2],
        passage_id=row[3],
        at_ms=row[4],
        detail=row[5],
        acknowledged_by=row[6],
        acknowledged_at_ms=row[7],
    )


def dead_letter_of(row: Row) -> DeadLetterRow:
    """A dead letter, of the columns `DEAD_LETTER`."""
    return DeadLetterRow(
        dead_letter_id=row[0],
        received_ms=row[1],
        topic=row[2],
        lane=row[3],
        epoch=row[4],
        seq=row[5],
        reason=row[6],
        payload=row[7],
        times=row[8],
    )


def audit_of(row: Row) -> AuditRow:
    """A line of the audit log, of the columns `AUDIT`."""
    return AuditRow(
        audit_id=row[0],
        at_ms=row[1],
        who=row[2],
        action=row[3],
        lane=row[4],
        passage_id=row[5],
        detail=row[6],
    )
