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
    log_text,
    skipped,
)
from devices.bench.check import SIGN_TEXT, check_message
from devices.bench.diagnosis import BAUDS
from devices.bench.wording import said
from devices.errors import DeviceError, DeviceTimeout, RemoteProtocolError
from devices.sign.api import SignMessage
from devices.sign.http import HttpSign
from devices.sign.opening import open_sign
from devices.texts import as_is

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.config import SignConfig
    from devices.texts import Said

ADDRESSES = range(16)
ENCODINGS = ("gb18030", "utf-8")
NUMBER = "NO "
EMPTIED_S = 0.2  # a converter may still hold bytes that are to go at the rate before
FRAME_BITS = 600

_STATUS_ADVICE = {
    400: "sign.another_format",
    401: "sign.wants_password",
    403: "sign.wants_password",
    404: "sign.another_path",
    405: "sign.takes_no_post",
    415: "sign.another_format",
    422: "sign.another_format",
}


def sign_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for a sign.

    Raises:
        DeviceConfigError: the lane has none.
    """
    config = configured(session.config.sign, "sign")
    walk, line = _Sign(session, config), BareLine(session, config.port, config.baud)
    port = (
        () if config.driver == "http" else (BringUpStep(name=said("line.port"), look=line.opens),)
    )
    lines = (
        BringUpStep(
            name=said("sign.line", number=number, language=language),
            look=partial(walk.is_readable, number),
        )
        for number, language in enumerate(config.languages, start=1)
    )
    voice = (BringUpStep(name=said("sign.voice"), look=walk.speaks),) if config.voice else ()
    return (*port, BringUpStep(name=said("sign.text"), look=walk.takes_text), *lines, *voice)


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
            return bad(log_text(exc), *_why_not_taken(config, exc, answered))
        finally:
            sign.close()
        text = message.lines[0]
        if isinstance(sign, HttpSign):
            return good(said("sign.shown", url=config.url, text=text, status=sign.answered))
        return good(said("sign.sent", port=config.port, text=text))

    # --- what stands on it ------------------------------------------------------------------------

    def is_readable(self, number: int) -> Finding:
        """Whether a person reads on a line (from 1) what was sent there."""
        language = self._config.languages[number - 1]
        text = SIGN_TEXT[language]
        question = said("sign.does_it_read", number=number, text=text)
        seen = self._session.ask(f"sign_{language}", question).strip()
        if seen == SKIP:
            return skipped(said("sign.nobody_looks"))
        if is_yes(seen) or seen == text:
            return good(as_is(text))
        if seen and not is_no(seen):
            instead = said("sign.in_place_of", seen=seen, text=text)
            return bad(instead, *self._why_other(seen, language))
        if number > 1:
            return bad(said("sign.line_is_dark", number=number), said("sign.fewer_lines"))
        return self._searched()

    def _why_other(self, seen: str, language: str) -> tuple[Said, ...]:
        config, text = self._config, SIGN_TEXT[language]
        if seen in [SIGN_TEXT[other] for other in config.languages]:
            return (said("sign.lines_exchanged"),)
        if text.startswith(seen):
            return (said("sign.line_too_short"),)
        others = [name for name in ENCODINGS if name != config.encoding]
        seen_as = {text.encode(config.encoding).decode(name, "replace"): name for name in others}
        if config.driver == "http":
            return (said("sign.no_utf_8"),)
        if seen in seen_as or language == "zh":
            encoding = seen_as.get(seen, others[0])
            return (said("sign.another_encoding", encoding=encoding), said("sign.no_chinese_font"))
        return (said("sign.damaged"),)

    def _searched(self) -> Finding:
        """Try what else it may be set to, with a text that tells which, and ask what is seen."""
        config = self._config
        if config.driver == "http":
            return bad(said("sign.shows_nothing"), said("sign.program_not_connected"))
        line = BareLine(self._session, config.port, config.baud)
        for baud in BAUDS if line.has_baud else ():
            if baud != config.baud:
                self._try(msgspec.structs.replace(config, baud=baud), str(baud))
        for address in ADDRESSES:
            if address != config.address:
                self._try(msgspec.structs.replace(config, address=address), f"{NUMBER}{address}")
        answer = self._session.ask("sign_search", said("sign.what_stands_there"))
        nothing = said("sign.nothing_at", baud=config.baud, address=config.address)
        with suppress(ValueError):
            seen = answer.strip().upper()
            if seen.startswith(NUMBER):
                number = int(seen.removeprefix(NUMBER))
                return bad(nothing, said("sign.another_address", number=number))
            return bad(nothing, said("sign.another_baud", baud=int(seen)))
        return bad(
            nothing, *line.of_server, said("sign.wired_wrongly"), said("sign.another_protocol")
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
        if self._session.ask("listen", said("sign.will_speak")) == SKIP:
            return skipped(said("sign.nobody_listens"))
        message = check_message(self._config, is_spoken=True)
        shown = self._shown(message)
        if not shown.ok:
            return shown
        question = said("sign.was_it_spoken", text=message.spoken)
        heard = self._session.ask("voice", question).strip()
        if heard == SKIP:
            return skipped(said("sign.nobody_listened"))
        if is_yes(heard) or heard == message.spoken:
            return good(said("sign.was_heard", text=message.spoken))
        if is_no(heard) or not heard:
            return bad(said("sign.nothing_heard"), said("sign.volume"), said("sign.without_voice"))
        return bad(
            said("sign.in_place_of", seen=heard, text=message.spoken),
            said("sign.voice_encoding"),
        )


def _why_not_taken(config: SignConfig, exc: DeviceError, answered: int) -> tuple[Said, ...]:
    if config.driver != "http":
        return (said("sign.port_went_away"),)
    if isinstance(exc, DeviceTimeout):
        return (said("sign.does_not_answer"), said("sign.firewall"))
    if isinstance(exc, RemoteProtocolError):
        return (said(_STATUS_ADVICE.get(answered, "sign.program_log")),)
    return (said("sign.refused"), said("sign.no_route"), said("sign.certificate"))
