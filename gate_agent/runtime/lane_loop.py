"""inbox -> step -> commit -> dispatch. One thread, no domain knowledge.

A row is committed before a barrier moves. When a commit fails (full disk) the event stays at the
head and is tried again: nothing is dispatched meanwhile, so nothing opens; the lamps are put to
stop, and when the disk is back the events go on in their order.
"""

from __future__ import annotations

import math
import sqlite3
import threading
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from gate_agent.clock import instant
from gate_agent.domain.effects import FindDeclarations, Lamp
from gate_agent.domain.events import (
    DeadlineExpired,
    DeclarationsFound,
    FaultCleared,
    FaultRaised,
    PolicyChanged,
    Stamped,
)
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.lane import step
from gate_agent.domain.manifest import ManifestStatus
from gate_agent.domain.vocabulary import Instant
from gate_agent.errors import StoreError
from gate_agent.store.held_policy import NO_POLICY

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from gate_agent.domain.manifest import Declaration
    from gate_agent.domain.policy_pack import PolicyPack
    from gate_agent.domain.state import LaneState
    from gate_agent.inbox import Inbox
    from gate_agent.logs import Log
    from gate_agent.runtime.deadlines import Deadlines
    from gate_agent.runtime.dispatch import Dispatch
    from gate_agent.store.held_manifest import HeldManifest
    from gate_agent.store.held_policy import HeldPolicy
    from gate_agent.store.lane_store import LaneStore
    from gate_agent.store.manifest_reader import ManifestReader

TURN_S = 0.5
RETRY_S = 0.5
TIDY_EVERY_S = 30.0  # while nothing happens
TIDY_BUSY_S = 60.0  # in an empty lane whose sensors never rest
TIDY_OCCUPIED_S = 600.0  # with a vehicle in the lane: only where one stands for long


class LaneLoop:
    """The thread that decides."""

    def __init__(
        self,
        store: LaneStore,
        manifest: ManifestReader,
        inbox: Inbox,
        deadlines: Deadlines,
        clock: Clock,
        log: Log,
        acknowledged: Callable[[], int],
        recorded: Callable[[], None],
        stop_lamps: Callable[[], None],
        confirmed_s: Callable[[], float],
        policy: Callable[[], HeldPolicy] = lambda: NO_POLICY,
    ) -> None:
        """`recorded` is called after a commit with records; `stop_lamps` when commits fail.

        `confirmed_s` says when (monotonic) this process last heard that its manifest is the
        newest; minus infinity: not yet. `policy` is what the hub has given the lane.
        """
        self._store = store
        self._manifest = manifest
        self._inbox = inbox
        self._deadlines = deadlines
        self._clock = clock
        self._log = log
        self._acknowledged = acknowledged
        self._recorded = recorded
        self._stop_lamps = stop_lamps
        self._confirmed_s = confirmed_s
        self._policy = policy
        self._dispatch: Dispatch | None = None
        self._next: deque[Stamped] = deque()
        self._store_failed_at: Instant | None = None
        self._tidied_s = clock.now().mono_s
        self.lane: LaneState = store.lane
        self.last_seq = store.last_seq
        self.turned_s = clock.now().mono_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lane", daemon=True)

    def start(self, dispatch: Dispatch, first: Stamped) -> None:
        """Begin with `first`, the event that says the agent started."""
        self.prepare(dispatch, first)
        self._thread.start()

    def prepare(self, dispatch: Dispatch, first: Stamped) -> None:
        """Everything of `start` but the thread: whoever has none calls `turn` instead."""
        self._dispatch = dispatch
        self._next.append(first)

    def stop(self) -> None:
        """End after the event in hand."""
        self._stop.set()
        self._thread.join(5.0)

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs; `turned_s` says when it last came round."""
        return self._thread.is_alive()

    @property
    def is_store_failing(self) -> bool:
        """Whether the newest event could not be committed: the lane stands still."""
        return self._store_failed_at is not None

    def find(self, question: FindDeclarations) -> None:
        """Answer a look-up at once: the next event is its answer."""
        at = instant(self._clock)
        try:
            found, held = self._manifest.find(question.plate, question.card_uid, at.wall_ms)
        except StoreError as exc:
            # The lane's own deadline for the look-up turns this into a Hold.
            self._log.error("manifest_unreadable", detail=str(exc))
            self._next.append(Stamped(FaultRaised(code=FaultCode.MANIFEST, detail=str(exc)), at))
            return
        status = status_of(held, at, self._confirmed_s())
        answer = DeclarationsFound(
            token=question.token,
            declarations=tuple(self._drawn(each, at) for each in found),
            manifest=status,
        )
        if FaultCode.MANIFEST in self.lane.faults:
            self._next.append(Stamped(FaultCleared(code=FaultCode.MANIFEST), at))
        self._next.append(Stamped(answer, at))

    def _drawn(self, declaration: Declaration, at: Instant) -> Declaration:
        """With what it draws; the secret stays outside the core and its records."""
        drawn = self._policy().draw(self.lane.pack, at.wall_ms, declaration.declaration_id)
        return declaration if drawn is None else replace(declaration, drawn=drawn)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.turn()

    def turn(self) -> bool:
        """Take one event, or wait a moment for none; the thread does this until stopped.

        Whether there was one.
        """
        self.turned_s = self._clock.now().mono_s
        stamped = self._take()
        if stamped is not None:
            self._process(stamped)
        self._tidy(is_quiet=stamped is None)
        return stamped is not None

    def _take(self) -> Stamped | None:
        if self._next:
            return self._next.popleft()
        now = instant(self._clock)
        if (pack := self._new_pack(now)) is not None:
            return Stamped(PolicyChanged(pack=pack), now)
        token = self._deadlines.due(now.mono_s)
        if token is not None:
            return Stamped(DeadlineExpired(token=token), now)
        return self._inbox.take(self._deadlines.wait_s(now.mono_s, TURN_S))

    def _new_pack(self, now: Instant) -> PolicyPack | None:
        """Other rules that are in force by now, or will be once the vehicle here has gone."""
        known = self.lane.next_pack or self.lane.pack
        pack = self._policy().current(now.wall_ms)
        return None if pack is known or pack == known else pack

    def _process(self, stamped: Stamped) -> None:
        after = step(self.lane, stamped.event, stamped.at)
        try:
            self._store.commit(stamped, after)
        except StoreError as exc:
            self._next.appendleft(stamped)
            self._wait_for_store(str(exc))
            return
        self.lane = after.lane
        has_recorded = self._store.last_seq > self.last_seq
        self.last_seq = self._store.last_seq
        if self._dispatch is not None:
            for effect in after.effects:
                self._dispatch.carry_out(effect, stamped.at)
        if has_recorded:
            self._recorded()
        if self._store_failed_at is not None:
            self._store_is_back()

    def _wait_for_store(self, detail: str) -> None:
        if self._store_failed_at is None:
            self._store_failed_at = instant(self._clock)
            self._log.error("store_failed", detail=detail)
            self._stop_lamps()
        self._clock.sleep(RETRY_S)

    def _store_is_back(self) -> None:
        at = self._store_failed_at
        if at is None:
            return
        self._store_failed_at = None
        now = instant(self._clock)
        self._log.info("store_recovered", after_s=round(now.mono_s - at.mono_s, 1))
        detail = f"could not commit for {now.mono_s - at.mono_s:.1f} s"
        self._next.append(Stamped(FaultRaised(code=FaultCode.STORE, detail=detail), now))
        self._next.append(Stamped(FaultCleared(code=FaultCode.STORE), now))

    def _tidy(self, *, is_quiet: bool) -> None:
        """Forget what the hub has, bound the journal: at a quiet moment, but not never.

        A loop that chatters or a scale in the wind leaves no quiet moment for years.
        """
        now_s = self._clock.now().mono_s
        every_s = TIDY_EVERY_S if is_quiet else TIDY_BUSY_S
        if self.lane.passage is not None:
            every_s = TIDY_OCCUPIED_S
        if now_s - self._tidied_s < every_s or self.is_store_failing:
            return
        self._tidied_s = now_s
        try:
            self._store.forget_acknowledged(self._acknowledged())
            self._store.trim_journal()
        except (StoreError, sqlite3.Error) as exc:
            self._log.warning("tidy_failed", detail=str(exc))


def status_of(held: HeldManifest, at: Instant, confirmed_s: float) -> ManifestStatus:
    """How fresh the manifest held is. A confirmation from the future proves a wrong clock: None.

    A wall clock that was set back a little makes an old confirmation look young: where this
    process heard it itself (`confirmed_s`), the monotonic clock has the last word.
    """
    confirmed = None
    if held.confirmed_ms is not None and held.confirmed_ms <= at.wall_ms:
        age_s = (at.wall_ms - held.confirmed_ms) / 1000
        if math.isfinite(confirmed_s):
            age_s = max(age_s, at.mono_s - confirmed_s)
        confirmed = Instant(at.mono_s - age_s, held.confirmed_ms)
    return ManifestStatus(version=held.version, confirmed_at=confirmed)


def stop_lamps() -> tuple[tuple[Lamp, bool], ...]:
    """The lamps of a lane that cannot record: stop everywhere."""
    return ((Lamp.ENTRY_GREEN, False), (Lamp.EXIT_GREEN, False), (Lamp.EXIT_RED, True))
