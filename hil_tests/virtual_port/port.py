"""The virtual port: lanes, hub, network, drivers and people of one script, in one thread.

`play(script, folder)` runs it to the end, heals everything, waits until lanes and hub agree, and
compares them. The first thing that is wrong ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

import structlog

from central.store import manifest_queries, policy_store
from gate_agent.domain.signals import is_inviting
from gate_agent.store.encoding import encode_event
from hil_tests.virtual_port.account import LaneAccount, PortAccount
from hil_tests.virtual_port.agent import VirtualAgent, lane_config
from hil_tests.virtual_port.compare import compare
from hil_tests.virtual_port.hub import HubProcess
from hil_tests.virtual_port.judge import Violation
from hil_tests.virtual_port.lane_uses import has_tag_reader, name_of, number_of
from hil_tests.virtual_port.loop import LaneClock, VirtualLoop, run
from hil_tests.virtual_port.network import Network
from hil_tests.virtual_port.people import Supervisors
from hil_tests.virtual_port.place import Place
from hil_tests.virtual_port.registry import Registry
from hil_tests.virtual_port.script import Kind, Script, Trouble, Truck
from hil_tests.virtual_port.traffic import StuckError, Vehicle, Visit
from hil_tests.virtual_port.troubles import Troubles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gate_agent.domain.events import Event
    from hil_tests.virtual_port.network import Wire

START_S = (0.8, 2.5)  # from the start of a process to its devices' first words
BACK_S = (0.2, 8.0)  # from the end of a process to the start of the next
NEXT_S = (0.5, 3.0)  # between two trucks
TICK_S = 3.0
NIGHT_TICK_S = 900.0
LOOK_S = 2.0
MIND_S = (0.0, 5.0)  # from a vehicle's coming to an agency's word
AGREE_S = 900.0  # lanes and hub agree at most this long after everything is healed
DRIFT_PPM = 80
CONNECTED_S = 15.0  # a lane that was so long without trouble has what the hub had

RHYTHM = {
    # How often the hub says what is newest, how long it gathers uses, how often a lane says how
    # it is: rarer than by default, for forty lanes on one core; the logic is the same.
    "central.manifest.distribute.HEAD_EVERY_S": 3.0,
    "central.manifest.versions.USES_GROUPED_S": 3.0,
    "gate_agent.uplink.uplink.HEALTH_EVERY_S": 5.0,
}


ENCODING = (
    "gate_agent.store.lane_store.encode_event",
    "hil_tests.virtual_port.account.encode_event",
)
"""The lane's store and the account write the same event, one after the other."""


class _Once:
    """Encodes an event for whoever asks, one after the other."""

    _event: Event | None = None
    _encoded = ("", b"")

    def encode(self, event: Event) -> tuple[str, bytes]:
        """The name of its type, and its fields."""
        if event is not self._event:
            self._encoded = encode_event(event)
            self._event = event
        return self._encoded


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
    wire: Wire
    rng: random.Random
    queue: list[Truck] = field(default_factory=list)


class VirtualPort:
    """Everything of one script."""

    def __init__(self, script: Script, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._script = script
        self._folder = folder
        self._log = structlog.get_logger().bind()
        self._failure: asyncio.Future[None] = loop.create_future()
        self.loop = loop
        self.day = asyncio.Event()
        self.day.set()
        names = [name_of(number) for number in script.lanes]
        self.network = Network(loop, names, script.seed)
        self.hub = HubProcess(folder / "hub", self.network, names)
        self.registry = Registry(script, self.hub)
        self.account = PortAccount(
            now_s=loop.time,
            is_connected=self._is_connected,
            heard_s=lambda name: self.network.wires[name].heard_s,
            is_clock_right=lambda name: self.lanes[name].clock.is_right,
            registry=self.registry,
        )
        self.lanes = {name: self._lane(name) for name in names}
        self._minds: set[asyncio.Task[None]] = set()
        places = {name: lane.place for name, lane in self.lanes.items()}
        self._people = Supervisors(self.hub, self.account, places, script.seed)
        self._troubles = Troubles(self)

    def _lane(self, name: str) -> Lane:
        seed = f"{self._script.seed}-{name}"
        rng = random.Random(seed)
        has_tags = has_tag_reader(number_of(name))
        place = Place(self.loop, f"{seed}-place", self.day, has_tag_reader=has_tags)
        account = LaneAccount(name, self.account, place)
        place.raised = account.raised
        wire = self.network.wires[name]
        clock = LaneClock(self.loop, drift_ppm=rng.randrange(-DRIFT_PPM, DRIFT_PPM + 1))
        return Lane(name=name, place=place, clock=clock, account=account, wire=wire, rng=rng)

    def _is_connected(self, name: str) -> bool:
        wire = self.network.wires[name]
        is_old = self.loop.time() - wire.healthy_since_s > CONNECTED_S
        return wire.is_healthy and is_old and self.hub.services is not None

    # -- the run

    async def play(self) -> None:
        """From the start to agreement. Raises `Violation`."""
        self.loop.set_exception_handler(lambda _, context: self.fail(_exception_of(context)))
        await self.hub.start()
        await self.registry.declare_all()
        for lane in self.lanes.values():
            self._start_agent(lane)
        keepers = [self.loop.create_task(work) for work in (self._people.run(), self._tick())]
        for choice in self._script.choices:
            if isinstance(choice, Trouble):
                self.loop.call_at(choice.at_s, self._troubles.befall, choice)
            else:
                self.lanes[name_of(choice.lane)].queue.append(choice)
        await self._guarded(asyncio.gather(*map(self._traffic, self.lanes.values())))
        self._troubles.are_over = True
        await self._guarded(self.loop.create_task(self._agree()))
        for keeper in keepers:
            keeper.cancel()
        self._people.go_home()
        for mind in self._minds:
            mind.cancel()
        compare(self)

    async def stop(self) -> None:
        """Close every file."""
        for lane in self.lanes.values():
            if lane.place.agent is not None:
                lane.place.agent.kill()
        await self.hub.stop()

    def fail(self, exc: BaseException) -> None:
        """Something is wrong: the run ends with it."""
        if not self._failure.done():
            self._failure.set_exception(exc)

    async def _guarded(self, work: asyncio.Future[Any]) -> None:
        """Wait for `work`, or for whatever goes wrong first. Raises it."""
        await asyncio.wait({work, self._failure}, return_when=asyncio.FIRST_COMPLETED)
        if self._failure.done():
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
            self._failure.result()
        try:
            work.result()
        except StuckError as exc:
            raise Violation("stuck", str(exc)) from exc

    async def _traffic(self, lane: Lane) -> None:
        for truck in lane.queue:
            await asyncio.sleep(max(0.0, truck.at_s - self.loop.time()))
            await self.day.wait()
            self.account.counts["vehicles"] += 1
            self.account.counts[f"came {truck.kind.value}"] += 1
            await Visit(lane.place, Vehicle(self._script.seed, truck), self._stands).drive()
            await asyncio.sleep(lane.rng.uniform(*NEXT_S))

    def _stands(self, vehicle: Vehicle) -> None:
        """Somebody is on the scale; about some an agency changes its mind just then."""
        if vehicle.kind in (Kind.LIFTED, Kind.HELD_LATE):
            task = self.loop.create_task(self._change_mind(vehicle.truck))
            self._minds.add(task)
            task.add_done_callback(self._mind_is_changed)

    async def _change_mind(self, truck: Truck) -> None:
        rng = random.Random(f"{self._script.seed}-mind-{truck.number}")
        await asyncio.sleep(rng.uniform(*MIND_S))
        while not await self.registry.change_mind(truck):  # noqa: ASYNC110 - virtual time costs nothing
            await asyncio.sleep(LOOK_S)

    def _mind_is_changed(self, task: asyncio.Task[None]) -> None:
        self._minds.discard(task)
        if not task.cancelled() and (exc := task.exception()) is not None:
            self.fail(exc)

    async def _tick(self) -> None:
        """The uplinks' own rhythm."""
        while True:
            await asyncio.sleep(TICK_S if self.day.is_set() else NIGHT_TICK_S)
            for lane in self.lanes.values():
                if lane.place.agent is not None:
                    lane.place.agent.tick()

    # -- processes

    def _start_agent(self, lane: Lane) -> None:
        if lane.place.agent is not None:
            return
        agent = VirtualAgent(
            lane_config(lane.name, self._folder),
            lane.clock,
            self._log,
            loop=self.loop,
            wire=lane.wire,
            seen=lane.account,
            board=lane.place,
            died=lambda: self._died(lane),
        )
        lane.place.agent = agent
        agent.begin()
        self.loop.call_later(lane.rng.uniform(*START_S), self._devices_come, lane, agent)

    def _devices_come(self, lane: Lane, agent: VirtualAgent) -> None:
        if lane.place.agent is agent:
            lane.place.agent_came(agent)

    def kill(self, lane: Lane) -> None:
        """End the lane's process, if it runs; it is started again."""
        if lane.place.agent is not None:
            lane.place.agent.kill()
            self._died(lane)

    def _died(self, lane: Lane) -> None:
        self.account.counts["kills"] += 1
        lane.place.agent = None
        lane.clock.asleep_until_s = 0.0
        self.loop.call_later(lane.rng.uniform(*BACK_S), self._start_agent, lane)

    # -- the end

    async def _agree(self) -> None:
        """Wait until nothing is on the way. Raises `Violation`."""
        for lane in self.lanes.values():
            lane.account.kill_at.clear()
        deadline_s = self.loop.time() + AGREE_S
        while (why := await self._disagreement()) is not None:
            if self.loop.time() > deadline_s:
                raise Violation("lanes and hub do not come to agree", why)
            await asyncio.sleep(LOOK_S)

    async def _disagreement(self) -> str | None:
        services = self.hub.services
        if services is None or self._troubles.is_hub_down or not self.day.is_set():
            return "the hub is down"
        head = await services.store.read(manifest_queries.head)
        now_ms = services.clock.wall_ms()
        rules = await services.store.read(policy_store.distribution, now_ms)
        for lane in self.lanes.values():
            agent = lane.place.agent
            if agent is None:
                return f"{lane.name}: no agent"
            why = agent.unfinished((head.version, head.count, head.digest), rules.digest)
            if why is None and not is_inviting(agent.lane):
                why = f"does not invite: {agent.status()}, boom {agent.lane.barrier.value}"
            if why is not None:
                return f"{lane.name}: {why}"
        return None


def _exception_of(context: dict[str, Any]) -> BaseException:
    found = context.get("exception")
    return found if isinstance(found, BaseException) else RuntimeError(str(context["message"]))


@contextmanager
def _as_scripted(seed: int) -> Iterator[None]:
    """Ids that are random on a real machine follow from the script; no log, few collections."""
    rng = random.Random(f"{seed}-entropy")

    def token_hex(nbytes: int | None = None) -> str:
        return rng.randbytes(nbytes or 32).hex()

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    thresholds = gc.get_threshold()
    gc.set_threshold(200_000, 50, 50)
    try:
        with contextlib.ExitStack() as patches:
            patches.enter_context(mock.patch.object(secrets, "token_hex", token_hex))
            for name in ("gate_agent.store.lane_store.token_hex",):
                patches.enter_context(mock.patch(name, token_hex))
            once = _Once()
            for name in ENCODING:
                patches.enter_context(mock.patch(name, once.encode))
            for name, value in RHYTHM.items():
                patches.enter_context(mock.patch(name, value))
            yield
    finally:
        gc.set_threshold(*thresholds)
        structlog.reset_defaults()


def play(script: Script, folder: Path) -> Outcome:
    """Play a script in an empty folder."""
    loop = VirtualLoop()
    found: list[VirtualPort] = []

    async def main() -> Violation | None:
        port = VirtualPort(script, folder, loop)
        found.append(port)
        try:
            await port.play()
        except Violation as exc:
            return exc
        finally:
            await port.stop()
        return None

    with _as_scripted(script.seed):
        violation = run(loop, main())
    return _outcome(found[0], violation)


def _outcome(port: VirtualPort, violation: Violation | None) -> Outcome:
    account = port.account
    account.counts["messages"] = port.network.messages
    named = str(violation)
    last = [
        lane.account.last_steps
        for name, lane in port.lanes.items()
        if f"{name}:" in named or f"{name}-" in named
    ]
    return Outcome(
        violation=violation,
        last_steps=tuple(last[0]) if last else (),
        trace=account.trace.hexdigest(),
        virtual_s=port.loop.time(),
        counts=dict(sorted(account.counts.items())),
        false_releases=dict(account.false_releases),
    )
