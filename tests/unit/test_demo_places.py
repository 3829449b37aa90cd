"""Where a demonstration is: two at once, one that was killed, a port that is taken."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from devices.clock import SystemClock
from hil_tests.demo.places import HOST, PlaceError, free_port, is_free, prepare

if TYPE_CHECKING:
    from pathlib import Path


def test_a_port_that_another_program_uses_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PlaceError, match=rf"port {port} .* PORT={port + 1}"):
            prepare(tmp_path, port, 1, SystemClock())


def test_a_second_demonstration_on_the_same_port_leaves_the_first_ones_files(
    tmp_path: Path,
) -> None:
    port = free_port()
    first = prepare(tmp_path, port, 1, SystemClock())
    try:
        with pytest.raises(PlaceError, match="has another demonstration, process"):
            prepare(tmp_path, port, 1, SystemClock())
        assert first.hub_config.exists()
    finally:
        first.lock.close()


def test_two_demonstrations_on_two_ports_share_nothing(tmp_path: Path) -> None:
    both = [prepare(tmp_path, free_port(), 2, SystemClock()) for _ in range(2)]
    folders = {places.folder for places in both}
    ports = [places.broker_port for places in both]
    ports += [port for p in both for lane in p.lanes for port in (lane.bus_port, lane.camera_port)]
    for places in both:
        places.lock.close()
    assert len(folders) == 2
    assert len(set(ports)) == len(ports)


def test_what_a_killed_demonstration_left_is_cleared_away(tmp_path: Path) -> None:
    port = free_port()
    old = prepare(tmp_path, port, 1, SystemClock())
    (old.folder / "hub" / "hub.db").write_text("old")
    old.lock.close()
    new = prepare(tmp_path, port, 1, SystemClock())
    new.lock.close()
    assert not (new.folder / "hub" / "hub.db").exists()


def test_children_of_a_killed_demonstration_are_waited_for(tmp_path: Path) -> None:
    port = free_port()
    old = prepare(tmp_path, port, 1, SystemClock())
    (tmp_path / f"demo-{port}.lock").write_text("2147483647\n")  # its process is no more
    child = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(1.0)"], pass_fds=(old.lock.fd,)
    )
    old.lock.close()
    new = prepare(tmp_path, port, 1, SystemClock())
    has_ended = child.poll() is not None
    child.wait()
    new.lock.close()
    assert has_ended


def test_the_lanes_passwords_are_for_their_owner_only(tmp_path: Path) -> None:
    places = prepare(tmp_path, free_port(), 2, SystemClock())
    places.lock.close()
    files = list((places.hub_state / "broker" / "passwords").iterdir())
    assert {file.name for file in files} == {"lane1", "lane2"}
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)


def test_a_port_with_a_server_on_it_is_not_free() -> None:
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        assert not is_free(server.getsockname()[1])
