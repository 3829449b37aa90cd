"""The `[devices]` tables of a lane file, as frozen values.

`gate-agent` opens the devices that these tables name; `gate-bench sim` serves simulators at the
very same addresses. Swapping a simulator for hardware is a change of one line.
Unknown keys are errors that name their path.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from devices.errors import DeviceConfigError

if TYPE_CHECKING:
    from pathlib import Path

Positive = Annotated[float, Meta(gt=0)]
Terminal = Annotated[int, Meta(ge=0, le=63)]
Baud = Annotated[int, Meta(ge=300, le=115_200)]
NumberFormat = Literal["hex", "decimal", "wiegand-26", "wiegand-34", "text"]
ByteOrder = Literal["as_sent", "reversed"]


class BusConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The Modbus input/relay board: loops, beams, limit switches, lamps and boom contacts."""

    board: str = "waveshare"  # a shipped map, or the path of a map file: NAME.toml
    transport: Literal["tcp", "rtu"] = "tcp"
    host: str = "127.0.0.1"  # tcp only
    tcp_port: Annotated[int, Meta(ge=1, le=65_535)] = 502  # tcp only
    serial_port: str = ""  # rtu only
    baud: Baud = 19_200  # rtu only
    device_id: Annotated[int, Meta(ge=1, le=255)] = 1
    timeout_s: Positive = 0.3
    poll_s: Positive = 0.02
    normally_closed: tuple[Terminal, ...] = ()  # inputs that open when the thing happens, too
    flash_on: bool = True  # false: the bus ends pulses even where the board could


class WeighbridgeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The weight indicator's stream and the rule for when its value is settled."""

    driver: str = "yaohua-continuous"  # one of docs/reference/drivers.md
    port: str  # a serial device path, or tcp://host:port
    baud: Baud = 9_600
    division_kg: Annotated[int, Meta(ge=1, le=100)] = 20
    max_kg: Annotated[int, Meta(ge=1_000, le=300_000)] = 100_000
    # the spread must stay within one division for this long
    settle_s: Annotated[float, Meta(ge=0.2, le=5.0)] = 0.4
    stale_s: Annotated[float, Meta(gt=0, le=1.0)] = 0.5  # older than this is no weight at all
    judge_swing: bool = True  # a swing whose rest is proved counts before it rests
    unit: Literal["kg", "t"] = "kg"  # what the display is set to, where its frames do not say
    address: Annotated[int, Meta(ge=1, le=26)] = 1  # the indicator's number, in command mode
    poll_s: Positive = 0.08  # the time between two requests to an indicator that must be asked
    reply_s: Positive = 0.25  # an answer later than this is dropped: it may be an earlier one's


class CardReaderConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The driver-card reader: how it is reached, and how it writes a card's number."""

    driver: str = "stx-len-uid"  # one of docs/reference/drivers.md
    port: str  # a serial device path, tcp://host:port, or the name of a PC/SC reader
    baud: Baud = 9_600
    byte_order: ByteOrder = "as_sent"
    number_format: NumberFormat | None = None  # without it as the driver's readers usually send
    characters: Annotated[int, Meta(ge=0, le=512)] = 0  # of a number sent as text; 0: any
    keep_bytes: Annotated[int, Meta(ge=0, le=16)] = 0  # the last bytes that count; 0: all
    repeat_s: Positive = 2.0  # the same card again within this time is one presentation
    address: Annotated[int, Meta(ge=0, le=126)] = 0  # on an OSDP line
    key_file: str = ""  # hex digits: the OSDP key (16 bytes), the key of a card's sector (6 bytes)
    field_blocks: dict[str, Annotated[int, Meta(ge=1, le=255)]] = {}  # PC/SC: field, first block
    poll_s: Positive = 0.25  # the time between two questions to a reader that must be asked
    reply_s: Positive = 1.0  # an answer later than this is dropped: it may be an earlier one's


class TagReaderConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The reader of windshield tags; a lane without one has no such table."""

    driver: str = "uhf-reader18"  # one of docs/reference/drivers.md
    port: str  # a serial device path, or tcp://host:port
    baud: Baud = 57_600
    address: Annotated[int, Meta(ge=0, le=255)] = 0  # the reader's number; 255: whoever hears it
    poll_s: Positive = 0.2  # the time between two questions
    reply_s: Positive = 0.6  # an answer later than this is dropped: it may be an earlier one's
    reads_min: Annotated[int, Meta(ge=1, le=20)] = 2  # so many answers must name a tag
    # within this time; then the same tag is reported once
    repeat_s: Annotated[float, Meta(gt=0, le=5.0)] = 2.0


class BarrierConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The boom: contacts and limit switches on the bus board."""

    pulse_s: Positive = 0.3
    travel_max_s: Positive = 4.0  # neither limit for longer than this is a fault
    inputs_fresh_s: Positive = 0.5  # the boom is never lowered on inputs older than this


class CameraConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plate camera."""

    driver: Literal["auto", "stream", "folder", "v4l2"] = "auto"  # auto: as the source says
    source: str  # http(s):// MJPEG, rtsp://, v4l2:///dev/video0, a video file, a folder
    open_timeout_s: Positive = 5.0
    stale_s: Positive = 2.0  # no frame for this long: the camera is down


class LaneCameraConfig(CameraConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The camera of the clips (lane monitoring): every key of `[devices.camera]`, and these."""

    rate_fps: Annotated[int, Meta(ge=1, le=25)] = 4
    before_s: Positive = 5.0  # of the time before an arrival is in its clip
    memory_max_mb: Annotated[int, Meta(ge=4, le=1_000)] = (
        32  # of pictures; then the pace is thinned
    )


class PlateCameraConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A camera that reads plates itself and posts them here; most lanes have none."""

    driver: Literal["isapi", "alarm-info-plate"]
    listen: str = "0.0.0.0"  # noqa: S104 - `allow` says who may post
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8_085  # 0: any free one
    path: Annotated[str, Meta(pattern="^/")] = "/plates"
    allow: Annotated[tuple[str, ...], Meta(min_length=1)]  # addresses or networks that may post
    username: str = ""  # with it the camera must know the password, by HTTP digest
    password_file: str = ""
    body_max_kb: Annotated[int, Meta(ge=16, le=32_000)] = 4_000


class ContainerCameraConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A camera that reads container numbers and posts them here; most lanes have none."""

    driver: Literal["http-json"] = "http-json"
    listen: str = "0.0.0.0"  # noqa: S104 - `allow` says who may post
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8_086  # 0: any free one
    path: Annotated[str, Meta(pattern="^/")] = "/containers"
    allow: Annotated[tuple[str, ...], Meta(min_length=1)]  # addresses or networks that may post
    username: str = ""  # with it the camera must know the password, by HTTP digest
    password_file: str = ""
    body_max_kb: Annotated[int, Meta(ge=16, le=32_000)] = 64


class SignConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The text sign for the driver, and its voice; a lane without one has no such table."""

    driver: Literal["led-64ff", "http"]
    port: str = ""  # led-64ff: a serial device path, or tcp://host:port
    baud: Baud = 9_600
    address: Annotated[int, Meta(ge=0, le=255)] = 0  # of the board on its line
    encoding: Literal["gb18030", "utf-8"] = "gb18030"  # of the board's text
    url: str = ""  # http: where messages are posted
    languages: Annotated[tuple[Literal["zh", "en"], ...], Meta(min_length=1)] = ("zh", "en")
    voice: bool = True  # speak, in the first language
    refresh_s: Positive = 20.0  # shown again so often: signs lose power


class DevicesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every device of one lane."""

    bus: BusConfig
    weighbridge: WeighbridgeConfig
    card_reader: CardReaderConfig
    camera: CameraConfig
    plate_camera: PlateCameraConfig | None = None
    container_camera: ContainerCameraConfig | None = None
    lane_camera: LaneCameraConfig | None = None
    sign: SignConfig | None = None
    tag_reader: TagReaderConfig | None = None
    barrier: BarrierConfig = BarrierConfig()


def load_devices(path: Path) -> DevicesConfig:
    """The devices of the lane file at `path`.

    Raises:
        DeviceConfigError: unreadable, not TOML, no `[devices]` table, or a key in it is unknown,
            missing or wrong; the message names the file and the key's path.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise DeviceConfigError(f"{path}: {exc.strerror or exc}") from exc
    except UnicodeDecodeError as exc:
        raise DeviceConfigError(f"{path}: not UTF-8 at byte {exc.start}") from exc
    except tomllib.TOMLDecodeError as exc:
        raise DeviceConfigError(f"{path}: not TOML: {exc}") from exc
    if "devices" not in tables:
        raise DeviceConfigError(f"{path}: no [devices] table")
    try:
        return msgspec.convert(tables["devices"], DevicesConfig)
    except msgspec.ValidationError as exc:
        raise DeviceConfigError(f"{path}: {_with_full_path(str(exc))}") from exc


def _with_full_path(message: str) -> str:
    """Make msgspec's path start at the file's root."""
    if " - at `$" in message:
        return message.replace(" - at `$", " - at `$.devices")
    return f"{message} - at `$.devices`"
