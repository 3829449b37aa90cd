"""A clip that a person asks for: part by part, after every record, whole only by its SHA-256."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from central.auth.roles import Role
from central.clock import ManualClock
from central.errors import CommandStale
from central.hub.changes import Changes
from central.hub.clips import EXPIRES_AFTER_MS, Clips
from central.proof import verify
from central.store import clip_store
from central.store.connection import Store, open_read_only
from central.store.rows import ClipRow, ClipState
from devices.clock import ManualClock as DeviceClock
from gate_agent.inbox import Inbox
from gate_agent.store.clip_shelf import ClipShelf
from gate_agent.store.hub_cache import HubCache
from gate_agent.store.lane_store import OutboxReader
from gate_agent.store.picture_files import PictureFiles
from gate_agent.uplink.clip_sender import PART_BYTES, WANTED_MOST, ClipSender
from gate_agent.uplink.mqtt import BrokerAddress, LinkChanged, Received
from gate_agent.uplink.uplink import Uplink
from gate_agent.wire import v1
from gate_agent.wire.topics import Stream
from tests.agent_rig import quiet_log
from tests.console_desk import Desk, cheap_passwords, open_desk
from tests.console_scene import closed
from tests.hub_bench import a_health
from tests.kept_lane import KeptStory

CLIP = bytes(range(256)) * 700  # three parts, the last one short
CLIP_ID = sha256(CLIP).hexdigest()
PASSAGE = "lane1-e-000001"


def shelve(folder: Path, content: bytes = CLIP, clip_id: str = CLIP_ID) -> ClipShelf:
    path = folder / "clips" / clip_id[:2] / f"{clip_id}.avi"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return ClipShelf(folder)


def filmed() -> v1.PassageClosed:
    return msgspec.structs.replace(closed(PASSAGE, "release", "lane"), clip_id=CLIP_ID)


class Line:
    """A desk, and a lane at the other end of a line that may lose what it is given."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk = desk
        self.store: Store = desk.services.store
        self.clock: ManualClock = desk.clock
        self.clips = Clips(store=self.store, clock=self.clock, changes=Changes(), sender=self)
        self.sender = ClipSender(ClipShelf(folder), "lane1", self._from_lane)
        self.parts: list[bytes] = []
        self.asked = 0
        self.is_cut = False

    def send(self, lane: str, stream: Stream, payload: bytes, *, qos: int) -> bool:
        assert (lane, stream) == ("lane1", Stream.CLIP_REQUEST)
        self.asked += 1
        request = v1.decode_hub_message(payload)
        assert isinstance(request, v1.ClipRequest)
        if not self.is_cut:
            self.sender.take(request)
        return not self.is_cut

    def _from_lane(self, payload: bytes) -> bool:
        self.parts.append(payload)
        return True

    async def runs(self, turns: int = 10) -> None:
        """The lane answers what it was asked, and what it answers arrives."""
        for _ in range(turns):
            if self.sender.is_wanted:
                self.sender.serve(self.clock.wall_ms())
            for payload in self.parts:
                part = v1.decode_lane_message(payload)
                assert isinstance(part, v1.ClipPart)
                await self.clips._take(part)
            self.parts.clear()

    def row(self) -> ClipRow:
        row = self.store.read_now(clip_store.clip_of, PASSAGE)
        assert row is not None
        return row


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with cheap_passwords(), open_desk(tmp_path / "hub") as desk:
        yield desk


@pytest.fixture
def line(desk: Desk, tmp_path: Path) -> Line:
    desk.send(v1.PassageOpened(passage_id=PASSAGE), filmed())
    return Line(desk, tmp_path / "lane")


def test_a_clip_that_was_asked_for_comes_whole_and_is_handed_out_as_it_was_filmed(
    line: Line, tmp_path: Path
) -> None:
    shelve(tmp_path / "lane")

    async def fetch() -> None:
        await line.clips.ask(PASSAGE, by="sun.li")
        await line.runs()

    asyncio.run(fetch())
    assert line.row().state is ClipState.HERE
    assert line.asked == 3
    assert line.store.read_now(clip_store.content, CLIP_ID) == CLIP
    line.desk.sign_in("vera")
    answer = line.desk.client.get(f"/passages/{PASSAGE}/clip")
    assert answer.content == CLIP
    assert f'filename="{CLIP_ID}.avi"' in answer.headers["content-disposition"]
    assert line.desk.client.get(f"/api/v1/clips/{CLIP_ID}").content == CLIP
    with closing(open_read_only(line.desk.services.config.database)) as db:
        assert list(verify.contents(db)) == []
    told = line.desk.client.get(f"/api/v1/passages/{PASSAGE}").json()
    assert told["clip"]["state"] == "here"
    assert [(entry["who"], entry["action"]) for entry in told["audit"]] == [
        ("sun.li", "clip_asked")
    ]


def test_a_line_that_is_cut_goes_on_where_it_was_and_what_comes_twice_counts_once(
    line: Line, tmp_path: Path
) -> None:
    shelve(tmp_path / "lane")

    async def fetch() -> None:
        row = await line.clips.ask(PASSAGE, by="sun.li")
        line.sender.serve(line.clock.wall_ms())
        line.parts *= 2  # delivered twice
        line.is_cut = True
        await line.runs(1)
        row = line.row()
        assert (row.state, row.here_bytes) == (ClipState.PENDING, PART_BYTES)
        line.is_cut = False
        await line.clips._go_on(row)
        await line.runs()

    asyncio.run(fetch())
    assert line.store.read_now(clip_store.content, CLIP_ID) == CLIP


def test_a_request_expires_and_the_next_one_goes_on_with_what_had_come(
    line: Line, tmp_path: Path
) -> None:
    shelve(tmp_path / "lane")

    async def fetch() -> None:
        await line.clips.ask(PASSAGE, by="sun.li")
        await line.runs(1)
        line.clock.advance(EXPIRES_AFTER_MS / 1000 + 1)
        line.store.write_now(clip_store.expire_due, line.clock.wall_ms())
        await line.runs()
        row = line.row()
        assert (row.state, row.here_bytes) == (ClipState.EXPIRED, PART_BYTES)
        assert line.store.read_now(clip_store.content, CLIP_ID) is None
        await line.clips.ask(PASSAGE, by="zhou")
        await line.runs()

    asyncio.run(fetch())
    assert (line.row().state, line.row().asked_by) == (ClipState.HERE, "zhou")
    assert line.store.read_now(clip_store.content, CLIP_ID) == CLIP


def test_a_clip_that_is_gone_at_the_lane_is_said_to_be(line: Line) -> None:
    async def fetch() -> None:
        await line.clips.ask(PASSAGE, by="sun.li")
        await line.runs(2)

    asyncio.run(fetch())
    assert line.row().state is ClipState.GONE
    line.desk.sign_in("sun.li")
    shown = line.desk.client.get(f"/passages/{PASSAGE}", headers={"accept-language": "en"}).text
    assert "Lane lane1 no longer has it" in shown
    assert "Fetch it again" in shown
    assert "is not connected now" in shown
    assert line.desk.client.get(f"/passages/{PASSAGE}/clip").status_code == 404


def test_what_has_another_sha_256_than_the_record_names_is_handed_out_to_nobody(
    line: Line, tmp_path: Path
) -> None:
    shelve(tmp_path / "lane", CLIP[:-1] + b"x")

    async def fetch() -> None:
        await line.clips.ask(PASSAGE, by="sun.li")
        await line.runs()
        assert line.row().state is ClipState.ALTERED
        assert line.store.read_now(clip_store.content, CLIP_ID) is None
        shelve(tmp_path / "lane")  # the disk was repaired
        await line.clips.ask(PASSAGE, by="sun.li")
        await line.runs()

    asyncio.run(fetch())
    assert line.row().state is ClipState.HERE


def test_a_passage_without_a_clip_has_none_to_ask_for(desk: Desk, tmp_path: Path) -> None:
    desk.send(v1.PassageOpened(passage_id=PASSAGE), closed(PASSAGE, "release", "lane"))
    line = Line(desk, tmp_path)
    with pytest.raises(CommandStale, match="no_clip"):
        asyncio.run(line.clips.ask(PASSAGE, by="sun.li"))
    answer = desk.client.post(
        f"/api/v1/passages/{PASSAGE}/clip", headers=desk.token(Role.SUPERVISOR)
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "no_clip")


def test_only_a_supervisor_may_ask_and_it_is_written_down_before_the_lane_hears(line: Line) -> None:
    path = f"/api/v1/passages/{PASSAGE}/clip"
    viewer = line.desk.client.post(path, headers=line.desk.token(Role.VIEWER))
    assert viewer.status_code == 403
    answer = line.desk.client.post(path, headers=line.desk.token(Role.SUPERVISOR))
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    again = line.desk.client.post(path, headers=line.desk.token(Role.SUPERVISOR))
    assert again.json() == answer.json()  # asked once, audited once
    told = line.desk.client.get(
        f"/api/v1/passages/{PASSAGE}", headers=line.desk.token(Role.VIEWER)
    ).json()
    assert [entry["action"] for entry in told["audit"]] == ["clip_asked"]


def test_whatever_a_lane_sends_nothing_but_the_clip_itself_is_ever_here(desk: Desk) -> None:
    content = b"abcd"
    clip_id = sha256(content).hexdigest()
    db = desk.services.store._database.conn

    @settings(max_examples=40)
    @given(st.lists(st.tuples(st.integers(0, 4), st.binary(max_size=4)), max_size=12))
    @example([(0, b"ab"), (2, b"cd")])
    @example([(0, b"ab"), (0, b"abcd"), (2, b"cx")])
    def sends(sent: list[tuple[int, bytes]]) -> None:
        db.executescript("DELETE FROM clips; DELETE FROM clip_parts")
        db.execute(
            "INSERT INTO clips (clip_id, lane, asked_by, asked_at_ms, expires_at_ms, state)"
            " VALUES (?, 'lane1', 'a', 0, 9, 'pending')",
            [clip_id],
        )
        for offset, some in sent:
            part = v1.ClipPart(
                lane="lane1", clip_id=clip_id, offset=offset, total_bytes=4, content=some
            )
            row = clip_store.take(db, part, 1)
            if row is not None and row.here_bytes == row.total_bytes:
                is_good = clip_store.digest(db, clip_id) == clip_id
                state = ClipState.HERE if is_good else ClipState.ALTERED
                clip_store.end(db, clip_id, state, 1)
        assert clip_store.content(db, clip_id) in (None, content)

    sends()


def test_a_lane_answers_only_what_is_still_wanted_and_forgets_the_oldest_of_too_many(
    tmp_path: Path,
) -> None:
    sent: list[bytes] = []

    def send(payload: bytes) -> bool:
        sent.append(payload)
        return True

    sender = ClipSender(shelve(tmp_path), "lane1", send)
    sender.take(v1.ClipRequest(clip_id=CLIP_ID, offset=0, expires_at_ms=10))
    sender.serve(11)
    assert sent == []
    for number in range(WANTED_MOST + 3):
        sender.take(v1.ClipRequest(clip_id=f"{number:064x}", offset=0, expires_at_ms=10))
    while sender.is_wanted:
        sender.serve(5)
    assert len(sent) == WANTED_MOST


class OpenLine:
    """The lane's end of a connection that is up and takes everything."""

    is_up = True

    def __init__(self) -> None:
        self.inbox: queue.Queue[LinkChanged | Received] = queue.Queue()
        self.sent: list[str] = []

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        self.sent.append(topic.rpartition("/")[2])
        return True


def test_no_part_of_a_clip_is_sent_while_a_record_waits_or_a_vehicle_may_claim(
    tmp_path: Path,
) -> None:
    phase = ["gathering"]
    line, wanted = OpenLine(), v1.ClipRequest(clip_id=CLIP_ID, offset=0, expires_at_ms=1 << 52)
    with (
        closing(KeptStory(tmp_path)) as story,
        closing(HubCache(tmp_path / "hub.db")) as cache,
        closing(OutboxReader(story.path)) as outbox,
    ):
        story.ready()
        story.passage_turned_back()
        uplink = Uplink(
            "site",
            "lane1",
            story.store.epoch,
            "1",
            BrokerAddress(host="", port=1, client_id="", username="", password="", ca_file=""),
            cache,
            outbox,
            PictureFiles(tmp_path / "pictures", max_bytes=1_000_000),
            lambda _unsent, _oldest: msgspec.structs.replace(a_health("lane1"), phase=phase[-1]),
            Inbox(),
            DeviceClock(),
            quiet_log(),
            clips=shelve(tmp_path),
            make_link=lambda _address, _streams, _will: line,
        )

        def hears(message: v1.HubMessage) -> None:
            line.sent.clear()
            line.inbox.put(Received("gate/v1/site/lane1/x", v1.encode(message)))
            uplink.turn()

        hears(wanted)
        assert "records" in line.sent
        assert "clip-part" not in line.sent
        hears(v1.RecordAck(epoch=story.store.epoch, through_seq=story.store.last_seq - 1))
        assert "clip-part" not in line.sent
        hears(v1.RecordAck(epoch=story.store.epoch, through_seq=story.store.last_seq))
        assert "clip-part" not in line.sent
        phase.append("releasing")
        line.sent.clear()
        uplink.turn()
        assert line.sent == ["clip-part"]
