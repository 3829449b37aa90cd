"""The real agent of one lane, without threads and devices: turned by the virtual loop.

The composition is `gate_agent.runtime.agent.Agent` itself; only what touches the devices, the
wire and the passing of time is put in. Every commit is shown to the account before its effects
are carried out, and it is there that the script kills.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from devices.config import (
    BusConfig,
    CameraConfig,
    CardReaderConfig,
    DevicesConfig,
    WeighbridgeConfig,
)
from gate_agent.adapters.lane_io import LampOrder
from gate_agent.adapters.plate_candidates import PlateCandidates
from gate_agent.clock import instant
from gate_agent.config import HubLinkConfig, LaneConfig
from gate_agent.errors import StoreError
from gate_agent.inbox import CAPACITY, Inbox
from gate_agent.runtime.agent import Agent
from gate_agent.runtime.dispatch import Dispatch
from gate_agent.runtime.lane_loop import stop_lamps
from gate_agent.store.lane_store import LaneStore
from hil_tests.virtual_port.loop import OneThreadQueue
from hil_tests.virtual_port.network import SITE, LaneLink

if TYPE_CHECKING:
    import asyncio
    import random
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gate_agent.adapters.lane_io import BoardOrder
    from gate_agent.adapters.plate_reader import PlateOrder
    from gate_agent.domain.events import Event, Stamped
    from gate_agent.domain.policy import ReleasePolicy
    from gate_agent.domain.state import LaneState, Step
    from gate_agent.domain.vocabulary import Instant, LaneId
    from gate_agent.logs import Log
    from gate_agent.store.picture_files import PictureFiles
    from gate_agent.uplink.mqtt import BrokerAddress
    from gate_agent.uplink.uplink import Link
    from hil_tests.virtual_port.loop import LaneClock, OneThreadQueue
from hil_tests.virtual_port.network import Wire

PICTURES = 0.05  # of the readings
UPLINK_TURN_S = 0.05  # from a commit, or a message, to the uplink's next turn
IDLE_S = 600.0  # a lane that has nothing to do looks up so often, to tidy


class Killed(BaseException):
    """The process is gone in the middle of what it did: kill -9."""


class KillPoint(StrEnum):
    """Where in a turn the process ends."""

    BEFORE_COMMIT = "before_commit"
    AFTER_COMMIT = "after_commit"  # committed, no effect carried out
    BEFORE_ORDER = "before_order"  # some effects carried out, the next order to the board not


class Witness(Protocol):
    """Who sees every commit, and every order that leaves a lane."""

    def committed(
        self, stamped: Stamped, before: LaneState, step: Step, rows: list[tuple[int, bytes]]
    ) -> None:
        """The step is on the disk; its effects are not yet carried out.

        `rows` are the records it put into the outbox: number and wire JSON.
        """
        ...

    def kill_now(self, point: KillPoint) -> bool:
        """Whether the script ends the process here."""
        ...

    def is_disk_full(self) -> bool:
        """Whether the script has filled the disk."""
        ...


class WatchedStore(LaneStore):
    """lane.db as it is; every commit is witnessed."""

    def __init__(self, path: Path, lane_id: LaneId, policy: ReleasePolicy, seen: Witness) -> None:
        super().__init__(path, lane_id, policy)
        self._seen = seen

    def commit(self, stamped: Stamped, step: Step) -> None:
        """Commit, be seen, perhaps die."""
        if self._seen.kill_now(KillPoint.BEFORE_COMMIT):
            raise Killed
        self._fill_disk(full=self._seen.is_disk_full())
        before, seq = self.lane, self.last_seq
        super().commit(stamped, step)
        self._seen.committed(stamped, before, step, self._rows(seq))
        if self._seen.kill_now(KillPoint.AFTER_COMMIT):
            raise Killed

    def _rows(self, after_seq: int) -> list[tuple[int, bytes]]:
        if self.last_seq == after_seq:
            return []
        sql = "SELECT seq, body FROM outbox WHERE seq > ? ORDER BY seq"
        return self._db.execute(sql, [after_seq]).fetchall()

    def _fill_disk(self, *, full: bool) -> None:
        """SQLite's own refusal of another page; what fits in the pages it has still fits."""
        if full and not self._is_full:
            self._db.execute("PRAGMA max_page_count = 1")
        if not full and self._is_full:
            self._db.execute("PRAGMA max_page_count = 1073741823")
        self._is_full = full

    _is_full = False


class _TurnedInbox(Inbox):
    """The inbox as it is, for a loop that is turned: never waits, tells when something came."""

    def __init__(self, came: Callable[[], None]) -> None:
        super().__init__()
        self._queue = OneThreadQueue(CAPACITY)
        self._came = came

    def put(self, event: Event, at: Instant) -> bool:
        """Take an event."""
        taken = super().put(event, at)
        self._came()
        return taken

    def take(self, timeout_s: float) -> Stamped | None:
        """The next event, or None at once."""
        return super().take(0.0)


class Board(Protocol):
    """The devices that obey a lane."""

    def order(self, order: BoardOrder) -> None:
        """A lamp or the boom."""
        ...

    def read_plate(self, order: PlateOrder) -> None:
        """The camera."""
        ...


class VirtualAgent(Agent):
    """One life of one agent process."""

    def __init__(
        self,
        config: LaneConfig,
        clock: LaneClock,
        log: Log,
        *,
        loop: asyncio.AbstractEventLoop,
        wire: Wire,
        seen: Witness,
        board: Board,
        died: Callable[[], None],
    ) -> None:
        self._lane_clock = clock
        self._aio = loop
        self._wire = wire
        self._seen = seen
        self._devices = board
        self._died = died
        self._pumping = False
        self._deadline: asyncio.TimerHandle | None = None
        self._uplink_due = False
        self.is_up = True
        super().__init__(config, clock, log)

    @property
    def lane(self) -> LaneState:
        """The lane as this process has it."""
        return self.loop.lane

    def tell(self, event: Event) -> None:
        """A device's fact."""
        self._inbox.put(event, instant(self._lane_clock))

    def now_s(self) -> float:
        """The monotonic clock of this computer."""
        return self._lane_clock.now().mono_s

    def keep_picture(self, rng: random.Random) -> str | None:
        """Now and then a picture is really kept, so that records with pictures travel."""
        if rng.random() > PICTURES:
            return None
        return self.pictures.keep(b"\xff\xd8" + rng.randbytes(400) + b"\xff\xd9")

    def begin(self) -> None:
        """Start, without threads."""
        self.loop.prepare(self._make_dispatch(), self._started())
        self._link.start()
        self._soon()

    def tick(self) -> None:
        """What the uplink does when nothing wakes it."""
        if not self._uplink_due:
            self._turn_uplink()

    def kill(self) -> None:
        """The process is gone: nothing is finished, nothing is said."""
        self.is_up = False
        if self._deadline is not None:
            self._deadline.cancel()
        self._link.stop()
        self._close_stores()

    def unfinished(self, head: tuple[int, int, str], rules: str) -> str | None:
        """What this lane has still to send or to fetch; None: nothing.

        `head` is the hub's manifest, `rules` the digest of its policy. A hub that was put back to
        a time before its first rules has "": its lanes keep those that they were given.
        """
        held = self._cache.manifest()
        if rules and self._uplink.policy.digest != rules:
            return f"rules {self._uplink.policy.digest[:12]!r} of {rules[:12]!r}"
        if (held.version, held.count, held.digest) != head:
            return f"manifest {held.version} of {head[0]}"
        unsent = self._store.last_seq - self._cache.acknowledged(self._store.epoch)
        return f"{unsent} records not acknowledged" if unsent else None

    def folds(self, fold: Callable[[LaneState, Iterator[Stamped]], LaneState]) -> bool:
        """I7: whether the journal leads to the snapshot."""
        return fold(self._store.base(), (item for _, item in self._store.journal())) == self.lane

    # -- the seams

    def _open_store(self, path: Path, lane_id: LaneId) -> LaneStore:
        return WatchedStore(path, lane_id, self._policy, self._seen)

    def _make_inbox(self) -> Inbox:
        return _TurnedInbox(self._soon)

    def _make_link(
        self, address: BrokerAddress, subscriptions: list[str], will: tuple[str, bytes]
    ) -> Link:
        del address, subscriptions
        self._link = LaneLink(self._wire, will, self._wake_uplink)
        return self._link

    def _make_devices(self, config: LaneConfig, pictures: PictureFiles) -> None:
        del config
        self.pictures = pictures
        self.candidates = PlateCandidates(self._declared)
        self.candidates.open()

    def _make_dispatch(self) -> Dispatch:
        return Dispatch(
            self._order,
            self._devices.read_plate,
            self._deadlines,
            self.loop.find,
            self._uplink.claim,
            self._log,
        )

    def _order(self, order: BoardOrder) -> None:
        if self._seen.kill_now(KillPoint.BEFORE_ORDER):
            raise Killed
        self._devices.order(order)

    def _stop_lamps(self) -> None:
        for lamp, on in stop_lamps():
            self._devices.order(LampOrder(lamp, on))

    # -- the turning

    def _soon(self) -> None:
        if not self._pumping and self.is_up:
            self._pumping = True
            self._aio.call_soon(self._pump)

    def _pump(self) -> None:
        """Turn the lane loop until it has nothing to do, then wait for its next deadline."""
        self._pumping = False
        if not self.is_up:
            return
        try:
            while not self._asleep_s() and self.loop.turn():
                pass
        except Killed:
            self.kill()
            self._died()
            return
        self._arm()

    def _asleep_s(self) -> float:
        return max(0.0, self._lane_clock.asleep_until_s - self._aio.time())

    def _arm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        wait_s = self._asleep_s() or self._deadlines.wait_s(self._lane_clock.now().mono_s, IDLE_S)
        self._deadline = self._aio.call_later(wait_s + 1e-4, self._soon)

    def _wake_uplink(self) -> None:
        if not self._uplink_due and self.is_up:
            self._uplink_due = True
            self._aio.call_later(UPLINK_TURN_S, self._turn_uplink)

    def _turn_uplink(self) -> None:
        self._uplink_due = False
        if self.is_up:
            try:
                self._uplink.turn()
            except StoreError:
                self._wake_uplink()


def lane_config(lane: str, folder: Path) -> LaneConfig:
    """The lane file of a virtual lane; its devices are never opened."""
    return LaneConfig(
        site=SITE,
        lane=lane,
        state_dir=str(folder / lane),
        policy={"verified_plate_suffices": True},
        devices=DevicesConfig(
            bus=BusConfig(),
            weighbridge=WeighbridgeConfig(port="none"),
            card_reader=CardReaderConfig(port="none"),
            camera=CameraConfig(source="none"),
        ),
        hub=HubLinkConfig(host="none"),
    )
