"""What goes wrong in a virtual port, and comes right again after its time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from central.errors import CommandStale, StoreError
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.vocabulary import Barrier
from hil_tests.virtual_port.agent import KillPoint
from hil_tests.virtual_port.place import TRAVEL_S
from hil_tests.virtual_port.rulebook import SLIPS
from hil_tests.virtual_port.script import Bad, Trouble

if TYPE_CHECKING:
    from hil_tests.virtual_port.port import Lane, VirtualPort

LAST_TRUCK_S = 600.0  # a night with a truck in a lane is none
SLOW_S = 9.0
CLOCK_JUMPS_MS = (-86_400_000, -60_000, 20_000, 7_200_000)
ANSWER_S = 15.0  # an order for a mode is answered within
LOOK_S = 2.0
EMERGENCY = "emergency"

_KILLS = {
    Bad.KILL_BEFORE_COMMIT: KillPoint.BEFORE_COMMIT,
    Bad.KILL_AFTER_COMMIT: KillPoint.AFTER_COMMIT,
    Bad.KILL_BEFORE_ORDER: KillPoint.BEFORE_ORDER,
}
_DEVICES = {
    Bad.BOARD_AWAY: FaultCode.BUS_LINK,
    Bad.SCALE_AWAY: FaultCode.SCALE_LINK,
    Bad.CAMERA_AWAY: FaultCode.CAMERA_LINK,
    Bad.CARD_AWAY: FaultCode.CARD_LINK,
    Bad.TAGS_AWAY: FaultCode.TAG_LINK,
    Bad.STOPPED: FaultCode.EMERGENCY_STOP,
}


class Troubles:
    """Carries out the script's troubles on a port."""

    def __init__(self, port: VirtualPort) -> None:
        self._port = port
        self._loop = port.loop
        self._tasks: set[asyncio.Task[None]] = set()
        self._hub_downs = 0
        self.are_over = False

    @property
    def is_hub_down(self) -> bool:
        """Whether the hub is not there because of one of these."""
        return self._hub_downs > 0

    def befall(self, trouble: Trouble) -> None:
        """It happens now."""
        if self.are_over:
            return
        self._port.account.counts["troubles"] += 1
        self._port.account.counts[f"trouble {trouble.kind.value}"] += 1
        if trouble.lane < 0:
            self._start(self._befall_port(trouble))
            return
        lane = self._port.lanes[f"lane{trouble.lane}"]
        if trouble.kind in _KILLS:
            lane.account.kill_at.append(_KILLS[trouble.kind])
        elif trouble.kind is Bad.KILL:
            self._port.kill(lane)
        elif trouble.kind in _DEVICES:
            self._take_away(trouble, lane, _DEVICES[trouble.kind])
        else:
            self._befall_lane(trouble, lane)

    def _take_away(self, trouble: Trouble, lane: Lane, code: FaultCode) -> None:
        if code is FaultCode.TAG_LINK and not lane.place.has_tag_reader:
            return
        lane.place.take_away(code)
        self._later(trouble, lane.place.bring_back, code)

    def _start(self, work: Any) -> None:  # noqa: ANN401 - a coroutine
        task: asyncio.Task[None] = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (exc := task.exception()) is not None:
            self._port.fail(exc)

    def _later(self, trouble: Trouble, undo: Any, *arguments: Any) -> None:  # noqa: ANN401
        self._loop.call_later(trouble.for_s, undo, *arguments)

    def _befall_lane(self, trouble: Trouble, lane: Lane) -> None:
        match trouble.kind:
            case Bad.CUT:
                lane.wire.cut()
                self._later(trouble, lane.wire.mend)
            case Bad.LOSSY:
                lane.wire.spoil()
                self._later(trouble, lane.wire.clean)
            case Bad.DISK_FULL:
                lane.account.full_disks += 1
                self._later(trouble, self._disk_is_freed, lane)
            case Bad.CLOCK_JUMP:
                lane.clock.jump(lane.rng.choice(CLOCK_JUMPS_MS))
                self._later(trouble, lane.clock.set_right)
            case Bad.REBOOT_IN_1970:
                self._port.kill(lane)
                lane.clock.boot(in_1970=True)
                self._later(trouble, lane.clock.set_right)
            case Bad.MODE:
                mode = lane.rng.choice(["attended", "closed"])
                self._start(self._change_mode(trouble, lane, mode))
            case Bad.EMERGENCY:
                self._start(self._change_mode(trouble, lane, EMERGENCY))
            case _:
                self._befall_boom(trouble, lane)

    def _befall_boom(self, trouble: Trouble, lane: Lane) -> None:
        boom = lane.place.boom
        if trouble.kind is Bad.BOOM_STICKS:
            boom.sticks += 1
            self._later(trouble, self._boom_is_free, lane)
        elif trouble.kind is Bad.BOOM_SLOW:
            boom.travel_s = SLOW_S
            self._later(trouble, self._boom_is_quick, lane)
        else:
            raise ValueError(f"trouble {trouble.kind} befalls no lane")

    def _disk_is_freed(self, lane: Lane) -> None:
        lane.account.full_disks -= 1

    def _boom_is_quick(self, lane: Lane) -> None:
        lane.place.boom.travel_s = TRAVEL_S

    def _boom_is_free(self, lane: Lane) -> None:
        lane.place.boom.sticks -= 1
        self._start(self._try_boom(lane))

    async def _try_boom(self, lane: Lane) -> None:
        """A technician moves a boom that was stuck, once nobody is there, so that it counts."""
        boom = lane.place.boom
        await asyncio.sleep(LOOK_S)
        while not lane.place.is_clear or boom.sticks:  # noqa: ASYNC110 - virtual time costs nothing
            await asyncio.sleep(LOOK_S)
        if boom.position in (Barrier.CLOSED, Barrier.OPEN):
            was_down = boom.position is Barrier.CLOSED
            boom.raise_it()
            await asyncio.sleep(boom.travel_s + 1.0)
            if was_down or lane.place.is_clear:
                boom.lower_it()

    async def _change_mode(self, trouble: Trouble, lane: Lane, mode: str) -> None:
        await self._set_mode(lane, mode)
        await asyncio.sleep(trouble.for_s)
        while not await self._set_mode(lane, "auto"):  # noqa: ASYNC110 - as above
            await asyncio.sleep(ANSWER_S)

    async def _set_mode(self, lane: Lane, mode: Any) -> bool:  # noqa: ANN401 - a literal
        services = self._port.hub.services
        if services is None:
            return False
        try:
            await services.commands.set_mode(
                lane.name,
                mode,
                by="zhang.min",
                reason="round",
                kind=SLIPS.mode if mode == EMERGENCY else "",
            )
        except (CommandStale, StoreError):
            return False
        await asyncio.sleep(ANSWER_S)
        return lane.place.agent is not None and lane.place.agent.lane.mode.value == mode

    # -- the port

    async def _befall_port(self, trouble: Trouble) -> None:
        match trouble.kind:
            case Bad.IMPORT:
                await self._port.registry.change_some()
            case Bad.NEW_RULES:
                await self._port.registry.change_rules(trouble.number)
            case Bad.HUB_KILLED:
                await self._without_hub(trouble.for_s)
            case Bad.HUB_RESTORED:
                await self._put_hub_back(trouble.for_s)
            case Bad.NIGHT:
                await self._night(trouble.for_s)
            case _:
                raise ValueError(f"trouble {trouble.kind} befalls no port")

    async def _without_hub(self, for_s: float) -> None:
        self._hub_downs += 1
        await self._port.hub.stop()
        await asyncio.sleep(for_s)
        await self._hub_may_start()

    async def _hub_may_start(self) -> None:
        self._hub_downs -= 1
        if not self._hub_downs:
            await self._port.hub.start()

    async def _put_hub_back(self, for_s: float) -> None:
        """A backup is put in place of the database `for_s` after it was made."""
        hub = self._port.hub
        if self._hub_downs:
            return
        image = hub.back_up()
        await asyncio.sleep(for_s)
        if self._hub_downs or self.are_over:
            return
        self._port.account.is_hub_put_back = True
        self._hub_downs += 1
        await hub.stop()
        hub.restore(image)
        await asyncio.sleep(1.0)
        await self._hub_may_start()

    async def _night(self, for_s: float) -> None:
        """The last truck has gone, the hub is switched off, hours pass."""
        day = self._port.day
        if not day.is_set() or self.are_over:
            return
        day.clear()
        waited_s = 0.0
        while not all(lane.place.is_clear for lane in self._port.lanes.values()):
            await asyncio.sleep(LOOK_S)
            waited_s += LOOK_S
            if waited_s > LAST_TRUCK_S:
                day.set()
                return
        await self._without_hub(for_s)
        day.set()
