"""Weights are the ones that were measured, or they are not used."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from models.lpr.session import WeightsError
from models.lpr.weights_card import WeightsCard


def folder_with(tmp_path: Path, sha256: str) -> Path:
    (tmp_path / "recognizer.onnx").write_bytes(b"network")
    card = f'[recognizer]\nfile = "recognizer.onnx"\nsha256 = "{sha256}"\n'
    (tmp_path / "card.toml").write_text(card, "utf-8")
    return tmp_path


RIGHT = hashlib.sha256(b"network").hexdigest()


def test_weights_with_the_hash_of_their_card_are_given(tmp_path: Path) -> None:
    assert WeightsCard(folder_with(tmp_path, RIGHT)).network("recognizer") == b"network"


def test_other_weights_than_the_card_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"recognizer\.onnx have sha256"):
        WeightsCard(folder_with(tmp_path, "0" * 64)).network("recognizer")


def test_missing_card_table_and_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"card\.toml"):
        WeightsCard(tmp_path)
    card = WeightsCard(folder_with(tmp_path, RIGHT))
    with pytest.raises(WeightsError, match=r"no file of \[detector\]"):
        card.network("detector")
    (tmp_path / "recognizer.onnx").unlink()
    with pytest.raises(WeightsError, match=r"recognizer\.onnx"):
        card.network("recognizer")


def test_numbers_fitted_to_other_weights_are_refused(tmp_path: Path) -> None:
    card = WeightsCard(folder_with(tmp_path, RIGHT))
    assert card.numbers("calibration") == {}
    text = f'recognizer = "{RIGHT}"\n[calibration]\nbias = 0.5\n'
    card.calibration_path.write_text(text, "utf-8")
    assert card.numbers("calibration") == {"bias": 0.5}
    assert card.numbers("verification") == {}
    card.calibration_path.write_text(text.replace(RIGHT, "0" * 64), "utf-8")
    with pytest.raises(WeightsError, match="fitted to another recognizer"):
        card.numbers("calibration")
