"""The uplink thread: records out, acknowledgements, manifest and commands in.

The lane never waits for it. Losing hub, broker or network changes nothing for the vehicle in the
lane: records stay in the outbox, the manifest grows older, and how old it may be is policy.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Protocol

import msgspec

from gate_agent.clock import instant
from gate_agent.domain.events import FaultCleared, FaultRaised
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.vocabulary import Phase
from gate_agent.errors import StoreError
from gate_agent.uplink.clip_sender import ClipSender
from gate_agent.uplink.manifest_sync import ManifestSync
from gate_agent.uplink.mqtt import LinkChanged, MqttLink, Received
from gate_agent.uplink.policy_sync import PolicySync
from gate_agent.uplink.publisher import Publisher
from gate_agent.wire import v1
from gate_agent.wire.convert import claim_answered, event_of
from gate_agent.wire.topics import HUB, TO_LANE, Stream, topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from gate_agent.domain.effects import ClaimDeclaration
    from gate_agent.inbox import Inbox
    from gate_agent.logs import Log
    from gate_agent.store.clip_shelf import ClipShelf
    from gate_agent.store.held_policy import HeldPolicy
    from gate_agent.store.hub_cache import HubCache
    from gate_agent.store.lane_store import OutboxReader
    from gate_agent.store.picture_files import PictureFiles
    from gate_agent.uplink.mqtt import BrokerAddress

TURN_S = 0.25
HEALTH_EVERY_S = 1.0
CLOCKS_DIFFER_S = 5.0  # an order expires after 20 s or so
CLOCKS_DIFFER_HEADS = 3  # in a row: one that was late on the way says nothing
SILENT_S = 5.0  # heads come about once a second


class Link(Protocol):
    """A connection to the broker that keeps itself up; `MqttLink` says what its calls mean."""

    inbox: queue.Queue[LinkChanged | Received]

    def start(self) -> None:
        """Begin to connect, and go on trying for ever."""
        ...

    def stop(self) -> None:
        """Leave in order."""
        ...

    @property
    def is_up(self) -> bool:
        """Whether the broker has accepted us and not gone since."""
        ...

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Hand a message over if the link is up; whether it was taken. Never waits."""
        ...


class Uplink:
    """One lane's link to the hub, in one thread of its own."""

    def __init__(
        self,
        site: str,
        lane: str,
        epoch: str,
        version: str,
        address: BrokerAddress,
        cache: HubCache,
        outbox: OutboxReader,
        pictures: PictureFiles,
        health: Callable[[int, int | None], v1.LaneHealth],
        inbox: Inbox,
        clock: Clock,
        log: Log,
        *,
        clips: ClipShelf,
        make_link: Callable[[BrokerAddress, list[str], tuple[str, bytes]], Link] = MqttLink,
    ) -> None:
        """`health(unsent, oldest_ms)` builds the lane's present health."""
        self._site, self._lane, self._epoch, self._version = site, lane, epoch, version
        self._cache, self._outbox = cache, outbox
        self._health = health
        self._inbox, self._clock, self._log = inbox, clock, log
        hub_streams = [topic(site, lane, stream) for stream in TO_LANE]
        hub_streams += [topic(site, HUB, Stream.MANIFEST_HEAD)]
        offline = v1.encode(v1.LaneStatus(lane=lane, epoch=epoch, online=False, version=version))
        self._link = make_link(address, hub_streams, (topic(site, lane, Stream.STATUS), offline))
        self._publisher = Publisher(outbox, pictures, lane, epoch, self._sender(Stream.RECORDS))
        self._manifest = ManifestSync(cache, lane, self._sender(Stream.MANIFEST_REQUEST), log)
        self._policy = PolicySync(cache, lane, self._sender(Stream.POLICY_REQUEST), log)
        self._clips = ClipSender(clips, lane, self._sender(Stream.CLIP_PART, qos=0))
        self._acknowledged = cache.acknowledged(epoch)
        self._heard_s = clock.now().mono_s
        self._health_s = float("-inf")
        self._is_silent = False
        self._was_up: bool | None = None  # None: not yet tried
        self._store_failed = False
        self._is_ahead_told = False
        self._odd_heads = 0
        self._do_clocks_differ: bool | None = None  # not known yet
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)

    def start(self) -> None:
        """Begin to connect and to send."""
        self._link.start()
        self._thread.start()

    def stop(self) -> None:
        """Say goodbye and end; what is unsent stays in the outbox."""
        self._stop.set()
        self._thread.join(3.0)
        self._publish_status(online=False)
        self._link.stop()
        if not self._thread.is_alive():  # it may be writing a large manifest
            self._manifest.close()

    def wake(self) -> None:
        """There is something new in the outbox; any thread may call."""
        try:
            self._link.inbox.put_nowait(Received("", b""))
        except queue.Full:
            return

    def claim(self, wanted: ClaimDeclaration) -> None:
        """Ask the hub for a declaration; any thread may call. Nothing is repeated."""
        request = v1.ClaimRequest(
            lane=self._lane,
            epoch=self._epoch,
            token=wanted.token,
            passage_id=wanted.passage_id,
            declaration_id=wanted.declaration_id,
            since_arrival_ms=wanted.since_arrival_ms,
        )
        name = topic(self._site, self._lane, Stream.CLAIM_REQUEST)
        self._link.publish(name, v1.encode(request), qos=0)

    @property
    def manifest_confirmed_s(self) -> float:
        """When (monotonic) this process last heard that its manifest is the newest; -inf: never."""
        return self._manifest.confirmed_s

    @property
    def policy(self) -> HeldPolicy:
        """The packs and secrets held now; any thread may read them."""
        return self._policy.held

    def _sender(self, stream: Stream, qos: int = 1) -> Callable[[bytes], bool]:
        name = topic(self._site, self._lane, stream)
        return lambda payload: self._link.publish(name, payload, qos=qos)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.turn()
            except StoreError as exc:
                if not self._store_failed:
                    self._store_failed = True
                    self._log.error("uplink_store_failed", detail=str(exc))
                self._stop.wait(1.0)
            except Exception:  # noqa: BLE001 - the thread's edge: the uplink never dies
                self._log.exception("uplink_crashed")
                self._stop.wait(1.0)
            else:
                self._store_failed = False

    def turn(self) -> None:
        """Take what has come, send what is due; the thread does this until stopped.

        Raises `StoreError` after everything else was taken.
        """
        trouble: StoreError | None = None
        for item in self._arrived():
            try:
                self._take_item(item)
            except StoreError as exc:
                trouble = exc  # one item that cannot be kept must not lose the others
        now_s = self._clock.now().mono_s
        if self._link.is_up:
            self._publisher.publish(now_s)
            if self._clips.is_wanted and self._is_at_leisure():
                self._clips.serve(self._clock.now().wall_ms)
            if now_s - self._health_s >= HEALTH_EVERY_S:
                self._health_s = now_s
                self._publish_health()
        self._watch_silence(now_s)
        if trouble is not None:
            raise trouble

    def _is_at_leisure(self) -> bool:
        """Nothing waits to be sent, and no vehicle whose claim might be the next thing."""
        unsent, oldest_ms = self._outbox.backlog(self._acknowledged)
        return not unsent and self._health(0, oldest_ms).phase != Phase.GATHERING.value

    def _take_item(self, item: LinkChanged | Received) -> None:
        match item:
            case LinkChanged():
                self._change_link(item)
            case Received(topic="") | Received(payload=b""):
                pass
            case Received():
                self._take(item)

    def _arrived(self) -> list[LinkChanged | Received]:
        items: list[LinkChanged | Received] = []
        try:
            items.append(self._link.inbox.get(timeout=TURN_S))
            while len(items) < 256:  # noqa: PLR2004 - a turn stays short
                items.append(self._link.inbox.get_nowait())
        except queue.Empty:
            pass
        return items

    def _change_link(self, change: LinkChanged) -> None:
        if not change.up:
            if self._was_up is not False:
                self._log.warning("hub_link_lost", detail=change.detail)
            self._was_up = False
            return
        self._log.info("hub_link_up")
        self._was_up = True
        self._publish_status(online=True)
        self._publisher.start_over(self._acknowledged, self._clock.now().mono_s)

    def _publish_status(self, *, online: bool) -> None:
        status = v1.LaneStatus(
            lane=self._lane, epoch=self._epoch, online=online, version=self._version
        )
        name = topic(self._site, self._lane, Stream.STATUS)
        self._link.publish(name, v1.encode(status), retain=True)

    def _publish_health(self) -> None:
        unsent, oldest_ms = self._outbox.backlog(self._acknowledged)
        health = msgspec.structs.replace(
            self._health(unsent, oldest_ms), policy_refused=self._policy.refusal
        )
        name = topic(self._site, self._lane, Stream.HEALTH)
        self._link.publish(name, v1.encode(health), qos=0)

    def _take(self, received: Received) -> None:  # noqa: C901 - one case a message
        try:
            message = v1.decode_hub_message(received.payload)
        except v1.WireError as exc:
            self._log.warning("hub_message_refused", topic=received.topic, detail=str(exc))
            return
        stamp = self._clock.now()
        match message:
            case v1.RecordAck():
                self._acknowledge(message, stamp.mono_s)
            case v1.ManifestHead():
                self._heard_s = stamp.mono_s
                self._compare_clocks(message.at_ms, stamp.wall_ms)
                if self._policy.hear_digest(message.policy_digest, stamp.mono_s):
                    self._manifest.hear_head(
                        message, stamp.mono_s, stamp.wall_ms, confirms=self._policy.is_current
                    )
            case v1.PolicyPacks():
                self._policy.take(message)
            case v1.ClaimAnswer():
                self._answer_claim(message)
            case v1.ClipRequest():
                self._clips.take(message)
            case v1.ManifestPart():
                held = self._manifest.version
                self._manifest.take_part(message, stamp.mono_s, stamp.wall_ms)
                if self._manifest.version != held:
                    self._health_s = float("-inf")  # the hub may know at once
            case _:
                self._log.info("command_received", command_id=message.command_id)
                self._inbox.put(event_of(message), instant(self._clock))

    def _answer_claim(self, answer: v1.ClaimAnswer) -> None:
        if answer.epoch == self._epoch:  # another lane database counts its own tokens
            self._inbox.put(claim_answered(answer), instant(self._clock))

    def _acknowledge(self, ack: v1.RecordAck, now_s: float) -> None:
        if ack.epoch != self._epoch:
            return
        if ack.through_seq > self._outbox.last_seq():
            # Our database was put back to an older state. What we record until then is new all
            # the same: the hub keeps it beside what it has, so it must be sent.
            if not self._is_ahead_told:
                self._is_ahead_told = True
                self._log.error("acknowledged_ahead", through_seq=ack.through_seq)
            return
        is_news = ack.through_seq > self._acknowledged
        self._acknowledged = max(self._acknowledged, ack.through_seq)
        self._publisher.acknowledge(self._acknowledged, now_s)
        if is_news:
            self._cache.acknowledge(ack.epoch, ack.through_seq)

    def _compare_clocks(self, hub_ms: int, lane_ms: int) -> None:
        """Orders expire by the wall clock: a lane that is ahead refuses every one of them."""
        ahead_s = (lane_ms - hub_ms) / 1000
        self._odd_heads = self._odd_heads + 1 if abs(ahead_s) > CLOCKS_DIFFER_S else 0
        differ = self._odd_heads >= CLOCKS_DIFFER_HEADS
        if differ == self._do_clocks_differ or 0 < self._odd_heads < CLOCKS_DIFFER_HEADS:
            return
        event: FaultRaised | FaultCleared = FaultCleared(code=FaultCode.CLOCK)
        if differ:
            side = "ahead of" if ahead_s > 0 else "behind"
            detail = f"the lane's clock is {abs(ahead_s):.0f} s {side} the hub's"
            event = FaultRaised(code=FaultCode.CLOCK, detail=detail)
        if self._inbox.put(event, instant(self._clock)):
            self._do_clocks_differ = differ

    def _watch_silence(self, now_s: float) -> None:
        """The hub, not the broker, is what must be heard."""
        silent = now_s - self._heard_s > SILENT_S
        if silent == self._is_silent:
            return
        event: FaultRaised | FaultCleared = FaultCleared(code=FaultCode.UPLINK)
        if silent:
            event = FaultRaised(code=FaultCode.UPLINK, detail="the hub is not heard")
        if self._inbox.put(event, instant(self._clock)):
            self._is_silent = silent
