"""The page of drivers tells a technician of every driver, and where its bytes come from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from devices import registry
from devices.card_reader.protocols import PROTOCOLS as CARD_PROTOCOLS
from devices.weighbridge.protocols import protocols

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "drivers.md").read_text(encoding="utf-8")
RATED = tomllib.loads((ROOT / "devices" / "quality.toml").read_text(encoding="utf-8"))
SECTIONS = dict(re.findall(r"(?ms)^### `([a-z0-9-]+)`\n(.*?)(?=^##|\Z)", PAGE))
ROWS = dict(re.findall(r"(?m)^\| `([a-z0-9-]+)` \| (.*) \|$", PAGE))


@pytest.mark.parametrize("driver", registry.WEIGHBRIDGES)
def test_every_weighbridge_has_its_section_with_source_and_limits(driver: str) -> None:
    section = " ".join(SECTIONS[driver].split())
    assert "**Bytes from**" in section
    assert "**Not checked:**" in section


@pytest.mark.parametrize("driver", [*registry.CARD_READERS, *registry.TAG_READERS])
def test_every_reader_has_its_section_with_source_and_limits(driver: str) -> None:
    section = " ".join(SECTIONS[driver].split())
    assert "**Bytes from**" in section
    assert "**Not checked:**" in section


@pytest.mark.parametrize("driver", [name for drivers in RATED.values() for name in drivers])
def test_every_rated_driver_has_its_section_with_what_was_not_checked(driver: str) -> None:
    section = " ".join(SECTIONS[driver].split())
    assert "**Bytes from**" in section
    assert "**Not checked:**" in section


@pytest.mark.parametrize("driver", CARD_PROTOCOLS)
def test_the_table_of_card_readers_says_how_each_writes_numbers(driver: str) -> None:
    _, _, formats = ROWS[driver].split(" | ")
    assert formats == ", ".join(CARD_PROTOCOLS[driver].formats)


@pytest.mark.parametrize("driver", registry.WEIGHBRIDGES)
def test_the_table_of_weighbridges_says_what_each_can_say(driver: str) -> None:
    how, _, net, motion, unit, flags = ROWS[driver].split(" | ")
    protocol = protocols()[driver]
    rest = protocol.rest
    assert how == ("sends" if protocol.poll is None else "asked")
    says_net = rest.kind is not None or (protocol.poll is not None and protocol.poll.after_each)
    assert (net == "no") is not says_net
    assert (motion == "no") is (rest.motion is None)
    assert (unit == "no") is (rest.unit is None)
    assert (flags == "no") is not bool(protocol.flags)


def test_the_steps_to_write_a_driver_name_files_that_exist() -> None:
    page = (ROOT / "docs" / "how-to" / "write-a-driver.md").read_text(encoding="utf-8")
    files = set(re.findall(r"`((?:devices|tests|hil_tests)/[\w./]+\.(?:py|toml))`", page))
    assert len(files) >= 6
    assert [name for name in files if "NAME" not in name and not (ROOT / name).is_file()] == []
