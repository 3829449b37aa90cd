"""The bare bytes of one line: whether anything comes, whose frames it holds, what would explain it.

Beside the drivers, which say only that nothing good came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.bench.bring_up import SKIP, Finding, bad, good, log_text, skipped
from devices.bench.diagnosis import BAUDS, good_frames, has_parity, who_speaks
from devices.bench.wording import said
from devices.errors import LinkDown
from devices.transports.opening import open_transport
from devices.transports.tcp import SCHEME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devices.bench.bring_up import Session
    from devices.bench.diagnosis import Maker
    from devices.texts import Said

LISTEN_S = 2.0
ASK_EVERY_S = 0.3
LISTEN_MAX_BYTES = 65_536
READ_S = 0.1
SETTLE_LINE_S = 0.3


class BareLine:
    """One line, opened for each look and given back."""

    def __init__(self, session: Session, port: str, baud: int) -> None:
        self._session = session
        self._port = port
        self._baud = baud
        self._asks: tuple[bytes, ...] = ()
        self._is_by_hand = False  # a person makes the device speak, each time
        self._heard = b""

    @property
    def has_baud(self) -> bool:
        """Whether the line's speed is set here; behind a serial server it is set there."""
        return not self._port.startswith(SCHEME)

    @property
    def of_server(self) -> tuple[Said, ...]:
        """What may be wrong in a serial server, where there is one: its speed cannot be tried."""
        return () if self.has_baud else (said("line.server_baud", baud=self._baud),)

    def opens(self) -> Finding:
        """Whether the port is there and free."""
        try:
            open_transport(self._port, self._baud).close()
        except LinkDown as exc:
            return bad(log_text(exc), *self._why_closed())
        opened = "line.opened" if self.has_baud else "line.connected"
        return good(said(opened, port=self._port, baud=self._baud))

    def _why_closed(self) -> tuple[Said, ...]:
        if self.has_baud:
            return (said("line.missing"), said("line.denied"), said("line.busy"))
        return (said("line.server_away"), said("line.server_mode"), said("line.server_taken"))

    def hears(self, asks: tuple[bytes, ...]) -> Finding:
        """Whether the device says anything at all."""
        self._asks = asks
        self._heard = heard = self.listen(self._baud, LISTEN_S, asks=asks)
        if heard:
            shown = heard[:16].hex(" ")
            return good(said("line.heard", bytes=len(heard), for_s=LISTEN_S, hex=shown))
        if asks:
            return bad(
                said("line.silent_asked", ways=len(asks)),
                said("line.deaf"),
                said("line.set_otherwise"),
                *self.of_server,
            )
        return bad(
            said("line.silent", for_s=LISTEN_S),
            said("line.not_continuous"),
            said("line.not_on_receive"),
        )

    def hears_card(self) -> Finding:
        """Whether the reader says anything when a card is held to it."""
        wait_s = self._session.wait_s
        if self._session.ask("present", said("line.hold_card", wait_s=wait_s)) == SKIP:
            return skipped(said("card.nobody_holds"))
        self._is_by_hand = True
        self._heard = heard = self.listen(self._baud, wait_s, is_enough=bool, settle_s=0.0)
        if heard:
            return good(said("line.heard_card", bytes=len(heard), hex=heard[:16].hex(" ")))
        return bad(
            said("line.silent", for_s=wait_s),
            said("line.reader_without_supply"),
            said("line.reader_not_on_receive"),
            said("line.card_of_another_kind"),
        )

    def understands(
        self,
        driver: str,
        decoders: Mapping[str, Maker],
        least: int,
        is_swapped: Callable[[bytes], bool],
    ) -> Finding:
        """Whether what came are good frames of the driver; if not, what mistake explains it."""
        if not self._heard:
            return skipped(said("line.nothing_heard"))
        found = good_frames(self._heard, decoders[driver])
        if found >= least:
            return good(said("line.good_frames", frames=found, driver=driver))
        none = said("line.no_good_frame", bytes=len(self._heard), driver=driver)
        if others := who_speaks(self._heard, decoders, least):
            return bad(none, said("line.another_protocol", driver=others[0]))
        if has_parity(self._heard, decoders[driver], least):
            return bad(none, said("line.parity"))
        if is_swapped(self._heard):
            return bad(none, said("line.swapped"))
        if baud := self._other_baud(decoders[driver], least):
            return bad(none, said("line.another_baud", baud=baud))
        return bad(none, *self.of_server, said("line.all_damaged"), said("line.unknown_protocol"))

    def _other_baud(self, make_decoder: Maker, least: int) -> int | None:
        """The baud rate at which there are good frames. A card must be shown again for each."""
        if not self.has_baud or self._is_by_hand:
            return None
        for baud in BAUDS:
            if baud == self._baud:
                continue
            heard = self.listen(baud, LISTEN_S, asks=self._asks)
            if good_frames(heard, make_decoder) >= least:
                return baud
        return None

    def listen(
        self,
        baud: int,
        for_s: float,
        *,
        asks: tuple[bytes, ...] = (),
        is_enough: Callable[[bytes], bool] | None = None,
        settle_s: float = SETTLE_LINE_S,
    ) -> bytes:
        """What comes within `for_s` while `asks` are asked; ends soon after `is_enough` of it.

        Raises:
            LinkDown: the port cannot be opened, or goes away.
        """
        clock, heard, asked_s = self._session.clock, b"", -1.0
        transport = open_transport(self._port, baud)
        try:
            settled_s = clock.now().mono_s + settle_s
            while clock.now().mono_s < settled_s:  # what came while the port was being set
                transport.read(4096, READ_S)
            until_s = clock.now().mono_s + for_s
            while (now_s := clock.now().mono_s) < until_s and len(heard) < LISTEN_MAX_BYTES:
                if asks and now_s - asked_s > ASK_EVERY_S:
                    asked_s = now_s
                    for request in asks:
                        transport.write(request)
                heard += transport.read(4096, READ_S)
                if is_enough is not None and is_enough(heard):
                    until_s = min(until_s, now_s + 2 * READ_S)
        finally:
            transport.close()
        return heard
