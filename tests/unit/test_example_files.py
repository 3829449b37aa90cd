"""The example files are ones that the programs take, and the how-to shows them as they are."""

import re
from pathlib import Path

import pytest

from central import config as hub_file
from central.cli import main as gate_central
from devices.cli import main as gate_bench
from gate_agent.cli import main as gate_agent

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
HOW_TO = (ROOT / "docs" / "how-to" / "install-a-lane.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("lane*.toml")))
def test_an_example_lane_file_passes_both_checks(name: str) -> None:
    path = str(EXAMPLES / name)
    assert gate_agent(["check-config", "--config", path]) == 0
    assert gate_bench(["check", path]) == 0


def test_the_example_of_a_hub_passes_its_check() -> None:
    path = EXAMPLES / "central.toml"
    assert gate_central(["check-config", "--config", str(path)]) == 0
    assert hub_file.load(path).lanes == ("lane1", "lane2")


@pytest.mark.parametrize("name", ["lane1.toml", "central.toml"])
def test_the_how_to_shows_the_example_as_it_is(name: str) -> None:
    lines = (EXAMPLES / name).read_text(encoding="utf-8").splitlines(keepends=True)
    wanted = "".join(line for line in lines if not line.startswith("#"))
    assert wanted in re.findall(r"(?s)```toml\n(.*?)```", HOW_TO)
