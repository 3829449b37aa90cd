"""From the steps of a strip to a plate: grammar, color and doubt."""

from __future__ import annotations

import numpy as np
import pytest

from models.lpr.alphabet import ALPHABET, encode
from models.lpr.decoding import characters_of, plain_text, symbols_of, weighed_texts
from models.lpr.plates import PlateClass
from models.lpr.recognizer import StripReading


def strip(
    text: str,
    plate_class: PlateClass,
    doubts: dict[int, tuple[str, float]] | None = None,
    sure: float = 0.95,
) -> StripReading:
    """Steps that spell `text`; `doubts` gives places a rival with its share."""
    steps = np.full((2 * len(text) + 1, len(ALPHABET) + 1), 1e-7)
    steps[0::2, 0] = 1.0
    for place, symbol in enumerate(encode(text) or ()):
        rival, share = (doubts or {}).get(place, ("", 0.0))
        steps[2 * place + 1, symbol] = 1.0 - share
        if rival:
            steps[2 * place + 1, (encode(rival) or (0,))[0]] = share
    steps /= steps.sum(axis=1, keepdims=True)
    others = (1 - sure) / (len(PlateClass) - 1)
    classes = {c: sure if c is plate_class else others for c in PlateClass}
    return StripReading(steps=steps, classes=classes, no_plate=0.0)


@pytest.mark.parametrize(
    ("text", "plate_class"),
    [
        ("粤B12345", PlateClass.BLUE),
        ("粤B12345", PlateClass.YELLOW),
        ("粤B3847挂", PlateClass.YELLOW),
        ("粤BD36987", PlateClass.GREEN),
        ("粤ZF823港", PlateClass.BLACK),
        ("京A1234警", PlateClass.WHITE),
        ("AB1234", PlateClass.HK),
        ("MA1234", PlateClass.MACAU),
        ("使014578", PlateClass.BLACK),
        ("粤B1234学", PlateClass.YELLOW),
    ],
)
def test_a_clear_strip_is_read_at_once(text: str, plate_class: PlateClass) -> None:
    found = plain_text(strip(text, plate_class))
    assert found is not None
    assert (found.text, found.plate_class) == (text, plate_class)
    assert found.score > 0.9
    best = weighed_texts([strip(text, plate_class)])[0]
    assert (best.text, best.plate_class) == (text, plate_class)


def test_the_office_o_is_a_letter_and_the_serial_zero_a_digit() -> None:
    found = plain_text(strip("粤O10034", PlateClass.BLUE))
    assert found is not None
    assert found.text == "粤O10034"


def test_two_likely_texts_leave_doubt() -> None:
    reading = strip("粤B12345", PlateClass.BLUE, {6: ("6", 0.45)})
    found = plain_text(reading)
    assert found is not None
    assert found.score < 0.7
    first, second = weighed_texts([reading])[:2]
    assert (first.text, second.text) == ("粤B12345", "粤B12346")
    assert first.score == pytest.approx(0.55, abs=0.05)


def test_the_color_settles_what_the_text_leaves_open() -> None:
    reading = strip("粤BD1234", PlateClass.GREEN)  # one character short of a green plate
    assert plain_text(reading) is None
    assert all(found.score < 0.1 for found in weighed_texts([reading]))


def test_the_grammar_corrects_a_letter_where_only_a_digit_stands() -> None:
    reading = strip("MA123B", PlateClass.MACAU, {5: ("8", 0.3)})
    assert weighed_texts([reading])[0].text == "MA1238"


def test_a_foreign_plate_is_text_and_not_forced_into_a_grammar() -> None:
    found = weighed_texts([strip("KXR82PLT", PlateClass.OTHER)])[0]
    assert (found.text, found.plate_class) == ("KXR82PLT", PlateClass.OTHER)


def test_a_second_look_takes_the_doubt_away() -> None:
    doubtful = strip("粤B12345", PlateClass.BLUE, {6: ("6", 0.6)})
    clear = strip("粤B12345", PlateClass.BLUE)
    assert weighed_texts([doubtful])[0].text == "粤B12346"
    assert weighed_texts([doubtful, clear, clear])[0].text == "粤B12345"


@pytest.mark.parametrize("is_plain", [True, False])
def test_a_doubtful_character_names_its_rival(*, is_plain: bool) -> None:
    reading = strip("粤B12345", PlateClass.BLUE, {4: ("8", 0.3)})
    found = plain_text(reading) if is_plain else weighed_texts([reading])[0]
    assert found is not None
    characters = characters_of([reading], found)
    assert "".join(c.character for c in characters) == "粤B12345"
    assert characters[4].confidence == pytest.approx(0.7, abs=0.02)
    assert characters[4].alternatives[0] == ("8", pytest.approx(0.3, abs=0.02))
    assert characters[0].confidence > 0.99


def test_a_typed_plate_becomes_symbols_and_a_foreign_script_none() -> None:
    assert symbols_of("粤Z·F823港") == symbols_of("粤ZF823港")
    assert symbols_of("") is None
    assert symbols_of("日本123") is None
