"""A board and its bus on a real wire, and a server that says what a test scripts."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from devices.config import BusConfig
from hil_tests.rig import free_ports


def free_port() -> int:
    return free_ports(1)[0]


def bus_config(
    transport: str, folder: Path, *, timeout_s: float = 0.2, flash_on: bool = True
) -> BusConfig:
    if transport == "tcp":
        return BusConfig(tcp_port=free_port(), timeout_s=timeout_s, flash_on=flash_on)
    return BusConfig(
        transport="rtu",
        serial_port=str(folder / "bus"),
        timeout_s=timeout_s,
        flash_on=flash_on,
    )


@contextmanager
def scripted_server(answer: Callable[[bytes], bytes]) -> Iterator[tuple[BusConfig, list[bytes]]]:
    """A TCP server that answers each received chunk with `answer(chunk)`; b"" answers nothing."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            client, _ = listener.accept()
            with client:
                while chunk := client.recv(512):
                    heard.append(chunk)
                    client.sendall(answer(chunk))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield BusConfig(tcp_port=listener.getsockname()[1], timeout_s=0.2), heard
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
