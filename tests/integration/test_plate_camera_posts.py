"""A camera that reads plates itself posts to the lane over real HTTP."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from devices.camera.digest import NONCE_LIFE_S, DigestGate
from devices.camera.listener import CONNECTIONS_MAX, WAITING_MAX
from devices.camera.pushed import PLATE_POSTS, PushedPlates
from devices.clock import ManualClock, SystemClock
from devices.config import PlateCameraConfig
from devices.errors import DeviceConfigError, LinkDown
from devices.readings import Recognition
from devices.sim.plate_camera import SimPlateCamera
from gate_agent.adapters.plate_camera import PlateCameraAdapter
from gate_agent.adapters.plate_reader import PlateOrder
from gate_agent.domain.events import PlateRead, PlateSource
from gate_agent.domain.vocabulary import PassageId
from gate_agent.inbox import Inbox
from gate_agent.store.picture_files import PictureFiles
from tests.agent_rig import quiet_log

CLOCK = SystemClock()
JPEG = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes()
READING = Recognition(text="粤B12345", confidence_permille=970, picture=JPEG, plate_picture=JPEG)


def config_of(driver: str = "isapi", **changes: object) -> PlateCameraConfig:
    table = {"driver": driver, "listen": "127.0.0.1", "port": 0, "allow": ["127.0.0.0/8"]}
    return msgspec.convert(table | changes, PlateCameraConfig)


@pytest.fixture(params=PLATE_POSTS)
def config(request: pytest.FixtureRequest) -> PlateCameraConfig:
    return config_of(request.param)


@pytest.fixture
def lane(config: PlateCameraConfig) -> Iterator[PushedPlates]:
    lane = PushedPlates(config, CLOCK)
    lane.open()
    yield lane
    lane.close()


def test_a_posted_reading_arrives_at_once_stamped_here(
    lane: PushedPlates, config: PlateCameraConfig
) -> None:
    before_s = CLOCK.now().mono_s
    SimPlateCamera(config, lane.place).recognize(READING)
    (plate,) = lane.read(5.0)
    assert plate.recognition == READING
    assert before_s <= plate.received_s <= CLOCK.now().mono_s


def test_no_answer_of_ours_makes_a_camera_open_its_own_relay() -> None:
    with_relay = config_of("alarm-info-plate")
    lane = PushedPlates(with_relay, CLOCK)
    lane.open()
    answer = SimPlateCamera(with_relay, lane.place).recognize(READING)
    lane.close()
    assert b'"info":"no"' in answer
    assert b'"ok"' not in answer


def test_a_stranger_is_not_heard() -> None:
    config = config_of(allow=["192.0.2.7"])
    lane = PushedPlates(config, CLOCK)
    lane.open()
    with pytest.raises(LinkDown):
        SimPlateCamera(config, lane.place).recognize(READING)
    assert lane.read(0.2) == ()
    lane.close()


def test_with_a_password_only_who_knows_it_is_heard(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("tr0ck\n")
    config = config_of(username="camera", password_file=str(secret))
    lane = PushedPlates(config, CLOCK)
    lane.open()
    for wrong in (
        SimPlateCamera(config, lane.place, password="other"),
        SimPlateCamera(config_of(), lane.place),
    ):
        with pytest.raises(LinkDown, match="401"):
            wrong.recognize(READING)
    assert lane.read(0.1) == ()
    SimPlateCamera(config, lane.place, password="tr0ck").recognize(READING)
    assert [plate.recognition for plate in lane.read(5.0)] == [READING]
    lane.close()


def test_an_overheard_password_header_is_worth_nothing() -> None:
    clock = ManualClock()
    gate = DigestGate("camera", "tr0ck", clock)

    def answer(nonce: str, count: str = "00000001", target: str = "/plates") -> str:
        known, asked = md5("camera:kakou:tr0ck"), md5(f"POST:{target}")
        response = md5(f"{known}:{nonce}:{count}:abc:auth:{asked}")
        return (
            f'Digest username="camera", realm="kakou", nonce="{nonce}", uri="{target}", qop=auth, '
            f'nc={count}, cnonce="abc", response="{response}"'
        )

    nonce = gate.challenge().rpartition('nonce="')[2].rstrip('"')
    assert not gate.lets_in("POST", "/other", answer(nonce))
    assert not gate.lets_in("POST", "/plates", "Basic Y2FtZXJhOnRyMGNr")
    assert gate.lets_in("POST", "/plates", answer(nonce))
    assert not gate.lets_in("POST", "/plates", answer(nonce)), "a repeated header"
    assert gate.lets_in("POST", "/plates", answer(nonce, "00000002"))
    assert not gate.lets_in("POST", "/plates", answer("made-up"))
    clock.advance(NONCE_LIFE_S + 1)
    assert not gate.lets_in("POST", "/plates", answer(nonce, "00000003"))


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def request(lane: PushedPlates, raw: bytes) -> bytes:
    host, _, rest = lane.place.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(rest.partition("/")[0])), 5.0) as link:
        link.sendall(raw)
        answer = b""
        while chunk := link.recv(4096):
            answer += chunk
        return answer


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /plates HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (b"POST /plates HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"POST /plates HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"411"),
        (b"POST /other HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"404"),
        (b"GET /plates HTTP/1.1\r\n\r\n", b"501"),
        (b"POST /plates HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"431"),
        (b"POST /plates HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"200"),
    ],
)
def test_what_is_too_big_or_no_post_is_refused_unread(head: bytes, status: bytes) -> None:
    lane = PushedPlates(config_of(), CLOCK)
    lane.open()
    assert request(lane, head).split(b" ", 2)[1] == status
    assert lane.read(0.05) == ()
    lane.close()


def test_silent_connections_do_not_keep_a_camera_out_for_long() -> None:
    config = config_of()
    lane = PushedPlates(config, CLOCK)
    lane.open()
    port = int(lane.place.rpartition(":")[2].partition("/")[0])
    idle = [socket.create_connection(("127.0.0.1", port), 5.0) for _ in range(CONNECTIONS_MAX + 3)]
    camera, deadline_s = SimPlateCamera(config, lane.place), CLOCK.now().mono_s + 15.0
    while CLOCK.now().mono_s < deadline_s:
        try:
            camera.recognize(READING)
            break
        except LinkDown:
            CLOCK.sleep(0.2)
    assert lane.read(1.0)
    for link in idle:
        link.close()
    lane.close()
    assert not [each for each in threading.enumerate() if each.name == "plate-camera"]


def test_where_nobody_reads_the_newest_readings_are_kept() -> None:
    lane = PushedPlates(config_of(), CLOCK)
    lane.open()
    for number in range(WAITING_MAX + 5):
        lane.take(
            *PLATE_POSTS["isapi"].encode(Recognition(text=f"A{number}", confidence_permille=900))
        )
    read = lane.read(0.1)
    assert len(read) == WAITING_MAX
    assert read[-1].recognition.text == f"A{WAITING_MAX + 4}"
    lane.close()


def test_it_can_be_closed_and_opened_again_and_a_taken_port_is_named(
    config: PlateCameraConfig,
) -> None:
    lane = PushedPlates(config, CLOCK)
    lane.open()
    lane.open()
    port = int(lane.place.rpartition(":")[2].partition("/")[0])
    with pytest.raises(LinkDown, match=rf"127\.0\.0\.1:{port}/plates"):
        PushedPlates(msgspec.structs.replace(config, port=port), CLOCK).open()
    lane.close()
    lane.close()
    with pytest.raises(LinkDown, match="not open"):
        lane.read(0.1)
    lane.open()
    SimPlateCamera(config, lane.place).recognize(READING)
    assert [plate.recognition for plate in lane.read(5.0)] == [READING]
    lane.close()


def test_a_list_or_password_that_cannot_work_is_refused_by_its_key(tmp_path: Path) -> None:
    with pytest.raises(DeviceConfigError, match=r"plate_camera\.allow: '10\.0\.0\.0/33'"):
        PushedPlates(config_of(allow=["10.0.0.0/33"]), CLOCK)
    with pytest.raises(DeviceConfigError, match=r"plate_camera\.password_file"):
        PushedPlates(config_of(username="u", password_file=str(tmp_path / "none")), CLOCK)


def test_a_reading_counts_for_the_vehicle_that_was_there_when_it_came(tmp_path: Path) -> None:
    config, inbox = config_of(), Inbox()
    lane = PushedPlates(config, CLOCK)
    pictures = PictureFiles(tmp_path, max_bytes=10_000_000)
    adapter = PlateCameraAdapter(lane, pictures, inbox, CLOCK, quiet_log())
    adapter.open()
    camera = SimPlateCamera(config, lane.place)
    camera.recognize(Recognition(text="粤A00001", confidence_permille=990))  # of the one before
    CLOCK.sleep(0.02)
    adapter.order(PlateOrder(PassageId("p1"), 1, CLOCK.now().mono_s))
    camera.recognize(READING)
    adapter.order(PlateOrder(PassageId("p1"), 2, CLOCK.now().mono_s))  # asked again: same vehicle
    adapter.serve()
    stamped = inbox.take(1.0)
    assert stamped is not None
    read = stamped.event
    assert isinstance(read, PlateRead)
    assert (read.passage_id, read.text, read.source) == ("p1", "粤B12345", PlateSource.CAMERA)
    assert [(each.text, each.ppm) for each in read.readings] == [
        (read.text, read.confidence_permille * 1000)
    ]
    assert read.picture_id is not None
    assert pictures.read(read.picture_id) == JPEG
    assert inbox.take(0.0) is None
    adapter.close()
