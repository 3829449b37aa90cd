"""Evidence pictures: named by their content, bounded, and never in the way of a decision."""

import hashlib
import os
from pathlib import Path

import pytest

from gate_agent.errors import StoreError
from gate_agent.store.picture_files import PictureFiles


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
