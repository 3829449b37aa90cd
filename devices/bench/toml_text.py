"""Tables as TOML text: for lane files that a program writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from devices.errors import DeviceConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


def as_toml(tables: Mapping[str, Any], above: str = "") -> str:
    """Tables of strings, numbers, switches and lists as TOML.

    Raises:
        DeviceConfigError: a value of another kind.
    """
    lines = [f"{key} = {_value(each)}" for key, each in tables.items() if not _is_table(each)]
    for key, inner in tables.items():
        if _is_table(inner):
            name = f"{above}{key}"
            lines += [f"[{name}]", as_toml(inner, f"{name}.")]
    return "\n".join(lines)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False)  # its escapes are TOML's, too
        case list() | tuple():
            return "[" + ", ".join(_value(each) for each in value) + "]"
        case int() | float():
            return repr(value)
        case _:
            raise DeviceConfigError(f"{value!r} cannot stand in a lane file")
