"""The composition root: configuration -> objects -> start -> wait -> stop. The only such place."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from devices.barrier.driver import Barrier
from devices.camera.opening import open_camera
from devices.camera.pushed import PushedPlates
from devices.clock import SystemClock
from devices.container_camera.pushed import PushedContainers
from devices.errors import DeviceConfigError
from devices.lane_io.driver import LaneIo
from devices.lane_io.registers import board_of
from devices.modbus import ModbusBus
from devices.registry import open_card_reader, open_tag_reader, open_weighbridge
from devices.sign.opening import open_sign
from devices.stop_signals import StopSignals
from gate_agent import config as lane_file
from gate_agent.adapters.hatch import Hatch
from gate_agent.adapters.lane_camera import LaneCameraAdapter
from gate_agent.adapters.lane_io import LampOrder, LaneIoAdapter
from gate_agent.adapters.plate_camera import PlateCameraAdapter
from gate_agent.adapters.plate_candidates import PlateCandidates
from gate_agent.adapters.plate_reader import PlateAdapter, PlateOrder
from gate_agent.adapters.reader import (
    ReaderAdapter,
    card_presented,
    containers_read,
    tag_read,
)
from gate_agent.adapters.service import Service
from gate_agent.adapters.sign import SignAdapter
from gate_agent.adapters.weighbridge import WeighbridgeAdapter
from gate_agent.clock import instant
from gate_agent.domain.events import AgentStarted, Stamped
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.vocabulary import LaneId
from gate_agent.errors import ConfigError, GateError
from gate_agent.inbox import Inbox
from gate_agent.runtime.deadlines import Deadlines
from gate_agent.runtime.dispatch import Dispatch
from gate_agent.runtime.health import health_of
from gate_agent.runtime.lane_loop import LaneLoop, stop_lamps
from gate_agent.runtime.look_through import LookThrough
from gate_agent.runtime.notify import Notifier
from gate_agent.store.clip_shelf import CLIPS, ClipShelf
from gate_agent.store.declared_plates import DeclaredPlates
from gate_agent.store.hub_cache import acknowledged_in, open_cache
from gate_agent.store.lane_store import LaneStore, OutboxReader, unsent_pictures
from gate_agent.store.manifest_reader import ManifestReader
from gate_agent.store.picture_files import ClipFiles, PictureFiles
from gate_agent.store.schema import open_reader
from gate_agent.uplink.mqtt import BrokerAddress, MqttLink
from gate_agent.uplink.uplink import Link, Uplink
from models.lpr.opening import open_plate_reader

if TYPE_CHECKING:
    from devices.clock import Clock
    from gate_agent.adapters.service import Served
    from gate_agent.config import LaneConfig
    from gate_agent.logs import Log
    from gate_agent.wire.v1 import LaneHealth

WATCHDOG_EVERY_S = 1.0
LANE_STALL_S = 5.0
"""The lane thread comes round every half second; slower than this feeds no watchdog."""


class Agent:
    """One lane's controller: every thread, every device, every file."""

    def __init__(self, config: LaneConfig, clock: Clock, log: Log) -> None:
        """Open the stores and name the devices; nothing moves yet.

        Raises `StoreError` or `ConfigError`.
        """
        self._clock = clock
        self._log = log
        self._policy = lane_file.policy_of(config)
        self._version = version("kakou")
        state_dir = Path(config.state_dir)
        self._store = self._open_store(state_dir / "lane.db", LaneId(config.lane))
        self._cache, damage = open_cache(state_dir / "hub.db")
        if damage:
            log.error("manifest_begun_anew", detail=damage)
        self._cache_reader = open_reader(state_dir / "hub.db")
        self._outbox = OutboxReader(state_dir / "lane.db")
        self._manifest = ManifestReader(
            state_dir / "hub.db", self._store.used_by, self._store.drawn_on
        )
        self._declared = DeclaredPlates(state_dir / "hub.db")
        pictures = _pictures(config, log)
        self._inbox = self._make_inbox()
        self._deadlines = Deadlines()
        self._posted_plates: PlateCameraAdapter | None = None
        self._sign: SignAdapter | None = None
        self._film: LaneCameraAdapter | None = None
        self._make_devices(config, pictures)
        self._uplink = self._make_uplink(config, pictures)
        self.loop = self._make_loop()
        self._hatch = Hatch(state_dir, lambda: self.loop.lane, self._inbox, clock, log)

    def _make_uplink(self, config: LaneConfig, pictures: PictureFiles) -> Uplink:
        return Uplink(
            config.site,
            config.lane,
            self._store.epoch,
            self._version,
            _broker(config),
            self._cache,
            self._outbox,
            pictures,
            self._health,
            self._inbox,
            self._clock,
            self._log,
            clips=ClipShelf(Path(config.state_dir)),
            make_link=self._make_link,
        )

    def _make_loop(self) -> LaneLoop:
        return LaneLoop(
            self._store,
            self._manifest,
            self._inbox,
            self._deadlines,
            self._clock,
            self._log,
            acknowledged=lambda: acknowledged_in(self._cache_reader, self._store.epoch),
            recorded=self._uplink.wake,
            stop_lamps=self._stop_lamps,
            confirmed_s=lambda: self._uplink.manifest_confirmed_s,
            policy=lambda: self._uplink.policy,
        )

    # The seams at which the virtual port (hil_tests) puts its own: what touches disk, time, wire.

    def _open_store(self, path: Path, lane_id: LaneId) -> LaneStore:
        return LaneStore(path, lane_id, self._policy)

    def _make_inbox(self) -> Inbox:
        return Inbox()

    def _make_link(
        self, address: BrokerAddress, subscriptions: list[str], will: tuple[str, bytes]
    ) -> Link:
        return MqttLink(address, subscriptions, will)

    def _make_devices(self, config: LaneConfig, pictures: PictureFiles) -> None:
        devices, clock, inbox, log = config.devices, self._clock, self._inbox, self._log
        try:
            bus = ModbusBus(devices.bus, clock)
            board = board_of(devices.bus)
            scale = open_weighbridge(devices.weighbridge, clock)
            reader = open_card_reader(devices.card_reader, clock)
            camera = open_camera(devices.camera, clock)
            further = self._further_services(config, pictures)
        except DeviceConfigError as exc:
            raise ConfigError(f"devices: {exc}") from exc
        self._board = LaneIoAdapter(
            bus,
            LaneIo(bus, clock, board),
            Barrier(bus, clock, devices.barrier, board),
            devices.bus.poll_s,
            inbox,
            clock,
            log,
        )
        candidates = PlateCandidates(self._declared)
        self._plates = PlateAdapter(
            camera, open_plate_reader, pictures, inbox, clock, log, candidates
        )
        weighing = WeighbridgeAdapter(scale, devices.weighbridge, inbox, clock)
        cards = ReaderAdapter(reader, card_presented, inbox, clock)
        self._services: tuple[Service, ...] = (
            Service("bus", self._board, FaultCode.BUS_LINK, inbox, clock, log),
            Service("weighbridge", weighing, FaultCode.SCALE_LINK, inbox, clock, log),
            Service("card_reader", cards, FaultCode.CARD_LINK, inbox, clock, log),
            Service("camera", self._plates, FaultCode.CAMERA_LINK, inbox, clock, log),
        )
        self._services += further

    def _further_services(self, config: LaneConfig, pictures: PictureFiles) -> tuple[Service, ...]:
        """What a lane may have or not. Raises `DeviceConfigError`."""
        devices, clock, inbox, log = config.devices, self._clock, self._inbox, self._log
        found: list[tuple[str, Served, FaultCode]] = []
        if devices.tag_reader is not None:
            reader = open_tag_reader(devices.tag_reader, clock)
            tags = ReaderAdapter(reader, tag_read, inbox, clock)
            found.append(("tag_reader", tags, FaultCode.TAG_LINK))
        if devices.plate_camera is not None:
            posted = PushedPlates(devices.plate_camera, clock)
            self._posted_plates = PlateCameraAdapter(posted, pictures, inbox, clock, log)
            found.append(("plate_camera", self._posted_plates, FaultCode.PLATE_CAMERA))
        if devices.container_camera is not None:
            numbers = PushedContainers(devices.container_camera, clock)
            boxes = ReaderAdapter(numbers, containers_read, inbox, clock)
            found.append(("container_camera", boxes, FaultCode.CONTAINER_CAMERA))
        if devices.lane_camera is not None:
            camera = open_camera(devices.lane_camera, clock)
            clips = _clip_files(config, clock)
            self._film = LaneCameraAdapter(
                camera, devices.lane_camera, clips, pictures, inbox, clock, log
            )
            found.append(("lane_camera", self._film, FaultCode.LANE_CAMERA))
        if devices.sign is not None:
            self._sign = SignAdapter(open_sign(devices.sign, clock), devices.sign, clock)
            found.append(("sign", self._sign, FaultCode.SIGN_LINK))
        return tuple(
            Service(name, served, fault, inbox, clock, log) for name, served, fault in found
        )

    def start(self) -> None:
        """Everything begins; the lane first, so that it sees the devices come."""
        self.loop.start(self._make_dispatch(), self._started())
        for service in self._services:
            service.start()
        self._uplink.start()
        self._hatch.start()

    def _make_dispatch(self) -> Dispatch:
        return Dispatch(
            self._board.order,
            self._ask_for_plate,
            self._deadlines,
            self.loop.find,
            self._uplink.claim,
            self._log,
            self._sign.order if self._sign else None,
            self._film.order if self._film else None,
            self._hatch.told,
        )

    def _ask_for_plate(self, order: PlateOrder) -> None:
        self._plates.order(order)
        if self._posted_plates is not None:
            self._posted_plates.order(order)

    def _started(self) -> Stamped:
        at = instant(self._clock)
        pack = self._uplink.policy.current(at.wall_ms)
        started = AgentStarted(policy=self._policy, version=self._version, pack=pack)
        return Stamped(started, at)

    def stop(self) -> None:
        """Devices first, then the lane, then the link; what is unsent stays in the outbox."""
        self._hatch.stop()
        for service in self._services:
            service.stop()
        for service in self._services:
            service.join(4.0)
        self.loop.stop()
        self._uplink.stop()
        self._close_stores()

    def _close_stores(self) -> None:
        """The readers before their writers."""
        for closing in (
            self._manifest,
            self._declared,
            self._outbox,
            self._cache_reader,
            self._cache,
            self._store,
        ):
            closing.close()

    def is_well(self) -> bool:
        """Whether the lane thread comes round. A hung driver is a fault, a hung lane a restart."""
        return self.loop.is_alive and self._clock.now().mono_s - self.loop.turned_s < LANE_STALL_S

    def status(self) -> str:
        """One line for systemctl status."""
        lane = self.loop.lane
        faults = ", ".join(sorted(lane.faults)) or "none"
        halted = ", cannot record: nothing opens" if self.loop.is_store_failing else ""
        mode = f"{lane.mode.value} {lane.emergency}".strip()
        return f"{mode}, {lane.phase.value}, faults: {faults}{halted}"

    def _health(self, unsent: int, oldest_ms: int | None) -> LaneHealth:
        return health_of(
            self.loop.lane,
            instant(self._clock),
            held=self._cache.manifest(),
            last_seq=self.loop.last_seq,
            unsent=unsent,
            oldest_ms=oldest_ms,
            is_store_failing=self.loop.is_store_failing,
        )

    def _stop_lamps(self) -> None:
        for lamp, on in stop_lamps():
            self._board.order(LampOrder(lamp, on))


def _pictures(config: LaneConfig, log: Log) -> PictureFiles:
    state_dir = Path(config.state_dir)
    return PictureFiles(
        state_dir / "pictures",
        max_bytes=config.pictures_max_mb * 1_000_000,
        unsent=lambda: unsent_pictures(state_dir / "lane.db"),
        tell_lost=lambda count: log.error("unsent_pictures_deleted", count=count),
    )


def _clip_files(config: LaneConfig, clock: Clock) -> ClipFiles:
    """Where a lane's clips are."""
    return ClipFiles(
        Path(config.state_dir) / CLIPS,
        max_bytes=config.clips_max_mb * 1_000_000,
        max_days=config.clips_max_days,
        clock=clock,
    )


def _broker(config: LaneConfig) -> BrokerAddress:
    return BrokerAddress(
        host=config.hub.host,
        port=config.hub.port,
        client_id=f"{config.site}-{config.lane}",
        username=config.hub.username,
        password=lane_file.password(config.hub),
        ca_file=config.hub.ca_file,
    )


def run(config: LaneConfig, log: Log, clock: Clock | None = None) -> None:
    """Run a lane until SIGTERM or SIGINT, by the machine's clocks unless `clock` is given.

    Raises `GateError` when the thread that decides has ended, or where the manifest is damaged on
    disk: who started us starts us again.
    """
    stop = StopSignals()
    notifier = Notifier()
    agent = Agent(config, clock or SystemClock(), log)
    agent.start()
    held = LookThrough(Path(config.state_dir) / "hub.db", log)
    held.start()
    log.info("agent_started", version=version("kakou"))
    notifier.ready("started")
    while not stop.wait(WATCHDOG_EVERY_S):
        if held.found:
            break
        if agent.is_well():
            notifier.alive(agent.status())
        elif agent.loop.is_alive:
            log.error("lane_stalled")
        else:
            break
    notifier.stopping()
    has_ended_itself = not agent.loop.is_alive
    agent.stop()
    if held.found:
        raise GateError(f"lane {config.lane}: begins its manifest anew: {held.found}")
    if has_ended_itself:
        raise GateError(f"lane {config.lane}: the thread that decides has crashed, see above")
    log.info("agent_stopped")
