"""`central.toml` as frozen values. Unknown keys are errors that name their path."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from central.errors import ConfigError
from gate_agent.wire.topics import HUB, is_id

Port = Annotated[int, Meta(ge=1, le=65_535)]
Positive = Annotated[float, Meta(gt=0)]
Days = Annotated[int, Meta(ge=1, le=36_500)]


class HttpConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the console and the API listen."""

    host: str = "127.0.0.1"
    port: Port = 8080


class BrokerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The MQTT 3.1.1 broker: the one that comes with the hub, or another by host and port."""

    embedded: bool = True
    host: str = "127.0.0.1"  # embedded: the address to listen on
    port: Port = 1883
    user: str = "hub"
    password_file: str = ""  # embedded: made on first start under `state`


class CommandConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a supervisor's order may be carried out."""

    expires_after_s: Annotated[float, Meta(gt=0, le=120)] = 20.0


class RetentionConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long pictures and clips are kept. Records, dossiers and hashes are never deleted."""

    pictures_days: Days | None = None  # after the hub received them; unset: for ever
    clips_days: Days | None = None  # after the hub had fetched them; unset: for ever
    disk_free_gb: Positive = 5.0  # below it: `room_after_days`, or an alarm
    room_after_days: Days | None = None  # so old the oldest go for room; unset: nothing ever does

    def said(self) -> tuple[str, ...]:
        """What becomes of pictures and clips, in words."""
        pictures = _days_said("pictures", self.pictures_days)
        clips = _days_said("clips", self.clips_days)
        floor = f"below {self.disk_free_gb:g} GB free"
        if self.room_after_days is None:
            return pictures, clips, f"{floor}: an alarm, nothing is deleted for room"
        return pictures, clips, f"{floor}: the oldest go that are past {self.room_after_days} days"


def _days_said(what: str, days: int | None) -> str:
    if days is None:
        return f"{what} are kept for ever: set `retention.{what}_days`, or the disk fills up"
    return f"{what} are kept for {days} days"


class CentralConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `lanes` are the ids that may connect to the embedded broker."""

    site: str
    state: str  # folder of the database, the broker's files and its passwords
    lanes: tuple[str, ...] = ()
    http: HttpConfig = HttpConfig()
    broker: BrokerConfig = BrokerConfig()
    commands: CommandConfig = CommandConfig()
    retention: RetentionConfig = RetentionConfig()

    @property
    def state_folder(self) -> Path:
        """The folder that everything is kept in."""
        return Path(self.state)

    @property
    def database(self) -> Path:
        """The file of the store."""
        return self.state_folder / "hub.db"


def load(path: Path) -> CentralConfig:
    """Read and check a file. Raises `ConfigError` that names the file and the key."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        config = msgspec.convert(raw, CentralConfig)
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: not UTF-8 at byte {exc.start}") from exc
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(f"{path}: not TOML: {exc}") from exc
    except msgspec.ValidationError as exc:
        raise ConfigError(f"{path}: {exc}") from exc
    _check(config, path)
    return config


def _check(config: CentralConfig, path: Path) -> None:
    if not is_id(config.site):
        raise ConfigError(f"{path}: site {config.site!r} is not of the form [A-Za-z0-9_-]{{1,48}}")
    for index, lane in enumerate(config.lanes):
        if not is_id(lane) or lane == HUB:
            raise ConfigError(f"{path}: lane {lane!r} - at `$.lanes[{index}]` - is not a lane id")
    if len(set(config.lanes)) != len(config.lanes):
        raise ConfigError(f"{path}: a lane is named twice - at `$.lanes`")
    _check_retention(config.retention, path)
    if not config.broker.embedded and not config.broker.password_file:
        raise ConfigError(f"{path}: `$.broker.password_file` is needed for a broker of your own")


def _check_retention(kept: RetentionConfig, path: Path) -> None:
    ages = (kept.pictures_days, kept.clips_days)
    if kept.room_after_days is None or None in ages:
        return
    if kept.room_after_days >= max(each for each in ages if each is not None):
        raise ConfigError(
            f"{path}: `$.retention.room_after_days` {kept.room_after_days}: nothing grows so old,"
            " `pictures_days` and `clips_days` end before"
        )
