"""Faults that a person makes on real devices: those that the driver of each can hear of."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from devices.clock import ManualClock
from devices.config import CameraConfig, CardReaderConfig, LaneCameraConfig, SignConfig
from devices.sim.bench import Bench
from devices.sim.weighbridge import ScaleFault, can_have
from devices.weighbridge.protocols import protocol_named, protocols
from hil_tests.lane_bench.catalogue import SCENARIOS
from hil_tests.lane_bench.faults import FaultMaker
from hil_tests.rig import devices_at

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
NOT_BY_HAND = "cannot be made on a real"


def why_not(name: str, folder: Path, **tables: object) -> str:
    """Why a person cannot make the fault of a scenario, all devices being real; "": he can."""
    config = msgspec.structs.replace(devices_at(folder, 20_001, 20_002), **tables)
    bench = Bench(config, ManualClock(), simulated=())
    why = FaultMaker(bench, lambda _text: "\n").why_not(BY_NAME[name])
    if why is None:
        return ""
    assert any(ord(sign) > 0x4E00 for sign in why.zh), why.zh
    return why.en


@pytest.mark.parametrize("driver", sorted(protocols()))
def test_nobody_is_asked_to_press_a_key_that_the_indicators_frames_do_not_tell_of(
    driver: str, tmp_path: Path
) -> None:
    scale = msgspec.structs.replace(devices_at(tmp_path, 1, 2).weighbridge, driver=driver)
    for name, fault in (("scale_net", ScaleFault.NET), ("scale_unit", ScaleFault.UNIT)):
        why = why_not(f"{name}-before", tmp_path, weighbridge=scale)
        if can_have(protocol_named(driver), fault):
            assert why == ""
        else:
            assert why.startswith(f"frames of {driver} cannot say ")
    assert why_not("scale_silent-before", tmp_path, weighbridge=scale) == ""
    assert why_not("scale_unplugged-before", tmp_path, weighbridge=scale) == ""


def test_the_feature_that_an_indicator_lacks_is_named(tmp_path: Path) -> None:
    said = "frames of yaohua-continuous cannot say"
    assert why_not("scale_net-before", tmp_path) == f"{said} net"
    assert why_not("scale_unit-capturing", tmp_path) == f"{said} pounds"
    assert NOT_BY_HAND in why_not("scale_not_zeroed-before", tmp_path)
    assert NOT_BY_HAND in why_not("scale_frozen-before", tmp_path)


@pytest.mark.parametrize("port", ["/dev/ttyS0", "/dev/ttyAMA0"])
def test_a_plug_that_a_built_in_port_does_not_feel_is_not_asked_for(
    port: str, tmp_path: Path
) -> None:
    link = tmp_path / "by-udev"
    link.symlink_to(port)
    for name in (port, str(link)):
        silent = CardReaderConfig(driver="stx-len-uid", port=name)
        asked = CardReaderConfig(driver="resident-id", port=name)
        sign = SignConfig(driver="led-64ff", port=name)
        assert "is built in" in why_not("card_unplugged-before", tmp_path, card_reader=silent)
        assert "is built in" in why_not("sign_unplugged-before", tmp_path, sign=sign)
        assert why_not("card_unplugged-before", tmp_path, card_reader=asked) == ""
    usb = CardReaderConfig(driver="stx-len-uid", port="/dev/ttyUSB0")
    server = SignConfig(driver="led-64ff", port="tcp://192.0.2.7:4001")
    http = SignConfig(driver="http", url="http://192.0.2.7/")
    assert why_not("card_unplugged-before", tmp_path, card_reader=usb) == ""
    assert why_not("sign_unplugged-before", tmp_path, sign=server) == ""
    assert why_not("sign_unplugged-before", tmp_path, sign=http) == ""


def test_a_folder_of_pictures_has_no_cable_to_pull(tmp_path: Path) -> None:
    folder = CameraConfig(source=str(tmp_path), driver="folder")
    film = LaneCameraConfig(source=str(tmp_path / "film.mp4"))
    said = "pictures that come from a file or a folder have no cable"
    assert why_not("camera_unplugged-before", tmp_path, camera=folder) == said
    assert why_not("lane_camera_unplugged-before", tmp_path, lane_camera=film) == said
    assert why_not("camera_unplugged-before", tmp_path) == ""
