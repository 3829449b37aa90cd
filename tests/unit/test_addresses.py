"""No message, log or report shows the password that stands in a device's address."""

from pathlib import Path

import msgspec
import pytest

from devices.addresses import without_password
from devices.bench.check import check_message, said_of
from devices.bench.tap import place_of
from devices.clock import ManualClock
from devices.config import CameraConfig, LaneCameraConfig, SignConfig
from devices.errors import DeviceConfigError, LinkDown
from devices.sign.api import SignMessage
from devices.sign.opening import open_sign
from devices.sim.bench import Bench
from hil_tests.acceptance.device_lines import device_lines
from hil_tests.lane_bench.bench_file import BenchFile
from hil_tests.rig import devices_at

SIGN = "https://admin:SECRET@10.0.0.9/show?token=SECRET"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://10.0.0.1/x", "http://10.0.0.1/x"),
        ("/dev/kakou/scale", "/dev/kakou/scale"),
        ("rtsp://admin:SECRET@10.0.0.1:554/x", "rtsp://…@10.0.0.1:554/x"),
        ("rtsp://admin:S@CRET@10.0.0.1/x", "rtsp://…@10.0.0.1/x"),
        (
            "rtsp://10.0.0.1/user=admin&password=SECRET&channel=1",
            "rtsp://10.0.0.1/user=admin&password=…&channel=1",
        ),
        ("http://10.0.0.1/cgi?loginuse=a&PWD=SECRET", "http://10.0.0.1/cgi?loginuse=a&PWD=…"),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, shown: str) -> None:
    assert without_password(address) == shown


def test_no_password_is_in_the_report(tmp_path: Path) -> None:
    config = msgspec.structs.replace(
        devices_at(tmp_path, 20_001, 20_002),
        camera=CameraConfig(source="rtsp://admin:SECRET@10.0.0.1/a"),
        lane_camera=LaneCameraConfig(source="rtsp://admin:SECRET@10.0.0.2/b"),
        sign=SignConfig(driver="http", url=SIGN),
    )
    lines = device_lines(BenchFile(name="x"), [config], "1.2.3")
    assert "SECRET" not in str(lines)
    assert {line.place for line in lines} >= {"rtsp://…@10.0.0.1/a", "rtsp://…@10.0.0.2/b"}
    with pytest.raises(DeviceConfigError) as raised:  # what the report says of a missing tape
        place_of(config, "sign")
    assert "SECRET" not in str(raised.value)


def test_what_is_said_of_a_sign_shows_no_password(tmp_path: Path) -> None:
    config = SignConfig(driver="http", url=SIGN)
    sign = open_sign(config, ManualClock())
    with pytest.raises(LinkDown) as raised:
        sign.show(SignMessage(code="x", lines=("x",)))
    assert "SECRET" not in str(raised.value)
    assert "SECRET" not in str(said_of(config, check_message(config)))
    lane = msgspec.structs.replace(devices_at(tmp_path, 20_001, 20_002), sign=config)
    assert "SECRET" not in str(Bench(lane, ManualClock(), simulated=()).places)
