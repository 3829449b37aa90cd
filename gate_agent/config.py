"""The lane file: `lane.toml` as a frozen value. Every key is in docs/reference/config.md."""

from __future__ import annotations

import math
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from devices.config import DevicesConfig
from devices.errors import DeviceConfigError
from devices.registry import check as check_devices
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.errors import ConfigError

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,48}$")]


class HubLinkConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the MQTT broker is. The password is read from a file, never from the lane file."""

    host: str
    port: Annotated[int, Meta(ge=1, le=65_535)] = 1883
    username: str = ""
    password_file: str = ""  # a systemd credential is named by $CREDENTIALS_DIRECTORY/<name>
    ca_file: str = ""  # TLS with this authority; empty: no TLS, for loopback and tests


class LaneConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One lane: who it is, where it keeps its records, its devices, its hub, its policy."""

    site: Id
    lane: Id
    state_dir: str
    devices: DevicesConfig
    hub: HubLinkConfig
    policy: dict[str, bool | int | float | str] = {}
    pictures_max_mb: Annotated[int, Meta(ge=10)] = 2_000
    clips_max_mb: Annotated[int, Meta(ge=10)] = 8_000
    clips_max_days: Annotated[int, Meta(ge=1)] = 30


def load(path: Path) -> LaneConfig:
    """Read a lane file. Opens nothing else. Raises `ConfigError` naming file and key."""
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    try:
        table = tomllib.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: not UTF-8 at byte {exc.start}") from exc
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(f"{path}: not TOML: {exc}") from exc
    _refuse_endless(table, "$", path)
    try:
        config = msgspec.convert(table, LaneConfig)
    except msgspec.ValidationError as exc:
        raise ConfigError(f"{path}: {exc}") from exc
    try:
        check_devices(config.devices)
    except DeviceConfigError as exc:
        raise ConfigError(f"{path}: devices.{exc}") from exc
    policy_of(config, path)
    return config


def _refuse_endless(value: object, place: str, path: Path) -> None:
    """TOML knows inf and nan; a limit that nothing exceeds is no limit."""
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_endless(inner, f"{place}.{key}", path)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{path}: expected a finite number, got {value} - at `{place}`")


def policy_of(config: LaneConfig, path: Path | None = None) -> ReleasePolicy:
    """The release policy with the lane file's changes. Raises `ConfigError`."""
    where = f"{path}: " if path else ""
    policy = ReleasePolicy()
    known = {field.name for field in fields(ReleasePolicy)}
    for key, value in config.policy.items():
        if key not in known:
            raise ConfigError(f"{where}unknown key {key!r} - at `$.policy`")
        wanted = type(getattr(policy, key))
        if wanted is float and isinstance(value, int):
            value = float(value)  # noqa: PLW2901 - 45 means 45.0
        if not isinstance(value, wanted) or isinstance(value, bool) != (wanted is bool):
            raise ConfigError(
                f"{where}expected {wanted.__name__}, got {value!r} - at `$.policy.{key}`"
            )
        if not isinstance(value, str) and value < 0:
            raise ConfigError(f"{where}expected at least 0, got {value!r} - at `$.policy.{key}`")
        policy = replace(policy, **{key: value})
    return policy


def password(config: HubLinkConfig) -> str:
    """The broker password, or "" when none is configured. Raises `ConfigError`."""
    if not config.password_file:
        return ""
    try:
        return Path(config.password_file).read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise ConfigError(f"hub.password_file: {config.password_file}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"hub.password_file: {config.password_file}: not UTF-8") from exc
