"""What a running lane has committed, read from its own database beside it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from gate_agent.domain.events import BarrierMoved
from gate_agent.domain.signals import is_inviting
from gate_agent.domain.vocabulary import Barrier, Phase
from gate_agent.errors import StoreError
from gate_agent.store.encoding import EncodingError, decode_event, decode_state
from gate_agent.store.schema import open_reader

if TYPE_CHECKING:
    from pathlib import Path

    from gate_agent.domain.state import LaneState

LEAVING = (Phase.IDLE, Phase.RELEASING, Phase.CLEARING)


class LaneView:
    """One lane's state and record number. Used by one thread."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "lane.db"
        self._reader: sqlite3.Connection | None = None
        self._raw = b""
        self._lane: LaneState | None = None
        self.seq = 0

    def look(self) -> LaneState | None:
        """The lane as last committed; None while it has never run or cannot be read."""
        try:
            if self._reader is None:
                if not self._path.exists():
                    return None
                self._reader = open_reader(self._path)
            raw, self.seq = self._reader.execute(
                "SELECT state, record_seq FROM snapshot"
            ).fetchone()
            if raw != self._raw:
                self._lane, self._raw = decode_state(raw), raw
        except (sqlite3.Error, StoreError, EncodingError, TypeError):
            return None
        return self._lane

    def invites(self) -> bool:
        """Whether the next vehicle may drive in."""
        lane = self.look()
        return lane is not None and is_inviting(lane)

    def boom_moves(self, after_seq: int) -> list[tuple[int, Barrier]] | None:
        """Every position of the boom that was committed behind journal row `after_seq`.

        Each with its row; None where the database cannot be read.
        """
        sql = "SELECT seq, type, body FROM journal WHERE type = ? AND seq > ? ORDER BY seq"
        try:
            if self._reader is None:
                self._reader = open_reader(self._path)
            rows = self._reader.execute(sql, [BarrierMoved.__name__, after_seq]).fetchall()
            moves = [(seq, decode_event(name, body)) for seq, name, body in rows]
        except (sqlite3.Error, StoreError, EncodingError):
            return None
        return [(seq, move.position) for seq, move in moves if isinstance(move, BarrierMoved)]

    def close(self) -> None:
        """Give the database back."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def shown(state: LaneState | None) -> str:
    """A lane in one line."""
    if state is None:
        return "its database cannot be read"
    faults = ", ".join(sorted(fault.value for fault in state.faults)) or "no fault"
    return (
        f"{state.phase.value}, sign {state.sign.value}, barrier {state.barrier.value},"
        f" scale {state.weight_state.value}, {faults}"
    )


def is_left_open(state: LaneState) -> bool:
    """Whether the lane waits for a person's order to lower the boom; the truck has gone."""
    return state.barrier is not Barrier.CLOSED and state.phase in LEAVING
