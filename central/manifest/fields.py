"""Single values of an import: text, numbers, times, lists; refused by field and reason. PURE."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gate_agent.domain.matching import normalize_card

ID_LENGTH = 64
_CARD = re.compile(r"[0-9A-F]{8,20}\Z")  # 4 to 10 bytes
# A number that is text: of a customs card, an identity card that ends in X, a code on paper.
_NUMBER = re.compile(r"(?=.*[G-Z])[0-9A-Z]{6,40}\Z")
_SHOWN = 40


class Bad(Exception):
    """One field that cannot be taken."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


def shown(value: object) -> str:
    """A value as a complaint quotes it."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def text(raw: Mapping[str, Any], field: str) -> str:
    """A text without space around it. Raises `Bad`."""
    value = raw[field]
    if not isinstance(value, str):
        raise Bad(field, f"{shown(value)} is not text")
    return value.strip()


def name(raw: Mapping[str, Any], field: str) -> str:
    """A short printable text; "" where the field is absent or empty. Raises `Bad`."""
    return checked_name(text(raw, field), field) if raw.get(field) else ""


def checked_name(value: str, field: str) -> str:
    """`value`, if it is short and printable. Raises `Bad`."""
    if len(value) > ID_LENGTH or not value.isprintable():
        raise Bad(field, f"{shown(value)} is not 1 to {ID_LENGTH} printable characters")
    return value


def texts(raw: Mapping[str, Any], field: str) -> list[str]:
    """A list of texts, or one text cut at vertical bars; empty where absent. Raises `Bad`."""
    value = raw.get(field) or ""
    parts = value.split("|") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise Bad(field, f"{shown(value)} is not a list of texts")
    return [part.strip() for part in parts if part.strip()]


def card(said: str, field: str) -> str:
    """A card's number, normalized. Raises `Bad`."""
    value = normalize_card(said)
    is_hex = _CARD.match(value) is not None and len(value) % 2 == 0
    if not is_hex and not _NUMBER.match(value):
        why = "is not 4 to 10 bytes in hex, nor a number of letters and digits"
        raise Bad(field, f"{shown(said)} {why}")
    return value


def whole(value: object, field: str, unit: str, limits: tuple[int, int]) -> int:
    """A whole number within `limits`, also written as text. Raises `Bad`."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value.strip(), re.ASCII):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Bad(field, f"{shown(value)} is not a whole number of {unit}")
    least, most = limits
    if not least <= value <= most:
        raise Bad(field, f"{value} is not in {least}..{most} {unit}")
    return value


def one_of(raw: Mapping[str, Any], field: str, allowed: tuple[str, ...]) -> str | None:
    """One of some words; None where absent or empty. Raises `Bad`."""
    if not raw.get(field):
        return None
    value = text(raw, field)
    if value not in allowed:
        raise Bad(field, f"{shown(value)} is not one of {', '.join(allowed)}")
    return value


def yes_or_no(raw: Mapping[str, Any], field: str) -> bool | None:
    """`yes` or `no`, or a JSON boolean; None where absent or empty. Raises `Bad`."""
    value = raw.get(field)
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return value
    if value in ("yes", "no"):
        return bool(value == "yes")
    raise Bad(field, f"{shown(value)} is not yes or no")


def time_ms(raw: Mapping[str, Any], field: str) -> int:
    """An ISO 8601 time with an offset, as UTC epoch milliseconds. Raises `Bad`."""
    return moment_ms(text(raw, field), field)


def moment_ms(value: str, field: str) -> int:
    """The same for a text in hand. Raises `Bad`."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Bad(field, f"{shown(value)} is not an ISO 8601 time") from None
    if moment.tzinfo is None:
        raise Bad(field, f"{shown(value)} has no offset: write Z or for example +08:00")
    return round(moment.timestamp() * 1000)
