"""Words, numbers and times of a page in one language.

The catalogue answers every label; a code it does not know (a lane newer than this hub) is shown
as it is rather than failing the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import exp

from central.store.rows import Deletion
from gate_agent.texts.catalogue import LANGUAGES, CatalogueError, Language, emergency_kind, text

DASH = "—"
_SECOND, _MINUTE, _HOUR, _DAY = 1, 60, 3600, 86400
_UNITS: dict[Language, dict[str, str]] = {
    "zh": {"s": "秒", "min": "分", "h": "小时", "d": "天", "lead": ""},
    "en": {"s": "s", "min": "min", "h": "h", "d": "d", "lead": " "},
}


def choose_language(cookie: str | None, accept_language: str) -> Language:
    """The cookie's language if it is one of ours, else the browser's first that is; else zh."""
    for known in LANGUAGES:
        if cookie == known:
            return known
    for part in accept_language.lower().split(","):
        wanted = part.split(";")[0].strip()
        for known in LANGUAGES:
            if wanted == known or wanted.startswith(f"{known}-"):
                return known
    return "zh"


@dataclass(frozen=True, slots=True)
class Wording:
    """Everything a template says in one language."""

    language: Language

    def label(self, key: str, **values: object) -> str:
        """A label of the console, e.g. `label("lane.mode")`."""
        return self._first((f"console.{key}",), key, values)

    def word(self, kind: str, code: str) -> str:
        """A code in words: the shared catalogue first, then the console's own, then the code."""
        return self._first((f"{kind}.{code}", f"console.{kind}.{code}"), code, {})

    def emergency(self, kind: str) -> str:
        """A kind of emergency in words."""
        return emergency_kind(kind, self.language)

    def advice(self, reason: str) -> str:
        """What a supervisor can do about a reason; empty when nothing is known."""
        return self._first((f"reason_next.{reason}",), "", {})

    def driver(self, reason: str) -> str:
        """What the driver does next; empty when nothing is known."""
        return self._first((f"reason_driver.{reason}",), "", {})

    def deleted(self, gone: Deletion) -> str:
        """When and by which rule a picture or a clip was deleted."""
        gb = "" if gone.free_gb is None else f"{gone.free_gb:g}"
        return self.label(
            f"deleted.{gone.rule.value}", time=self.time(gone.at_ms), days=gone.days, gb=gb
        )

    def _first(self, keys: tuple[str, ...], fallback: str, values: dict[str, object]) -> str:
        for key in keys:
            try:
                return text(key, self.language, **values)
            except (CatalogueError, KeyError, IndexError):
                continue
        return fallback

    def time(self, at_ms: int | None) -> str:
        """Date and time of day in the hub's time zone; a dash for None."""
        return _shown(at_ms, "%Y-%m-%d %H:%M:%S")

    def clock(self, at_ms: int | None) -> str:
        """Time of day in the hub's time zone; a dash for None."""
        return _shown(at_ms, "%H:%M:%S")

    def age(self, age_s: float | None) -> str:
        """A duration in its two largest units: `3 min 20 s`; a dash for None."""
        if age_s is None:
            return DASH
        units = _UNITS[self.language]
        whole_s = max(0, int(age_s))
        for size, name, small, small_name in (
            (_DAY, "d", _HOUR, "h"),
            (_HOUR, "h", _MINUTE, "min"),
            (_MINUTE, "min", _SECOND, "s"),
        ):
            if whole_s >= size:
                big, rest = divmod(whole_s, size)
                head = self._quantity(big, units, name)
                tail = self._quantity(rest // small, units, small_name)
                return f"{head}{units['lead']}{tail}"
        return self._quantity(whole_s, units, "s")

    def stopwatch(self, age_s: float | None) -> str:
        """A waiting time as m:ss, or h:mm:ss from an hour on; a dash for None."""
        if age_s is None:
            return DASH
        minutes, seconds = divmod(max(0, int(age_s)), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"

    def kg(self, weight_kg: int | None) -> str:
        """A weight with thousands apart; a dash for None."""
        return DASH if weight_kg is None else f"{weight_kg:,} kg".replace(",", "\u202f")

    def share(self, milli_nats: int | None) -> str:
        """A probability, given as a thousandth of its logarithm, in percent; a dash for None."""
        return DASH if milli_nats is None else f"{100 * exp(min(0, milli_nats) / 1000):.2f}"

    def lane_of(self, passage_id: str) -> str:
        """The lane that a passage's id begins with."""
        return passage_id.rsplit("-", 2)[0]

    def seconds(self, duration_ms: int | None) -> str:
        """Milliseconds as seconds with one decimal; a dash for None."""
        return DASH if duration_ms is None else f"{duration_ms / 1000:.1f} s"

    def _quantity(self, count: int, units: dict[str, str], name: str) -> str:
        return f"{count}{units['lead']}{units[name]}"


def _shown(at_ms: int | None, pattern: str) -> str:
    """A moment that no calendar has, from a lane whose clock is broken, is shown as it came."""
    if at_ms is None:
        return DASH
    try:
        return format(_local(at_ms), pattern)
    except (ValueError, OverflowError, OSError):
        return f"{at_ms} ms"


def _local(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone()
