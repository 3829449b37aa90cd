"""Asking for a plate: only pictures of this vehicle, and a lost camera keeps the question."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from devices.clock import ManualClock
from devices.errors import DeviceError, LinkDown
from devices.readings import Frame
from gate_agent.adapters.plate_candidates import IN_QUESTION, PlateCandidates
from gate_agent.adapters.plate_reader import PATIENCE_S, PlateAdapter, PlateOrder
from gate_agent.domain.events import Event, FaultCleared, FaultRaised, PlateRead
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.vocabulary import PassageId
from gate_agent.errors import StoreError
from gate_agent.inbox import Inbox
from gate_agent.plate_vote import is_voted, permille, voted_again
from gate_agent.store.picture_files import PictureFiles
from models.lpr.api import BgrImage
from models.lpr.plates import CharacterReading, Corners, PlateClass, PlateReading
from tests.agent_rig import quiet_log

PLATE = "粤B12345"


class _Camera:
    """Gives what it was loaded with; an error in the list is raised when its turn comes."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.turns: list[float | DeviceError] = []  # ages of frames in seconds, or failures
        self.number = 0

    def open(self) -> None: ...

    def close(self) -> None: ...

    def latest(self, newer_than: int, timeout_s: float) -> Frame | None:
        if not self.turns:
            self.clock.advance(timeout_s)
            return None
        turn = self.turns.pop(0)
        if isinstance(turn, DeviceError):
            raise turn
        self.number = max(self.number, newer_than) + 1
        image = np.zeros((120, 160, 3), np.uint8)
        received_s = self.clock.now().mono_s - turn
        return Frame(image=image, number=self.number, received_s=received_s)


class _Reader:
    """Reads the same plate in every picture, or fails."""

    def __init__(self) -> None:
        self.trouble: Exception | None = None
        self.trouble_in_weighing: Exception | None = None
        self.confidence = 0.99
        self.also: list[PlateReading] = []
        self.likelihoods: dict[str, float] = {}
        self.asked: list[list[str]] = []
        self.corners: Corners = ((20.0, 20.0), (90.0, 20.0), (90.0, 50.0), (20.0, 50.0))

    def read(self, image: BgrImage, *, frame_number: int = 0) -> list[PlateReading]:
        assert image.size
        if self.trouble is not None:
            raise self.trouble
        return [
            PlateReading(
                text=PLATE,
                plate_class=PlateClass.BLUE,
                rows=1,
                confidence=self.confidence,
                characters=tuple(
                    CharacterReading(character=one, confidence=0.998) for one in PLATE
                ),
                corners=self.corners,
                frame_number=frame_number,
            ),
            *self.also,
        ]

    def read_crop(self, crop: BgrImage, *, frame_number: int = 0) -> PlateReading | None:
        raise AssertionError("a lane reads whole pictures")

    def log_likelihoods(
        self, image: BgrImage, corners: Corners, texts: Sequence[str], *, rows: int = 1
    ) -> list[float]:
        if self.trouble_in_weighing is not None:
            raise self.trouble_in_weighing
        self.asked.append(list(texts))
        return [self.likelihoods.get(text, -20.0) for text in texts]


class _Declared:
    """What a manifest declares: plates, and those of each card."""

    def __init__(self) -> None:
        self.plates: set[str] = set()
        self.cards: dict[str, list[str]] = {}
        self.trouble: StoreError | None = None

    def among(self, texts: Iterable[str]) -> list[str]:
        if self.trouble is not None:
            raise self.trouble
        return [text for text in dict.fromkeys(texts) if text in self.plates]

    def of_card(self, card_uid: str) -> list[str]:
        return self.cards.get(card_uid, [])


class _Bench:
    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.camera, self.reader, self.inbox = _Camera(self.clock), _Reader(), Inbox()
        self.declared = _Declared()
        self.folder = folder / "pictures"
        self.adapter = PlateAdapter(
            self.camera,
            lambda: self.reader,
            PictureFiles(self.folder, max_bytes=10_000_000),
            self.inbox,
            self.clock,
            quiet_log(),
            PlateCandidates(self.declared),
        )
        self.adapter.open()

    def ask(self, attempt: int = 1, passage: str = "p1", card_uid: str | None = None) -> None:
        now_s = self.clock.now().mono_s
        self.adapter.order(PlateOrder(PassageId(passage), attempt, now_s, card_uid))

    def told(self) -> list[Event]:
        events: list[Event] = []
        while (stamped := self.inbox.take(0.0)) is not None:
            events.append(stamped.event)
        return events

    def read(self) -> PlateRead:
        (event,) = self.told()
        assert isinstance(event, PlateRead)
        return event


@pytest.fixture
def bench(tmp_path: Path) -> _Bench:
    return _Bench(tmp_path)


def test_two_sure_frames_that_agree_are_enough_and_both_pictures_are_kept(bench: _Bench) -> None:
    bench.camera.turns = [0.0, 0.0, 0.0]
    bench.ask()
    assert bench.adapter.serve()
    read = bench.read()
    assert (read.text, read.frames_agreed, read.frames_seen) == (PLATE, 2, 2)
    assert len(list(bench.folder.glob("*/*.jpg"))) == len({read.picture_id, read.plate_picture_id})


def test_every_frames_own_reading_is_told_beside_the_vote(bench: _Bench) -> None:
    second = replace(bench.reader.read(np.zeros((1, 1, 3), np.uint8))[0], text="粤B1234挂")
    bench.reader.also = [replace(second, confidence=0.6)]
    bench.reader.confidence = 0.9
    bench.camera.turns = [0.0, 0.0, 0.0]
    bench.ask()
    bench.adapter.serve()
    read = bench.read()
    own = [(PLATE, 900_000), ("粤B1234挂", 600_000)]
    assert [(each.text, each.ppm) for each in read.readings] == own * 3
    assert [each.frame for each in read.readings] == [1, 1, 2, 2, 3, 3]
    assert {(e.left, e.top, e.right, e.bottom) for e in read.readings} == {(20, 20, 90, 50)}
    (plate, *_) = voted_again(read.readings)
    assert (plate.text, permille(plate.confidence)) == (read.text, read.confidence_permille)


def test_a_trailer_that_is_read_better_does_not_take_the_place_of_the_vehicles_plate(
    bench: _Bench,
) -> None:
    trailer = replace(
        bench.reader.read(np.zeros((1, 1, 3), np.uint8))[0],
        text="粤B1234挂",
        characters=tuple(CharacterReading(character=one, confidence=0.999) for one in "粤B1234挂"),
        confidence=0.999,
    )
    bench.reader.also = [trailer]
    bench.declared.plates = {PLATE}
    bench.camera.turns = [0.0, 0.0, 0.0]
    bench.ask()
    bench.adapter.serve()
    read = bench.read()
    assert (read.text, [each.text for each in read.others]) == (PLATE, ["粤B1234挂"])
    assert [each.text for each in read.candidates] == [PLATE]
    votes = voted_again(read.readings)
    assert votes[0].text == "粤B1234挂"
    assert is_voted(
        votes, PLATE, permille=read.confidence_permille, frames_agreed=read.frames_agreed
    )
    bench.declared.trouble = StoreError("disk")  # then the surest stays
    bench.camera.turns = [0.0, 0.0, 0.0]
    bench.ask(attempt=2)
    bench.adapter.serve()
    assert bench.read().text == "粤B1234挂"


def test_a_picture_from_before_the_question_is_never_read(bench: _Bench) -> None:
    bench.camera.turns = [0.4, 0.1, 0.0, 0.0]
    bench.ask()
    bench.adapter.serve()
    assert bench.read().frames_seen == 2


def test_a_question_outlives_a_camera_that_is_lost_for_a_moment(bench: _Bench) -> None:
    bench.camera.turns = [0.0, LinkDown("camera: pulled")]
    bench.ask()
    with pytest.raises(LinkDown):
        bench.adapter.serve()
    bench.adapter.lost()
    assert bench.told() == []
    bench.clock.advance(PATIENCE_S / 2)
    bench.camera.turns = [0.0, 0.0]
    bench.adapter.serve()
    assert bench.read().text == PLATE


def test_a_question_that_waited_too_long_is_answered_with_nothing_once(bench: _Bench) -> None:
    bench.ask()
    bench.clock.advance(PATIENCE_S + 0.1)
    bench.adapter.lost()
    bench.adapter.lost()
    read = bench.read()
    assert (read.text, read.frames_seen, read.picture_id) == ("", 0, None)


def test_only_the_newest_question_is_answered(bench: _Bench) -> None:
    bench.ask(1, "p1")
    bench.ask(1, "p2")
    bench.camera.turns = [0.0, 0.0]
    bench.adapter.serve()
    assert bench.read().passage_id == "p2"


def test_a_reader_that_fails_is_a_fault_until_it_reads_again(bench: _Bench) -> None:
    bench.reader.trouble = RuntimeError("out of memory")
    bench.camera.turns = [0.0] * 3
    bench.ask()
    bench.adapter.serve()
    first, second = bench.told()
    assert first == FaultRaised(code=FaultCode.PLATE_READER, detail="RuntimeError('out of memory')")
    assert isinstance(second, PlateRead)
    assert second.text == ""
    bench.reader.trouble = None
    bench.camera.turns = [0.0] * 3
    bench.ask(2)
    bench.adapter.serve()
    assert bench.told()[0] == FaultCleared(code=FaultCode.PLATE_READER)


def test_pictures_that_cannot_be_kept_do_not_keep_the_plate_from_being_told(bench: _Bench) -> None:
    bench.folder.write_text("a file where the folder should be")
    for attempt in (1, 2):
        bench.camera.turns = [0.0, 0.0]
        bench.ask(attempt)
        bench.adapter.serve()
    events = bench.told()
    assert [type(event).__name__ for event in events] == ["FaultRaised", "PlateRead", "PlateRead"]
    read = events[-1]
    assert isinstance(read, PlateRead)
    assert (read.text, read.picture_id) == (PLATE, None)
    bench.folder.unlink()
    bench.camera.turns = [0.0, 0.0]
    bench.ask(3)
    bench.adapter.serve()
    assert bench.told()[0] == FaultCleared(code=FaultCode.STORE_PICTURES)


@pytest.mark.parametrize("shift", [(-500.0, 0.0), (500.0, 0.0), (0.0, 500.0), (0.0, -500.0)])
def test_corners_outside_the_picture_still_make_a_picture(
    bench: _Bench, shift: tuple[float, float]
) -> None:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = bench.reader.corners
    x, y = shift
    bench.reader.corners = ((ax + x, ay + y), (bx + x, by + y), (cx + x, cy + y), (dx + x, dy + y))
    bench.camera.turns = [0.0, 0.0]
    bench.ask()
    bench.adapter.serve()
    assert bench.read().plate_picture_id is not None


NEAR, FAR = "粤B12346", "粤ZF823港"


def weighed(bench: _Bench, card_uid: str | None = None) -> PlateRead:
    bench.camera.turns = [0.0, 0.0, 0.0]
    bench.ask(card_uid=card_uid)
    bench.adapter.serve()
    return bench.read()


def test_a_sure_plate_that_looks_like_no_other_declared_one_costs_no_further_look(
    bench: _Bench,
) -> None:
    bench.declared.plates = {PLATE, FAR}
    read = weighed(bench)
    assert [each.text for each in read.candidates] == [PLATE]
    assert read.none_milli_nats is not None
    assert read.candidates[0].milli_nats - read.none_milli_nats > 3_900
    assert bench.reader.asked == []


def test_the_picture_is_held_against_every_declared_plate_one_character_away(
    bench: _Bench,
) -> None:
    bench.declared.plates = {PLATE, NEAR, FAR}
    bench.reader.likelihoods = {PLATE: -0.02, NEAR: -9.0}
    read = weighed(bench)
    found = {each.text: each.milli_nats for each in read.candidates}
    assert set(found) == {PLATE, NEAR}
    assert found[PLATE] - found[NEAR] > 9_000  # natural logarithms, in thousandths, and sharper


def test_a_doubtful_plate_is_held_against_the_plates_of_the_card_as_well(bench: _Bench) -> None:
    bench.reader.confidence = 0.4
    bench.declared.cards = {"04A1": [FAR]}
    assert weighed(bench).candidates == ()
    read = weighed(bench, card_uid="04A1")
    assert [each.text for each in read.candidates] == [FAR]


def test_a_plate_that_nobody_declared_leaves_everything_to_none(bench: _Bench) -> None:
    read = weighed(bench)
    assert (read.candidates, read.none_milli_nats) == ((), 0)


def test_no_more_plates_are_weighed_than_the_camera_has_time_for(bench: _Bench) -> None:
    bench.declared.cards = {"04A1": [f"粤B{number:05d}" for number in range(10_000, 10_200)]}
    weighed(bench, card_uid="04A1")
    assert len(bench.reader.asked[0]) == IN_QUESTION


@pytest.mark.parametrize("trouble", ["store", "reader"])
def test_what_cannot_be_weighed_is_told_as_read_and_not_weighed(
    bench: _Bench, trouble: str
) -> None:
    bench.declared.plates = {PLATE, NEAR}
    if trouble == "store":
        bench.declared.trouble = StoreError("hub.db: away")
    else:
        bench.reader.trouble_in_weighing = RuntimeError("no memory")
    bench.camera.turns = [0.0, 0.0]
    bench.ask()
    bench.adapter.serve()
    *faults, read = bench.told()
    assert isinstance(read, PlateRead)
    assert (read.text, read.candidates, read.none_milli_nats) == (PLATE, (), None)
    assert [type(fault) for fault in faults] == ([FaultRaised] if trouble == "reader" else [])


def test_the_second_plate_of_a_cross_border_vehicle_is_told_too(bench: _Bench) -> None:
    (own,) = bench.reader.read(np.zeros((9, 9, 3), np.uint8))
    bench.reader.also = [replace(own, text="AB1234", confidence=0.97)]
    read = weighed(bench)
    assert [other.text for other in read.others] == ["AB1234"]
