"""A lane's outbox against the hub's ingest over a network that loses, repeats and delays.

The model keeps what the lane must never lose; the hub is restarted and its disk fills up in
between. Whatever happens, an acknowledgement never runs ahead of what is stored, and once the
network is kind every record is there once.
"""

import sqlite3
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from central.errors import StoreError
from central.store.connection import Store, open_store
from gate_agent.wire.v1 import PassageOpened, RawRecord
from tests.hub_bench import batch, record, take

LANE, EPOCH = "lane1", "e1"


def stored_seqs(db: sqlite3.Connection) -> list[int]:
    rows = db.execute("SELECT seq FROM records ORDER BY record_id")
    return [seq for (seq,) in rows]


def limit_pages(db: sqlite3.Connection, pages: int | None) -> None:
    now = int(db.execute("PRAGMA page_count").fetchone()[0])
    db.execute(f"PRAGMA max_page_count = {now if pages is None else pages}")


class LossyUplink(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "hub.db"
        self.store: Store = open_store(self.path)
        self.outbox: dict[int, RawRecord] = {}
        self.next_seq = 1
        self.acknowledged = 0
        self.in_flight: list[bytes] = []
        self.sent: set[int] = set()

    @rule(count=st.integers(1, 5))
    def the_lane_records(self, count: int) -> None:
        for _ in range(count):
            body = PassageOpened(passage_id=f"p{self.next_seq}")
            self.outbox[self.next_seq] = record(self.next_seq, body)
            self.next_seq += 1

    @precondition(lambda self: self.outbox)
    @rule(start=st.integers(0, 10), size=st.integers(1, 6))
    def the_lane_sends(self, start: int, size: int) -> None:
        chosen = sorted(self.outbox)[start : start + size]
        if chosen:
            self.in_flight.append(batch(LANE, EPOCH, [self.outbox[seq] for seq in chosen]))

    @precondition(lambda self: self.in_flight)
    @rule(which=st.integers(0, 100), lost=st.booleans(), again=st.booleans(), ack=st.booleans())
    def the_network_delivers(self, which: int, lost: bool, again: bool, ack: bool) -> None:  # noqa: FBT001
        index = which % len(self.in_flight)
        payload = self.in_flight[index] if again else self.in_flight.pop(index)
        if not lost:
            self._hub_takes(payload, ack_arrives=ack)

    @rule()
    def the_hub_restarts(self) -> None:
        self.store.close()
        self.store = open_store(self.path)

    @precondition(lambda self: self.in_flight)
    @rule()
    def the_disk_is_full_for_a_while(self) -> None:
        before = self.store.read_now(stored_seqs)
        self.store.write_now(limit_pages, None)
        try:
            self._hub_takes(self.in_flight[-1], ack_arrives=True)
        except StoreError as exc:
            assert "full" in str(exc)  # noqa: PT017 - small writes may still fit
            assert self.store.read_now(stored_seqs) == before
        finally:
            self.store.write_now(limit_pages, 1_000_000)

    @invariant()
    def nothing_is_lost_doubled_or_acknowledged_early(self) -> None:
        seqs = self.store.read_now(stored_seqs)
        assert len(seqs) == len(set(seqs))
        assert set(range(1, self.acknowledged + 1)) <= set(seqs)
        assert set(range(1, self.next_seq)) <= set(seqs) | set(self.outbox)

    def _hub_takes(self, payload: bytes, *, ack_arrives: bool) -> None:
        (ack,) = take(self.store, payload)
        stored = set(self.store.read_now(stored_seqs))
        assert set(range(1, ack.through_seq + 1)) <= stored
        assert ack.through_seq + 1 not in stored
        if ack_arrives:
            self.acknowledged = max(self.acknowledged, ack.through_seq)
            for seq in [seq for seq in self.outbox if seq <= ack.through_seq]:
                del self.outbox[seq]

    def teardown(self) -> None:
        if self.outbox:
            self._hub_takes(batch(LANE, EPOCH, list(self.outbox.values())), ack_arrives=True)
        assert self.outbox == {}
        assert sorted(self.store.read_now(stored_seqs)) == list(range(1, self.next_seq))
        self.store.close()
        self.folder.cleanup()


TestLossyUplink = LossyUplink.TestCase
TestLossyUplink.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
