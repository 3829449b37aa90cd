"""The virtual port: lanes, hub, network, drivers and people of one script, in one thread.

`play(script, folder)` runs it to the end, heals everything, waits until lanes and hub agree, and
compares them. The first thing that is wrong ends it.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

import msgspec
import structlog

from central.errors import CommandStale, StoreError
from central.store import manifest_queries, manifest_store
from central.store.manifest_store import Author
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.signals import is_inviting
from gate_agent.domain.vocabulary import Barrier
from gate_agent.wire.v1 import DeclarationRow
from hil_tests.virtual_port.account import LaneAccount, PortAccount, Violation
from hil_tests.virtual_port.agent import KillPoint, VirtualAgent, lane_config
from hil_tests.virtual_port.compare import compare
from hil_tests.virtual_port.hub import HubProcess
from hil_tests.virtual_port.loop import WALL_MS, LaneClock, VirtualLoop, run
from hil_tests.virtual_port.network import Network
from hil_tests.virtual_port.people import Supervisors
from hil_tests.virtual_port.place import TRAVEL_S, Place
from hil_tests.virtual_port.script import Bad, Kind, Script, Trouble, Truck
from hil_tests.virtual_port.traffic import StuckError, Vehicle, Visit, own_papers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_S = (0.8, 2.5)  # from the start of a process to its devices' first words
TICK_S = 1.0
NIGHT_TICK_S = 900.0
LAST_TRUCK_S = 600.0  # a night with a truck in a lane is none
IMPORT_ROWS = 300
AGREE_S = 900.0  # lanes and hub agree at most this long after everything is healed
MONTH_MS = 30 * 86_400_000

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
    Bad.STOPPED: FaultCode.EMERGENCY_STOP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a script. `violation` None: everything held."""

    violation: Violation | None
    last_steps: tuple[str, ...]
    trace: str
    virtual_s: float
    counts: dict[str, int]
    false_releases: dict[str, int]


@dataclass(slots=True)
class Lane:
    """One lane computer and its place."""

    name: str
    place: Place
    clock: LaneClock
    account: LaneAccount
    rng: random.Random
    queue: list[Truck] = field(default_factory=list)
    starts: int = 0


class VirtualPort:
    """Everything of one script."""

    def __init__(self, script: Script, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._script = script
        self._folder = folder
        self._loop = loop
        names = [f"lane{number}" for number in script.lanes]
        self.network = Network(loop, names, script.seed)
        self.hub = HubProcess(folder / "hub", self.network, names)
        self.account = PortAccount(now_s=loop.time)
        self._day = asyncio.Event()
        self._day.set()
        self.lanes = {name: self._lane(name) for name in names}
        places = {name: lane.place for name, lane in self.lanes.items()}
        self.people = Supervisors(self.hub, self.account, places, script.seed)
        self._rng = random.Random(f"{script.seed}-port")
        self._log = structlog.get_logger()
        self._failure: asyncio.Future[None] = loop.create_future()
        self._is_over = False
        self._hub_downs = 0
        self._image: bytes | None = None

    def _lane(self, name: str) -> Lane:
        seed = f"{self._script.seed}-{name}"
        rng = random.Random(seed)
        accounts: list[LaneAccount] = []
        place = Place(
            self._loop, f"{seed}-place", lambda command: accounts[0].raised(command), self._day
        )
        accounts.append(LaneAccount(name, self.account, place))
        wire = self.network.wires[name]
        accounts[0].is_connected = lambda: (
            wire.is_healthy and self._loop.time() - wire.healthy_since_s > 15.0
            and self.hub.services is not None
        )  # fmt: skip
        clock = LaneClock(self._loop, drift_ppm=rng.randrange(-80, 81))
        return Lane(name=name, place=place, clock=clock, account=accounts[0], rng=rng)

    # -- the run

    async def play(self) -> None:
        """From the start to agreement. Raises `Violation`."""
        self._loop.set_exception_handler(self._failed)
        await self.hub.start()
        await self._declare()
        for lane in self.lanes.values():
            self._start_agent(lane)
        keepers = [self._task(self.people.run()), self._task(self._tick())]
        for choice in self._script.choices:
            if isinstance(choice, Trouble):
                self._loop.call_at(choice.at_s, self._befall, choice)
            else:
                self.lanes[f"lane{choice.lane}"].queue.append(choice)
        work = asyncio.gather(*(self._traffic(lane) for lane in self.lanes.values()))
        await self._guarded(work)
        self._is_over = True
        await self._guarded(self._task(self._agree()))
        for keeper in keepers:
            keeper.cancel()
        self.people.go_home()
        compare(self)

    async def stop(self) -> None:
        """Close every file."""
        for lane in self.lanes.values():
            if lane.place.agent is not None:
                lane.place.agent.kill()
        await self.hub.stop()

    def _task(self, work: Any) -> asyncio.Task[None]:  # noqa: ANN401 - a coroutine
        return self._loop.create_task(work)

    async def _guarded(self, work: asyncio.Future[Any]) -> None:
        """Wait for `work`, or for whatever goes wrong first. Raises it."""
        await asyncio.wait({work, self._failure}, return_when=asyncio.FIRST_COMPLETED)
        if self._failure.done():
            work.cancel()
            self._failure.result()
        try:
            work.result()
        except StuckError as exc:
            raise Violation("stuck", str(exc)) from exc

    def _failed(self, _loop: object, context: dict[str, Any]) -> None:
        exc = context.get("exception") or RuntimeError(context["message"])
        if not self._failure.done():
            self._failure.set_exception(exc)

    async def _traffic(self, lane: Lane) -> None:
        for truck in lane.queue:
            await asyncio.sleep(max(0.0, truck.at_s - self._loop.time()))
            await self._day.wait()
            self.account.counts["vehicles"] += 1
            await Visit(lane.place, Vehicle(self._script.seed, truck)).drive()
            await asyncio.sleep(lane.rng.uniform(0.5, 3.0))

    async def _tick(self) -> None:
        """The uplinks' own rhythm."""
        while True:
            await asyncio.sleep(TICK_S if self._day.is_set() else NIGHT_TICK_S)
            for lane in self.lanes.values():
                if lane.place.agent is not None:
                    lane.place.agent.tick()

    # -- declarations

    async def _declare(self) -> None:
        rows = []
        for choice in self._script.choices:
            if isinstance(choice, Truck) and (row := self._row(choice)) is not None:
                rows.append(row)
        rows += self._rows_of_the_absent()
        for first in range(0, len(rows), IMPORT_ROWS):
            await self._import(rows[first : first + IMPORT_ROWS])

    def _rows_of_the_absent(self) -> list[DeclarationRow]:
        """Papers that a replayed truck shows, where the script has lost their owner."""
        here = {choice.number for choice in self._script.choices if isinstance(choice, Truck)}
        missing = {c.of for c in self._script.choices if isinstance(c, Truck) and c.of} - here
        owners = [Truck(number=n, lane=1, at_s=0.0, kind=Kind.GOOD) for n in sorted(missing)]
        return [row for owner in owners if (row := self._row(owner)) is not None]

    def _row(self, truck: Truck) -> DeclarationRow | None:
        own = own_papers(self._script.seed, truck)
        if own is None:
            return None
        expires_ms = WALL_MS - 1000 if truck.kind is Kind.STALE else WALL_MS + MONTH_MS
        return DeclarationRow(
            declaration_id=own.declaration_id,
            plates=(own.plate,),
            card_uid=own.card_uid,
            gross_kg=own.gross_kg,
            valid_from_ms=WALL_MS - MONTH_MS,
            valid_until_ms=expires_ms,
            documents={Kind.PENDING: "pending", Kind.REJECTED: "rejected"}.get(
                truck.kind, "released"
            ),  # type: ignore[arg-type]
            holds=("customs",) if truck.kind is Kind.HELD else (),
        )

    async def _import(self, rows: list[DeclarationRow]) -> None:
        services = self.hub.services
        if services is not None:
            author = Author(at_ms=services.clock.wall_ms(), who="port")
            await services.store.write(manifest_store.apply_import, rows, author, replace=False)

    # -- processes

    def _start_agent(self, lane: Lane) -> None:
        if lane.place.agent is not None or lane.starts < 0:
            return
        lane.starts += 1
        agent = VirtualAgent(
            lane_config(lane.name, self._folder),
            lane.clock,
            self._log,
            loop=self._loop,
            wire=self.network.wires[lane.name],
            seen=lane.account,
            board=lane.place,
            died=lambda: self._died(lane),
        )
        lane.place.agent = agent
        agent.begin()
        self._loop.call_later(lane.rng.uniform(*START_S), self._devices_come, lane, agent)

    def _devices_come(self, lane: Lane, agent: VirtualAgent) -> None:
        if lane.place.agent is agent:
            lane.place.agent_came(agent)

    def _kill(self, lane: Lane) -> None:
        if lane.place.agent is not None:
            lane.place.agent.kill()
            self._died(lane)

    def _died(self, lane: Lane) -> None:
        self.account.counts["kills"] += 1
        lane.place.agent_went()
        lane.clock.asleep_until_s = 0.0
        self._loop.call_later(lane.rng.uniform(0.2, 8.0), self._start_agent, lane)

    # -- troubles

    def _befall(self, trouble: Trouble) -> None:
        if self._is_over:
            return
        self.account.counts["troubles"] += 1
        self.account.counts[f"trouble {trouble.kind.value}"] += 1
        if trouble.lane < 0:
            self._task(self._befall_port(trouble))
            return
        lane = self.lanes[f"lane{trouble.lane}"]
        if trouble.kind in _KILLS:
            lane.account.kill_at.append(_KILLS[trouble.kind])
        elif trouble.kind is Bad.KILL:
            self._kill(lane)
        elif trouble.kind in _DEVICES:
            code = _DEVICES[trouble.kind]
            lane.place.take_away(code)
            self._later(trouble, lane.place.bring_back, code)
        else:
            self._befall_lane(trouble, lane)

    def _later(self, trouble: Trouble, undo: Any, *arguments: Any) -> None:  # noqa: ANN401
        self._loop.call_later(trouble.for_s, undo, *arguments)

    def _befall_lane(self, trouble: Trouble, lane: Lane) -> None:  # noqa: C901 - one case a kind
        wire, place = self.network.wires[lane.name], lane.place
        match trouble.kind:
            case Bad.CUT:
                wire.cut()
                self._later(trouble, wire.mend)
            case Bad.LOSSY:
                wire.bad += 1
                self._later(trouble, self._wire_is_good, lane)
            case Bad.DISK_FULL:
                lane.account.full_disks += 1
                self._later(trouble, self._disk_is_freed, lane)
            case Bad.CLOCK_JUMP:
                lane.clock.jump(lane.rng.choice([-86_400_000, -60_000, 20_000, 7_200_000]))
                self._later(trouble, lane.clock.set_right)
            case Bad.REBOOT_IN_1970:
                self._kill(lane)
                lane.clock.boot(in_1970=True)
                self._later(trouble, lane.clock.set_right)
            case Bad.BOOM_STICKS:
                place.boom.sticks += 1
                self._later(trouble, self._boom_is_free, lane)
            case Bad.BOOM_SLOW:
                place.boom.travel_s = 9.0
                self._later(trouble, self._boom_is_quick, lane)
            case Bad.MODE:
                self._task(self._change_mode(trouble, lane))
            case _:
                raise ValueError(f"trouble {trouble.kind} befalls no lane")

    def _wire_is_good(self, lane: Lane) -> None:
        wire = self.network.wires[lane.name]
        wire.bad -= 1
        wire.healthy_since_s = self._loop.time()

    def _disk_is_freed(self, lane: Lane) -> None:
        lane.account.full_disks -= 1

    def _boom_is_quick(self, lane: Lane) -> None:
        lane.place.boom.travel_s = TRAVEL_S

    def _boom_is_free(self, lane: Lane) -> None:
        lane.place.boom.sticks -= 1
        self._task(self._try_boom(lane))

    async def _try_boom(self, lane: Lane) -> None:
        """A technician moves a boom that was stuck, once nobody is there, so that it counts."""
        boom = lane.place.boom
        await asyncio.sleep(3.0)
        while not lane.place.is_clear or boom.sticks:
            await asyncio.sleep(2.0)
        if boom.position in (Barrier.CLOSED, Barrier.OPEN):
            is_down = boom.position is Barrier.CLOSED
            boom.raise_it()
            await asyncio.sleep(2.5)
            if is_down or lane.place.is_clear:
                boom.lower_it()

    async def _change_mode(self, trouble: Trouble, lane: Lane) -> None:
        await self._set_mode(lane, lane.rng.choice(["attended", "closed"]))
        await asyncio.sleep(trouble.for_s)
        while not await self._set_mode(lane, "auto"):
            await asyncio.sleep(20.0)

    async def _set_mode(self, lane: Lane, mode: Any) -> bool:  # noqa: ANN401 - a literal
        services = self.hub.services
        if services is None:
            return False
        try:
            await services.commands.set_mode(lane.name, mode, by="zhang.min", reason="round")
        except (CommandStale, StoreError):
            return False
        await asyncio.sleep(15.0)
        return lane.place.agent is not None and lane.place.agent.lane.mode.value == mode

    async def _befall_port(self, trouble: Trouble) -> None:
        match trouble.kind:
            case Bad.IMPORT:
                await self._change_papers()
            case Bad.HUB_KILLED:
                await self._without_hub(trouble.for_s)
            case Bad.HUB_RESTORED:
                await self._put_hub_back(trouble.for_s)
            case Bad.NIGHT:
                await self._night(trouble.for_s)
            case _:
                raise ValueError(f"trouble {trouble.kind} befalls no port")

    async def _change_papers(self) -> None:
        """Port IT sends some declarations again, and new ones of vehicles that never come."""
        services = self.hub.services
        if services is None:
            return
        trucks = [c for c in self._script.choices if isinstance(c, Truck)]
        chosen = self._rng.sample(trucks, min(20, len(trucks)))
        rows = [row for truck in chosen if (row := self._row(truck)) is not None]
        start = 9_000_000 + self._rng.randrange(1_000_000)
        fresh = [Truck(number=start + n, lane=1, at_s=0.0, kind=Kind.GOOD) for n in range(20)]
        rows += [row for truck in fresh if (row := self._row(truck)) is not None]
        await self._import(rows)

    async def _without_hub(self, for_s: float) -> None:
        self._hub_downs += 1
        await self.hub.stop()
        await asyncio.sleep(for_s)
        self._hub_downs -= 1
        if not self._hub_downs:
            await self.hub.start()

    async def _put_hub_back(self, for_s: float) -> None:
        """A backup is put in place of the database `for_s` after it was made."""
        if self._hub_downs:
            return
        image = self.hub.back_up()
        await asyncio.sleep(for_s)
        if self._hub_downs or self._is_over:
            return
        self.account.is_hub_put_back = True
        self._hub_downs += 1
        await self.hub.stop()
        self.hub.restore(image)
        await asyncio.sleep(1.0)
        self._hub_downs -= 1
        if not self._hub_downs:
            await self.hub.start()

    async def _night(self, for_s: float) -> None:
        """The last truck has gone, the hub is switched off, hours pass."""
        if not self._day.is_set() or self._is_over:
            return
        self._day.clear()
        waited_s = 0.0
        while not all(lane.place.is_clear for lane in self.lanes.values()):
            await asyncio.sleep(5.0)
            waited_s += 5.0
            if waited_s > LAST_TRUCK_S:
                self._day.set()
                return
        await self._without_hub(for_s)
        self._day.set()

    # -- the end

    async def _agree(self) -> None:
        """Heal everything; wait until nothing is on the way. Raises `Violation`."""
        self._heal()
        deadline_s = self._loop.time() + AGREE_S
        while (why := await self._disagreement()) is not None:
            if self._loop.time() > deadline_s:
                raise Violation("lanes and hub do not come to agree", why)
            await asyncio.sleep(2.0)

    def _heal(self) -> None:
        for lane in self.lanes.values():
            lane.account.kill_at.clear()

    async def _disagreement(self) -> str | None:
        services = self.hub.services
        if services is None or self._hub_downs or not self._day.is_set():
            return "the hub is down"
        head = await services.store.read(manifest_queries.head)
        for lane in self.lanes.values():
            agent = lane.place.agent
            if agent is None:
                return f"{lane.name}: no agent"
            why = agent.unfinished((head.version, head.count, head.digest))
            if why is None and not is_inviting(agent.lane):
                why = f"{agent.lane.phase.value}, {agent.lane.mode.value}, boom {agent.lane.barrier.value}, {agent.lane.weight_state.value}, {agent.lane.inputs}, {sorted(agent.lane.faults)}"  # noqa: E501
            if why is not None:
                return f"{lane.name}: {why}"
        return None


@contextmanager
def entropy_of(seed: int) -> Iterator[None]:
    """Make ids that are random on a real machine follow from the script."""
    rng = random.Random(f"{seed}-entropy")

    def token_hex(nbytes: int | None = None) -> str:
        return rng.randbytes(nbytes or 32).hex()

    with (
        mock.patch.object(secrets, "token_hex", token_hex),
        mock.patch("gate_agent.store.lane_store.token_hex", token_hex),
    ):
        yield


def play(script: Script, folder: Path) -> Outcome:
    """Play a script in an empty folder."""
    port: list[VirtualPort] = []
    loops: list[VirtualLoop] = []

    async def main() -> Violation | None:
        loop = asyncio.get_running_loop()
        loops.append(loop)  # type: ignore[arg-type]
        port.append(VirtualPort(script, folder, loop))
        try:
            await port[0].play()
        except Violation as exc:
            return exc
        finally:
            await port[0].stop()
        return None

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with entropy_of(script.seed):
        violation = run(main())
    return _outcome(port[0], violation, loops[0].time())


def _outcome(port: VirtualPort, violation: Violation | None, virtual_s: float) -> Outcome:
    account = port.account
    for lane in port.lanes.values():
        account.seen.update(lane.account.history.seen)
    account.counts["messages"] = port.network.messages
    named = str(violation) if violation else ""
    last = next((lane.account.last for n, lane in port.lanes.items() if f"{n}:" in named
                 or f"{n}-" in named), [])  # fmt: skip
    return Outcome(
        violation=violation,
        last_steps=tuple(last),
        trace=account.trace.hexdigest(),
        virtual_s=virtual_s,
        counts=dict(sorted(account.counts.items())),
        false_releases=dict(account.false_releases),
    )


def counts_as_json(outcome: Outcome) -> bytes:
    """The counts, for a file."""
    return msgspec.json.encode(outcome.counts)
