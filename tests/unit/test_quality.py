"""The claims of `devices/quality.toml` are true."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
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


ONE_DRIVER_FILES = {
    "tests/integration/test_osdp_reader.py": "opens no other reader",
    "tests/integration/test_pcsc_reader.py": "opens no other reader",
    "tests/integration/test_camera_stream.py": "opens no other camera",
    "tests/unit/test_camera_folder.py": "opens no other camera",
    "tests/unit/test_sign_frames.py": "the frames of the one sign that has a codec",
}
"""Files whose tests are of one driver and do not name it, and why that is so."""

OTHER_NAMES = {
    ("card_reader", "acg-ascii"): "card-lines",
    ("card_reader", "qr-line"): "card-lines",
    ("card_reader", "osdp"): "osdp-packet",
}
"""Drivers that share a codec, or whose codec has a name of its own in the laws."""


def claimed_tests() -> list[tuple[str, str, str, str]]:
    """Device, driver, rule and `file::test` of every claim."""
    return [
        (device, driver, rule, claim)
        for device, drivers in CLAIMS.items()
        for driver, claims in drivers.items()
        for rule, claim in claims.items()
        if rule != "level" and isinstance(claim, str)
    ]


def ids_of(files: set[str]) -> dict[str, list[str]]:
    """What pytest collects: of each `file::test` what stands in the brackets of its ids."""
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o", "addopts=", *sorted(files)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found: dict[str, list[str]] = {}
    for line in told.splitlines():
        test, _, rest = line.partition("[")
        found.setdefault(test, []).append(rest.removesuffix("]"))
    return found


def named_in(parameters: str, names: set[str]) -> set[str]:
    """The names among the parameters of a test, which a hyphen joins as it joins a name's parts."""
    found, left = set(), f"-{parameters}-"
    for name in sorted(names, key=len, reverse=True):
        if f"-{name}-" in left:
            found.add(name)
            left = left.replace(f"-{name}-", "--")
    return found


def source_of(claim: str) -> str:
    file, _, test = claim.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name == test:
            return ast.get_source_segment(text, node) or ""
    return ""


def test_every_claimed_test_runs_for_the_driver_that_claims_it() -> None:
    claims = claimed_tests()
    ids = ids_of({claim.partition("::")[0] for _, _, _, claim in claims})
    drivers = {driver for _, driver, _, _ in claims}
    names = {*drivers, *OTHER_NAMES.values(), *CLAIMS}
    not_run = []
    for device, driver, rule, claim in claims:
        run = set().union(*(named_in(each, names) for each in ids.get(claim, ())))
        wanted = {driver}
        if rule == "codec_laws":
            wanted.add(OTHER_NAMES.get((device, driver), driver))
        if rule == "contract_text":
            wanted = {device}
        is_of_one = len(CLAIMS[device]) == 1 or claim.partition("::")[0] in ONE_DRIVER_FILES
        if (
            not run & wanted
            and f'"{driver}"' not in source_of(claim)
            and not (is_of_one and not run & drivers)
        ):
            not_run.append(f"{device}.{driver}: {rule}: {claim}")
    assert not_run == []


def test_no_driver_is_taken_for_another_whose_name_begins_alike() -> None:
    names = {"toledo-continuous", "toledo-continuous-checksum", "http"}
    assert named_in("toledo-continuous-checksum-7", names) == {"toledo-continuous-checksum"}
    assert named_in("http-toledo-continuous", names) == {"http", "toledo-continuous"}
    assert named_in("https", names) == set()


def test_a_file_of_one_driver_is_claimed_by_no_other() -> None:
    of: dict[str, set[str]] = {file: set() for file in ONE_DRIVER_FILES}
    for device, driver, _, claim in claimed_tests():
        file = claim.partition("::")[0]
        if file in of:
            of[file].add(f"{device}.{driver}")
    assert {file: len(claimants) for file, claimants in of.items()} == dict.fromkeys(of, 1)


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
