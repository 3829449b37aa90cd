"""A technician who brings up a device: given answers, and things to do when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.bench.bring_up import SKIP, Session, walk
from devices.bench.cli import STEPS
from devices.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devices.config import DevicesConfig
    from devices.texts import Language, Said

    Answers = Mapping[str, str | Callable[[], str]]

CLOCK = SystemClock()
GLANCE_S = 5.0


class Technician:
    """Answers by key; an answer that can be called is called when the question is asked."""

    def __init__(self, language: Language = "en") -> None:
        self._language: Language = language
        self.lines: list[str] = []
        self.asked: dict[str, str] = {}  # key, question
        self._answers: Answers = {}

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    def brings_up(
        self,
        device: str,
        config: DevicesConfig,
        answers: Answers | None = None,
        *,
        wait_s: float = 1.0,
    ) -> bool:
        """Whether nothing failed; what had no answer was skipped."""
        self._answers, self.lines, self.asked = answers or {}, [], {}
        session = Session(config=config, clock=CLOCK, ask=self._answer, wait_s=wait_s)
        return not walk(STEPS[device](session), self.lines.append, self._language).has_failed

    def _answer(self, key: str, question: Said) -> str:
        self.asked[key] = question[self._language]
        answer = self._answers.get(key, SKIP)
        return answer if isinstance(answer, str) else answer()


def seen_within(look: Callable[[], str | None], within_s: float = GLANCE_S) -> str:
    """What a person sees after some patience; "n" where there is nothing to see."""
    until_s = CLOCK.now().mono_s + within_s
    while CLOCK.now().mono_s < until_s:
        if seen := look():
            return seen
        CLOCK.sleep(0.02)
    return "n"
