"""The page that maps every regime to its scenario tells the truth."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "regimes.md").read_text(encoding="utf-8")
ROWS = re.findall(r"(?m)^\| (\d+[a-e]?) \| ([^|]+) \| (.+) \|$", PAGE)
WANTED = {str(number) for number in range(1, 58)} | {
    *("2a", "2b", "2c", "2d", "2e"),
    *("17a", "17b"),
}
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"(?m)^ *def (test_\w+)", path.read_text(encoding="utf-8"))
}


def test_every_row_stands_once() -> None:
    numbers = [number for number, _, _ in ROWS]
    assert set(numbers) == WANTED
    assert len(numbers) == len(WANTED)


@pytest.mark.parametrize(("number", "text"), [(number, text) for number, _, text in ROWS])
def test_a_row_names_scenarios_that_exist_or_says_why_it_has_none(number: str, text: str) -> None:
    named = set(re.findall(r"`(test_\w+)`", text))
    assert named <= TESTS, f"row {number}"
    assert named or "not the gate's" in text or "`" in text, f"row {number} says nothing"


def test_every_scenario_is_on_the_page() -> None:
    scenarios = {name for name in TESTS if re.match(r"test_row_\d+[a-e]?_", name)}
    assert {name for name in scenarios if f"`{name}`" not in PAGE} == set()
    for name in scenarios:
        number = name.split("_")[2]
        (text,) = [text for row, _, text in ROWS if row == number]
        assert f"`{name}`" in text, f"{name} is not in row {number}"
