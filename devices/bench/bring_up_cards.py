"""Bringing into service a reader of cards: what every kind has in common, and those that send.

The kinds that are asked have more steps of their own: `bring_up_asked_cards.py`,
`bring_up_pcsc.py`.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from devices.bench.bare_line import READ_S, BareLine
from devices.bench.bring_up import SKIP, BringUpStep, Finding, bad, good, skipped
from devices.bench.cable import comes_back
from devices.bench.diagnosis import card_decoders, looks_swapped
from devices.bench.wording import said
from devices.card_reader.driver import ListeningCardReader
from devices.card_reader.numbers import CardBits, CardNumber, Spelling, uid_of
from devices.card_reader.osdp import FORMATS as OSDP_FORMATS
from devices.card_reader.osdp import OsdpCardReader
from devices.card_reader.protocols import PROTOCOLS as CARD_PROTOCOLS
from devices.card_reader.protocols import spelling_of
from devices.registry import open_card_reader
from devices.texts import as_is

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.card_reader.api import CardReader
    from devices.config import CardReaderConfig, NumberFormat
    from devices.texts import Said

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
            BringUpStep(name=said("card.card"), look=self.reads),
            BringUpStep(name=said("card.number"), look=self.is_as_printed),
            BringUpStep(name=said("cable.pulled"), look=self.returns),
        )

    def reads(self) -> Finding:
        """Whether the lane's own driver reads a card that is held to it."""
        session, wait_s = self.session, self.session.wait_s
        if session.ask("present_again", said("card.hold", wait_s=wait_s)) == SKIP:
            return skipped(said("card.nobody_holds"))
        reader = open_card_reader(self.config, session.clock)
        reader.open()
        try:
            until_s = session.clock.now().mono_s + wait_s
            while session.clock.now().mono_s < until_s and not _refused(reader):
                for card in reader.read(READ_S):
                    self._uid = card.uid
                    fields = "".join(f", {name} {text}" for name, text in card.fields)
                    return good(said("card.read", uid=self._shown(card.uid), fields=fields))
            return self.why_no_card(reader)
        finally:
            reader.close()

    def why_no_card(self, reader: CardReader) -> Finding:
        """What explains that none was read, of what the driver knows."""
        if (refused := _refused(reader)) is not None:
            return self._another_format(refused)
        if isinstance(reader, ListeningCardReader | OsdpCardReader) and reader.dropped_cards:
            return bad(said("card.too_early"), said("card.once_more"))
        return bad(said("card.none", for_s=self.session.wait_s), said("card.flat_and_still"))

    def is_as_printed(self) -> Finding:
        """Whether its number is the one that a declaration has."""
        if not self._uid:
            return skipped(said("card.none_read"))
        printed = self.session.ask("card", said("card.printed"))
        if printed == SKIP:
            return skipped(said("card.nobody_compares"))
        number = printed.strip().replace(" ", "").upper()
        return compared(self._uid, number, shown=self._shown(self._uid))

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
        came = said("card.no_number", described=_described(number), number_format=now.number_format)
        return bad(came, *_formats_of(number, now, formats), said("card.as_the_reader_is_set"))


def card_line_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for a reader that sends a card's number by itself."""
    config = session.config.card_reader
    line = BareLine(session, config.port, config.baud)
    example = CARD_PROTOCOLS[config.driver].packet_of(b"\x04\xa1\xb2\xc3")
    return (
        BringUpStep(name=said("line.port"), look=line.opens),
        BringUpStep(name=said("line.bytes"), look=line.hears_card),
        BringUpStep(
            name=said("line.frames"),
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


def compared(uid: str, printed: str, *, shown: str) -> Finding:
    """Whether the number that is read is the one on the card; if not, how the two hang together.

    `shown` is what the screen may show of `uid`.
    """
    if not printed:
        return good(said("card.to_declare", uid=shown))
    if uid == printed:
        return good(as_is(shown))
    with contextlib.suppress(ValueError):
        octets = bytes.fromhex(uid)
        if printed in _decimals(octets):
            return good(said("card.decimal", uid=shown, printed=printed))
        differs = said("card.differs", uid=shown, printed=printed)
        if printed in (octets[::-1].hex().upper(), *_decimals(octets[::-1])):
            return bad(differs, said("card.reversed"))
        if uid.endswith(printed) and len(printed) % 2 == 0:
            return bad(differs, said("card.last_bytes", kept=len(printed) // 2))
    return bad(said("card.differs", uid=shown, printed=printed), said("card.another"))


def _decimals(octets: bytes) -> tuple[str, ...]:
    """How these bytes are printed in decimal: whole, and as facility and number of Wiegand."""
    whole = str(int.from_bytes(octets, "big"))
    number = f"{int.from_bytes(octets[-2:], 'big'):05}"
    pairs = (
        f"{int.from_bytes(octets[-2 - length : -2], 'big'):0{digits}},{number}"
        for length, digits in ((1, 3), (2, 5))
    )
    return (whole, whole.zfill(10), *pairs)


def _described(number: CardNumber) -> Said:
    match number:
        case CardBits():
            return said("card.bits", bits=len(number.bits))
        case str():
            return said("card.text", text=number)
        case _:
            return said("card.bytes", bytes=len(number))


def _formats_of(
    number: CardNumber, now: Spelling, formats: tuple[NumberFormat, ...]
) -> tuple[Said, ...]:
    """The formats in which it is a number."""
    found = []
    for each in formats:
        uid = uid_of(number, Spelling(number_format=each, byte_order=now.byte_order))
        if uid is None:
            continue
        if each == now.number_format:
            found.append(said("card.whole", uid=uid))
        else:
            found.append(said("card.format", number_format=each, uid=uid))
    return tuple(found)
