"""Bringing into service the text sign, and its voice. A board answers nothing: a person looks."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from devices.bench.bare_line import BareLine
from devices.bench.bring_up import (
    SKIP,
    BringUpStep,
    Finding,
    bad,
    configured,
    good,
    is_no,
    is_yes,
    skipped,
)
from devices.bench.check import SIGN_TEXT, check_message, said_of
from devices.bench.diagnosis import BAUDS
from devices.errors import DeviceError, DeviceTimeout, RemoteProtocolError
from devices.sign.api import SignMessage
from devices.sign.http import HttpSign
from devices.sign.opening import open_sign

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.config import SignConfig

ADDRESSES = range(16)
ENCODINGS = ("gb18030", "utf-8")
NUMBER = "NO "
EMPTIED_S = 0.2  # a converter may still hold bytes that are to go at the rate before
FRAME_BITS = 600

_STATUS_ADVICE = {
    400: "it expects another format than ours (docs/reference/drivers.md, http)",
    401: "it wants a password: this driver has none; let the lane's address in",
    403: "it wants a password: this driver has none; let the lane's address in",
    404: "another path in sign.url",
    405: "another path in sign.url: this one takes no POST",
    415: "it expects another format than ours (docs/reference/drivers.md, http)",
    422: "it expects another format than ours (docs/reference/drivers.md, http)",
}


def sign_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for a sign.

    Raises:
        DeviceConfigError: the lane has none.
    """
    config = configured(session.config.sign, "sign")
    walk, line = _Sign(session, config), BareLine(session, config.port, config.baud)
    port = () if config.driver == "http" else (BringUpStep(name="port", look=line.opens),)
    lines = (
        BringUpStep(name=f"line {number} {language}", look=partial(walk.is_readable, number))
        for number, language in enumerate(config.languages, start=1)
    )
    voice = (BringUpStep(name="voice", look=walk.speaks),) if config.voice else ()
    return (*port, BringUpStep(name="text", look=walk.takes_text), *lines, *voice)


class _Sign:
    """The sign by its own driver, and what a person sees and hears of it."""

    def __init__(self, session: Session, config: SignConfig) -> None:
        self._session = session
        self._config = config

    def takes_text(self) -> Finding:
        """Whether a text in every language is taken."""
        return self._shown(check_message(self._config))

    def _shown(self, message: SignMessage) -> Finding:
        config = self._config
        sign = open_sign(config, self._session.clock)
        try:
            sign.open()
            sign.show(message)
        except DeviceError as exc:
            answered = sign.answered if isinstance(sign, HttpSign) else 0
            return bad(str(exc), *_why_not_taken(config, exc, answered))
        finally:
            sign.close()
        answered_too = f", answered {sign.answered}" if isinstance(sign, HttpSign) else ""
        return good(said_of(config, message) + answered_too)

    # --- what stands on it ------------------------------------------------------------------------

    def is_readable(self, number: int) -> Finding:
        """Whether a person reads on a line (from 1) what was sent there."""
        language = self._config.languages[number - 1]
        text = SIGN_TEXT[language]
        said = self._session.ask(
            f"sign_{language}",
            f"does line {number} read {text}? y, n if it is dark, or what stands there: ",
        ).strip()
        if said == SKIP:
            return skipped("nobody looks at it")
        if is_yes(said) or said == text:
            return good(text)
        if said and not is_no(said):
            return bad(f"{said} in place of {text}", *self._why_other(said, language))
        if number > 1:
            return bad(
                f"line {number} is dark",
                "the board has fewer lines: sign.languages with so many, or its program's areas",
            )
        return self._searched()

    def _why_other(self, said: str, language: str) -> tuple[str, ...]:
        config, text = self._config, SIGN_TEXT[language]
        if said in [SIGN_TEXT[other] for other in config.languages]:
            return ("the lines are exchanged: the order of sign.languages, or the board's areas",)
        if text.startswith(said):
            return ("the line is too short for it: a smaller font, or one line less",)
        others = [name for name in ENCODINGS if name != config.encoding]
        seen_as = {text.encode(config.encoding).decode(name, "replace"): name for name in others}
        if config.driver == "http":
            return ("its program takes the JSON for something else than UTF-8",)
        if said in seen_as or language == "zh":
            encoding = seen_as.get(said, others[0])
            return (
                f'the board writes another encoding: sign.encoding = "{encoding}"',
                "a font without Chinese characters on the board",
            )
        return ("damaged bytes: no common ground, a missing termination, a long line at 9600",)

    def _searched(self) -> Finding:
        """Try what else it may be set to, with a text that tells which, and ask what is seen."""
        config = self._config
        if config.driver == "http":
            return bad(
                "it answered, and shows nothing",
                "the program behind sign.url has no connection to the sign itself; its log",
            )
        for baud in BAUDS if config.port.startswith("/") else ():
            if baud != config.baud:
                self._try(msgspec.structs.replace(config, baud=baud), str(baud))
        for address in ADDRESSES:
            if address != config.address:
                self._try(msgspec.structs.replace(config, address=address), f"{NUMBER}{address}")
        said = self._session.ask(
            "sign_search",
            "baud rates and board numbers were tried: what stands there now (19200, NO 3)? "
            "Enter if nothing: ",
        )
        seen = f"nothing at {config.baud} baud as board {config.address}"
        with suppress(ValueError):
            words = said.strip().upper()
            if words.startswith(NUMBER):
                return bad(seen, f"its number: sign.address = {int(words.removeprefix(NUMBER))}")
            return bad(seen, f"its baud rate: sign.baud = {int(words)}")
        return bad(
            seen,
            "A and B (or + and -) swapped; RS-232 where the board is RS-485; no supply",
            "a board with another protocol than led-64ff: 64 FF FF in its maker's document?",
        )

    def _try(self, config: SignConfig, text: str) -> None:
        sign = open_sign(config, self._session.clock)
        sign.open()
        try:
            sign.show(SignMessage(code="check", lines=(text,)))
            if config.baud != self._config.baud:
                self._session.clock.sleep(EMPTIED_S + FRAME_BITS / config.baud)
        finally:
            sign.close()

    # --- what it says -----------------------------------------------------------------------------

    def speaks(self) -> Finding:
        """Whether a person hears the first language."""
        question = "listen: it will speak; Enter, or skip: "
        if self._session.ask("listen", question) == SKIP:
            return skipped("nobody listens")
        message = check_message(self._config, is_spoken=True)
        shown = self._shown(message)
        if not shown.ok:
            return shown
        said = self._session.ask(
            "voice", f"was {message.spoken} spoken? y, n, or what was heard: "
        ).strip()
        if said == SKIP:
            return skipped("nobody listened")
        if is_yes(said) or said == message.spoken:
            return good(f"{message.spoken} was heard")
        if is_no(said) or not said:
            return bad(
                "nothing was heard",
                "its volume (at night, too), the loudspeaker's wires, a missing voice module",
                "a sign without a voice: sign.voice = false",
            )
        return bad(
            f"{said} in place of {message.spoken}",
            "the encoding of its voice module, or one that only knows recorded phrases",
        )


def _why_not_taken(config: SignConfig, exc: DeviceError, answered: int) -> tuple[str, ...]:
    if config.driver != "http":
        return ("the port went away: the converter, its cable, the serial server",)
    if isinstance(exc, DeviceTimeout):
        return (
            "something is there and does not answer: restart the sign's program",
            "a firewall between drops what is sent; the address of something else",
        )
    if isinstance(exc, RemoteProtocolError):
        return (_STATUS_ADVICE.get(answered, "the sign's own program: its log"),)
    return (
        "refused: the sign's program does not run, or listens on another port",
        "no route, no such name: address, mask, network cable, its supply",
        "a certificate that this machine does not know: http:// inside the cabinet",
    )
