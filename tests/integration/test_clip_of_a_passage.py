"""A whole lane with everything that may be attached: filmed, told by its sign, read twice."""

from pathlib import Path

import cv2
import msgspec
import numpy as np

from devices.camera.folder import FolderCamera
from devices.config import DevicesConfig, LaneCameraConfig, PlateCameraConfig, SignConfig
from devices.readings import Recognition
from devices.sim.bench import Bench
from devices.sim.plate_camera import SimPlateCamera
from gate_agent.adapters.lane_camera import Began, Ended, Judged, Keep, LaneCameraAdapter
from gate_agent.domain.events import ClipKept
from gate_agent.domain.faults import FaultCode, prevents_release
from gate_agent.domain.vocabulary import PassageId
from gate_agent.inbox import Inbox
from gate_agent.store.picture_files import ClipFiles, PictureFiles
from gate_agent.wire import v1
from hil_tests.rig import BOOM_TRAVEL_S, HOST, SHORT_LANE, Papers, free_ports, visit_of
from tests.agent_rig import CLOCK, AgentRig, quiet_log, wait_until

PAPERS = Papers(plate="粤B12345", card_uid="04A1B2C3", gross_kg=25_680)


class FullRig(AgentRig):
    """The rig's lane with another board, a lane camera, a sign and a plate camera."""

    def __init__(self, folder: Path, papers: list[Papers]) -> None:
        super().__init__(folder, papers)
        sign_port, plates_port = free_ports(2)
        devices: DevicesConfig = self.config.devices
        devices = msgspec.structs.replace(
            devices,
            bus=msgspec.structs.replace(devices.bus, board="lc"),
            lane_camera=LaneCameraConfig(source=devices.camera.source),
            sign=SignConfig(driver="http", url=f"http://{HOST}:{sign_port}/"),
            plate_camera=PlateCameraConfig(
                driver="isapi", listen=HOST, port=plates_port, allow=("127.0.0.1",)
            ),
        )
        self.config = msgspec.structs.replace(self.config, devices=devices)
        self.bench = Bench(devices, CLOCK, geometry=SHORT_LANE, boom_travel_s=BOOM_TRAVEL_S)
        url = f"http://{HOST}:{plates_port}/plates"
        assert devices.plate_camera is not None
        self.plate_camera = SimPlateCamera(devices.plate_camera, url)

    def clip_path(self, clip_id: str) -> Path:
        return self.state_dir / "clips" / clip_id[:2] / f"{clip_id}.avi"


def duration_s(path: Path) -> float:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        assert capture.isOpened()
        return capture.get(cv2.CAP_PROP_FRAME_COUNT) / capture.get(cv2.CAP_PROP_FPS)
    finally:
        capture.release()


def closed_in(rig: AgentRig) -> list[v1.PassageClosed]:
    return [body for body in rig.records() if isinstance(body, v1.PassageClosed)]


def test_a_passage_is_filmed_shown_and_read_twice_on_another_board(tmp_path: Path) -> None:
    rig = FullRig(tmp_path, [PAPERS])
    with rig:
        assert rig.bench.sign is not None
        sign = rig.bench.sign
        wait_until(lambda: sign.code == "welcome", "the sign invites")
        handle = rig.send(visit_of(PAPERS))
        wait_until(lambda: rig.lane.passage is not None, "a passage opens")
        rig.plate_camera.recognize(Recognition(text=PAPERS.plate, confidence_permille=990))
        assert rig.see_off(handle) == "exit"
        wait_until(lambda: closed_in(rig), "the passage is closed")
        (closed,) = closed_in(rig)
        assert closed.outcome == "release"
        assert len(closed.clip_id) == 64
        clip = rig.clip_path(closed.clip_id)
        assert clip.is_file()
        assert handle.entered_s is not None
        assert handle.left_s is not None
        assert duration_s(clip) >= (handle.left_s - handle.entered_s) * 0.7
        views = [body.view for body in rig.records() if isinstance(body, v1.PictureTaken)]
        assert 1 <= views.count("lane") <= 3
        assert sign.spoken, "the driver was told"
        assert {"请停稳刷卡", "放行 请通过"} <= set(sign.spoken)
        sealed = [body for body in rig.records() if isinstance(body, v1.PassageSealed)]
        assert sealed
        assert not rig.bench.world.violations


class Filming:
    """The adapter on a folder of pictures, turned by hand."""

    def __init__(self, folder: Path) -> None:
        shown = folder / "shown"
        shown.mkdir()
        for number in range(3):
            image = np.full((48, 64, 3), 60 * number, np.uint8)
            cv2.imwrite(str(shown / f"{number}.jpg"), image)
        config = LaneCameraConfig(source=str(shown), rate_fps=10, before_s=1.0)
        self.folder = folder
        self.inbox = Inbox()
        self.pictures = PictureFiles(folder / "pictures", max_bytes=10_000_000)
        self.adapter = LaneCameraAdapter(
            FolderCamera(config, CLOCK, show_s=0.3),
            config,
            ClipFiles(folder / "clips", max_bytes=10_000_000, max_days=9, clock=CLOCK),
            self.pictures,
            self.inbox,
            CLOCK,
            quiet_log(),
        )
        self.adapter.open()

    def turns(self, count: int) -> None:
        for _ in range(count):
            self.adapter.serve()

    def kept(self) -> list[ClipKept]:
        found = []
        while (stamped := self.inbox.take(0.0)) is not None:
            assert isinstance(stamped.event, ClipKept)
            found.append(stamped.event)
        return found


def test_a_clip_has_the_seconds_before_the_arrival_and_three_pictures(tmp_path: Path) -> None:
    film = Filming(tmp_path)
    film.turns(15)
    film.adapter.order(Began(PassageId("p1")))
    film.turns(5)
    film.adapter.order(Judged(PassageId("p1")))
    film.turns(5)
    film.adapter.order(Keep(PassageId("p1")))
    film.turns(6)
    (kept,) = film.kept()
    assert kept.passage_id == "p1"
    assert 15 <= kept.frames <= 26
    assert 1 <= len(kept.picture_ids) <= 3
    assert all(film.pictures.read(picture_id) for picture_id in kept.picture_ids)


def test_a_passage_that_closes_at_once_is_filmed_all_the_same(tmp_path: Path) -> None:
    film = Filming(tmp_path)
    film.adapter.order(Began(PassageId("p1")))
    film.turns(3)
    film.adapter.order(Keep(PassageId("p1")))
    film.adapter.order(Ended(PassageId("p1")))
    film.adapter.order(Began(PassageId("p2")))  # the next one stood behind it
    film.turns(1)
    assert [kept.passage_id for kept in film.kept()] == ["p1"]
    film.adapter.order(Keep(PassageId("p2")))
    film.turns(6)
    assert [kept.passage_id for kept in film.kept()] == ["p2"]


def test_a_disk_that_takes_no_clip_costs_the_clip_and_nothing_else(tmp_path: Path) -> None:
    film = Filming(tmp_path)
    (tmp_path / "clips").write_text("a file where the folder should be")
    film.adapter.order(Began(PassageId("p1")))
    film.turns(2)
    film.adapter.order(Keep(PassageId("p1")))
    film.turns(6)
    assert film.kept() == []
    assert not prevents_release(FaultCode.LANE_CAMERA)
