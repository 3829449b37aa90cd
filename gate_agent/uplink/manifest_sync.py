"""The hub's manifest onto the lane: parts collected, applied by version or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from gate_agent.store.arriving_parts import ArrivingParts
from gate_agent.store.hub_cache import ManifestMismatchError
from gate_agent.wire import v1

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gate_agent.logs import Log
    from gate_agent.store.hub_cache import HubCache

ASK_EVERY_S = 3.0
CONFIRM_EVERY_S = 10.0
PARTS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class _Key:
    """What parts have in common that belong together."""

    from_version: int
    to_version: int
    parts: int
    count: int
    digest: str


class ManifestSync:
    """Keeps hub.db at the hub's newest version. Belongs to the uplink thread."""

    def __init__(self, cache: HubCache, lane: str, send: Callable[[bytes], bool], log: Log) -> None:
        self._cache = cache
        self._lane = lane
        self._send = send
        self._log = log
        self._held = cache.manifest()
        self._asked_s = float("-inf")
        self._confirmed_s = float("-inf")
        self._confirms = True  # whether what comes is confirmed by coming
        self._arriving: _Key | None = None  # what the parts that are kept belong to
        self._parts = ArrivingParts(cache.path.parent)
        self._all_next = False  # what we hold does not add up: ask for everything
        self._head_version = 0  # the newest that the hub has named

    @property
    def version(self) -> int:
        """The version held now; 0: none."""
        return self._held.version

    @property
    def confirmed_s(self) -> float:
        """When (monotonic) the hub last said that the version held is its newest; -inf: never."""
        return self._confirmed_s

    def hear_head(
        self, head: v1.ManifestHead, now_s: float, now_ms: int, *, confirms: bool = True
    ) -> None:
        """The hub says what is newest: confirm what is held, or ask for what is missing.

        With `confirms` False nothing that is held or comes counts as confirmed: the lane lacks
        the rules by which the hub would have it judged.
        """
        held, self._head_version = self._held, head.version
        self._confirms = confirms
        if (held.version, held.count, held.digest) == (head.version, head.count, head.digest):
            if confirms and now_s - self._confirmed_s >= CONFIRM_EVERY_S:
                self._confirmed_s = now_s
                self._cache.confirm(now_ms)
            return
        if now_s - self._asked_s < ASK_EVERY_S:
            return
        behind = held.version < head.version
        have = held.version if behind and not self._all_next else 0
        self._asked_s = now_s
        self._drop_parts()
        self._send(v1.encode(v1.ManifestRequest(lane=self._lane, have_version=have)))

    def take_part(self, part: v1.ManifestPart, now_s: float, now_ms: int) -> None:
        """Collect the parts of one change and apply them when all have come.

        Raises `StoreError`.
        """
        if not self._fits(part):
            return
        self._asked_s = now_s  # parts are coming: do not ask again meanwhile
        if part.parts == 1:
            self._apply(part, lambda: (part,), now_s, now_ms)
            return
        self._arriving = _key(part)
        self._parts.keep(part.part, v1.encode(part))
        if len(self._parts) == part.parts:
            try:
                self._apply(part, self._kept_parts, now_s, now_ms)
            finally:
                self._drop_parts()

    def _fits(self, part: v1.ManifestPart) -> bool:
        if part.from_version not in (0, self._held.version) or not 0 < part.parts <= PARTS_MAX:
            return False
        if not 0 < part.part <= part.parts or part.to_version < self._lowest():
            return False
        if self._arriving not in (None, _key(part)):
            if part.to_version < self._arriving.to_version:
                return False
            self._drop_parts()
        return True

    def _drop_parts(self) -> None:
        self._parts.drop()
        self._arriving = None

    def _kept_parts(self) -> Iterator[v1.ManifestPart]:
        return map(_decoder.decode, self._parts)

    def close(self) -> None:
        """Give the file of the parts back."""
        self._drop_parts()

    def _lowest(self) -> int:
        """A late copy of an old answer is refused, unless the hub itself went back."""
        return min(self._held.version, self._head_version)

    def _apply(
        self,
        last: v1.ManifestPart,
        parts: Callable[[], Iterable[v1.ManifestPart]],
        now_s: float,
        now_ms: int,
    ) -> None:
        try:
            held = self._cache.apply(
                version=last.to_version,
                replace_all=last.from_version == 0,
                upserts=(row for part in parts() for row in part.upserts),
                deletes=(key for part in parts() for key in part.deletes),
                count=last.count,
                expected_digest=last.digest,
                at_ms=now_ms if self._confirms else self._cache.manifest().confirmed_ms,
            )
        except (ManifestMismatchError, *v1.UNREADABLE) as exc:  # or a part damaged on disk
            self._log.error("manifest_mismatch", detail=str(exc))
            self._all_next = True
            return
        self._all_next = False
        self._asked_s = float("-inf")
        if self._confirms:
            self._confirmed_s = now_s
        self._held = held
        self._log.info("manifest_adopted", version=held.version, count=held.count)


def _key(part: v1.ManifestPart) -> _Key:
    return _Key(part.from_version, part.to_version, part.parts, part.count, part.digest)


_decoder = msgspec.json.Decoder(v1.ManifestPart)
