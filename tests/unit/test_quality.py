"""The claims of `devices/quality.toml` are true."""

from __future__ import annotations

import ast
import importlib
import tomllib
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from devices import registry
from devices.boards.board_file import shipped_boards
from devices.camera.pushed import PLATE_POSTS
from devices.config import CameraConfig, ContainerCameraConfig, DevicesConfig, SignConfig

ROOT = Path(__file__).parents[2]
RULES = {
    "bronze": ("codec_laws", "contract_text", "simulator"),
    "silver": ("reconnects", "unavailable", "log_once", "bring_up_page"),
    "gold": ("tape", "soak", "fault_list"),
}
CLAIMS: dict[str, dict[str, dict[str, Any]]] = tomllib.loads(
    (ROOT / "devices" / "quality.toml").read_text(encoding="utf-8")
)
EVERY_DRIVER = pytest.mark.parametrize(
    ("device", "driver"),
    [(device, driver) for device, drivers in CLAIMS.items() for driver in drivers],
)


def rules_up_to(level: str) -> list[str]:
    levels = list(RULES)
    return [rule for known in levels[: levels.index(level) + 1] for rule in RULES[known]]


def functions_of(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }


@EVERY_DRIVER
def test_a_level_holds_when_every_rule_up_to_it_is_answered(device: str, driver: str) -> None:
    claims = CLAIMS[device][driver]
    assert [rule for rule in rules_up_to(claims["level"]) if rule not in claims] == []
    assert set(claims) - {"level"} <= set(rules_up_to("gold"))


@EVERY_DRIVER
def test_every_claim_names_a_test_that_exists_or_says_why_not(device: str, driver: str) -> None:
    for rule, claim in CLAIMS[device][driver].items():
        if rule == "level":
            continue
        if isinstance(claim, dict):
            assert set(claim) == {"exempt"}, rule
            assert len(claim["exempt"].split()) >= 3, f"{rule}: an exemption needs a reason"
            continue
        file, _, test = claim.partition("::")
        assert test.startswith("test_"), rule
        assert test in functions_of(ROOT / file), f"{rule}: {claim} does not exist"


RATED = {  # table of a lane file: table of quality.toml
    "bus": "lane_io",
    "plate_camera": "camera",
    "lane_camera": "camera",
}


def words_of(config: type, key: str) -> set[str]:
    """What a lane file may say for a key that is a closed set."""
    return set(get_args(get_type_hints(config)[key]))


def test_every_driver_that_a_lane_file_may_name_is_rated() -> None:
    assert set(CLAIMS["weighbridge"]) == set(registry.WEIGHBRIDGES)
    assert set(CLAIMS["card_reader"]) == set(registry.CARD_READERS)
    assert set(CLAIMS["tag_reader"]) == set(registry.TAG_READERS)
    assert set(CLAIMS["sign"]) == words_of(SignConfig, "driver")
    assert set(CLAIMS["camera"]) == words_of(CameraConfig, "driver") - {"auto"} | set(PLATE_POSTS)
    assert set(CLAIMS["container_camera"]) == words_of(ContainerCameraConfig, "driver")
    assert set(CLAIMS["lane_io"]) == {*shipped_boards(), "map-file"}
    assert set(CLAIMS["barrier"]) == {"contacts"}


def test_every_kind_of_device_that_a_lane_file_may_have_is_rated() -> None:
    kinds = DevicesConfig.__struct_fields__
    assert {RATED.get(kind, kind) for kind in kinds} == set(CLAIMS)


@pytest.mark.parametrize("device", sorted(CLAIMS))
def test_every_device_says_what_may_be_relied_on(device: str) -> None:
    api = importlib.import_module(f"devices.{device}.api")
    assert "Contract" in (api.__doc__ or "")
