"""What a person sees: progress while it starts, then a line per passage."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from gate_agent.texts.catalogue import CatalogueError, Language, text

if TYPE_CHECKING:
    from devices.clock import Clock
    from hil_tests.demo.judge import Judged


class Display:
    """Prints to a terminal or a file; lines never break into each other."""

    def __init__(self, clock: Clock, language: Language) -> None:
        self._clock = clock
        self._language = language
        self._started_s = clock.now().mono_s
        self._lock = threading.Lock()
        self._live = sys.stdout.isatty()

    def progress(self, step: str) -> None:
        """What is being waited for; one live line on a terminal."""
        since_s = self._clock.now().mono_s - self._started_s
        line = f"  {since_s:5.1f} s  {step}"
        with self._lock:
            if self._live:
                print(f"\r\033[K{line}", end="", flush=True)
            else:
                print(line, flush=True)

    def line(self, content: str = "") -> None:
        """A line that stays."""
        with self._lock:
            if self._live:
                print("\r\033[K", end="")
            print(content, flush=True)

    def header(self) -> None:
        """The head of the passage lines; times are seconds after the arrival."""
        self.line(
            f"{'lane':6}{'truck':>6}  {'plate':10}{'plate':>7}{'card':>7}{'weight':>7}"
            f"{'decided':>8}{'boom up':>8}   outcome (seconds after the arrival)"
        )

    def passage(self, judged: Judged) -> None:
        """One passage with its time budget."""
        passage = judged.passage
        timeline = passage.timeline
        times = "".join(
            f"{value / 1000:>{width}.2f}" if value is not None else f"{'-':>{width}}"
            for value, width in (
                (timeline.plate_ms, 7),
                (timeline.card_ms, 7),
                (timeline.weight_ms, 7),
                (timeline.decided_ms, 8),
                (timeline.boom_up_ms, 8),
            )
        )
        plate = passage.plate or "-"
        wide = sum(ord(character) > 0x2E80 for character in plate)
        self.line(
            f"{judged.truck.lane:6}{judged.truck.number:>6}  {plate:{max(0, 10 - wide)}}{times}"
            f"   {self._outcome(judged)}"
        )

    def _outcome(self, judged: Judged) -> str:
        passage = judged.passage
        words = self._word(f"outcome.{passage.outcome}")
        if passage.decided_by != "lane":
            words += f" ({passage.decided_by})"
        if passage.reasons:
            reasons = [self._word(f"reason.{reason}") for reason in passage.reasons]
            words += " - " + "; ".join(reasons)
        if judged.is_wrong:
            words += f"   WRONG: the truth is {judged.truck.kind.value}"
        return words

    def _word(self, key: str) -> str:
        try:
            return text(key, self._language)
        except CatalogueError:
            return key
