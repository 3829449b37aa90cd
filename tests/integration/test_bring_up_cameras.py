"""A camera that posts and a camera that films are brought into service; mistakes are named."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from devices.bench import bring_up_cameras
from devices.bench.bring_up_plate_camera import advice_on
from devices.camera.pushed import PushedPlates
from devices.camera.refusals import Refusal, RefusedPost
from devices.clock import SystemClock
from devices.config import DevicesConfig, LaneCameraConfig, PlateCameraConfig
from devices.errors import LinkDown
from devices.readings import Recognition
from devices.sim.bench import plain_picture
from devices.sim.camera import MjpegServer
from devices.sim.plate_camera import PlateCameraFault, SimPlateCamera
from hil_tests.rig import devices_at, free_ports
from tests.technician import Technician

CLOCK = SystemClock()
VEHICLE = {"vehicle": ""}
READING = Recognition(text="粤B12345", confidence_permille=970, picture=plain_picture())


# --- a camera that posts --------------------------------------------------------------------------


def table_of(**keys: object) -> PlateCameraConfig:
    table = {"driver": "isapi", "listen": "127.0.0.1", "allow": ["127.0.0.0/8"]}
    return msgspec.convert(table | {"port": free_ports(1)[0]} | keys, PlateCameraConfig)


def lane_with(folder: Path, table: PlateCameraConfig) -> DevicesConfig:
    return msgspec.structs.replace(devices_at(folder, 1, 2), plate_camera=table)


class Traffic:
    """A camera that posts one reading again and again, as long as the walk lasts."""

    def __init__(
        self,
        table: PlateCameraConfig,
        reading: Recognition = READING,
        *,
        password: str = "",
        path: str = "/plates",
    ) -> None:
        url = f"http://127.0.0.1:{table.port}{path}"
        self.camera = SimPlateCamera(table, url, password=password)
        self._reading = reading
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(0.05):
            with contextlib.suppress(LinkDown):
                self.camera.recognize(self._reading)


def test_a_camera_that_posts_is_proved_with_a_vehicle(tmp_path: Path) -> None:
    technician, table = Technician(), table_of()
    lane = lane_with(tmp_path, table)
    with Traffic(table):
        answers = {"vehicle": "", "plate": "粤B·12345", "picture": "y"}
        assert technician.brings_up("plate_camera", lane, answers, wait_s=10.0)
    assert f"127.0.0.1:{table.port}/plates" in technician.said
    assert "粤B12345, 97 %" in technician.said
    assert "1280x720, as it should be" in technician.said


@pytest.mark.parametrize(
    ("reading", "answers", "advice"),
    [
        (READING, {"plate": "湘B12345"}, "province or region"),
        (READING, {"plate": "粤B54321"}, "aim, zoom and focus"),
        (READING, {"picture": "n"}, "another lane's camera"),
        (Recognition(text="", confidence_permille=0), {}, "it found no plate"),
        (Recognition(text="粤B12345", confidence_permille=970), {}, "without a picture"),
    ],
)
def test_a_post_that_is_not_as_it_should_be_has_its_likely_cause(
    tmp_path: Path, reading: Recognition, answers: dict[str, str], advice: str
) -> None:
    technician, table = Technician(), table_of()
    with Traffic(table, reading):
        lane = lane_with(tmp_path, table)
        answers = {"vehicle": "", **answers}
        assert not technician.brings_up("plate_camera", lane, answers, wait_s=10.0)
    assert advice in technician.said


def test_a_camera_whose_posts_do_not_come_in_is_told_by_the_listeners_refusals(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("tr0ck\n")
    technician = Technician()
    with_password = {"username": "camera", "password_file": str(secret)}
    for table, path, advice in (
        (table_of(allow=["192.0.2.7"]), "/plates", "127.0.0.1 may not post: plate_camera.allow"),
        (table_of(), "/other", "it posts to /other: plate_camera.path"),
        (table_of(**with_password), "/plates", "comes as Digest camera: the user is camera"),
    ):
        with Traffic(table, password="wrong", path=path):
            lane = lane_with(tmp_path, table)
            assert not technician.brings_up("plate_camera", lane, VEHICLE, wait_s=0.6)
        assert "no reading in 0.6 s, but 127.0.0.1 was there" in technician.said
        assert advice in technician.said
    assert "it sends no password" not in technician.said


def test_a_camera_that_posts_nothing_and_a_listener_that_cannot_listen_are_told(
    tmp_path: Path,
) -> None:
    technician, table = Technician(), table_of()
    lane = lane_with(tmp_path, table)
    assert not technician.brings_up("plate_camera", lane, VEHICLE, wait_s=0.1)
    assert f"nothing was posted to http://127.0.0.1:{table.port}/plates in 0.1 s" in technician.said
    assert "hears this machine only" in technician.said
    with socket.create_server(("127.0.0.1", table.port)):
        assert not technician.brings_up("plate_camera", lane)
    assert "in use: the lane holds it" in technician.said


def ways_to_be_refused(
    config: PlateCameraConfig, place: str
) -> dict[Refusal, Callable[[], object]]:
    """What a camera that is set wrongly does."""
    host, _, rest = place.removeprefix("http://").partition(":")
    port, _, path = rest.partition("/")

    def posts(fault: PlateCameraFault, password: str) -> None:
        camera = SimPlateCamera(config, place, password=password)
        camera.fault = fault
        with contextlib.suppress(LinkDown):
            camera.recognize(READING)

    def sends(raw: bytes) -> bytes:
        with socket.create_connection((host, int(port)), 5.0) as link:
            link.sendall(raw)
            with contextlib.suppress(ConnectionResetError):
                return link.recv(100)
        return b""

    def asks(method: str, target: str, headers: dict[str, str] | None = None) -> int:
        link = http.client.HTTPConnection(host, int(port), timeout=5.0)
        link.request(method, target, None, headers or {})
        try:
            return link.getresponse().status
        finally:
            link.close()

    return {
        Refusal.TLS: lambda: sends(b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03"),
        Refusal.NO_POST: lambda: asks("GET", f"/{path}"),
        Refusal.PATH: lambda: asks("POST", "/other"),
        Refusal.NO_LENGTH: lambda: sends(b"POST /plates HTTP/1.1\r\n\r\n"),
        Refusal.TOO_LARGE: lambda: asks("POST", f"/{path}", {"Content-Length": "99999999"}),
        Refusal.ANONYMOUS: lambda: asks("POST", f"/{path}"),
        Refusal.NOT_LET_IN: lambda: posts(PlateCameraFault.NONE, "wrong"),
        Refusal.NO_READING: lambda: posts(PlateCameraFault.GARBAGE, "tr0ck"),
    }


def test_the_listener_knows_why_a_post_became_no_reading_and_the_reason_has_an_advice(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("tr0ck\n")
    config = table_of(username="camera", password_file=str(secret))
    listener = PushedPlates(config, CLOCK)
    listener.open()
    try:
        for refusal, does in ways_to_be_refused(config, listener.place).items():
            does()
            refused = refusals_of(listener, refusal)
            assert refused.peer == "127.0.0.1"
            assert "tr0ck" not in refused.said
        assert listener.read(0.0) == ()
    finally:
        listener.close()
    for refusal in Refusal:
        advice = advice_on(RefusedPost(peer="192.0.2.1", refusal=refusal, said="x"), config)
        assert advice.zh != advice.en


def refusals_of(listener: PushedPlates, wanted: Refusal) -> RefusedPost:
    """The last of what was refused, which is of that cause."""
    until_s = CLOCK.now().mono_s + 5.0
    while CLOCK.now().mono_s < until_s:
        if found := [each for each in listener.refusals() if each.refusal is wanted]:
            return found[-1]
        CLOCK.sleep(0.01)
    pytest.fail(f"{wanted} was not noted")


def test_a_post_that_breaks_off_or_is_of_another_make_is_noted_as_such() -> None:
    config = table_of()
    listener = PushedPlates(config, CLOCK)
    listener.open()
    try:
        camera = SimPlateCamera(config, listener.place)
        camera.fault = PlateCameraFault.HALF
        with pytest.raises(LinkDown):
            camera.recognize(READING)
        assert refusals_of(listener, Refusal.CUT).peer == "127.0.0.1"
        other = SimPlateCamera(table_of(driver="alarm-info-plate"), listener.place)
        other.recognize(READING)
        refused = refusals_of(listener, Refusal.NO_READING)
    finally:
        listener.close()
    assert 'plate_camera.driver = "alarm-info-plate"' in advice_on(refused, config).en


# --- a camera that films --------------------------------------------------------------------------


class Scene:
    """A simulated camera, and the lane's table of it."""

    def __init__(self, folder: Path) -> None:
        self.pause_s = 0.0
        self.server = MjpegServer("127.0.0.1", free_ports(1)[0], self._picture, rate_fps=20.0)
        self._folder = folder

    def lane(self, **keys: object) -> DevicesConfig:
        table = msgspec.convert(
            {"source": self.server.url, "rate_fps": 4, "stale_s": 1.0} | keys, LaneCameraConfig
        )
        return msgspec.structs.replace(devices_at(self._folder, 1, 2), lane_camera=table)

    def _picture(self) -> bytes:
        CLOCK.sleep(self.pause_s)
        return plain_picture()

    def cover(self) -> str:
        self.server.instead = plain_picture(0)
        CLOCK.sleep(0.15)
        return ""

    def uncover(self) -> str:
        self.server.instead = None
        CLOCK.sleep(0.3)
        return ""


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(bring_up_cameras, "PACE_S", 0.6)
    monkeypatch.setattr(bring_up_cameras, "FRAMES", 3)
    scene = Scene(tmp_path)
    scene.server.start()
    yield scene
    scene.server.stop()


def test_a_camera_that_films_is_proved_by_its_pictures(scene: Scene) -> None:
    technician = Technician()
    answers = {"picture": lambda: "y", "cover": scene.cover, "uncover": scene.uncover}
    assert technician.brings_up("lane_camera", scene.lane(), answers)
    assert "1280x720, the first after" in technician.said
    assert "pictures a second, lane_camera.rate_fps is 4" in technician.said
    assert "the newest picture was never older than" in technician.said
    assert "1280x720, as it should be" in technician.said
    assert "the picture follows" in technician.said


def test_the_technician_is_shown_the_picture_in_a_file_that_is_gone_afterwards(
    scene: Scene,
) -> None:
    technician = Technician()

    def shown() -> Path:
        return Path(technician.asked["picture"].removeprefix("see ").partition(":")[0])

    def looks() -> str:
        assert shown().read_bytes() == plain_picture()
        return "upside down"

    assert not technician.brings_up("lane_camera", scene.lane(), {"picture": looks})
    assert "1280x720: upside down" in technician.said
    assert not shown().exists()


def test_a_camera_that_is_too_slow_dark_frozen_or_silent_is_told_apart(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    technician = Technician()
    assert not technician.brings_up("lane_camera", scene.lane(rate_fps=25))
    assert "lane_camera.rate_fps is 25" in technician.said
    scene.server.frozen = True
    frozen = {"cover": scene.cover, "uncover": scene.uncover}
    assert not technician.brings_up("lane_camera", scene.lane(), frozen)
    assert "frozen or late pictures" in technician.said
    scene.server.frozen = False
    monkeypatch.setattr(bring_up_cameras, "AGE_MAX_S", 0.1)
    scene.pause_s = 0.1
    assert not technician.brings_up("lane_camera", scene.lane(rate_fps=1))
    assert "they come in bursts" in technician.said
    scene.pause_s = 0.0
    scene.server.instead = plain_picture(0)
    assert not technician.brings_up("lane_camera", scene.lane())
    assert "1280x720, black" in technician.said
    scene.server.stalled = True
    assert not technician.brings_up("lane_camera", scene.lane(open_timeout_s=0.3, stale_s=0.3))
    assert "address, user and password" in technician.said
