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


class CentralConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `lanes` are the ids that may connect to the embedded broker."""

    site: str
    state: str  # folder of the database, the broker's files and its passwords
    lanes: tuple[str, ...] = ()
    http: HttpConfig = HttpConfig()
    broker: BrokerConfig = BrokerConfig()
    commands: CommandConfig = CommandConfig()

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
    if not config.broker.embedded and not config.broker.password_file:
        raise ConfigError(f"{path}: `$.broker.password_file` is needed for a broker of your own")
