"""Bringing one device into service: step by step, with pass or fail, the likely mistake named.

A step looks at one thing and says what it found. The first that fails ends the walk: what comes
after it could only mislead. Questions go through `ask`, so that a file can answer them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from devices.bench.wording import ToldConfigError, said, told_of
from devices.errors import DeviceConfigError, DeviceError
from devices.texts import as_is, padded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """How a walk ended. `not_proved` are the steps that were skipped."""

    has_failed: bool
    not_proved: tuple[Said, ...] = ()

    @property
    def is_in_service(self) -> bool:
        """Whether every step was taken and passed."""
        return not self.has_failed and not self.not_proved


def good(found: Said) -> Finding:
    """The step passed."""
    return Finding(ok=True, said=found)


def bad(found: Said, *advice: Said) -> Finding:
    """The step failed; `advice` is where to look, the likeliest first."""
    return Finding(ok=False, said=found, advice=advice)


def skipped(why: Said) -> Finding:
    """Nobody was there to do what the step needs: it ends no walk, and it proves nothing."""
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
        raise ToldConfigError(said("failure.no_table", device=device))
    return table


def walk(steps: Iterable[BringUpStep], say: Callable[[str], None], language: Language) -> Walked:
    """Take the steps one after the other until one fails."""
    not_proved: list[Said] = []
    for number, step in enumerate(steps, start=1):
        try:
            finding = step.look()
        except DeviceConfigError:
            raise
        except DeviceError as exc:
            finding = bad(told_of(exc))
        name, mark = padded(step.name[language], 22), padded(_mark(finding)[language], 8)
        say(f"{number:2} {name} {mark} {finding.said[language]}")
        for advice in finding.advice:
            say(f"{'':26} -> {advice[language]}")
        if finding.is_skipped:
            not_proved.append(step.name)
        if not finding.ok:
            return Walked(has_failed=True, not_proved=tuple(not_proved))
    return Walked(has_failed=False, not_proved=tuple(not_proved))


def _mark(finding: Finding) -> Said:
    if finding.is_skipped:
        return said("walk.skipped")
    return said("walk.ok") if finding.ok else said("walk.failed")
