"""The network between the lanes and the hub: loses, delays, repeats, reorders, and is cut.

A cut is noticed late, as with TCP: until then what is sent is swallowed, or comes when the cable
is back. Chance comes from the script's number and each wire's own count of messages.
"""

from __future__ import annotations

import queue
import random
from typing import TYPE_CHECKING

from central.hub.mqtt import Received as FromLane
from gate_agent.uplink.mqtt import INBOX_CAPACITY, LinkChanged, Received
from gate_agent.wire.topics import HUB, parse_topic, topic
from hil_tests.virtual_port.loop import OneThreadQueue

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from gate_agent.wire.topics import Address, Stream

SITE = "port"
NOTICED_S = (1.0, 14.0)  # a cut is noticed by the missing keep-alive
BACK_S = (0.25, 2.0)
PROMPT_S = (0.002, 0.02)
LATE_S = (0.01, 2.5)
LOST = 0.12
REPEATED = 0.12
SWALLOWED = 0.5  # of what was sent before a cut was noticed; the rest comes with the next link


class _Mail(OneThreadQueue["LinkChanged | Received"]):
    """A link's inbox that tells when something came."""

    def __init__(self, came: Callable[[], None]) -> None:
        super().__init__(INBOX_CAPACITY)
        self._came = came

    def put_nowait(self, item: LinkChanged | Received) -> None:
        """Take an item. Raises `queue.Full`."""
        super().put_nowait(item)
        self._came()


class LaneLink:
    """One agent's connection, as `gate_agent.uplink.uplink.Link`."""

    def __init__(
        self,
        wire: Wire,
        will: tuple[str, bytes],
        came: Callable[[], None],
    ) -> None:
        self.inbox: queue.Queue[LinkChanged | Received] = _Mail(came)
        self.will = will
        self._wire = wire
        self._up = False

    @property
    def is_up(self) -> bool:
        """Whether the agent believes that the broker is there."""
        return self._up

    def start(self) -> None:
        """Begin to connect."""
        self._wire.plug(self)

    def stop(self) -> None:
        """Go without a word, as a process that was killed does."""
        self._wire.unplug(self)
        self._up = False

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Hand a message to the wire."""
        if not self._up:
            return False
        self._wire.to_hub(topic, payload, qos)
        return True

    def become(self, *, up: bool) -> None:
        """The connection came or went; the agent hears of it."""
        if up != self._up:
            self._up = up
            self.inbox.put_nowait(LinkChanged(up=up, detail="" if up else "the cable"))

    def take(self, name: str, payload: bytes) -> None:
        """A message of the hub."""
        if self._up:
            try:
                self.inbox.put_nowait(Received(name, payload))
            except queue.Full:
                return


class Wire:
    """One lane's cable to the broker."""

    def __init__(self, network: Network, lane: str, seed: str) -> None:
        self._network = network
        self._loop = network.loop
        self._lane = lane
        self._rng = random.Random(seed)
        self._link: LaneLink | None = None
        self._waiting: list[tuple[str, bytes]] = []
        self._joins = 0
        self.cuts = 0  # reasons why it is cut now
        self.bad = 0  # reasons why it loses, repeats and delays now
        self.healthy_since_s = 0.0
        self.heard_s = 0.0  # when the lane was last told anything

    @property
    def is_healthy(self) -> bool:
        """Whether everything gets through."""
        return not self.cuts and not self.bad and self._link is not None and self._link.is_up

    def plug(self, link: LaneLink) -> None:
        """An agent came up."""
        self._link = link
        self._rejoin()

    def unplug(self, link: LaneLink) -> None:
        """An agent is gone: the broker tells its will a little later."""
        if self._link is link:
            self._link = None
            self._joins += 1
            self._tell_will(link)

    def cut(self) -> None:
        """The cable is pulled; both ends notice it later."""
        self.cuts += 1
        if self.cuts == 1:
            self._joins += 1
            self._loop.call_later(self._rng.uniform(*NOTICED_S), self._notice, self._joins)

    def mend(self) -> None:
        """The cable is back."""
        self.cuts -= 1
        if self.cuts == 0:
            self._rejoin()

    def spoil(self) -> None:
        """From now on it loses, repeats and delays."""
        self.bad += 1

    def clean(self) -> None:
        """No more, for this reason."""
        self.bad -= 1
        self.healthy_since_s = self._loop.time()

    def to_hub(self, name: str, payload: bytes, qos: int) -> None:
        """From the lane to the hub, somehow."""
        if self.cuts:
            if qos and self._rng.random() > SWALLOWED:
                self._waiting.append((name, payload))
            return
        self._post(lambda: self._network.deliver(name, payload))

    def to_lane(self, name: str, payload: bytes, qos: int) -> None:
        """From the hub to the lane, somehow."""
        if self.cuts and not (qos and self._rng.random() > SWALLOWED):
            return
        self._post(lambda: self._arrive(name, payload))

    def _arrive(self, name: str, payload: bytes) -> None:
        if self._link is not None and not self.cuts:
            self.heard_s = self._loop.time()
            self._link.take(name, payload)

    def _post(self, deliver: Callable[[], None]) -> None:
        rng = self._rng
        if not self.bad:
            self._loop.call_later(rng.uniform(*PROMPT_S), deliver)
            return
        if rng.random() < LOST:
            return
        self._loop.call_later(rng.uniform(*LATE_S), deliver)
        if rng.random() < REPEATED:
            self._loop.call_later(rng.uniform(*LATE_S), deliver)

    def _notice(self, joins: int) -> None:
        if joins == self._joins and self._link is not None:
            self._link.become(up=False)
            self._tell_will(self._link)

    def _tell_will(self, link: LaneLink) -> None:
        self._loop.call_later(0.05, self._network.deliver, *link.will)

    def _rejoin(self) -> None:
        self._joins += 1
        self._loop.call_later(self._rng.uniform(*BACK_S), self._joined, self._joins)

    def _joined(self, joins: int) -> None:
        if joins != self._joins or self.cuts or self._link is None or not self._network.is_open:
            return
        waiting, self._waiting = self._waiting, []
        for name, payload in waiting:
            self._post(lambda name=name, payload=payload: self._network.deliver(name, payload))  # type: ignore[misc]
        self._link.become(up=False)
        self._link.become(up=True)
        self.healthy_since_s = self._loop.time()

    def broker_went(self) -> None:
        """The broker is gone: noticed at once."""
        self._joins += 1
        if self._link is not None:
            self._link.become(up=False)

    def broker_came(self) -> None:
        """The broker is back."""
        if not self.cuts:
            self._rejoin()


class Network:
    """All wires and the broker between them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, lanes: list[str], seed: int) -> None:
        self.loop = loop
        self.wires = {lane: Wire(self, lane, f"{seed}-wire-{lane}") for lane in lanes}
        self._addresses: dict[str, Address | None] = {}
        self._hub: HubSide | None = None
        self.messages = 0

    @property
    def is_open(self) -> bool:
        """Whether a hub with its broker is there."""
        return self._hub is not None

    def attach(self, hub: HubSide) -> None:
        """A hub came up."""
        self._hub = hub
        for wire in self.wires.values():
            wire.broker_came()

    def detach(self, hub: HubSide) -> None:
        """The hub and its broker are gone."""
        if self._hub is hub:
            self._hub = None
            for wire in self.wires.values():
                wire.broker_went()

    def deliver(self, name: str, payload: bytes) -> None:
        """A message reaches the broker."""
        self.messages += 1
        if self._hub is None:
            return
        if name not in self._addresses:
            self._addresses[name] = parse_topic(name)
        address = self._addresses[name]
        if address is not None:
            self._hub.take(
                FromLane(topic=name, address=address, payload=payload, settle=lambda: None)
            )

    def publish(self, lane: str, stream: Stream, payload: bytes, qos: int) -> None:
        """From the hub to one lane, or to all."""
        name = topic(SITE, lane, stream)
        for wire in self.wires.values() if lane == HUB else (self.wires[lane],):
            wire.to_lane(name, payload, qos)


class HubSide:
    """The hub's connection, as `central.assembly.HubLink`."""

    def __init__(
        self,
        network: Network,
        received: Callable[[FromLane], None],
        connection_changed: Callable[[bool], None],
    ) -> None:
        self._network = network
        self._received = received
        self._connection_changed = connection_changed
        self._connected = False

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._connected

    def start(self) -> None:
        """Connect at once: the broker is the hub's own."""
        self._connected = True
        self._network.attach(self)
        self._network.loop.call_soon(self._connection_changed, True)  # noqa: FBT003 - a callback's

    async def stop(self) -> None:
        """Go, and the broker with it."""
        self._connected = False
        self._network.detach(self)

    def send(self, lane: str, stream: Stream, payload: bytes, *, qos: int) -> bool:
        """Publish to one lane."""
        if self._connected:
            self._network.publish(lane, stream, payload, qos)
        return self._connected

    async def drained(self) -> None:
        """There is always room."""

    def take(self, message: FromLane) -> None:
        """A lane's message."""
        if self._connected:
            self._received(message)
