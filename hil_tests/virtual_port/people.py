"""Supervisors at the console: right, late, twice, or about a vehicle that has gone."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from central.errors import CommandStale, StoreError
from central.store import hub_store
from gate_agent.domain.vocabulary import Barrier, Mode, Phase
from hil_tests.virtual_port.rulebook import SLIPS

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Coroutine

    from central.services import Services
    from gate_agent.wire.v1 import DecisionName
    from hil_tests.virtual_port.account import PortAccount
    from hil_tests.virtual_port.hub import HubProcess
    from hil_tests.virtual_port.place import Place

LOOK_S = 2.0
PROMPT_S = (1.0, 6.0)
LATE_S = (20.0, 90.0)
BOTH_S = 0.3  # between two supervisors who decide about the same vehicle
LEFT_OPEN_S = 12.0
AGAIN_S = 8.0


class Supervisors:
    """Look at what is held, decide by what is really true of the vehicle."""

    def __init__(
        self, hub: HubProcess, account: PortAccount, places: dict[str, Place], seed: int
    ) -> None:
        self._hub = hub
        self._account = account
        self._places = places
        self._rng = random.Random(f"{seed}-people")
        self._busy: dict[str, float] = {}  # passage -> not again before
        self._open_since_s: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slips = SLIPS.first  # the next one

    @property
    def _counts(self) -> Counter[str]:
        return self._account.counts

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            services = self._hub.services
            if services is None:
                await asyncio.sleep(AGAIN_S)
                continue
            try:
                held = await services.store.read(hub_store.held)
            except StoreError:
                continue
            for waiting in held:
                self._take_up(waiting.passage.passage_id)
            for lane, place in self._places.items():
                self._watch_boom(services, lane, place)

    def _take_up(self, passage_id: str) -> None:
        now_s = self._account.now_s()
        if now_s < self._busy.get(passage_id, 0.0):
            return
        rng = self._rng
        manner = rng.choices(["prompt", "late", "both", "slip"], [80, 8, 8, 4])[0]
        wait_s = rng.uniform(*(LATE_S if manner == "late" else PROMPT_S))
        self._busy[passage_id] = now_s + wait_s + AGAIN_S
        self._start(self._decide(passage_id, wait_s))
        if manner == "both":
            self._start(self._decide(passage_id, wait_s + rng.uniform(0.0, BOTH_S)))
        if manner == "slip":  # decides about the screen of a minute ago
            self._start(self._decide(passage_id, wait_s + 60.0))

    async def _decide(self, passage_id: str, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        services = self._hub.services
        if services is None:
            return
        vehicle = self._account.passages.get(passage_id)
        may_leave = vehicle is not None and vehicle.may_leave
        by = self._rng.choice(["li.wei", "zhang.min"])
        slip = self._slip(passage_id) if may_leave else ""
        decision: DecisionName = "release" if may_leave else "refuse"
        try:
            await services.commands.override(
                passage_id, decision, by=by, reason="seen by eye", slip=slip
            )
            self._counts["orders"] += 1
        except CommandStale as exc:
            self._counts[f"stale: {exc.reason.value}"] += 1
        except StoreError:
            return

    def _slip(self, passage_id: str) -> str:
        """The slip that a release in an emergency is written on: the next of the book.

        Now and then it is one that was used before, or none: then the lane must refuse.
        """
        stay = self._account.stays.get(passage_id)
        agent = self._places[stay.lane].agent if stay is not None else None
        if agent is None or agent.lane.mode is not Mode.EMERGENCY:
            return ""
        manner = self._rng.choices(["next", "used", "none"], [85, 10, 5])[0]
        if manner == "none":
            return ""
        if manner == "next" or self._slips == SLIPS.first:
            self._slips += 1
        self._counts["slips written"] += 1
        number = self._slips - 1
        return f"{SLIPS.prefix}{number:0{len(str(SLIPS.last))}d}"

    def _watch_boom(self, services: Services, lane: str, place: Place) -> None:
        agent, now_s = place.agent, self._account.now_s()
        is_left = (
            agent is not None
            and place.is_clear
            and place.boom.position in (Barrier.OPEN, Barrier.STOPPED_MID)
            and agent.lane.phase in (Phase.IDLE, Phase.RELEASING, Phase.CLEARING)
        )
        if not is_left:
            self._open_since_s.pop(lane, None)
        elif now_s - self._open_since_s.setdefault(lane, now_s) > LEFT_OPEN_S:
            self._open_since_s[lane] = now_s
            self._start(self._lower(services, lane))

    async def _lower(self, services: Services, lane: str) -> None:
        try:
            await services.commands.lower_barrier(lane, by="li.wei", reason="nobody is there")
            self._counts["lowering orders"] += 1
        except (CommandStale, StoreError):
            return

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def go_home(self) -> None:
        """Nobody looks any more."""
        for task in list(self._tasks):
            task.cancel()
