"""Tells the pages that something changed. Lives on the event loop; nothing is queued."""

from __future__ import annotations

import asyncio


class Changes:
    """A counter that can be waited on: any number of listeners, none can fall behind."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = asyncio.Event()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the hub is stopping: live pages end themselves."""
        return self._closed

    def close(self) -> None:
        """The hub is stopping; whoever waits is woken. Event loop only."""
        self._closed = True
        self.announce()

    @property
    def count(self) -> int:
        """How many changes there have been."""
        return self._count

    def announce(self) -> None:
        """Something that a page shows is different now. Event loop only."""
        self._count += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def after(self, count: int, timeout_s: float) -> int:
        """Wait until there were more than `count` changes or `timeout_s` passed; the new count."""
        if self._count <= count:
            try:
                await asyncio.wait_for(self._changed.wait(), timeout_s)
            except TimeoutError:
                return self._count
        return self._count
