"""Clips that the hub asks for, a part at a time, after every record. Belongs to the uplink thread.

The hub asks for each part, so at most one is on the way, and a lane keeps nothing of it but the
question: after a restart of either side the hub asks on where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate_agent.wire import v1

if TYPE_CHECKING:
    from collections.abc import Callable

    from gate_agent.store.clip_shelf import ClipShelf

PART_BYTES = 65_536
"""A record that is made just after a part waits for these at most: 0.7 s at 1 Mbit/s."""
WANTED_MOST = 8  # clips at a time; of more the oldest question is forgotten, and asked again


class ClipSender:
    """Answers `ClipRequest`s when there is nothing better to send."""

    def __init__(self, shelf: ClipShelf, lane: str, send: Callable[[bytes], bool]) -> None:
        self._shelf = shelf
        self._lane = lane
        self._send = send
        self._wanted: dict[str, v1.ClipRequest] = {}

    @property
    def is_wanted(self) -> bool:
        """Whether the hub waits for a part."""
        return bool(self._wanted)

    def take(self, request: v1.ClipRequest) -> None:
        """The hub asks; only its newest question about a clip counts."""
        self._wanted.pop(request.clip_id, None)
        self._wanted[request.clip_id] = request
        while len(self._wanted) > WANTED_MOST:
            del self._wanted[next(iter(self._wanted))]

    def serve(self, wall_ms: int) -> None:
        """Answer one question, the one that waits longest."""
        request = self._wanted.pop(next(iter(self._wanted)))
        if wall_ms > request.expires_at_ms:
            return
        found = self._shelf.part(request.clip_id, request.offset, PART_BYTES)
        content, total_bytes = found or (b"", None)
        part = v1.ClipPart(
            lane=self._lane,
            clip_id=request.clip_id,
            offset=request.offset,
            total_bytes=total_bytes,
            content=content,
        )
        self._send(v1.encode(part))
