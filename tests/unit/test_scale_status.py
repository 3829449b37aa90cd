"""What a technician reads of a scale with `gate-agent status`, without opening a database."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path

import pytest

from gate_agent.cli import main
from gate_agent.domain.vocabulary import WeightState
from tests.kept_lane import KeptStory

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "lane1.toml"


def test_the_zero_of_each_day_and_the_drift_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(KeptStory(tmp_path)) as story:
        story.starts()
        for shown_kg in (0, 20, 0, 20):
            story.weighs(WeightState.EMPTY, shown_kg).passes(60.0)
        story.passes(86_400.0)
        story.weighs(WeightState.EMPTY, 0)
    text = EXAMPLE.read_text(encoding="utf-8")
    config = tmp_path / "lane.toml"
    config.write_text(
        re.sub(r"(?m)^state_dir = .*$", f'state_dir = "{tmp_path}"', text), encoding="utf-8"
    )
    assert main(["status", "--config", str(config), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [day.split(" ", 1)[1] for day in shown["scale_zero"]] == [
        "+10.0 kg of 4",
        "+0.0 kg of 1",
    ]
    assert shown["scale_drift_permille"] is None
