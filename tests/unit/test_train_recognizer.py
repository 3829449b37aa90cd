"""Teaching goes on where it stopped, and what leaves as ONNX reads as it did in training.

PyTorch is an extra: without it these are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("onnx", reason="onnx is not installed")

from models.lpr.alphabet import ALPHABET, encode  # noqa: E402
from models.lpr.recognizer import Recognizer  # noqa: E402
from models.lpr.refiner import Refiner  # noqa: E402
from models.train.export import export_recognizer, export_refiner  # noqa: E402
from models.train.loop import TrainingPlan, train  # noqa: E402
from models.train.recognizer import (  # noqa: E402
    RecognizerTeaching,
    lesson_loss,
    trained_recognizer,
)
from models.train.recognizer_net import RecognizerNet  # noqa: E402
from models.train.refiner import RefinerTeaching  # noqa: E402
from models.train.strips import NO_PLATE, Strip, StripSource  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch deprecates parts of itself


class _FewLessons(RecognizerTeaching):
    """Ends after three handfuls, so that no test depends on the clock."""

    fresh: int = 4

    def lessons(self, plan: TrainingPlan, seed: int) -> Iterator[Strip]:
        source = StripSource(seed, None, None)
        for _ in range(12):
            yield source.strip()


def _taught(out: Path, minutes: float = 60.0) -> Path:
    return train(_FewLessons(1), TrainingPlan(out=out, minutes=minutes))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _taught(tmp_path_factory.mktemp("course"))


def test_drawn_lessons_need_neither_glyph_pictures_nor_real_ones() -> None:
    source = StripSource(3, None, None)
    for _ in range(60):
        strip = source.strip()
        assert strip.image.shape == (48, 168, 3)
        assert (strip.class_index == NO_PLATE) == (not strip.symbols)


def test_a_course_goes_on_where_it_stopped(checkpoint: Path) -> None:
    assert trained_recognizer(checkpoint)[1] == 3
    assert _taught(checkpoint.parent) == checkpoint
    assert trained_recognizer(checkpoint)[1] == 6
    _taught(checkpoint.parent, minutes=0.0)  # its minutes are spent: nothing is learnt
    assert trained_recognizer(checkpoint)[1] == 6


def test_the_exported_recognizer_reads_as_the_trained_one(checkpoint: Path) -> None:
    target = checkpoint.parent / "recognizer.onnx"
    export_recognizer(checkpoint, target)
    session = ort.InferenceSession(str(target))
    assert session.get_modelmeta().custom_metadata_map["alphabet"] == ALPHABET
    strips = [StripSource(4, None, None).strip().image for _ in range(3)]
    readings = Recognizer(session).read(strips)
    net, _ = trained_recognizer(checkpoint)
    with torch.no_grad():
        log_probs, _ = net(torch.from_numpy(np.stack(strips)))
    for reading, expected in zip(readings, log_probs.numpy(), strict=True):
        assert np.allclose(np.asarray(reading.steps), np.exp(expected), atol=1e-4)


def test_in_eight_bits_it_is_a_third_as_large_and_reads_nearly_the_same(
    checkpoint: Path, tmp_path: Path
) -> None:
    exact, rounded = tmp_path / "exact.onnx", tmp_path / "rounded.onnx"
    export_recognizer(checkpoint, exact)
    export_recognizer(checkpoint, rounded, rounds=True)
    assert rounded.stat().st_size < 0.4 * exact.stat().st_size
    strips = [StripSource(9, None, None).strip().image for _ in range(4)]
    one, two = (
        Recognizer(ort.InferenceSession(str(path))).read(strips) for path in (exact, rounded)
    )
    apart = [np.abs(a.steps - b.steps).max() for a, b in zip(one, two, strict=True)]
    assert float(np.median(apart)) < 0.1


def test_the_exported_refiner_answers_for_every_window(tmp_path: Path) -> None:
    teaching = RefinerTeaching(1)
    plan = TrainingPlan(out=tmp_path, minutes=0.0)
    export_refiner(train(teaching, plan), tmp_path / "refiner.onnx")
    refiner = Refiner(ort.InferenceSession(str(tmp_path / "refiner.onnx")))
    whole = np.array([[0, 0], [90, 0], [90, 30], [0, 30]], np.float32)
    found = refiner.refine(np.zeros((30, 90, 3), np.uint8), [whole, whole])
    assert len(found) == 2
    assert found[0].corners.shape == (4, 2)


def test_a_text_that_the_strip_is_too_short_for_does_not_break_the_lesson() -> None:
    symbols = encode("8" * 40)
    assert symbols is not None
    image = np.zeros((48, 168, 3), np.uint8)
    loss = lesson_loss(RecognizerNet(), [Strip(image=image, symbols=symbols, class_index=0)] * 2)
    assert bool(torch.isfinite(loss))
