"""`gate-bench`, as a technician uses it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from devices.cli import main
from devices.clock import SystemClock
from hil_tests.rig import free_ports
from tests.running_bench import RunningBench

CLOCK = SystemClock()

LANE = """\
lane = "lane1"

[devices.bus]
tcp_port = {bus_port}

[devices.weighbridge]
port = "{folder}/scale"

[devices.card_reader]
port = "{folder}/card"

[devices.camera]
source = "http://127.0.0.1:{camera_port}/lane.mjpg"
"""


@pytest.fixture
def lane_file(tmp_path: Path) -> Path:
    bus_port, camera_port = free_ports(2)
    path = tmp_path / "lane1.toml"
    path.write_text(LANE.format(folder=tmp_path, bus_port=bus_port, camera_port=camera_port))
    return path


@pytest.fixture
def bench(lane_file: Path) -> Iterator[RunningBench]:
    bench = RunningBench(str(lane_file))
    bench.read_until("ready")
    yield bench
    bench.process.kill()
    bench.process.communicate()


def test_a_correct_lane_file_is_said_to_be_correct(
    lane_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(lane_file)]) == 0
    assert "correct" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("port =", "prot =", "prot"),
        ("[devices.bus]", "[devices.buss]", "buss"),
        ("tcp_port = ", "tcp_port = -", "$.devices.bus.tcp_port"),
        ("[devices.", "[gadgets.", "no [devices] table"),
        ('lane = "lane1"', "lane = lane1", "not TOML"),
        ("[devices.camera]", '[devices.camera]\ndriver = "folder"', "is not a folder"),
        ("[devices.bus]", '[devices.bus]\ntransport = "rtu"', "devices.bus.serial_port: needed"),
    ],
)
def test_a_wrong_key_is_named_with_its_path_and_ends_with_78(
    lane_file: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, said: str
) -> None:
    lane_file.write_text(lane_file.read_text().replace(before, after))
    assert main(["check", str(lane_file)]) == 78
    errors = capsys.readouterr().err
    assert said in errors
    assert str(lane_file) in errors
    assert errors.count("\n") == 1


def test_a_lane_file_that_is_missing_or_not_text_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(tmp_path / "none.toml")]) == 78
    assert "No such file" in capsys.readouterr().err
    (tmp_path / "gbk.toml").write_bytes("口岸 = 1".encode("gbk"))
    assert main(["check", str(tmp_path / "gbk.toml")]) == 78
    assert "not UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["sim"], ["sim", "x", "--truck-every", "-1"], ["fly"]])
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: gate-bench" in capsys.readouterr().err


def test_devices_that_are_not_there_fail_one_by_one_by_name(
    lane_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--open", str(lane_file)]) == 1
    (*lines, advice) = capsys.readouterr().out.splitlines()
    assert advice.endswith(f"gate-bench bring-up DEVICE --config {lane_file}")
    assert [line.split()[:2] for line in lines] == [
        ["bus", "FAILED"],
        ["weighbridge", "FAILED"],
        ["card_reader", "FAILED"],
        ["camera", "FAILED"],
    ]


def test_a_served_lane_answers_at_the_addresses_of_its_file(
    bench: RunningBench, lane_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--open", str(lane_file)]) == 0
    output = capsys.readouterr().out
    assert "inputs on: barrier down" in output
    assert "0 kg" in output
    assert "1280x720" in output
    assert bench.process.poll() is None


def test_a_contact_that_opens_when_the_thing_happens_is_said_in_the_lane_file(
    lane_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The device opens its contacts; a file that does not say so sees every danger at once."""
    plain = lane_file.read_text()
    said = plain.replace("tcp_port", "normally_closed = [1, 2, 6, 7]\ntcp_port")
    lane_file.write_text(said)
    bench = RunningBench(str(lane_file))
    try:
        bench.read_until("ready")
        assert main(["check", "--open", str(lane_file)]) == 0
        assert "inputs on: barrier down\n" in capsys.readouterr().out
        lane_file.write_text(plain)
        assert main(["check", "--open", str(lane_file)]) == 0
        seen = capsys.readouterr().out
        assert all(name in seen for name in ("front beam", "rear beam", "emergency stop"))
    finally:
        bench.process.kill()
        bench.process.communicate()


def test_ctrl_c_ends_everything_quietly(bench: RunningBench, lane_file: Path) -> None:
    status, errors = bench.end()
    assert status == 0
    assert errors == ""
    assert [path.name for path in lane_file.parent.iterdir()] == ["lane1.toml"]


def test_a_busy_port_is_one_clear_line(
    bench: RunningBench, lane_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "devices.cli", "sim", str(lane_file)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 1
    assert second.stderr.startswith("gate-bench: ")
    assert second.stderr.count("\n") == 1
    assert bench.process.poll() is None


def test_trucks_are_sent_with_the_pictures_given(lane_file: Path, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "1.jpg"), np.full((60, 80, 3), 200, dtype=np.uint8))
    bench = RunningBench(
        str(lane_file), "--truck-every", "0.1", "--pictures", str(pictures), "--seed", "7"
    )
    bench.read_until("truck 1: ")
    assert "kg, card " in bench.lines[-1]
    assert bench.end(signal.SIGTERM)[0] == 0


def test_a_folder_without_pictures_is_named(
    lane_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sim", str(lane_file), "--pictures", str(tmp_path)]) == 78
    assert f"no JPEG in {tmp_path}" in capsys.readouterr().err
