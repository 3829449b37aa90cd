"""The page that maps every regime to its scenario tells the truth."""

from __future__ import annotations

import ast
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
FUNCTIONS = [
    node
    for path in (ROOT / "tests").rglob("test_*.py")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
]
TESTS = {function.name for function in FUNCTIONS}
SCENARIOS = [function for function in FUNCTIONS if function.name.startswith("test_row_")]


def test_every_row_stands_once() -> None:
    numbers = [number for number, _, _ in ROWS]
    assert set(numbers) == WANTED
    assert len(numbers) == len(WANTED)


@pytest.mark.parametrize(("number", "text"), [(number, text) for number, _, text in ROWS])
def test_a_row_names_its_own_scenario_or_says_why_it_has_none(number: str, text: str) -> None:
    named = set(re.findall(r"`(test_\w+)`", text))
    assert named <= TESTS, f"row {number} names a test that is not there"
    own = {name for name in named if name.startswith(f"test_row_{number}_")}
    why = re.match(r"not (?:the gate's|built): (.+)", text)
    assert bool(own) != bool(why), f"row {number} has no scenario of its own, or has and denies it"
    assert why is None or len(why[1]) >= 20, f"row {number} gives no reason"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_demands_something(scenario: ast.FunctionDef) -> None:
    """A test without an assertion would be a name and nothing else."""
    assert any(isinstance(node, ast.Assert) for node in ast.walk(scenario))


def test_a_scenarios_name_stands_once() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(names) == len({*names})


def test_every_scenario_is_on_the_page() -> None:
    scenarios = {name for name in TESTS if re.match(r"test_row_\d+[a-e]?_", name)}
    assert {name for name in scenarios if f"`{name}`" not in PAGE} == set()
    for name in scenarios:
        number = name.split("_")[2]
        (text,) = [text for row, _, text in ROWS if row == number]
        assert f"`{name}`" in text, f"{name} is not in row {number}"
