"""What the lane wants shown, in words, on the sign and by its voice.

Only the newest message counts; it is shown again every `refresh_s`, spoken once. A lane that stops
says that it is out of service.
"""

from __future__ import annotations

import queue
from contextlib import suppress
from typing import TYPE_CHECKING

from devices.errors import DeviceError
from devices.sign.api import SignMessage
from gate_agent.domain.effects import Show, Sign
from gate_agent.texts.catalogue import emergency_kind, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.clock import Clock
    from devices.config import SignConfig
    from devices.sign.api import TextSign
    from gate_agent.texts.catalogue import Language

IDLE_S = 0.5
NOT_SPOKEN = frozenset({Sign.OUT_OF_SERVICE, Sign.WELCOME})  # nobody is there to hear it
SAYS_EMERGENCY = frozenset({Sign.WELCOME, Sign.WAIT_FOR_OFFICER})
AT_FIRST = Show(sign=Sign.OUT_OF_SERVICE)


class SignAdapter:
    """Serves the sign."""

    def __init__(self, sign: TextSign, config: SignConfig, clock: Clock) -> None:
        self._sign = sign
        self._config = config
        self._clock = clock
        self._orders: queue.Queue[Show] = queue.Queue()
        self._wanted = AT_FIRST
        self._is_spoken = True
        self._shown_s = float("-inf")

    def order(self, show: Show) -> None:
        """Show this from now on; any thread may call."""
        self._orders.put(show)

    def open(self) -> None:
        """Take the sign; what is wanted is shown anew."""
        self._sign.open()
        self._shown_s = float("-inf")

    def serve(self) -> bool:
        """Show what is new, or what has stood there long enough to be said again."""
        self._follow_orders(0.0 if self._is_due else IDLE_S)
        if not self._is_due:
            return False  # nothing was said to the sign, so nothing is known of it
        spoken = not self._is_spoken
        self._is_spoken = True  # said once, even if it fails: later it would be of another vehicle
        self._sign.show(message_of(self._wanted, self._config.languages, is_spoken=spoken))
        self._shown_s = self._clock.now().mono_s
        return True

    def lost(self) -> None:
        """The lamps still say what counts."""

    def close(self) -> None:
        """Say that nobody watches, as far as the sign can be reached, and give it back."""
        with suppress(DeviceError):
            self._sign.show(message_of(AT_FIRST, self._config.languages, is_spoken=False))
        self._sign.close()

    @property
    def _is_due(self) -> bool:
        return self._clock.now().mono_s - self._shown_s >= self._config.refresh_s

    def _follow_orders(self, wait_s: float) -> None:
        """Take the newest; waits for the first."""
        with suppress(queue.Empty):
            self._want(self._orders.get(timeout=wait_s) if wait_s else self._orders.get_nowait())
            while True:
                self._want(self._orders.get_nowait())

    def _want(self, show: Show) -> None:
        if show != self._wanted:
            self._is_spoken = show.sign in NOT_SPOKEN
        self._wanted = show
        self._shown_s = float("-inf")


def message_of(show: Show, languages: Sequence[Language], *, is_spoken: bool) -> SignMessage:
    """The words for what is shown: one line a language, the advice about the reason behind it."""
    lines = tuple(_words(show, language) for language in languages)
    code = show.sign.value if show.reason is None else f"{show.sign.value}.{show.reason.value}"
    return SignMessage(code=code, lines=lines, spoken=lines[0] if is_spoken else "")


def _words(show: Show, language: Language) -> str:
    said = text(f"sign.{show.sign.value}", language)
    if show.emergency and show.sign in SAYS_EMERGENCY:
        said = f"{said} ({emergency_kind(show.emergency, language)})"
    if show.reason is None:
        return said
    advice = text(f"reason_driver.{show.reason.value}", language)
    return said if advice.casefold() == said.casefold() else f"{said} {advice}"
