"""Driver of one OSDP v2 reader (IEC 60839-11-5) on an RS-485 line, over a secure channel only.

The protocol is libosdp's (Apache-2.0); ours are the line, the key, and what counts as lost. libosdp
itself gives a silent reader up after eight seconds and then tries ever more rarely: too late for a
lane. So the driver counts a reader as lost that is silent for `SILENT_S`, and each `open` begins
anew, which takes a reader a tenth of a second.

A reader may keep a card that was presented while the line was cut. Such a card is not the one of
the vehicle that is there now: what comes within `SETTLE_S` after the channel came up is dropped.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from devices.card_reader.keys import read_key
from devices.card_reader.numbers import CardBits, CardNumber, uid_of
from devices.card_reader.osdp_line import KEY_BYTES, OsdpLine, libosdp
from devices.card_reader.protocols import spelling_of
from devices.card_reader.repeat import RepeatFilter
from devices.errors import LinkDown
from devices.readings import CardReading
from devices.transports.opening import open_transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from devices.config import CardReaderConfig, NumberFormat
    from devices.link import Transport

FORMATS: tuple[NumberFormat, ...] = ("hex", "wiegand-26", "wiegand-34", "text")
ONLINE_S = 0.7  # from `open` to the first answer
SECURE_S = 2.5  # from `open` to a secure channel, of a reader that answers
STUCK_S = 0.4  # without a word on the way there: libosdp would wait for seconds, so it begins anew
SILENT_S = 1.5  # a reader is asked twenty times a second
SETTLE_S = 1.0
TURN_S = 0.01
READ_MAX_BYTES = 4096
FORWARD, TEXT_FORMAT = 0, 2


class OsdpCardReader:
    """An OSDP reader. Fulfills `devices.card_reader.api.CardReader`.

    `refused_numbers` counts cards whose number is not as the lane file says (`last_refused` is the
    last), `dropped_cards` those that may have been presented while the line was cut.
    """

    def __init__(
        self,
        config: CardReaderConfig,
        clock: Clock,
        *,
        connect: Callable[[], Transport] | None = None,
    ) -> None:
        """Raises `DeviceConfigError`: no key, no libosdp, or a number format that it has not."""
        self._osdp = libosdp()
        self._key = read_key(config.key_file, KEY_BYTES)
        self._config = config
        self._clock = clock
        self._spelling = spelling_of(config, FORMATS)
        self._repeats = RepeatFilter(config.repeat_s)
        self._connect = connect or partial(open_transport, config.port, config.baud)
        self._transport: Transport | None = None
        self._line = OsdpLine(lambda packet: None)
        self._panel: Any = None
        self._opened_s = self._heard_s = 0.0
        self._secure_s: float | None = None
        self._earlier_discarded_bytes = 0
        self.good_frames = 0
        self.refused_numbers = 0
        self.dropped_cards = 0
        self.last_refused: CardNumber | None = None

    @property
    def is_heard(self) -> bool:
        """Whether the secure channel is up."""
        return self._secure_s is not None

    @property
    def discarded_bytes(self) -> int:
        """Bytes since this object was made that belonged to no good packet."""
        return self._earlier_discarded_bytes + self._line.discarded_bytes

    def open(self) -> None:
        """Take the wire and begin the secure channel; see the contract in `api`."""
        if self._transport is not None:
            return
        try:
            transport = self._connect()
        except LinkDown as exc:
            raise LinkDown(f"card reader: {exc}") from exc
        self._begin(transport)
        self._opened_s = self._heard_s
        self._secure_s = None
        self._transport = transport

    def _begin(self, transport: Transport) -> None:
        """Begin the conversation, from its first word."""
        osdp = self._osdp
        self._earlier_discarded_bytes = self.discarded_bytes
        self._line = OsdpLine(transport.write, hears=self._config.address)
        device = osdp.PDInfo(
            self._config.address,
            self._line,
            scbk=self._key,
            flags=[osdp.LibFlag.EnforceSecure],
            name="card reader",
        )
        self._panel = osdp.ControlPanel([device], log_level=osdp.LogLevel.Emergency)
        self._heard_s = self._clock.now().mono_s

    def read(self, timeout_s: float) -> list[CardReading]:
        """Ask the reader for up to `timeout_s`; see the contract in `api`.

        Ends early when the channel comes up: a reader that is back is told as back at once.
        """
        until_s = self._clock.now().mono_s + timeout_s
        was_heard = self.is_heard
        while True:
            try:
                readings = self._turn(min(TURN_S, max(0.0, until_s - self._clock.now().mono_s)))
            except LinkDown as exc:
                self._secure_s = None
                raise LinkDown(f"card reader: {exc}") from exc
            has_come_up = self.is_heard and not was_heard
            if readings or has_come_up or self._clock.now().mono_s >= until_s:
                return readings

    def close(self) -> None:
        """Give the wire back; see the contract in `api`."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def _turn(self, wait_s: float) -> list[CardReading]:
        transport, panel = self._transport, self._panel
        if transport is None:
            raise LinkDown("not open")
        chunk = transport.read(READ_MAX_BYTES, wait_s)
        now_s = self._clock.now().mono_s
        if self._line.feed(chunk):
            self._heard_s = now_s
        panel.ctx.refresh()
        self._line.raise_trouble()
        self._watch(transport, is_secure=bool(panel.ctx.sc_status() & 1), now_s=now_s)
        readings: list[CardReading] = []
        while not panel.event_queue[0].empty():
            readings += self._card(panel.event_queue[0].get_nowait(), now_s)
        return readings

    def _watch(self, transport: Transport, *, is_secure: bool, now_s: float) -> None:
        if is_secure and self._secure_s is None:
            self._secure_s = now_s
        silent_s = now_s - self._heard_s
        where = f"{self._config.port} at {self._config.baud} baud"
        if self._secure_s is not None and not is_secure:
            raise LinkDown(f"the secure channel on {where} broke")
        has_answered = self._heard_s > self._opened_s
        if (not has_answered and silent_s > ONLINE_S) or (self.is_heard and silent_s > SILENT_S):
            raise LinkDown(f"no answer for {silent_s:.1f} s on {where}")
        if not has_answered or self.is_heard:
            return
        if now_s - self._opened_s > SECURE_S:
            raise LinkDown(
                f"something answers on {where} as address {self._config.address}, but there is no "
                "secure channel: another key, address, baud rate, or a reader in install mode"
            )
        if silent_s > STUCK_S:
            self._begin(transport)

    def _card(self, event: dict[str, Any], now_s: float) -> list[CardReading]:
        if event["event"] != self._osdp.Event.CardRead:
            return []
        self.good_frames += 1
        if self._secure_s is None or now_s - self._secure_s < SETTLE_S:
            self.dropped_cards += 1
            return []
        number = _number(event)
        uid = uid_of(number, self._spelling)
        if uid is None:
            self.refused_numbers += 1
            self.last_refused = number
            return []
        if self._repeats.is_repeat(uid, now_s):
            return []
        return [CardReading(uid=uid, received_s=now_s)]


def _number(event: dict[str, Any]) -> CardNumber:
    """What a card event says: characters, or so many bits, the first most significant."""
    length, octets = int(event["length"]), bytes(event["data"])
    if event["format"] == TEXT_FORMAT:
        return octets[:length].decode("ascii", "replace")
    bits = "".join(f"{octet:08b}" for octet in octets)[:length]
    return CardBits(bits=bits if event["direction"] == FORWARD else bits[::-1])
