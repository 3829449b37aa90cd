from __future__ import annotations

from pathlib import Path

import pytest

from devices.clock import ManualClock
from devices.config import CardReaderConfig, WeighbridgeConfig
from devices.errors import DeviceConfigError, LinkDown
from devices.registry import open_card_reader, open_weighbridge
from devices.transports.opening import open_transport
from devices.transports.tcp import parse_address


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("tcp://scale.lan:4001", ("scale.lan", 4001)),
        ("tcp://10.0.0.7:65535", ("10.0.0.7", 65_535)),
        ("tcp://[fe80::1]:4001", ("fe80::1", 4001)),
    ],
)
def test_a_device_server_is_named_by_host_and_port(address: str, place: tuple[str, int]) -> None:
    assert parse_address(address) == place


@pytest.mark.parametrize(
    "port",
    [
        "",
        "tcp://",
        "tcp://host",
        "tcp://host:",
        "tcp://:4001",
        "tcp://host:0",
        "tcp://host:99999",
        "tcp://host:4001x",
        "udp://host:4001",
    ],
)
def test_a_port_that_can_never_work_is_a_configuration_error(port: str) -> None:
    with pytest.raises(DeviceConfigError, match="port: "):
        open_transport(port, 9_600)


def test_a_missing_port_is_named(tmp_path: Path) -> None:
    port = tmp_path / "scale"
    with pytest.raises(LinkDown, match=f"{port}: No such file"):
        open_transport(str(port), 9_600)


def test_a_link_that_points_nowhere_is_a_missing_port(tmp_path: Path) -> None:
    port = tmp_path / "scale"
    port.symlink_to(tmp_path / "unplugged")
    with pytest.raises(LinkDown, match=str(port)):
        open_transport(str(port), 9_600)


def test_a_file_is_not_a_port(tmp_path: Path) -> None:
    port = tmp_path / "scale"
    port.write_bytes(b"")
    with pytest.raises(LinkDown, match=str(port)):
        open_transport(str(port), 9_600)


def test_an_unknown_driver_is_answered_with_the_known_ones() -> None:
    clock = ManualClock()
    with pytest.raises(DeviceConfigError, match=r"weighbridge\.driver: .*'x'.*yaohua-continuous"):
        open_weighbridge(WeighbridgeConfig(driver="x", port="-"), clock)
    with pytest.raises(DeviceConfigError, match=r"card_reader\.driver: .*'x'.*stx-len-uid"):
        open_card_reader(CardReaderConfig(driver="x", port="-"), clock)


def test_a_missing_port_does_not_prevent_the_driver_from_being_made(tmp_path: Path) -> None:
    scale = open_weighbridge(WeighbridgeConfig(port=str(tmp_path / "none")), ManualClock())
    with pytest.raises(LinkDown, match=r"weighbridge: .*none"):
        scale.open()
