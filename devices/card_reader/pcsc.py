"""Driver of contactless readers behind PC/SC, through pyscard and the machine's pcscd.

`port` is the reader's name or a part of it that no other reader has; `gate-bench check --open`
names those that are there. Without `field_blocks` a card is its UID. With them the blocks are read
with the key of `key_file`, and the card is the number in `DR_IC_NO` where that is among them. A
card of which anything that is asked for cannot be read is no card.
"""

from __future__ import annotations

from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from devices.card_reader import apdu
from devices.card_reader.customs_card import NUMBER, blocks_of, number_in, text_of
from devices.card_reader.keys import read_key
from devices.card_reader.numbers import uid_of
from devices.card_reader.protocols import spelling_of
from devices.card_reader.repeat import RepeatFilter
from devices.errors import DeviceConfigError, LinkDown
from devices.readings import CardReading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from devices.clock import Clock
    from devices.config import CardReaderConfig, NumberFormat

FORMATS: tuple[NumberFormat, ...] = ("hex",)
AGAIN_S = 0.1  # between two looks at a card that stays


class PcscCardReader:
    """A PC/SC reader. Fulfills `devices.card_reader.api.CardReader`.

    `received_s` is the moment the card was asked for. `refused_cards` counts cards of which
    something that was asked for could not be read.
    """

    def __init__(self, config: CardReaderConfig, clock: Clock) -> None:
        """Raises `DeviceConfigError`: no pyscard, a field that there is not, or no key for one."""
        self._scard = _scard()
        self._config = config
        self._clock = clock
        self._spelling = spelling_of(config, FORMATS)
        self._blocks = {
            field: blocks_of(field, first) for field, first in config.field_blocks.items()
        }
        self._key = read_key(config.key_file, apdu.KEY_BYTES) if self._blocks else b""
        self._repeats = RepeatFilter(config.repeat_s)
        self._context: Any = None
        self._name = ""
        self.good_frames = 0
        self.discarded_bytes = 0
        self.refused_cards = 0

    @property
    def is_heard(self) -> bool:
        """Whether pcscd has the reader."""
        return self._context is not None

    def open(self) -> None:
        """Find the reader; see the contract in `api`."""
        if self._context is not None:
            return
        scard = self._scard
        result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        self._refuse(result, "pcscd")
        try:
            self._name = self._find(context)
        except LinkDown:
            scard.SCardReleaseContext(context)
            raise
        self._context = context

    def read(self, timeout_s: float) -> list[CardReading]:
        """Wait up to `timeout_s` for a card; see the contract in `api`."""
        context = self._context
        if context is None:
            raise LinkDown("card reader: not open")
        asked_s = self._clock.now().mono_s
        until_s = asked_s + timeout_s
        while not self._has_card(context, until_s - asked_s):
            asked_s = self._clock.now().mono_s
            if asked_s >= until_s:
                return []
        asked_s = self._clock.now().mono_s
        reading = self._card(context, asked_s)
        if reading is None or self._repeats.is_repeat(reading.uid, asked_s):
            self._clock.sleep(min(AGAIN_S, timeout_s))
            return []
        return [reading]

    def close(self) -> None:
        """Let the reader go; see the contract in `api`."""
        context, self._context = self._context, None
        if context is not None:
            self._scard.SCardCancel(context)
            self._scard.SCardReleaseContext(context)

    # --- reader -----------------------------------------------------------------------------------

    def _find(self, context: Any) -> str:  # noqa: ANN401 - a number of pcscd's
        result, names = self._scard.SCardListReaders(context, [])
        self._refuse(result, "readers")
        found = [name for name in names if self._config.port in name]
        if len(found) == 1:
            return str(found[0])
        seen = ", ".join(names) or "none"
        raise LinkDown(f"card reader: {self._config.port!r} is not one of the readers: {seen}")

    def _has_card(self, context: Any, wait_s: float) -> bool:  # noqa: ANN401
        """Whether a card lies there, after at most `wait_s` in which nothing changes."""
        scard = self._scard
        result, states = scard.SCardGetStatusChange(
            context, 0, [(self._name, scard.SCARD_STATE_UNAWARE)]
        )
        self._refuse(result, self._name)
        _, now, _ = states[0]
        if now & scard.SCARD_STATE_PRESENT and not now & scard.SCARD_STATE_MUTE:
            return True
        if now & (scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE):
            raise LinkDown(f"card reader: {self._name}: unplugged")
        wait_ms = max(0, round(wait_s * 1000))
        result, _ = scard.SCardGetStatusChange(context, wait_ms, [(self._name, now)])
        if result != scard.SCARD_E_TIMEOUT:
            self._refuse(result, self._name)
        return False

    def _refuse(self, result: int, place: str) -> None:
        _refuse(self._scard, result, place)

    # --- card -------------------------------------------------------------------------------------

    def _card(self, context: Any, asked_s: float) -> CardReading | None:  # noqa: ANN401
        scard = self._scard
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        result, card, protocol = scard.SCardConnect(
            context, self._name, scard.SCARD_SHARE_SHARED, protocols
        )
        if result != scard.SCARD_S_SUCCESS:  # pulled away, or one that does not answer
            return None
        try:
            reading = self._ask(_Card(scard, card, protocol), asked_s)
        finally:
            scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)
        self.refused_cards += reading is None
        return reading

    def _ask(self, card: _Card, asked_s: float) -> CardReading | None:
        octets = card.say(apdu.GET_UID)
        if octets is None or len(octets) not in apdu.UID_LENGTHS:
            return None
        uid = uid_of(octets, self._spelling)
        fields: list[tuple[str, str]] = []
        for field in self._blocks:
            text = self._field(card, field)
            if text is None:
                return None
            fields.append((field, text))
            uid = number_in(text) if field == NUMBER else uid
        if uid is None:
            return None
        self.good_frames += 1
        return CardReading(uid=uid, received_s=asked_s, fields=tuple(fields))

    def _field(self, card: _Card, field: str) -> str | None:
        content = b""
        if card.say(apdu.load_key(self._key)) is None:
            return None
        for block in self._blocks[field]:
            read = None
            if card.say(apdu.authenticate(block)) is not None:
                read = card.say(apdu.read_block(block))
            if read is None:
                return None
            content += read
        return text_of(field, content)


class _Card:
    """A card that is connected."""

    def __init__(self, scard: ModuleType, handle: Any, protocol: int) -> None:  # noqa: ANN401
        self._scard = scard
        self._handle = handle
        self._protocol = (
            scard.SCARD_PCI_T1 if protocol == scard.SCARD_PROTOCOL_T1 else scard.SCARD_PCI_T0
        )

    def say(self, command: bytes) -> bytes | None:
        """What the card answers; None when it refuses or is gone."""
        result, answer = self._scard.SCardTransmit(self._handle, self._protocol, list(command))
        if result != self._scard.SCARD_S_SUCCESS:
            return None
        return apdu.content_of(bytes(byte & 0xFF for byte in answer))


class CardAt(StrEnum):
    """What is at a reader."""

    PRESENT = "present"
    MUTE = "mute"  # a card that does not answer
    HELD_BY_ANOTHER = "held by another"  # another program has it for itself


def reader_names() -> list[str]:
    """The readers that pcscd has.

    Raises:
        LinkDown: pcscd does not answer.
        DeviceConfigError: no pyscard.
    """
    scard = _scard()
    with _context(scard) as context:
        result, names = scard.SCardListReaders(context, [])
        if result == scard.SCARD_E_NO_READERS_AVAILABLE:
            return []
        _refuse(scard, result, "readers")
        return [str(name) for name in names]


def card_at(port: str) -> frozenset[CardAt]:
    """What is at the first reader whose name has `port` in it. Raises as `reader_names`."""
    name = next((name for name in reader_names() if port in name), None)
    if name is None:
        return frozenset()
    scard = _scard()
    with _context(scard) as context:
        unaware = [(name, scard.SCARD_STATE_UNAWARE)]
        result, states = scard.SCardGetStatusChange(context, 0, unaware)
        _refuse(scard, result, name)
    flags = {
        CardAt.PRESENT: scard.SCARD_STATE_PRESENT,
        CardAt.MUTE: scard.SCARD_STATE_MUTE,
        CardAt.HELD_BY_ANOTHER: scard.SCARD_STATE_EXCLUSIVE,
    }
    return frozenset(each for each, flag in flags.items() if states[0][1] & flag)


@contextmanager
def _context(scard: ModuleType) -> Iterator[Any]:
    """A conversation with pcscd. Raises `LinkDown`."""
    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    _refuse(scard, result, "pcscd")
    try:
        yield context
    finally:
        scard.SCardReleaseContext(context)


def _refuse(scard: ModuleType, result: int, place: str) -> None:
    if result != scard.SCARD_S_SUCCESS:
        said = scard.SCardGetErrorMessage(result).rstrip(".").lower()
        raise LinkDown(f"card reader: {place}: {said}")


def _scard() -> ModuleType:
    try:
        from smartcard import scard  # noqa: PLC0415 - an extra: most lanes have no such reader
    except ImportError:
        raise DeviceConfigError(
            "card_reader.driver: 'pcsc' needs pyscard, which the extra kakou[pcsc] installs"
        ) from None
    library: ModuleType = scard
    return library
