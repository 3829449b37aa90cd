"""A tape that cannot be written any more: it says so in one line, and keeps what it has."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from devices.bench.recording import record
from devices.bench.tape import TapeError, TapeHead, TapeWriter, read_tape
from devices.clock import ManualClock, SystemClock
from devices.config import DevicesConfig
from devices.sim.bench import Bench
from hil_tests.rig import devices_at, free_ports

CLOCK = SystemClock()
SIZE_BYTES = 3_000
HEAD = TapeHead(device="bus", driver="modbus-tcp", place="x", baud=1, wire="tcp", began="now")
LIMITED = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({SIZE_BYTES}, {SIZE_BYTES}))
from devices.cli import main
sys.exit(main(sys.argv[1:]))
"""
LANE = """\
[devices.bus]
tcp_port = {bus.tcp_port}
[devices.weighbridge]
port = "{weighbridge.port}"
[devices.card_reader]
port = "{card_reader.port}"
[devices.camera]
source = "{camera.source}"
"""


@pytest.fixture
def config(tmp_path: Path) -> DevicesConfig:
    return devices_at(tmp_path, *free_ports(2))


@pytest.fixture
def lane(config: DevicesConfig, tmp_path: Path) -> Path:
    path = tmp_path / "lane1.toml"
    path.write_text(LANE.format(**msgspec.structs.asdict(config)))
    return path


def recorded(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("wire", ["its own driver", "whoever opens it"])
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "the tape has ended, nothing more can be written: File too large. What was"),
        ("zh", "录制中断，无法继续写入：File too large。前 "),
    ],
)
def test_where_no_more_can_be_written_the_tape_ends_with_one_line_and_can_be_read(
    lane: Path, config: DevicesConfig, tmp_path: Path, language: str, said: str, wire: str
) -> None:
    path = tmp_path / "x.tape"
    arguments = ["record", "bus", str(path), "--config", str(lane), "--for", "40"]
    if wire == "whoever opens it":
        arguments = ["record", "weighbridge", *arguments[2:], "--at", str(tmp_path / "near")]
    with Bench(config, CLOCK):
        done = recorded(sys.executable, "-c", LIMITED, *arguments, "--language", language)
    assert done.returncode == 1
    assert done.stderr.startswith(f"gate-bench: {path}")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert path.stat().st_size == SIZE_BYTES
    tape = read_tape(path)
    assert tape.is_cut
    assert len(tape.pieces) > 20


@pytest.mark.needs("tmpfs-mounts")
def test_a_full_disk_is_called_so_and_the_tape_on_it_can_be_read(
    lane: Path, config: DevicesConfig, tmp_path: Path
) -> None:
    folder, saved = tmp_path / "stick", tmp_path / "saved.tape"
    folder.mkdir()
    path = folder / "x.tape"
    record_it = f"{sys.executable} -m devices.cli record bus {path} --config {lane} --for 40"
    script = (
        f"mount -t tmpfs -o size=8k tmpfs {folder} || exit 9\n"
        f"{record_it} --language en; status=$?\ncp {path} {saved}; exit $status"
    )
    with Bench(config, CLOCK):
        done = recorded("unshare", "-m", "sh", "-c", script)
    assert done.returncode == 1, done.stderr
    assert f"gate-bench: {path}: the tape has ended" in done.stderr
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    tape = read_tape(saved)
    assert tape.is_cut
    assert len(tape.pieces) > 20


def test_a_folder_that_vanishes_while_a_tape_is_written_is_told_at_once(
    config: DevicesConfig, tmp_path: Path
) -> None:
    """Linux writes on into a file that was removed: nobody would ever find that tape."""
    folder = tmp_path / "gone"
    folder.mkdir()
    removed = threading.Timer(1.0, lambda: shutil.rmtree(folder))
    removed.start()
    with Bench(config, CLOCK), pytest.raises(TapeError, match=r"x\.tape: .* was removed"):
        record(config, "weighbridge", folder / "x.tape", 60.0, CLOCK)
    removed.join()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"none/x\.tape: cannot be written: No such file"):
        TapeWriter(tmp_path / "none" / "x.tape", HEAD, CLOCK)


def test_a_tape_that_has_ended_says_so_each_time_and_holds_up_no_wire(tmp_path: Path) -> None:
    path, clock = tmp_path / "x.tape", ManualClock()
    tape = TapeWriter(path, HEAD, clock)
    tape.note("<", b"\x02\x03")
    path.unlink()
    for says in (tape.keep, tape.keep, tape.close):
        clock.advance(2.0)
        with pytest.raises(TapeError, match="was removed"):
            says()
        tape.note("<", b"\x04")
    assert tape.piece_count == 1
