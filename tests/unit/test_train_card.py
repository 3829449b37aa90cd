"""The card of the weights says which file was measured, and loses nothing of the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.lpr.session import WeightsError
from models.lpr.weights_card import CARD, WeightsCard
from models.synth.glyph_book import GlyphBook
from models.synth.layouts import PlateKind
from models.synth.sheet import sample_sheet, write_sheet
from models.train.card import put_on_card


def _put(folder: Path, name: str, content: bytes, **facts: str | int) -> None:
    weights = folder / f"{name}.onnx"
    weights.write_bytes(content)
    put_on_card(folder / CARD, name, weights, dict(facts))


def test_weights_on_the_card_are_loaded_after_their_hash(tmp_path: Path) -> None:
    _put(tmp_path, "recognizer", b"one", steps=7, data='drawn "plates" 粤')
    _put(tmp_path, "refiner", b"two", steps=9)
    card = WeightsCard(tmp_path)
    assert card.network("recognizer") == b"one"
    assert card.network("refiner") == b"two"
    assert "粤" in (tmp_path / CARD).read_text("utf-8")


def test_weights_exported_again_replace_their_table_only(tmp_path: Path) -> None:
    _put(tmp_path, "refiner", b"two", steps=9, metrics="old")
    _put(tmp_path, "recognizer", b"one", steps=7)
    _put(tmp_path, "refiner", b"three", steps=11)
    assert WeightsCard(tmp_path).network("refiner") == b"three"
    assert WeightsCard(tmp_path).network("recognizer") == b"one"
    assert "old" not in (tmp_path / CARD).read_text("utf-8")


def test_weights_changed_behind_the_card_are_refused(tmp_path: Path) -> None:
    _put(tmp_path, "recognizer", b"one", steps=7)
    (tmp_path / "recognizer.onnx").write_bytes(b"other")
    with pytest.raises(WeightsError):
        WeightsCard(tmp_path).network("recognizer")


def test_a_card_that_is_no_toml_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / CARD).write_text("not = = toml", "utf-8")
    with pytest.raises(ValueError, match="line 1"):
        _put(tmp_path, "recognizer", b"one")
    assert (tmp_path / CARD).read_text("utf-8") == "not = = toml"


def test_the_sheet_shows_a_row_of_every_kind(tmp_path: Path) -> None:
    sheet = sample_sheet(np.random.default_rng(1), GlyphBook(), columns=2)
    assert sheet.shape[0] % len(PlateKind) == 0
    for row in np.array_split(sheet, len(PlateKind)):
        assert float(row.std()) > 5
    with pytest.raises(OSError, match="cannot write"):
        write_sheet(1, str(tmp_path / "missing" / "sheet.png"))
