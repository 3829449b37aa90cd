"""Bringing into service card readers that are asked on a line: OSDP, resident identity cards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.bench.bare_line import READ_S, BareLine
from devices.bench.bring_up import BringUpStep, Finding, bad, both, good
from devices.bench.bring_up_cards import CardWalk
from devices.bench.diagnosis import BAUDS
from devices.card_reader.codecs.osdp_packet import HAS_CRC, OsdpPacket, OsdpPackets, encode
from devices.card_reader.codecs.resident_id import MODULE, SamAnswers
from devices.errors import LinkDown
from devices.registry import open_card_reader
from devices.transports.opening import open_transport

if TYPE_CHECKING:
    from devices.bench.bring_up import Session

ANSWER_S = 1.2
TRY_S = 0.5  # at each other baud rate
SCAN_S = 0.1  # at each other address: a reader answers within some milliseconds
SECURE_WITHIN_S = 4.0
BROADCAST, ADDRESSES = 0x7F, range(0x7F)
ANSWERED = 0x80  # is set in the address of an answer
POLL, ACK = 0x60, 0x40

_SWAPPED = both("A and B (or + and -) are swapped", "A、B（或 +、-）接反")
_DAMAGED = both(
    "every answer is damaged: no common ground, a missing termination, two devices of one number",
    "应答均已损坏：未共地、缺终端电阻，或两台设备同号",
)


def osdp_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for an OSDP reader."""
    walk = _Osdp(session)
    return (
        BringUpStep(name="port", look=walk.line.opens),
        BringUpStep(name="answer", look=walk.answers),
        BringUpStep(name="secure channel", look=walk.is_secure),
        *walk.steps(),
    )


def resident_id_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for a reader of resident identity cards."""
    walk = _ResidentId(session)
    return (
        BringUpStep(name="port", look=walk.line.opens),
        BringUpStep(name="answer", look=walk.answers),
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
                return good(f"it answers as address {config.address} at {config.baud} baud")
        return bad(
            f"nobody answers as address {config.address} at {config.baud} baud",
            *self._why_not(heard),
        )

    def is_secure(self) -> Finding:
        """Whether the secure channel comes up with the key of the lane file."""
        clock = self.session.clock
        reader = open_card_reader(self.config, clock)
        reader.open()
        said = "no secure channel"
        try:
            until_s = clock.now().mono_s + SECURE_WITHIN_S
            while clock.now().mono_s < until_s and not reader.is_heard:
                reader.read(READ_S)
            if reader.is_heard:
                return good(f"up, with the key of {self.config.key_file}")
        except LinkDown as exc:
            said = str(exc)
        finally:
            reader.close()
        if self._speaks_plainly:
            return bad(
                said,
                both(
                    "it answers without a key: it has none yet, give it this one (install mode)",
                    "读卡器无密钥即应答：尚未写入密钥，请在安装模式写入",
                ),
                both(
                    "a reader that knows no secure channel cannot be used",
                    "不支持安全通道的读卡器不能使用",
                ),
            )
        return bad(
            said,
            both(
                "it has another key than card_reader.key_file (SCBK): write it anew, or reset it",
                "密钥与 card_reader.key_file (SCBK) 不同：请重新写入或复位",
            ),
        )

    def _why_not(self, heard: bytes) -> tuple[str, ...]:
        baud = self.config.baud
        if (address := self._other_address()) is not None:
            text = f"card_reader.address = {address}"
            return (
                both(f"it answers as address {address}: {text}", f"其地址为 {address}：{text}"),
            )
        if heard and all(not packet.address & ANSWERED for packet in OsdpPackets().feed(heard)):
            if OsdpPackets().feed(heard):
                return (
                    both("only our own question is heard: the converter's echo", "只收到自发回波"),
                )
            return (_DAMAGED, _SWAPPED)
        for other in BAUDS if self.line.has_baud else ():
            if other != baud and _answers_in(self._ask(BROADCAST, other, TRY_S)):
                text = f"card_reader.baud = {other}"
                return (both(f"it answers at {other} baud: {text}", f"其波特率为 {other}：{text}"),)
        return (
            _SWAPPED,
            both(
                "no supply: 12 V at its terminals? does it light up?",
                "无电源：端子有 12 V 吗？灯亮吗？",
            ),
            both(
                "it is set to Wiegand, or another baud rate behind a serial server",
                "设成了韦根输出，或串口服务器的波特率不对",
            ),
        )

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
            return good(f"its security module answers at {baud} baud")
        return bad(f"no answer of a security module at {baud} baud", *self._why_not(heard))

    def _why_not(self, heard: bytes) -> tuple[str, ...]:
        for other in BAUDS if self.line.has_baud else ():
            if other != self.config.baud and SamAnswers().feed(self._ask(other, TRY_S)):
                text = f"card_reader.baud = {other}"
                return (both(f"it answers at {other} baud: {text}", f"其波特率为 {other}：{text}"),)
        if heard:
            return (
                both(
                    "something else answers: another device's port; look under /dev/kakou (udev)",
                    "应答的不是身份证读卡器：串口接错，请看 /dev/kakou (udev)",
                ),
                _DAMAGED,
            )
        return (
            both(
                "another port: look which name under /dev/kakou is this reader's (udev)",
                "串口不对：请看 /dev/kakou 下哪个是它 (udev)",
            ),
            both(
                "it is in USB (HID) mode: set it to serial with the maker's program",
                "读卡器处于 USB (HID) 模式：请用厂家程序改为串口",
            ),
            both("transmit and receive are swapped; no supply", "收发线接反；无电源"),
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
