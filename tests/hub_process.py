"""`gate-central run` as a process of its own, for tests that kill it."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from central.broker.embedded import password_file, read_password
from central.store import hub_store
from central.store.connection import open_store
from central.store.rows import HubCounts
from tests.hub_bench import (
    SITE,
    LaneOnTheWire,
    free_port,
    wait_until,
)


@dataclass
class HubProcess:
    """`gate-central run` on a state folder; may be killed and started again."""

    folder: Path
    mqtt_port: int = field(default_factory=free_port)
    http_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        return self.folder / "central.toml"

    def start(self) -> None:
        self.config.write_text(
            f'site = "{SITE}"\nstate = "{self.folder / "state"}"\nlanes = ["lane1", "lane2"]\n'
            f"[broker]\nport = {self.mqtt_port}\n[http]\nport = {self.http_port}\n",
            encoding="utf-8",
        )
        with (self.folder / "hub.log").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "central.cli", "run", "--config", str(self.config)],
                stdout=output,
                stderr=output,
            )
        wait_until("the hub listens", self._listens, 40)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(20)

    def lane(self, name: str = "lane1") -> LaneOnTheWire:
        password = read_password(password_file(self.folder / "state" / "broker", name))
        return LaneOnTheWire(lane=name, port=self.mqtt_port, password=password)

    def cli(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "central.cli", *arguments],
            capture_output=True,
            text=True,
            input=stdin,
            timeout=60,
            check=False,
        )

    def counts(self) -> HubCounts:
        store = open_store(self.folder / "state" / "hub.db")
        try:
            return store.read_now(hub_store.counts)
        finally:
            store.close()

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "hub.log").read_text()
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.http_port)) == 0


def running_hub(folder: Path) -> Iterator[HubProcess]:
    running = HubProcess(folder)
    running.start()
    yield running
    if running.process is not None and running.process.poll() is None:
        running.stop()
