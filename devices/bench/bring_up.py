"""Bringing one device into service: step by step, with pass or fail, the likely mistake named.

A step looks at one thing and says what it found. The first that fails ends the walk: what comes
after it could only mislead. Questions go through `ask`, so that a file can answer them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.errors import DeviceConfigError, DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from devices.clock import Clock
    from devices.config import DevicesConfig

    Ask = Callable[[str, str], str]

SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a step found. `advice` names the likely mistake where it is not `ok`."""

    ok: bool
    said: str
    advice: tuple[str, ...] = ()
    is_skipped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BringUpStep:
    """One step: its name, and the look that it takes."""

    name: str
    look: Callable[[], Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What every step needs. `ask(key, question)` returns a person's answer, or `skip`."""

    config: DevicesConfig
    clock: Clock
    ask: Ask


def good(said: str) -> Finding:
    """The step passed."""
    return Finding(ok=True, said=said)


def bad(said: str, *advice: str) -> Finding:
    """The step failed; `advice` is where to look, the likeliest first."""
    return Finding(ok=False, said=said, advice=advice)


def skipped(said: str) -> Finding:
    """Nobody was there to do what the step needs."""
    return Finding(ok=True, said=said, is_skipped=True)


def walk(steps: Iterable[BringUpStep], say: Callable[[str], None]) -> bool:
    """Take the steps one after the other until one fails; whether none did."""
    for number, step in enumerate(steps, start=1):
        try:
            finding = step.look()
        except DeviceConfigError:
            raise
        except DeviceError as exc:
            finding = bad(str(exc))
        mark = "skipped" if finding.is_skipped else "ok" if finding.ok else "FAILED"
        say(f"{number:2} {step.name:22} {mark:8} {finding.said}")
        for advice in finding.advice:
            say(f"{'':26} -> {advice}")
        if not finding.ok:
            return False
    return True


def answers_of(path: Path) -> Ask:
    """Answers from a TOML file, by key; what it does not answer is skipped.

    Raises:
        DeviceConfigError: the file cannot be read.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise DeviceConfigError(f"{path}: {exc}") from exc
    return lambda key, _question: str(table.get(key, SKIP))
