"""A hub whose database went back in time, and lanes that have forgotten what it once had."""

import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from central.hub.ingest import decode
from central.store import hub_store
from central.store.connection import Store
from central.store.ingest_store import ingest
from gate_agent.domain.decision import decide
from gate_agent.domain.effects import Record
from gate_agent.domain.events import CardPresented, Stamped
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.policy_pack import default_pack
from gate_agent.domain.records import FaultChanged, PassageDecided, PassageOpened, RecordBody
from gate_agent.domain.state import Step
from gate_agent.domain.vocabulary import LaneId, Outcome, PassageId
from gate_agent.store.lane_store import LaneStore, OutboxReader
from gate_agent.store.picture_files import PictureFiles
from gate_agent.uplink.publisher import AHEAD_RECORDS, ASSURE_EVERY_S, RESEND_S, Publisher
from gate_agent.wire import v1
from tests.builders import START, a_declaration, good_evidence
from tests.hub_bench import NOW_MS, a_store, arrival, batch, decided, record, take


class _Lane:
    """A real outbox and publisher whose messages go straight into a hub's database."""

    def __init__(self, folder: Path, lane: LaneStore, outbox: OutboxReader) -> None:
        self.sent: list[bytes] = []
        self._store = lane
        self._now_s = 0.0
        pictures = PictureFiles(folder / "pictures", max_bytes=1_000_000)
        self._publisher = Publisher(outbox, pictures, "lane1", lane.epoch, self._send)

    def _send(self, payload: bytes) -> bool:
        self.sent.append(payload)
        return True

    def records(self, count: int) -> None:
        changed = FaultChanged(code=FaultCode.CLOCK, raised=True, detail="")
        self._commit(*[changed] * count)

    def holds_a_vehicle(self, passage_id: str) -> None:
        pack, evidence = default_pack(ReleasePolicy()), replace(good_evidence(), card=None)
        verdict = decide(evidence, (a_declaration(),), pack, NOW_MS)
        assert verdict.outcome is Outcome.HOLD
        decided = PassageDecided(
            passage_id=PassageId(passage_id), verdict=verdict, evidence=evidence, pack=pack,
            wall_ms=NOW_MS,
        )  # fmt: skip
        self._commit(PassageOpened(passage_id=PassageId(passage_id)), decided)

    def _commit(self, *bodies: RecordBody) -> None:
        effects = tuple(Record(body=body) for body in bodies)
        self._store.commit(Stamped(CardPresented(uid="04"), START), Step(self._store.lane, effects))

    def talks_to(self, hub: Store, *, turns: int) -> None:
        for _ in range(turns):
            self.sent.clear()
            self._now_s += RESEND_S * 1.01
            self._publisher.publish(self._now_s)
            for acknowledgement in take(hub, *self.sent):
                self._publisher.acknowledge(acknowledgement.through_seq, self._now_s)
                self._store.forget_acknowledged(acknowledgement.through_seq)


@contextmanager
def a_lane(folder: Path) -> Iterator[_Lane]:
    path = folder / "lane.db"
    with (
        closing(LaneStore(path, LaneId("lane1"), ReleasePolicy())) as store,
        closing(OutboxReader(path)) as outbox,
    ):
        yield _Lane(folder, store, outbox)


def _lost(hub: Store) -> list[str]:
    return [row.detail for row in hub.read_now(hub_store.audit) if row.action == "records_lost"]


def _check(tmp_path: Path, restore: Callable[[Path, Path], object], expected_lost: str) -> None:
    present, backup = tmp_path / "hub.db", tmp_path / "backup.db"
    with a_lane(tmp_path) as lane:
        with a_store(present) as hub:
            lane.records(30)
            lane.talks_to(hub, turns=2)
        shutil.copy(present, backup)
        with a_store(present) as hub:
            lane.records(40)
            lane.talks_to(hub, turns=2)
        restore(backup, present)
        with a_store(present) as hub:
            lane.records(2 * AHEAD_RECORDS + 10)
            lane.talks_to(hub, turns=8)
            (found,) = hub.read_now(hub_store.lanes)
            assert (found.through_seq, found.missing_count) == (70 + 2 * AHEAD_RECORDS + 10, 0)
            (lost,) = _lost(hub)
            assert lost.startswith(expected_lost)


def test_a_hub_restored_from_a_backup_hears_everything_new_and_says_what_is_lost(
    tmp_path: Path,
) -> None:
    _check(tmp_path, shutil.copy, "40 records")


def test_a_hub_that_lost_its_database_hears_everything_new_and_says_what_is_lost(
    tmp_path: Path,
) -> None:
    _check(tmp_path, lambda _, present: present.unlink(), "70 records")


def test_a_restored_hub_says_what_is_lost_though_no_vehicle_comes(tmp_path: Path) -> None:
    present, backup = tmp_path / "hub.db", tmp_path / "backup.db"
    with a_lane(tmp_path) as lane:
        with a_store(present) as hub:
            lane.records(3)
            lane.talks_to(hub, turns=2)
        shutil.copy(present, backup)
        with a_store(present) as hub:
            lane.records(9)
            lane.talks_to(hub, turns=2)
        shutil.copy(backup, present)
        with a_store(present) as hub:
            lane.talks_to(hub, turns=1 + math.ceil(ASSURE_EVERY_S / RESEND_S))
            (lost,) = _lost(hub)
            assert lost.startswith("9 records")
            (found,) = hub.read_now(hub_store.lanes)
            assert (found.through_seq, found.missing_count) == (12, 0)


def test_who_waits_at_a_lane_is_at_the_console_of_a_restored_hub_within_a_minute(
    tmp_path: Path,
) -> None:
    present, backup = tmp_path / "hub.db", tmp_path / "backup.db"
    with a_lane(tmp_path) as lane:
        with a_store(present) as hub:
            lane.records(3)
            lane.talks_to(hub, turns=2)
        shutil.copy(present, backup)
        with a_store(present) as hub:
            lane.records(2)
            lane.holds_a_vehicle("p7")
            lane.talks_to(hub, turns=2)
            assert _held(hub) == ["p7"]
        shutil.copy(backup, present)
        with a_store(present) as hub:
            assert _held(hub) == []
            lane.talks_to(hub, turns=1 + math.ceil(ASSURE_EVERY_S / RESEND_S))
            assert _held(hub) == ["p7"]
            (lost,) = _lost(hub)
            assert lost.startswith("2 records")


def _held(hub: Store) -> list[str]:
    return [held.passage.passage_id for held in hub.read_now(hub_store.held)]


def test_a_vehicle_whose_end_was_lost_does_not_wait_for_a_person_for_ever(tmp_path: Path) -> None:
    with a_store(tmp_path / "hub.db") as hub:
        first = record(1, v1.PassageOpened(passage_id="p1")), record(2, decided("p1"))
        take(hub, batch("lane1", "e1", first))
        assert _held(hub) == ["p1"]
        later = record(50, v1.PassageOpened(passage_id="p9")), record(51, decided("p9"))
        take(hub, batch("lane1", "e1", later))
        assert _held(hub) == ["p9"]


def test_a_hub_whose_clock_was_put_right_shows_who_waits_at_a_lane_with_a_new_database(
    tmp_path: Path,
) -> None:
    def takes(payload: bytes, now_ms: int) -> None:
        hub.write_now(ingest, [decode(arrival(payload), now_ms)])

    with a_store(tmp_path / "hub.db") as hub:
        takes(batch("lane1", "old", [record(1, v1.LaneStarted(version="1"))]), NOW_MS + 86_400_000)
        waiting = record(1, v1.PassageOpened(passage_id="p1")), record(2, decided("p1"))
        takes(batch("lane1", "new", waiting), NOW_MS)
        assert _held(hub) == ["p1"]
