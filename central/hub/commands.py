"""A supervisor's orders: audited, then sent, then followed until the lane answers.

The row and its audit entry are committed before anything is published. An order is sent again
whenever the broker comes back and until the lane answers or it expires; the lane carries out a
command id at most once. What the lane did comes back as records.
"""

from __future__ import annotations

from typing import Literal

from central.store.rows import CommandRow
from gate_agent.wire.v1 import DecisionName

ModeName = Literal["auto", "attended", "closed"]


class Commands:
    """Issues orders. Event loop only."""

    async def override(
        self, passage_id: str, decision: DecisionName, *, by: str, reason: str
    ) -> CommandRow:
        """Order a decision for a held passage. Raises `CommandStale`, `StoreError`."""
        raise NotImplementedError

    async def lower_barrier(self, lane: str, *, by: str, reason: str) -> CommandRow:
        """Order a boom that was left open down. Raises `CommandStale`, `StoreError`."""
        raise NotImplementedError

    async def set_mode(self, lane: str, mode: ModeName, *, by: str, reason: str) -> CommandRow:
        """Order a lane's mode. Raises `CommandStale`, `StoreError`."""
        raise NotImplementedError
