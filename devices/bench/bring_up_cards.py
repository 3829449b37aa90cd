"""Bringing into service a reader of cards: what every kind has in common, and those that send.

The kinds that are asked have more steps of their own: `bring_up_asked_cards.py`,
`bring_up_pcsc.py`.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from devices.bench.bare_line import READ_S, BareLine
from devices.bench.bring_up import SKIP, BringUpStep, Finding, bad, both, good, skipped
from devices.bench.cable import comes_back
from devices.bench.diagnosis import card_decoders, looks_swapped
from devices.card_reader.driver import ListeningCardReader
from devices.card_reader.numbers import CardBits, CardNumber, Spelling, uid_of
from devices.card_reader.osdp import FORMATS as OSDP_FORMATS
from devices.card_reader.osdp import OsdpCardReader
from devices.card_reader.protocols import PROTOCOLS as CARD_PROTOCOLS
from devices.card_reader.protocols import spelling_of
from devices.registry import open_card_reader

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.card_reader.api import CardReader
    from devices.config import CardReaderConfig, NumberFormat

SHOWN_CHARACTERS = 4  # of an identity number


class CardWalk:
    """The steps that every card reader has: a card, its number, the cable."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.config: CardReaderConfig = session.config.card_reader
        self._uid = ""

    def steps(self) -> tuple[BringUpStep, ...]:
        """The last of every walk."""
        return (
            BringUpStep(name="card", look=self.reads),
            BringUpStep(name="number", look=self.is_as_printed),
            BringUpStep(name="cable pulled", look=self.returns),
        )

    def reads(self) -> Finding:
        """Whether the lane's own driver reads a card that is held to it."""
        session, wait_s = self.session, self.session.wait_s
        question = both(
            f"hold a card to the reader; Enter starts {wait_s:g} s: ",
            f"请刷卡；回车后等待 {wait_s:g} 秒：",
        )
        if session.ask("present_again", question) == SKIP:
            return skipped("nobody holds a card")
        reader = open_card_reader(self.config, session.clock)
        reader.open()
        try:
            until_s = session.clock.now().mono_s + wait_s
            while session.clock.now().mono_s < until_s and not _refused(reader):
                for card in reader.read(READ_S):
                    self._uid = card.uid
                    fields = "".join(f", {name} {text}" for name, text in card.fields)
                    return good(f"card {self._shown(card.uid)}{fields}")
            return self.why_no_card(reader)
        finally:
            reader.close()

    def why_no_card(self, reader: CardReader) -> Finding:
        """What explains that none was read, of what the driver knows."""
        if (refused := _refused(reader)) is not None:
            return self._another_format(refused)
        if isinstance(reader, ListeningCardReader | OsdpCardReader) and reader.dropped_cards:
            return bad(
                "a card came in the first moment after the line was opened",
                both("hold it to the reader once more", "请再刷一次"),
            )
        return bad(
            f"no card in {self.session.wait_s:g} s",
            both(
                "hold it flat and still; it is of another kind (125 kHz, 13.56 MHz)",
                "平放不动；或卡的种类不对（125 kHz、13.56 MHz）",
            ),
        )

    def is_as_printed(self) -> Finding:
        """Whether its number is the one that a declaration has."""
        if not self._uid:
            return skipped("no card was read")
        question = both(
            "number printed on the card, Enter if none, or skip: ",
            "卡面印的号码，没有则回车，或 skip：",
        )
        printed = self.session.ask("card", question)
        if printed == SKIP:
            return skipped("nobody compares")
        found = compared(self._uid, printed.strip().replace(" ", "").upper())
        return replace(found, said=found.said.replace(self._uid, self._shown(self._uid)))

    def returns(self) -> Finding:
        """Whether it comes back after its cable was pulled."""
        reader = open_card_reader(self.config, self.session.clock)

        def is_there(reader: CardReader) -> bool:
            reader.read(READ_S)
            return reader.is_heard

        return comes_back(self.session, reader, is_there)

    def _shown(self, uid: str) -> str:
        """A number as a screen may show it: of an identity number the end only."""
        return f"…{uid[-SHOWN_CHARACTERS:]}" if self.config.driver == "resident-id" else uid

    def _another_format(self, number: CardNumber) -> Finding:
        config = self.config
        formats = OSDP_FORMATS
        if config.driver in CARD_PROTOCOLS:
            formats = CARD_PROTOCOLS[config.driver].formats
        now = spelling_of(config, formats)
        said = f"a card came as {_described(number)}, which is no {now.number_format} number here"
        return bad(
            said,
            *_formats_of(number, now, formats),
            both(
                "card_reader.number_format, characters and keep_bytes must be the reader's",
                "number_format、characters、keep_bytes 须与读卡器一致",
            ),
        )


def card_line_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for a reader that sends a card's number by itself."""
    config = session.config.card_reader
    line = BareLine(session, config.port, config.baud)
    example = CARD_PROTOCOLS[config.driver].packet_of(b"\x04\xa1\xb2\xc3")
    return (
        BringUpStep(name="port", look=line.opens),
        BringUpStep(name="bytes", look=line.hears_card),
        BringUpStep(
            name="frames",
            look=partial(
                line.understands,
                config.driver,
                card_decoders(),
                1,
                partial(looks_swapped, example=example, baud=config.baud),
            ),
        ),
        *CardWalk(session).steps(),
    )


def _refused(reader: CardReader) -> CardNumber | None:
    """The number of a card that came, but not as the lane file says."""
    if isinstance(reader, ListeningCardReader | OsdpCardReader):
        return reader.last_refused
    return None


# --- numbers --------------------------------------------------------------------------------------


def compared(uid: str, printed: str) -> Finding:
    """Whether the number that is read is the one on the card; if not, how the two hang together."""
    if not printed:
        return good(f"{uid}: so it must stand in a declaration")
    if uid == printed:
        return good(uid)
    said = f"card {uid}, printed {printed}"
    with contextlib.suppress(ValueError):
        octets = bytes.fromhex(uid)
        if printed in _decimals(octets):
            return good(f"{said}: the same number in decimal")
        if printed in (octets[::-1].hex().upper(), *_decimals(octets[::-1])):
            return bad(
                said,
                both(
                    'the bytes come the other way round: byte_order = "reversed"',
                    '字节序相反：byte_order = "reversed"',
                ),
            )
        if uid.endswith(printed) and len(printed) % 2 == 0:
            kept = len(printed) // 2
            return bad(
                said,
                both(
                    f"the card shows its last {kept} bytes: keep_bytes = {kept} if declarations do",
                    f"卡面只印末 {kept} 字节：若申报亦然，keep_bytes = {kept}",
                ),
            )
    return bad(
        said,
        both(
            "another card, or a number that the maker counted another way: number_format",
            "不是同一张卡，或号码格式不同：number_format",
        ),
    )


def _decimals(octets: bytes) -> tuple[str, ...]:
    """How these bytes are printed in decimal: whole, and as facility and number of Wiegand."""
    whole = str(int.from_bytes(octets, "big"))
    number = f"{int.from_bytes(octets[-2:], 'big'):05}"
    pairs = (
        f"{int.from_bytes(octets[-2 - length : -2], 'big'):0{digits}},{number}"
        for length, digits in ((1, 3), (2, 5))
    )
    return (whole, whole.zfill(10), *pairs)


def _described(number: CardNumber) -> str:
    match number:
        case CardBits():
            return f"{len(number.bits)} bits"
        case str():
            return f"text {number!r}"
        case _:
            return f"{len(number)} bytes"


def _formats_of(
    number: CardNumber, now: Spelling, formats: tuple[NumberFormat, ...]
) -> tuple[str, ...]:
    """The formats in which it is a number."""
    found = []
    for each in formats:
        uid = uid_of(number, Spelling(number_format=each, byte_order=now.byte_order))
        if uid is None:
            continue
        if each == now.number_format:
            text = f"characters = 0, keep_bytes = 0: then it is {uid}"
        else:
            text = f'number_format = "{each}": then it is {uid}'
        found.append(both(text, f"改为 {text.replace('then it is', '读作')}"))
    return tuple(found)
