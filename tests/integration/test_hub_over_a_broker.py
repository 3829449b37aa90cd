"""The hub's own process with its real broker, and a lane that speaks MQTT to it."""

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest

from central.assembly import Hub
from central.broker.embedded import password_file
from central.broker.probe import Answer, connect_once
from central.clock import SystemClock
from central.config import BrokerConfig, CentralConfig, HttpConfig
from central.errors import BrokerError, StoreError
from central.hub.lanes import PresenceState
from central.services import Services
from central.store import hub_store, manifest_queries
from central.store.connection import open_store
from central.store.rows import CommandState
from gate_agent.wire.topics import Stream
from gate_agent.wire.v1 import (
    LaneStatus,
    OverrideCommand,
    PassageOverridden,
    PictureTaken,
    encode,
)
from tests.hub_bench import (
    SITE,
    LaneOnTheWire,
    a_health,
    a_passage,
    decided,
    free_port,
    sha256,
    wait_until,
)
from tests.hub_process import HubProcess, running_hub

HEADER = "declaration_id,plates,card_uid,gross_kg,valid_from,valid_until,documents,holds"


def csv_rows(numbers: Sequence[int], gross_kg: int = 32_000) -> str:
    return "".join(
        f"d{n},AB{n:05d},{n:08X},{gross_kg},2026-01-01T00:00:00Z,2030-01-01T00:00:00Z,released,\n"
        for n in numbers
    )


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    """A hub for one test that kills or stops it."""
    yield from running_hub(tmp_path)


@pytest.fixture(scope="module")
def calm_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub that several tests only talk to."""
    yield from running_hub(tmp_path_factory.mktemp("calm"))


def test_a_hub_killed_in_the_middle_loses_nothing_and_doubles_nothing(hub: HubProcess) -> None:
    lane = hub.lane()
    try:
        for number in range(1, 301):
            lane.add(*a_passage(f"p{number}"))
        wait_until("some records are acknowledged", lambda: lane.through_seq > 100)
        hub.kill()
        for number in range(301, 401):
            lane.add(*a_passage(f"p{number}"))
        hub.start()
        wait_until("everything is acknowledged", lambda: not lane.outbox, 40)
    finally:
        lane.close()
    assert hub.stop() == 0
    counts = hub.counts()
    assert (counts.records, counts.passages, counts.closed) == (1200, 400, 400)
    assert (counts.missing, counts.dead_letters) == (0, 0)
    assert "broker_orphan_ended" in (hub.folder / "hub.log").read_text()


def test_a_broker_that_dies_is_started_again_and_everybody_reconnects(hub: HubProcess) -> None:
    lane = hub.lane()
    pid_file = hub.folder / "state" / "broker" / "nats-server.pid"
    try:
        lane.add(*a_passage("p1"))
        wait_until("the first passage is acknowledged", lambda: not lane.outbox)
        os.kill(int(pid_file.read_text()), signal.SIGKILL)
        lane.add(*a_passage("p2"))
        wait_until("the second passage is acknowledged", lambda: not lane.outbox, 30)
    finally:
        lane.close()
    assert hub.stop() == 0
    assert hub.counts().passages == 2
    assert "broker_ended" in (hub.folder / "hub.log").read_text()


def test_an_import_by_the_command_line_reaches_a_lane_and_its_digest_agrees(
    calm_hub: HubProcess, tmp_path: Path
) -> None:
    hub = calm_hub
    state = str(hub.folder / "state")
    token = hub.cli("token", "add", "importer", "--role", "administrator", "--state", state)
    assert token.returncode == 0, token.stderr
    token_file = tmp_path / "token"
    token_file.write_text(token.stdout)
    url = f"http://127.0.0.1:{hub.http_port}"
    day = tmp_path / "day.csv"

    def bring(text: str) -> subprocess.CompletedProcess[str]:
        day.write_text(f"{HEADER}\n{text}", encoding="utf-8")
        return hub.cli("import", str(day), "--url", url, "--token-file", str(token_file))

    lane = hub.lane()
    try:
        first = bring(csv_rows(range(1, 1201)))
        assert first.returncode == 0, first.stderr
        assert "1200 rows accepted, manifest version 1" in first.stdout
        wait_until("the lane holds version 1", lambda: lane.version == 1)
        assert len(lane.rows) == 1200
        second = bring(csv_rows([5], gross_kg=18_000) + csv_rows([9], gross_kg=1))
        assert second.returncode == 1, "a refused row is a failure to be looked at"
        assert "day.csv:3: gross_kg: 1 is not in 500..200000 kg" in second.stdout
        wait_until("the lane holds version 2", lambda: lane.version == 2)
        assert lane.rows["d5"].gross_kg == 18_000
        lane.add(decided("p1", "release", lane.rows["d7"]))
        wait_until("the use is distributed", lambda: lane.version == 3)
        assert lane.rows["d7"].used_by == "p1"
        assert lane.mismatches == 0
        assert lane.head is not None
        assert (lane.digest, len(lane.rows)) == (lane.head.digest, lane.head.count)
    finally:
        lane.close()
    not_utf8 = tmp_path / "old.csv"
    not_utf8.write_bytes(f"{HEADER}\nd1,粤B12345,x".encode("gb18030"))
    refused = hub.cli("import", str(not_utf8), "--url", url, "--token-file", str(token_file))
    assert refused.returncode == 1
    assert "GB18030" in refused.stderr


def test_a_lane_may_only_speak_for_itself_and_nobody_without_a_password(
    calm_hub: HubProcess,
) -> None:
    hub = calm_hub
    folder = hub.folder / "state" / "broker"
    assert stat.S_IMODE(password_file(folder, "lane1").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "nats-server.conf").stat().st_mode) == 0o600
    place = ("127.0.0.1", hub.mqtt_port)
    assert connect_once(*place, user="lane1", password="wrong") is Answer.REFUSED
    assert connect_once(*place, user="", password="") is Answer.REFUSED
    lane1, lane2 = hub.lane("lane1"), hub.lane("lane2")
    try:
        lane1.lane = "lane2"  # its topics are lane2's now, its user is still lane1
        lane1.add(*a_passage("forged"))
        lane2.add(*a_passage("own"))
        wait_until("lane2's own passage is acknowledged", lambda: not lane2.outbox)
        assert len(lane1.outbox) == 3
    finally:
        lane1.close()
        lane2.close()
    store = open_store(hub.folder / "state" / "hub.db")
    try:
        assert store.read_now(hub_store.passage, "own") is not None
        assert store.read_now(hub_store.passage, "forged") is None
    finally:
        store.close()


def test_a_second_hub_on_the_same_folder_or_ports_is_told_so_in_one_line(
    calm_hub: HubProcess, tmp_path: Path
) -> None:
    hub = calm_hub
    same_ports = hub.cli("run", "--config", str(hub.config))
    assert same_ports.returncode == 1
    assert same_ports.stderr.count("\n") == 1
    assert f"127.0.0.1:{hub.http_port} cannot be used" in same_ports.stderr
    other = tmp_path / "other.toml"
    text = hub.config.read_text()
    other.write_text(text.replace(str(hub.http_port), str(free_port())))
    same_folder = hub.cli("run", "--config", str(other))
    assert same_folder.returncode == 1
    assert "another gate-central runs on this state folder" in same_folder.stderr
    other.write_text(other.read_text().replace('state"', 'state2"'))
    same_broker = hub.cli("run", "--config", str(other))
    assert same_broker.returncode == 1
    assert f"broker: 127.0.0.1:{hub.mqtt_port} cannot be used" in same_broker.stderr
    other.write_text("site = 1\n")
    assert hub.cli("run", "--config", str(other)).returncode == 78


def test_the_hub_answers_over_http_and_stops_in_order(hub: HubProcess) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{hub.http_port}/healthz", timeout=10) as answer:
        assert answer.status == 200
    assert hub.stop() == 0
    lines = [json.loads(line) for line in (hub.folder / "hub.log").read_text().splitlines()]
    assert [line["event"] for line in lines][-1] == "hub_stopped"
    assert not any(line["level"] in ("error", "critical") for line in lines), lines


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await happened():  # noqa: ASYNC110 - asks as a page would
            await asyncio.sleep(0.02)


def test_an_override_travels_to_the_lane_and_its_answer_back(tmp_path: Path) -> None:
    config = CentralConfig(
        site=SITE,
        state=str(tmp_path / "state"),
        lanes=("lane1",),
        http=HttpConfig(port=free_port()),
        broker=BrokerConfig(port=free_port()),
    )
    jpeg = b"\xff\xd8" + os.urandom(400_000)

    async def scene() -> None:
        hub = Hub(config, SystemClock(), failed=lambda: pytest.fail("a part ended"))
        services = await hub.start()
        assert hub.broker is not None
        lane = LaneOnTheWire(
            lane="lane1", port=config.broker.port, password=hub.broker.password_of("lane1")
        )
        try:
            await override(services, lane)
        finally:
            await asyncio.to_thread(lane.close)
            await hub.stop()

    async def override(services: Services, lane: LaneOnTheWire) -> None:
        picture = PictureTaken(passage_id="p1", picture_id=sha256(jpeg), view="plate", jpeg=jpeg)
        lane.add(picture, decided("p1", "hold"))

        async def is_held() -> bool:
            return bool(await services.store.read(hub_store.held))

        await until(is_held)
        assert await services.store.read(hub_store.picture, sha256(jpeg)) == jpeg
        order = await services.commands.override("p1", "release", by="li", reason="seen")
        command = await asyncio.to_thread(lane.commands.get, timeout=20)
        assert isinstance(command, OverrideCommand)
        assert command.command_id == order.command_id
        # A lane that comes back hears what is still pending once more.
        status = LaneStatus(lane="lane1", epoch="e1", online=True, version="1")
        lane.publish(Stream.STATUS, encode(status))
        again = await asyncio.to_thread(lane.commands.get, timeout=20)
        assert again == command
        lane.add(
            PassageOverridden(
                passage_id="p1",
                command_id=command.command_id,
                decision="release",
                by="li",
                reason="seen",
            )
        )

        async def is_done() -> bool:
            row = await services.store.read(hub_store.command, command.command_id)
            return row is not None and row.state is CommandState.DONE

        await until(is_done)
        assert await services.store.read(hub_store.held) == ()

    asyncio.run(scene())


def test_a_lane_that_is_cut_off_is_shown_offline_by_its_last_will(tmp_path: Path) -> None:
    config = CentralConfig(
        site=SITE,
        state=str(tmp_path / "state"),
        lanes=("lane1",),
        broker=BrokerConfig(port=free_port()),
    )

    async def scene() -> None:
        hub = Hub(config, SystemClock(), failed=lambda: pytest.fail("a part ended"))
        services = await hub.start()
        assert hub.broker is not None
        password = hub.broker.password_of("lane1")
        lane = LaneOnTheWire(lane="lane1", port=config.broker.port, password=password)

        def state() -> PresenceState:
            presence = services.lanes.one("lane1")
            assert presence is not None
            return presence.state

        async def is_online() -> bool:
            lane.publish(Stream.HEALTH, encode(a_health()))
            return state() is PresenceState.ONLINE

        async def is_offline() -> bool:
            return state() is PresenceState.OFFLINE

        try:
            assert state() is PresenceState.UNKNOWN
            await until(is_online)
            lane.cut()
            await until(is_offline)
        finally:
            await asyncio.to_thread(lane.close)
            await hub.stop()

    asyncio.run(scene())


def test_a_hub_that_cannot_start_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config = CentralConfig(
            site=SITE, state=str(tmp_path / "state"), broker=BrokerConfig(port=port)
        )
        hub = Hub(config, SystemClock(), failed=lambda: None)
        with pytest.raises(BrokerError, match=f"127.0.0.1:{port} cannot be used"):
            asyncio.run(hub.start())
    (tmp_path / "state" / "hub.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match=r"hub\.db"):
        asyncio.run(Hub(config, SystemClock(), failed=lambda: None).start())


def test_a_manifest_of_many_thousand_rows_reaches_a_new_lane(tmp_path: Path) -> None:
    config = CentralConfig(
        site=SITE,
        state=str(tmp_path / "state"),
        lanes=("lane1",),
        broker=BrokerConfig(port=free_port()),
    )

    async def scene() -> None:
        hub = Hub(config, SystemClock(), failed=lambda: pytest.fail("a part ended"))
        services = await hub.start()
        try:
            content = f"{HEADER}\n{csv_rows(range(1, 20_001))}".encode()
            report = await services.manifest.import_file(content, "csv", by="wang", source="x")
            assert (report.accepted, report.refused) == (20_000, ())
            assert hub.broker is not None
            lane = LaneOnTheWire(
                lane="lane1", port=config.broker.port, password=hub.broker.password_of("lane1")
            )
            try:
                await asyncio.to_thread(wait_until, "all rows", lambda: lane.version == 1, 40)
                assert (len(lane.rows), lane.mismatches) == (20_000, 0)
            finally:
                await asyncio.to_thread(lane.close)
            found = await services.store.read(manifest_queries.by_plate, "AB00777")
            assert [row.declaration_id for row in found] == ["d777"]
        finally:
            await hub.stop()

    asyncio.run(scene())
