"""The publisher against a broker that loses, repeats and delays at will, and a hub that dedupes."""

import random
import tempfile
from contextlib import closing
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_agent.domain.effects import Record
from gate_agent.domain.events import CardPresented, Stamped
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.records import PassageOpened, PictureTaken, PictureView
from gate_agent.domain.state import Step
from gate_agent.domain.vocabulary import LaneId, PassageId
from gate_agent.store.lane_store import LaneStore, OutboxReader
from gate_agent.store.picture_files import PictureFiles
from gate_agent.uplink.publisher import AHEAD_RECORDS, BATCH_BYTES, RESEND_S, Publisher
from gate_agent.wire import v1
from tests.builders import START


class _Hub:
    """Stores by number, acknowledges up to the first gap; the network between is hostile."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.stored: dict[int, v1.RecordBody] = {}
        self.in_flight: list[bytes] = []
        self.order: list[int] = []
        self.link_is_up = True

    def send(self, payload: bytes) -> bool:
        if not self.link_is_up:
            return False
        self.in_flight.append(payload)
        return True

    def arrive(self, *, hostile: bool) -> None:
        arriving, self.in_flight = self.in_flight, []
        if hostile:
            arriving = [p for p in arriving for _ in range(self.random.choice([0, 1, 1, 2]))]
            self.random.shuffle(arriving)
        for payload in arriving:
            batch = v1.decode_lane_message(payload)
            assert isinstance(batch, v1.RecordBatch)
            numbers = [record.seq for record in batch.records]
            if not numbers:  # nothing to send: it says up to where it has forgotten
                assert 0 < batch.forgotten_through <= self.through
                continue
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            whole = sum(len(record.body) for record in batch.records)
            assert whole <= BATCH_BYTES or len(numbers) == 1
            for record in batch.records:
                self.stored[record.seq] = v1.decode_body(bytes(record.body))

    @property
    def through(self) -> int:
        number = 0
        while number + 1 in self.stored:
            number += 1
        return number


@settings(max_examples=40)
@given(
    records=st.integers(1, 700),
    seed=st.integers(0, 1 << 30),
    events=st.lists(
        st.sampled_from(["publish", "arrive", "ack", "old ack", "link", "wait"]), max_size=40
    ),
)
def test_every_record_is_sent_until_the_hub_has_acknowledged_it(  # noqa: C901 - one event each
    records: int, seed: int, events: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "lane.db")
        with (
            closing(LaneStore(path, LaneId("lane1"), ReleasePolicy())) as store,
            closing(OutboxReader(path)) as outbox,
        ):
            bodies = [PassageOpened(passage_id=PassageId(f"p{n}")) for n in range(records)]
            store.commit(
                Stamped(CardPresented(uid="04"), START),
                Step(store.lane, tuple(Record(body=body) for body in bodies)),
            )
            hub, now_s = _Hub(seed), 100.0
            pictures = PictureFiles(Path(folder, "pictures"), max_bytes=1_000_000)
            publisher = Publisher(outbox, pictures, "lane1", store.epoch, hub.send)
            for event in events:
                if event == "publish":
                    publisher.publish(now_s)
                elif event == "arrive":
                    hub.arrive(hostile=True)
                elif event == "ack":
                    publisher.acknowledge(hub.through, now_s)
                elif event == "old ack":
                    publisher.acknowledge(hub.through // 2, now_s)
                elif event == "link":
                    hub.link_is_up = not hub.link_is_up
                    hub.in_flight.clear()
                    if hub.link_is_up:
                        publisher.start_over(hub.through // 3, now_s)
                now_s += RESEND_S / 3
                assert publisher._sent_seq - publisher._acknowledged_seq <= AHEAD_RECORDS + 64
            hub.link_is_up = True
            for _ in range(4 * records // 200 + 12):  # the network calms down
                publisher.publish(now_s)
                hub.arrive(hostile=False)
                publisher.acknowledge(hub.through, now_s)
                now_s += RESEND_S * 1.01
            assert hub.through == records
            assert [body.passage_id for _, body in sorted(hub.stored.items())] == [  # type: ignore[union-attr]
                body.passage_id for body in bodies
            ]


def _one_picture(folder: Path, *pictures: bytes, lost: bool = False) -> list[v1.RecordBatch]:
    files = PictureFiles(folder / "pictures", max_bytes=50_000_000)
    bodies = [
        PictureTaken(
            passage_id=PassageId("p1"), picture_id=files.keep(jpeg), view=PictureView.OVERVIEW
        )
        for jpeg in pictures
    ]
    if lost:
        for body in bodies:
            files.path(body.picture_id).unlink()
    sent: list[bytes] = []

    def keep(payload: bytes) -> bool:
        sent.append(payload)
        return True

    path = folder / "lane.db"
    with (
        closing(LaneStore(path, LaneId("lane1"), ReleasePolicy())) as store,
        closing(OutboxReader(path)) as outbox,
    ):
        store.commit(
            Stamped(CardPresented(uid="04"), START),
            Step(store.lane, tuple(Record(body=body) for body in bodies)),
        )
        publisher = Publisher(outbox, files, "lane1", store.epoch, keep)
        publisher.publish(100.0)
    return [msgspec.convert(v1.decode_lane_message(one), v1.RecordBatch) for one in sent]


def test_a_pictures_bytes_travel_with_its_record_and_a_lost_file_as_none(tmp_path: Path) -> None:
    (batch,) = _one_picture(tmp_path / "a", b"jpeg bytes")
    body = v1.decode_body(bytes(batch.records[0].body))
    assert isinstance(body, v1.PictureTaken)
    assert body.jpeg == b"jpeg bytes"
    (batch,) = _one_picture(tmp_path / "b", b"jpeg bytes", lost=True)
    body = v1.decode_body(bytes(batch.records[0].body))
    assert isinstance(body, v1.PictureTaken)
    assert body.jpeg is None


def test_large_pictures_do_not_share_a_message(tmp_path: Path) -> None:
    batches = _one_picture(tmp_path, *(bytes([n]) * 200_000 for n in range(4)))
    assert [len(batch.records) for batch in batches] == [1, 1, 1, 1]


def test_a_picture_that_no_broker_would_take_does_not_block_the_records(tmp_path: Path) -> None:
    batches = _one_picture(tmp_path, b"x" * 3_000_000, b"small")
    bodies = [v1.decode_body(bytes(r.body)) for batch in batches for r in batch.records]
    assert [isinstance(b, v1.PictureTaken) and b.jpeg for b in bodies] == [None, b"small"]
