"""Every simulator of one lane, at exactly the addresses that its devices table names.

The lane's own drivers open the same table: pseudo-terminals behind the serial ports' names,
`tcp://` serial servers, Modbus TCP or RTU, MJPEG over HTTP, Motion JPEG or H.264 over RTSP, cards
on the virtual reader of pcscd. The scale speaks the protocol that the table names. What this bench
cannot serve (TLS, a video device) it refuses by name; a video file or a folder of pictures needs no
simulator and gets none. For an address of another machine see `devices/bench/desk.py`.

A bench never takes the place of hardware: where a port's name leads to a real device it refuses.
"""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from devices.addresses import without_password
from devices.errors import DeviceConfigError
from devices.lane_io.registers import board_of
from devices.sim.boom import TRAVEL_S, SimBoom
from devices.sim.card_reader import SimCardReader
from devices.sim.card_readers import sim_card_reader
from devices.sim.container_camera import SimContainerCamera, sim_container_camera
from devices.sim.faults.line import FaultyLine
from devices.sim.lane_world import SENSORS, LaneWorld
from devices.sim.line_host import line_host
from devices.sim.modbus_host import ModbusHost
from devices.sim.plate_camera import SimPlateCamera, sim_plate_camera
from devices.sim.pty_host import is_hardware
from devices.sim.sign import SimSign, sim_sign
from devices.sim.stream_cameras import camera_at
from devices.sim.tag_reader import SimTagReader
from devices.sim.truck import LaneGeometry
from devices.sim.weighbridge import SimWeighbridge
from devices.transports.tcp import SCHEME
from devices.weighbridge.protocols import protocol_named, protocols

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from devices.clock import Clock
    from devices.config import CameraConfig, CardReaderConfig, DevicesConfig, WeighbridgeConfig
    from devices.sim.camera import SimCamera
    from devices.sim.card_reader import SimulatedCardReader
    from devices.sim.lane_world import TruckVisit

STANDARD_LANE = LaneGeometry()
DEVICES = (
    "bus",
    "weighbridge",
    "card_reader",
    "camera",
    "lane_camera",
    "plate_camera",
    "container_camera",
    "tag_reader",
    "sign",
)


class _Served(Protocol):
    """A simulator that the bench starts and stops."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Bench:
    """The simulated devices of one lane and the world between them.

    Pull cables and set faults through `scale`, `card_reader` and `board`, and `camera`,
    `lane_camera`, `plate_camera`, `container_camera`, `tag_reader` and `sign`, which are None where
    the lane has none or it needs no simulator; send trucks through `world`; break the boom through
    `world.boom`.
    `empty_picture` is the JPEG of the empty lane; a plain gray one by default.
    """

    def __init__(
        self,
        config: DevicesConfig,
        clock: Clock,
        *,
        geometry: LaneGeometry = STANDARD_LANE,
        empty_picture: bytes | None = None,
        boom_travel_s: float = TRAVEL_S,
        camera_fps: float = 8.0,
        simulated: Collection[str] = DEVICES,
    ) -> None:
        """Opens nothing yet. Raises `DeviceConfigError` for what cannot be simulated.

        `simulated` names the devices that are served here; the others are hardware.
        """
        self.config = config
        self.simulated = frozenset(simulated)
        self.board = ModbusHost(config.bus, clock, on_coil=self._on_coil)
        self.scale_line = _line("weighbridge", config.weighbridge, clock)
        self.card_line = _line("card_reader", config.card_reader, clock)
        self.scale = SimWeighbridge(
            self.scale_line,
            self._weight_kg,
            clock,
            protocol=protocol_named(config.weighbridge.driver, config.weighbridge.address),
            division_kg=config.weighbridge.division_kg,
        )
        self.card_reader = self._sim_card_reader(clock)
        self.plate_camera = self._sim_plate_camera()
        self.container_camera = self._sim_container_camera()
        self._board_map = board_of(config.bus)
        self._levels: dict[int, bool] = {}
        self._shown: TruckVisit | None = None
        self._shown_kg = 0.0
        self.world = LaneWorld(
            geometry,
            clock,
            SimBoom(travel_s=boom_travel_s),
            set_input=self._on_input,
            present_card=self.card_reader.present,
            empty_picture=plain_picture() if empty_picture is None else empty_picture,
            board=self._board_map,
            onlooker=self._on_visit,
        )
        self.tag_reader = self._sim_tag_reader(clock)
        self.sign = self._sim_sign(clock)
        self.camera = self._sim_camera("camera", config.camera, clock, camera_fps)
        self.lane_camera = self._sim_lane_camera(clock, camera_fps)

    def start(self) -> None:
        """Serve every device. Raises `LinkDown` or `DeviceConfigError` naming a taken place."""
        for key, port in self._hardware_keys():
            _refuse_hardware(key, port)
        with contextlib.ExitStack() as undo:
            undo.callback(self.stop)
            self.world.tick(0.0)  # the switches are right before anybody can read them
            for device in self._served():
                device.start()
            self.world.start()
            undo.pop_all()

    def _hardware_keys(self) -> Iterator[tuple[str, str]]:
        """The keys under which the file names what may be a real device, of those served here."""
        config = self.config
        if config.bus.transport == "rtu" and "bus" in self.simulated:
            yield "bus.serial_port", config.bus.serial_port
        if "weighbridge" in self.simulated:
            yield "weighbridge.port", config.weighbridge.port
        if "card_reader" in self.simulated and config.card_reader.driver != "pcsc":
            yield "card_reader.port", config.card_reader.port
        if config.tag_reader is not None and "tag_reader" in self.simulated:
            yield "tag_reader.port", config.tag_reader.port
        if config.sign is not None and config.sign.port and "sign" in self.simulated:
            yield "sign.port", config.sign.port

    def serves(self, device: str) -> bool:
        """Whether a simulator stands in for this device of the lane."""
        return device in self._simulators()

    def _served(self) -> list[_Served]:
        return list(self._simulators().values())

    def _simulators(self) -> dict[str, _Served]:
        known: dict[str, _Served | None] = {
            "bus": self.board,
            "weighbridge": self.scale,
            "card_reader": self.card_reader,
            "tag_reader": self.tag_reader,
            "camera": self.camera,
            "lane_camera": self.lane_camera,
            "plate_camera": self.plate_camera,
            "container_camera": self.container_camera,
            "sign": self.sign,
        }
        return {name: each for name, each in known.items() if each and name in self.simulated}

    def stop(self) -> None:
        """Stop every device; leaves no thread, port or link. May be called twice."""
        self.world.stop()
        for device in reversed(self._served()):
            device.stop()

    def __enter__(self) -> Bench:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    @property
    def places(self) -> dict[str, str]:
        """Device name -> where it is served."""
        tags, sign = self.config.tag_reader, self.config.sign
        film, posts = self.config.lane_camera, self.config.plate_camera
        boxes = self.config.container_camera
        return {
            "bus": self.board.place,
            "weighbridge": self.config.weighbridge.port,
            "card_reader": self.config.card_reader.port,
            "camera": without_password(self.config.camera.source),
            **({"tag_reader": tags.port} if tags is not None else {}),
            **({"lane_camera": without_password(film.source)} if film is not None else {}),
            **({"plate_camera": f"{posts.listen}:{posts.port}"} if posts is not None else {}),
            **({"container_camera": f"{boxes.listen}:{boxes.port}"} if boxes is not None else {}),
            **({"sign": sign.port or without_password(sign.url)} if sign is not None else {}),
        }

    @property
    def black_picture(self) -> bytes:
        """What a camera with a covered lens sends."""
        return plain_picture(0)

    def sensors_on(self) -> tuple[str, ...]:
        """The sensors whose wires say now that the thing happens."""
        board = self._board_map
        terminals = {sensor: getattr(board, sensor) for sensor in SENSORS}
        return tuple(
            sensor
            for sensor, terminal in terminals.items()
            if terminal in self._levels
            and self._levels[terminal] != (terminal in board.normally_closed)
        )

    def show(self, visit: TruckVisit | None, *, weight_kg: float = 0.0) -> None:
        """Let the devices see a vehicle that the simulated world does not have: a real one.

        `weight_kg` is what rests on the platform. None: it has gone. Any one thread.
        """
        self._shown_kg = weight_kg
        if visit is not self._shown:
            self._shown = visit
            self._on_visit(visit)

    def _on_input(self, terminal: int, on: bool) -> None:  # noqa: FBT001 - a switch
        self._levels[terminal] = on
        self.board.set_input(terminal, on)

    def _on_visit(self, visit: TruckVisit | None) -> None:
        if self.plate_camera is not None:
            self.plate_camera.look(visit)
        if self.container_camera is not None:
            self.container_camera.look(visit)

    def _on_coil(self, address: int, on: bool, at_s: float) -> None:  # noqa: FBT001 - a relay
        self.world.on_coil(address, on, at_s)

    def _sim_card_reader(self, clock: Clock) -> SimulatedCardReader:
        """The reader; where the lane has a real one, one at which cards are held in vain."""
        if "card_reader" not in self.simulated:
            return SimCardReader(self.card_line)
        return sim_card_reader(self.config.card_reader, self.card_line, clock)

    def _sim_tag_reader(self, clock: Clock) -> SimTagReader | None:
        tags = self.config.tag_reader
        if tags is None or "tag_reader" not in self.simulated:
            return None
        host = line_host("tag_reader", tags.port, baud=tags.baud, clock=clock)
        return SimTagReader(host, self._tags, address=tags.address % 255)

    def _sim_sign(self, clock: Clock) -> SimSign | None:
        sign = self.config.sign
        if sign is None or "sign" not in self.simulated:
            return None
        is_line = sign.driver != "http"
        host = line_host("sign", sign.port, baud=sign.baud, clock=clock) if is_line else None
        return sim_sign(sign, host)

    def _sim_plate_camera(self) -> SimPlateCamera | None:
        posts = self.config.plate_camera
        if posts is None or "plate_camera" not in self.simulated:
            return None
        return sim_plate_camera(posts)

    def _sim_container_camera(self) -> SimContainerCamera | None:
        boxes = self.config.container_camera
        if boxes is None or "container_camera" not in self.simulated:
            return None
        return sim_container_camera(boxes)

    def _sim_camera(
        self, device: str, config: CameraConfig, clock: Clock, rate_fps: float
    ) -> SimCamera | None:
        if device not in self.simulated:
            return None
        return camera_at(device, config, self._picture, clock, rate_fps=rate_fps)

    def _sim_lane_camera(self, clock: Clock, rate_fps: float) -> SimCamera | None:
        film = self.config.lane_camera
        if film is None or film.source == self.config.camera.source:
            return None  # none, or the plate camera's address a second time
        return self._sim_camera("lane_camera", film, clock, rate_fps)

    def _picture(self) -> bytes:
        return self.world.picture() if self._shown is None else self._shown.picture

    def _tags(self) -> frozenset[str]:
        shown = None if self._shown is None else self._shown.tag_id
        return self.world.tags() if shown is None else frozenset({shown})

    def _weight_kg(self) -> float:
        return self.world.weight_kg() + self._shown_kg


@functools.cache
def plain_picture(shade: int = 96) -> bytes:
    """A JPEG of 1280x720 in one gray (0..255) over a darker ground: a lane without a truck."""
    image = np.full((720, 1280, 3), shade, dtype=np.uint8)
    image[460:] = shade // 2
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    return encoded.tobytes()


def _line(device: str, config: WeighbridgeConfig | CardReaderConfig, clock: Clock) -> FaultyLine:
    inner = line_host(device, config.port, baud=config.baud, clock=clock)
    indicator = protocols().get(config.driver)
    sends_on = indicator is not None and indicator.poll is None
    return FaultyLine(inner, baud=config.baud, sends_on=sends_on)


def _refuse_hardware(key: str, port: str) -> None:
    """Before anything is served: the line itself would refuse, by its place only."""
    if not port.startswith(SCHEME) and is_hardware(Path(port)):
        raise DeviceConfigError(f"{key}: {port} exists and is not a simulator's: left alone")
