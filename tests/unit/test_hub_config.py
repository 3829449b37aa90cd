"""What the hub says about its configuration file."""

from pathlib import Path

import pytest

from central.config import load
from central.errors import ConfigError

GOOD = 'site = "port"\nstate = "/var/lib/gate-central"\nlanes = ["lane1", "lane2"]\n'


def load_text(folder: Path, text: str) -> object:
    path = folder / "central.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_a_short_file_gives_an_embedded_broker_on_this_machine_only(tmp_path: Path) -> None:
    path = tmp_path / "central.toml"
    path.write_text(GOOD, encoding="utf-8")
    config = load(path)
    assert config.broker.embedded
    assert (config.broker.host, config.broker.port) == ("127.0.0.1", 1883)
    assert config.lanes == ("lane1", "lane2")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD + "colour = 1\n", "unknown field `colour`"),
        (GOOD + "[broker]\nprot = 1\n", "unknown field `prot` - at `$.broker`"),
        (GOOD + "[http]\nport = 70000\n", "at `$.http.port`"),
        (GOOD.replace('"port"', '"a port"'), "site 'a port'"),
        (GOOD.replace('"lane2"', '"lane 2"'), "`$.lanes[1]`"),
        (GOOD.replace('"lane2"', '"hub"'), "lane 'hub'"),
        (GOOD.replace("lane2", "lane1"), "named twice"),
        (GOOD + "[broker]\nembedded = false\n", "`$.broker.password_file` is needed"),
        ("site = ", "central.toml"),
        ('state = "x"\n', "missing required field `site`"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, text)
    assert told in str(caught.value)
    assert "central.toml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "central.toml")
