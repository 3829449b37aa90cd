"""Evidence pictures: named by their content, bounded, and never in the way of a decision."""

import hashlib
import os
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from gate_agent.adapters.fitting import fitting
from gate_agent.domain.events import PlateRead
from gate_agent.errors import StoreError
from gate_agent.store.lane_store import unsent_pictures
from gate_agent.store.picture_files import PictureFiles
from tests.kept_lane import KeptStory


def test_a_picture_is_found_under_the_hash_of_its_bytes(tmp_path: Path) -> None:
    pictures = PictureFiles(tmp_path, max_bytes=10_000)
    picture_id = pictures.keep(b"jpeg")
    assert picture_id == hashlib.sha256(b"jpeg").hexdigest()
    assert pictures.read(picture_id) == b"jpeg"
    assert pictures.read("0" * 64) is None


def test_the_oldest_pictures_go_when_the_folder_is_full(tmp_path: Path) -> None:
    pictures = PictureFiles(tmp_path, max_bytes=10_000)
    kept = []
    for number in range(40):
        kept.append(pictures.keep(bytes([number]) * 1_000))
        path = pictures.path(kept[-1])
        os.utime(path, ns=(number * 1_000_000_000, number * 1_000_000_000))
    pictures.trim()
    present = [pictures.read(picture_id) is not None for picture_id in kept]
    assert present == [False] * 30 + [True] * 10


def test_a_folder_that_takes_no_picture_says_so_and_keeps_no_half(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("a file where the folder should be")
    pictures = PictureFiles(tmp_path / "pictures", max_bytes=10_000)
    with pytest.raises(StoreError, match="picture cannot be written"):
        pictures.keep(b"jpeg")
    assert pictures.read(hashlib.sha256(b"jpeg").hexdigest()) is None


def test_a_lane_that_restarts_every_night_keeps_its_pictures_within_the_bound(
    tmp_path: Path,
) -> None:
    for night in range(60):
        pictures = PictureFiles(tmp_path, max_bytes=1_000_000)
        for number in range(4):
            pictures.keep(bytes([night, number]) * 5_000)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.jpg")) < 1_100_000


def test_what_a_power_cut_left_of_a_picture_is_no_picture(tmp_path: Path) -> None:
    pictures = PictureFiles(tmp_path, max_bytes=10_000)
    cut, half = pictures.keep(b"jpeg"), pictures.keep(b"another")
    pictures.path(cut).write_bytes(b"")
    pictures.path(half).with_suffix(".part").write_bytes(b"ano")
    assert pictures.read(cut) is None
    assert PictureFiles(tmp_path, max_bytes=10_000).read(half) == b"another"
    assert not list(tmp_path.rglob("*.part"))


def test_pictures_that_the_hub_lacks_go_after_all_that_it_has_and_their_loss_is_told(
    tmp_path: Path,
) -> None:
    unsent: set[str] = set()
    told: list[int] = []
    pictures = PictureFiles(
        tmp_path, max_bytes=1_000_000, unsent=lambda: unsent, tell_lost=told.append
    )
    kept = []
    for number in range(40):
        kept.append(pictures.keep(bytes([number]) * 1_000))
        at_ns = number * 3_600_000_000_000
        os.utime(pictures.path(kept[-1]), ns=(at_ns, at_ns))
    unsent.update(kept[:8])  # the oldest ones

    def left(max_bytes: int) -> list[int]:
        pictures._max_bytes = max_bytes
        pictures.trim()
        return [number for number, each in enumerate(kept) if pictures.read(each) is not None]

    assert left(10_000) == [0, 1, 2, 3, 4, 5, 6, 7, 38, 39]
    assert left(9_000) == [0, 1, 2, 3, 4, 5, 6, 7, 39]
    assert told == []
    # the newest may have no record yet: it goes like one that the hub lacks
    assert left(5_000) == [4, 5, 6, 7, 39]
    assert told == [4]


def test_the_lane_knows_which_pictures_the_hub_lacks_by_its_outbox(tmp_path: Path) -> None:
    with closing(KeptStory(tmp_path)) as story:
        story.ready().truck_arrives()
        read = PlateRead(
            passage_id=story.passage.passage_id, attempt=1, text="粤B12345", plate_class="blue",
            confidence_permille=990, frames_agreed=3, frames_seen=3, picture_id="9f" * 32,
            plate_picture_id="ab" * 32,
        )  # fmt: skip
        assert unsent_pictures(story.path) == frozenset()
        story.happens(read)
        assert unsent_pictures(story.path) == {"9f" * 32, "ab" * 32}
        story.drives_on().card().manifest_answers()
        story.boom_goes_up().drives_out().passes(2.0).boom_comes_down()
        story.store.forget_acknowledged(story.store.last_seq)
        assert unsent_pictures(story.path) == frozenset()


@pytest.mark.parametrize("most_bytes", [700_000, 60_000, 2_000])
def test_a_picture_that_is_too_large_is_kept_smaller(most_bytes: int) -> None:
    noise = np.random.default_rng(7).integers(0, 255, (1200, 1600, 3), dtype=np.uint8)
    large = cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    assert len(large) > 700_000
    small = fitting(large, most_bytes)
    assert len(small) <= most_bytes
    assert cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR) is not None
    assert fitting(small, most_bytes) is small
    no_picture = b"\xff" * 900_000
    assert fitting(no_picture) is no_picture


def _meanwhile(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """`do`, in another thread, once, while the next file is written and not yet in its place."""
    put_in_place = Path.replace

    def slowly(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "replace", put_in_place)
        other = threading.Thread(target=do)
        other.start()
        other.join()
        return put_in_place(self, target)

    monkeypatch.setattr(Path, "replace", slowly)


def test_trimming_does_not_take_a_picture_that_is_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = PictureFiles(tmp_path, max_bytes=10_000)
    _meanwhile(monkeypatch, pictures.trim)
    assert pictures.read(pictures.keep(b"jpeg")) == b"jpeg"
    assert not list(tmp_path.rglob("*.part"))


def test_two_threads_may_keep_the_same_picture_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = PictureFiles(tmp_path, max_bytes=10_000)
    others: list[str] = []
    _meanwhile(monkeypatch, lambda: others.append(pictures.keep(b"jpeg")))
    kept = pictures.keep(b"jpeg")
    assert others == [kept]
    assert pictures.read(kept) == b"jpeg"
    assert not list(tmp_path.rglob("*.part"))


def test_two_threads_that_trim_at_once_delete_no_more_than_one_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = PictureFiles(tmp_path, max_bytes=10_000_000)
    for number in range(20):
        pictures.keep(bytes([number]) * 1_000)
    pictures._max_bytes = 10_000
    remove = Path.unlink

    def slowly(self: Path) -> None:
        monkeypatch.setattr(Path, "unlink", remove)
        other = threading.Thread(target=pictures.trim)
        other.start()
        other.join()
        remove(self)

    monkeypatch.setattr(Path, "unlink", slowly)
    pictures.trim()
    assert len(list(tmp_path.rglob("*.jpg"))) == 10
