"""What the chaos trial strikes with does what it says."""

import os
import random
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from devices.clock import SystemClock
from hil_tests.chaos.agent_process import SettableClock, set_clock
from hil_tests.chaos.blows import Blow, plan_of
from hil_tests.chaos.cable import HOST, Cable
from hil_tests.chaos.disk import Disk
from hil_tests.chaos.network import HubNetwork
from hil_tests.rig import free_ports


@pytest.fixture
def echo() -> Iterator[int]:
    server = socket.create_server((HOST, 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(1_000):
                connection.sendall(data)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5.0)


def ask(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    return connection.recv(1_000)


def test_a_dead_cable_brings_nothing_and_refuses_nothing(echo: int) -> None:
    cable = Cable(echo)
    try:
        with socket.create_connection((HOST, cable.port), 5.0) as lane:
            assert ask(lane, b"before") == b"before"
            cable.cut()
            SystemClock().sleep(0.2)  # the turn in hand ends
            lane.sendall(b"lost")
            lane.settimeout(0.4)
            with pytest.raises(TimeoutError):
                lane.recv(1_000)
            cable.mend()
            lane.settimeout(5.0)
            with pytest.raises(ConnectionResetError):  # the old connection is gone
                lane.recv(1_000)
        with socket.create_connection((HOST, cable.port), 5.0) as lane:
            assert ask(lane, b"again") == b"again"
    finally:
        cable.close()


@pytest.mark.needs("network-namespaces")
def test_a_lane_without_carrier_hears_nothing_while_the_others_do_and_goes_on_where_it_was() -> (
    None
):
    port = free_ports(1)[0]
    with HubNetwork(["lane1", "lane2"], port) as network:
        assert network.is_namespace
        echo = [*network.prefix, sys.executable, "-c", _ECHO, str(port)]
        with subprocess.Popen(echo, stdout=subprocess.PIPE) as hub:
            try:
                assert hub.stdout is not None
                assert hub.stdout.readline() == b"ready\n"
                first, second = network.cables["lane1"], network.cables["lane2"]
                with (
                    socket.create_connection((first.host, first.port), 5.0) as lane1,
                    socket.create_connection((second.host, second.port), 5.0) as lane2,
                ):
                    assert ask(lane1, b"before") == b"before"
                    first.cut()
                    lane1.sendall(b"kept")
                    lane1.settimeout(0.5)
                    with pytest.raises(TimeoutError):
                        lane1.recv(1_000)
                    assert ask(lane2, b"still here") == b"still here"
                    first.mend()
                    lane1.settimeout(10.0)
                    assert lane1.recv(1_000) == b"kept"
            finally:
                hub.kill()
    assert not network.is_namespace


_ECHO = """
import socketserver, sys
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(1000):
            self.request.sendall(data)
server = socketserver.ThreadingTCPServer(("0.0.0.0", int(sys.argv[1])), Echo)
server.daemon_threads = True
print("ready", flush=True)
server.serve_forever()
"""


@pytest.mark.needs("loop-mounts")
def test_a_power_cut_takes_what_was_not_synced_and_nothing_else(tmp_path: Path) -> None:
    disk = Disk(tmp_path, tmp_path / "state")
    state, path = tmp_path / "state", tmp_path / "state" / "lane.db"
    try:
        assert disk.is_image
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("CREATE TABLE kept (n INTEGER)")
            for number in range(100):
                db.execute("INSERT INTO kept VALUES (?)", [number])
            (state / "loose").write_bytes(os.urandom(3_000_000))
            disk.freeze()
            db.execute("INSERT INTO kept VALUES (100)")  # after the power was cut
        disk.cut_power(random.Random(1))
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("SELECT count(*), max(n) FROM kept").fetchone() == (100, 99)
            assert db.execute("PRAGMA quick_check").fetchone() == ("ok",)
        loose = state / "loose"
        assert not loose.exists() or loose.stat().st_size < 3_000_000
    finally:
        disk.remove()


@pytest.mark.needs("loop-mounts")
def test_a_full_disk_takes_no_further_byte_until_it_is_freed(tmp_path: Path) -> None:
    disk = Disk(tmp_path, tmp_path / "state")
    note = tmp_path / "state" / "note"
    try:
        disk.fill()
        with pytest.raises(OSError, match="No space"):
            note.write_bytes(b"x" * 5_000)
        disk.free()
        note.write_bytes(b"x" * 5_000)
    finally:
        disk.remove()


def test_a_clock_that_is_set_shows_it_at_once_and_its_monotonic_side_never_does(
    tmp_path: Path,
) -> None:
    file = tmp_path / "clock"
    set_clock(file, 0)
    clock, right = SettableClock(file), SystemClock()
    set_clock(file, -3_600_000)
    assert abs(clock.now().wall_ms - right.now().wall_ms + 3_600_000) < 1_000
    assert abs(clock.now().mono_s - right.now().mono_s) < 1.0
    set_clock(file, 0)
    assert abs(clock.now().wall_ms - right.now().wall_ms) < 1_000


def test_the_blows_of_a_number_are_the_same_and_all_of_them_fall() -> None:
    blows = {Blow.KILL: 5, Blow.POWER_CUT: 2, Blow.PARTITION: 1}
    plan = plan_of(blows, 7)
    assert plan == plan_of(blows, 7)
    assert {blow: plan.count(blow) for blow in blows} == blows
    assert plan != sorted(plan)
