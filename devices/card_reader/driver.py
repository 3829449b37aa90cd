"""Driver of card readers that send the card's number when it is presented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.card_reader.numbers import CardNumber, uid_of
from devices.card_reader.protocols import spelling_of
from devices.card_reader.repeat import RepeatFilter
from devices.line_device import LineDevice
from devices.readings import CardReading
from devices.transports.tcp import SCHEME

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.card_reader.protocols import CardProtocol
    from devices.clock import Clock
    from devices.config import CardReaderConfig
    from devices.link import Transport

SETTLE_S = 0.3
"""A serial server hands over at once what it kept while nobody was connected, and its age is not
known: the card may be the previous driver's."""
PAUSE_S = 0.25
"""A line of text that stops for so long is cut short: what comes next is not its end."""


class ListeningCardReader(LineDevice[CardNumber]):
    """A reader that speaks when a card comes. Fulfills `devices.card_reader.api.CardReader`.

    What counts as a repeat is remembered over `close` and `open`: a card held while the cable
    flickers is one. `refused_numbers` counts good frames whose number is not as the lane file says
    (`last_refused` is the last), `dropped_cards` those that a serial server may have kept from
    before `open`.
    """

    def __init__(
        self,
        protocol: CardProtocol,
        config: CardReaderConfig,
        clock: Clock,
        *,
        connect: Callable[[], Transport] | None = None,
    ) -> None:
        """Raises `DeviceConfigError` when the number format does not go with the protocol."""
        super().__init__(
            "card reader", config, clock, make_decoder=protocol.make_decoder, connect=connect
        )
        self._is_text = protocol.is_text
        self._settle_s = SETTLE_S if config.port.startswith(SCHEME) else 0.0
        self._pause_after_s = 0.0  # the last pause followed what was heard then
        self._spelling = spelling_of(config, protocol.formats)
        self._repeats = RepeatFilter(config.repeat_s)
        self.refused_numbers = 0
        self.dropped_cards = 0
        self.last_refused: CardNumber | None = None

    @property
    def is_heard(self) -> bool:
        """True: such a reader says nothing without a card."""
        return True

    def read(self, timeout_s: float) -> list[CardReading]:
        """Wait up to `timeout_s` for bytes; see the contract in `api`."""
        readings: list[CardReading] = []
        asked_s = self._clock.now().mono_s
        for number, received_s in self._stream.read(timeout_s):
            uid = uid_of(number, self._spelling)
            if received_s - self._stream.opened_s < self._settle_s:
                self.dropped_cards += 1
            elif uid is None:
                self.refused_numbers += 1
                self.last_refused = number
            elif not self._repeats.is_repeat(uid, received_s):
                readings.append(CardReading(uid=uid, received_s=received_s))
        if self._is_text:
            self._end_pause(asked_s)
        return readings

    def _end_pause(self, asked_s: float) -> None:
        """Nothing waited when it was read last, so the pause before it was not our own delay."""
        heard_s = self._stream.heard_s
        if self._pause_after_s < heard_s < asked_s - PAUSE_S:
            self._stream.abandon_frame()
            self._pause_after_s = heard_s
