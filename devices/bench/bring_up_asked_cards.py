"""Bringing into service card readers that are asked on a line: OSDP, resident identity cards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.bench.bare_line import READ_S, BareLine
from devices.bench.bring_up import BringUpStep, Finding, bad, good, log_text
from devices.bench.bring_up_cards import CardWalk
from devices.bench.diagnosis import BAUDS
from devices.bench.wording import said
from devices.card_reader.codecs.osdp_packet import HAS_CRC, OsdpPacket, OsdpPackets, encode
from devices.card_reader.codecs.resident_id import MODULE, SamAnswers
from devices.errors import LinkDown
from devices.registry import open_card_reader
from devices.transports.opening import open_transport

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.texts import Said

ANSWER_S = 1.2
TRY_S = 0.5  # at each other baud rate
SCAN_S = 0.1  # at each other address: a reader answers within some milliseconds
SECURE_WITHIN_S = 4.0
BROADCAST, ADDRESSES = 0x7F, range(0x7F)
ANSWERED = 0x80  # is set in the address of an answer
POLL, ACK = 0x60, 0x40


def osdp_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for an OSDP reader."""
    walk = _Osdp(session)
    return (
        BringUpStep(name=said("line.port"), look=walk.line.opens),
        BringUpStep(name=said("walk.answer"), look=walk.answers),
        BringUpStep(name=said("osdp.secure_channel"), look=walk.is_secure),
        *walk.steps(),
    )


def resident_id_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for a reader of resident identity cards."""
    walk = _ResidentId(session)
    return (
        BringUpStep(name=said("line.port"), look=walk.line.opens),
        BringUpStep(name=said("walk.answer"), look=walk.answers),
        *walk.steps(),
    )


class _Osdp(CardWalk):
    """An OSDP reader by its line, then by its driver."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.line = BareLine(session, self.config.port, self.config.baud)
        self._speaks_plainly = False

    def answers(self) -> Finding:
        """Whether a reader of this number answers a plain question."""
        config = self.config
        heard = self._ask(config.address, config.baud, ANSWER_S)
        for packet in _answers_in(heard):
            if packet.address == config.address | ANSWERED:
                self._speaks_plainly = packet.content[0] == ACK
                return good(said("osdp.answers", address=config.address, baud=config.baud))
        nobody = said("osdp.nobody", address=config.address, baud=config.baud)
        return bad(nobody, *self._why_not(heard))

    def is_secure(self) -> Finding:
        """Whether the secure channel comes up with the key of the lane file."""
        clock = self.session.clock
        reader = open_card_reader(self.config, clock)
        reader.open()
        found = said("osdp.no_channel")
        try:
            until_s = clock.now().mono_s + SECURE_WITHIN_S
            while clock.now().mono_s < until_s and not reader.is_heard:
                reader.read(READ_S)
            if reader.is_heard:
                return good(said("osdp.up", key_file=self.config.key_file))
        except LinkDown as exc:
            found = log_text(exc)
        finally:
            reader.close()
        if self._speaks_plainly:
            return bad(found, said("osdp.no_key_yet"), said("osdp.never_secure"))
        return bad(found, said("osdp.another_key"))

    def _why_not(self, heard: bytes) -> tuple[Said, ...]:
        baud = self.config.baud
        if (address := self._other_address()) is not None:
            return (said("osdp.another_address", address=address),)
        if heard and all(not packet.address & ANSWERED for packet in OsdpPackets().feed(heard)):
            if OsdpPackets().feed(heard):
                return (said("osdp.echo"),)
            return (said("asked.damaged"), said("osdp.swapped"))
        for other in BAUDS if self.line.has_baud else ():
            if other != baud and _answers_in(self._ask(BROADCAST, other, TRY_S)):
                return (said("asked.another_baud", baud=other),)
        return (said("osdp.swapped"), said("osdp.no_supply"), said("osdp.set_otherwise"))

    def _other_address(self) -> int | None:
        """The number of the reader that answers whoever asks; each number is tried by itself."""
        if not _answers_in(self._ask(BROADCAST, self.config.baud, TRY_S)):
            return None
        clock = self.session.clock
        transport = open_transport(self.config.port, self.config.baud)
        try:
            for address in ADDRESSES:
                transport.write(_poll(address))
                heard, until_s = b"", clock.now().mono_s + SCAN_S
                while clock.now().mono_s < until_s:
                    heard += transport.read(4096, SCAN_S / 5)
                    for packet in _answers_in(heard):
                        return packet.address & ~ANSWERED
        finally:
            transport.close()
        return None

    def _ask(self, address: int, baud: int, for_s: float) -> bytes:
        return self.line.listen(
            baud, for_s, asks=(_poll(address),), is_enough=lambda heard: bool(_answers_in(heard))
        )


class _ResidentId(CardWalk):
    """A reader of resident identity cards by its line, then by its driver."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.line = BareLine(session, self.config.port, self.config.baud)

    def answers(self) -> Finding:
        """Whether its security module answers."""
        baud = self.config.baud
        heard = self._ask(baud, ANSWER_S)
        if SamAnswers().feed(heard):
            return good(said("resident_id.answers", baud=baud))
        return bad(said("resident_id.no_answer", baud=baud), *self._why_not(heard))

    def _why_not(self, heard: bytes) -> tuple[Said, ...]:
        for other in BAUDS if self.line.has_baud else ():
            if other != self.config.baud and SamAnswers().feed(self._ask(other, TRY_S)):
                return (said("asked.another_baud", baud=other),)
        if heard:
            return (
                *self.line.of_server,
                said("resident_id.something_else"),
                said("asked.damaged"),
            )
        return (
            *self.line.of_server,
            said("resident_id.another_port"),
            said("resident_id.usb_mode"),
            said("resident_id.swapped"),
        )

    def _ask(self, baud: int, for_s: float) -> bytes:
        return self.line.listen(
            baud, for_s, asks=(MODULE,), is_enough=lambda heard: bool(SamAnswers().feed(heard))
        )


def _poll(address: int) -> bytes:
    """A plain question, the first of its sequence."""
    packet = OsdpPacket(address=address, control=HAS_CRC, content=bytes((POLL,)))
    return encode(packet)


def _answers_in(heard: bytes) -> list[OsdpPacket]:
    """The packets of a reader, without the echo of ours."""
    return [packet for packet in OsdpPackets().feed(heard) if packet.address & ANSWERED]
