"""Bringing one device into service: step by step, with pass or fail, the likely mistake named.

A step looks at one thing and says what it found. The first that fails ends the walk: what comes
after it could only mislead. Questions go through `ask`, so that a file can answer them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from devices.bench.wording import said
from devices.errors import DeviceConfigError, DeviceError
from devices.texts import as_is, padded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from devices.clock import Clock
    from devices.config import DevicesConfig
    from devices.texts import Language, Said

    Ask = Callable[[str, Said], str]

SKIP = "skip"
WAIT_S = 20.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a step found. `advice` names the likely mistake where it is not `ok`."""

    ok: bool
    said: Said
    advice: tuple[Said, ...] = ()
    is_skipped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BringUpStep:
    """One step: its name, and the look that it takes."""

    name: Said
    look: Callable[[], Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What every step needs. `ask(key, question)` returns a person's answer, or `skip`.

    `wait_s` is how long a step waits for what a person has to do.
    """

    config: DevicesConfig
    clock: Clock
    ask: Ask
    wait_s: float = WAIT_S


def good(found: Said) -> Finding:
    """The step passed."""
    return Finding(ok=True, said=found)


def bad(found: Said, *advice: Said) -> Finding:
    """The step failed; `advice` is where to look, the likeliest first."""
    return Finding(ok=False, said=found, advice=advice)


def skipped(why: Said) -> Finding:
    """Nobody was there to do what the step needs."""
    return Finding(ok=True, said=why, is_skipped=True)


def log_text(exc: DeviceError) -> Said:
    """What a driver says in the log too: always English."""
    return as_is(str(exc))


def answered(typed: str) -> str:
    """What was typed, with `skip` in either language as `SKIP`."""
    return SKIP if typed.strip().lower() in (SKIP, "跳过") else typed


def is_yes(answer: str) -> bool:
    """Whether the answer to a question is yes."""
    return answer.strip().lower() in ("y", "yes", "是")


def is_no(answer: str) -> bool:
    """Whether it is no. An answer may be neither."""
    return answer.strip().lower() in ("n", "no", "否")


def configured(table: T | None, device: str) -> T:
    """The device's table.

    Raises:
        DeviceConfigError: the lane has no such device.
    """
    if table is None:
        raise DeviceConfigError(f"no [devices.{device}] table in the lane file: this lane has none")
    return table


def walk(steps: Iterable[BringUpStep], say: Callable[[str], None], language: Language) -> bool:
    """Take the steps one after the other until one fails; whether none did."""
    for number, step in enumerate(steps, start=1):
        try:
            finding = step.look()
        except DeviceConfigError:
            raise
        except DeviceError as exc:
            finding = bad(log_text(exc))
        name, mark = padded(step.name[language], 22), padded(_mark(finding)[language], 8)
        say(f"{number:2} {name} {mark} {finding.said[language]}")
        for advice in finding.advice:
            say(f"{'':26} -> {advice[language]}")
        if not finding.ok:
            return False
    return True


def _mark(finding: Finding) -> Said:
    if finding.is_skipped:
        return said("walk.skipped")
    return said("walk.ok") if finding.ok else said("walk.failed")


def answers_of(path: Path) -> Ask:
    """Answers from a TOML file, by key; what it does not answer is skipped.

    Raises:
        DeviceConfigError: the file cannot be read.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise DeviceConfigError(f"{path}: {exc}") from exc
    return lambda key, _question: answered(str(table.get(key, SKIP)))
