"""The lane file: every mistake is named with its key; nothing weakens a limit by accident."""

from dataclasses import fields
from pathlib import Path

import pytest

from gate_agent.config import HubLinkConfig, load, password, policy_of
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.errors import ConfigError

GOOD = """
site = "north"
lane = "lane1"
state_dir = "/var/lib/gate-agent/lane1"
{top}
[hub]
host = "10.0.0.1"
{hub}
[devices.bus]
{bus}
[devices.weighbridge]
port = "/dev/scale"
{scale}
[devices.card_reader]
port = "/dev/card"
[devices.camera]
source = "rtsp://camera/1"
[policy]
{policy}
"""


def a_file(folder: Path, **parts: str) -> Path:
    text = GOOD.format(**(dict.fromkeys(("top", "hub", "bus", "scale", "policy"), "") | parts))
    path = folder / "lane.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_lane_file_says_who_the_lane_is_and_changes_its_policy(tmp_path: Path) -> None:
    config = load(a_file(tmp_path, policy='gather_timeout_s = 30\nversion = "north-3"'))
    assert (config.site, config.lane, config.hub.port) == ("north", "lane1", 1883)
    policy = policy_of(config)
    assert (policy.gather_timeout_s, policy.version) == (30.0, "north-3")
    assert isinstance(policy.gather_timeout_s, float)
    changed = {"gather_timeout_s", "version"}
    for field in fields(ReleasePolicy):
        if field.name not in changed:
            assert getattr(policy, field.name) == field.default


@pytest.mark.parametrize(
    ("part", "line", "named"),
    [
        ("top", 'lnae = "x"', "lnae"),
        ("hub", "prot = 1883", r"prot.*\$\.hub"),
        ("hub", "port = 70000", r"\$\.hub\.port"),
        ("scale", "buad = 9600", r"buad.*\$\.devices\.weighbridge"),
        ("scale", 'baud = "fast"', r"\$\.devices\.weighbridge\.baud"),
        ("scale", "stale_s = inf", r"finite.*\$\.devices\.weighbridge\.stale_s"),
        ("scale", "settle_s = 0", r"\$\.devices\.weighbridge\.settle_s"),
        ("scale", "settle_s = 0.01", r"0\.2.*\$\.devices\.weighbridge\.settle_s"),
        ("scale", "stale_s = 30", r"1\.0.*\$\.devices\.weighbridge\.stale_s"),
        ("bus", "normally_closed = [64]", r"\$\.devices\.bus\.normally_closed"),
        ("bus", 'transport = "carrier pigeon"', r"\$\.devices\.bus\.transport"),
        ("policy", "wieght_tolerance_kg = 1", r"'wieght_tolerance_kg'.*\$\.policy"),
        ("policy", "weight_tolerance_kg = -1", r"-1.*\$\.policy\.weight_tolerance_kg"),
        ("policy", "weight_tolerance_kg = 0.5", r"\$\.policy\.weight_tolerance_kg"),
        ("policy", 'card_max_age_s = "old"', r"\$\.policy\.card_max_age_s"),
        ("policy", "card_max_age_s = nan", r"finite.*\$\.policy\.card_max_age_s"),
        ("policy", "weight_max_age_s = inf", r"finite.*\$\.policy\.weight_max_age_s"),
        ("policy", "plate_attempts = true", r"\$\.policy"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_file_and_path(
    tmp_path: Path, part: str, line: str, named: str
) -> None:
    with pytest.raises(ConfigError, match=rf"lane\.toml: .*{named}"):
        load(a_file(tmp_path, **{part: line}))


@pytest.mark.parametrize(
    ("part", "line", "named"),
    [
        ("scale", 'driver = "toledo"', r"devices\.weighbridge\.driver: .*'toledo'.*yaohua"),
        ("bus", 'transport = "rtu"', r"devices\.bus\.serial_port: needed"),
    ],
)
def test_what_no_driver_could_open_is_said_by_the_check_and_not_at_the_first_truck(
    tmp_path: Path, part: str, line: str, named: str
) -> None:
    with pytest.raises(ConfigError, match=rf"lane\.toml: {named}"):
        load(a_file(tmp_path, **{part: line}))


def test_a_file_that_is_not_there_not_utf8_or_not_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file"):
        load(tmp_path / "none.toml")
    path = tmp_path / "lane.toml"
    path.write_bytes('site = "北岸"'.encode("gbk"))
    with pytest.raises(ConfigError, match=r"lane\.toml: not UTF-8 at byte 8"):
        load(path)
    path.write_text("site = ", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"lane\.toml: not TOML: Invalid value"):
        load(path)


@pytest.mark.parametrize("lane", ["", "lane 1", "lane/1", "北1", "x" * 49])
def test_a_lane_id_that_no_topic_can_carry_is_refused(tmp_path: Path, lane: str) -> None:
    path = a_file(tmp_path)
    path.write_text(path.read_text("utf-8").replace('"lane1"', f'"{lane}"'), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"\$\.lane"):
        load(path)


def test_the_broker_password_is_read_from_its_file_or_the_file_is_named(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n", encoding="utf-8")
    assert password(HubLinkConfig(host="h", password_file=str(secret))) == "s3cret"
    assert password(HubLinkConfig(host="h")) == ""
    with pytest.raises(ConfigError, match=r"password_file: .*nowhere"):
        password(HubLinkConfig(host="h", password_file=str(tmp_path / "nowhere")))


def test_a_tag_reader_that_could_never_tell_a_tag_is_refused(tmp_path: Path) -> None:
    table = '[devices.tag_reader]\nport = "/dev/tag"\nreads_min = 12\n'
    good = a_file(tmp_path)
    good.write_text(good.read_text(encoding="utf-8") + table, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"tag_reader\.reads_min: 12 answers.* no tag would"):
        load(good)
