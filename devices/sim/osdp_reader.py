"""A simulated OSDP reader: libosdp's peripheral device, on a serial line or TCP."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

from devices.card_reader.codecs.osdp_packet import HAS_CRC, OsdpPacket, OsdpPackets, encode
from devices.card_reader.numbers import Spelling, wiegand_bits
from devices.card_reader.osdp_line import BUSY, OsdpLine, libosdp
from devices.sim.card_reader import CardFault, Damage, presented
from devices.sim.line_server import LineServer

if TYPE_CHECKING:
    from devices.sim.line_host import LineHost

SEQUENCE = 0x03
NAK_UNKNOWN_COMMAND = bytes((0x41, 0x03))
_ANSWERED = {CardFault.NAK: NAK_UNKNOWN_COMMAND, CardFault.BUSY: BUSY}
TURN_S = 0.005
LATE_S = 0.4  # later than libosdp waits for an answer


class SimOsdpReader(LineServer):
    """A reader with `address` and `key`; None: one that speaks plainly.

    A card goes out as the bits that `spelling` has. `present` may be called from any thread.
    """

    def __init__(
        self,
        host: LineHost,
        *,
        address: int = 0,
        key: bytes | None = None,
        spelling: Spelling | None = None,
        seed: int = 0,
    ) -> None:
        """Raises `DeviceConfigError` when libosdp is not installed."""
        super().__init__(host, "sim-osdp-reader")
        self._osdp = libosdp()
        self._address = address
        self._key = key
        self._spelling = spelling or Spelling(number_format="hex")
        self._damage = Damage(seed)
        self._presented: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.fault = CardFault.NONE
        self.beside: str | None = None

    def present(self, uid: str, times: int = 1) -> None:
        """Hold the card that the lane is to read as `uid` (hex) to the reader `times` times."""
        for each in presented(uid, times, self.fault, self.beside):
            self._presented.put(self._event(self._bits(each)))

    @property
    def is_presenting(self) -> bool:
        """Whether a card waits for the next poll."""
        return not self._presented.empty()

    def _bits(self, uid: str) -> str:
        octets = bytes.fromhex(uid)
        if self._spelling.byte_order == "reversed":
            octets = octets[::-1]
        if self._spelling.number_format.startswith("wiegand"):
            return wiegand_bits(octets).bits
        return "".join(f"{octet:08b}" for octet in octets)

    def _event(self, bits: str) -> dict[str, Any]:
        osdp = self._osdp
        is_wiegand = self._spelling.number_format.startswith("wiegand")
        return {
            "event": osdp.Event.CardRead,
            "reader_no": 0,
            "format": osdp.CardFormat.Wiegand if is_wiegand else osdp.CardFormat.Unspecified,
            "direction": 0,
            "length": len(bits),
            "data": int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8)),
        }

    def _serve(self) -> None:
        osdp = self._osdp
        line = OsdpLine(self._send)
        own = osdp.PDInfo(
            self._address,
            line,
            scbk=self._key,
            flags=[] if self._key is None else [osdp.LibFlag.EnforceSecure],
            name="sim reader",
        )
        can = osdp.PDCapabilities([(osdp.Capability.CardDataFormat, 1, 1)])
        device = osdp.PeripheralDevice(own, can, log_level=osdp.LogLevel.Emergency)
        while not self._stopping.is_set():
            line.feed(self._host.read(TURN_S))
            while not self._presented.empty():
                device.ctx.submit_event(self._presented.get_nowait())
            device.ctx.refresh()

    def _send(self, packet: bytes) -> None:
        fault = self.fault
        if fault is CardFault.LATE:
            self._stopping.wait(LATE_S)
        if fault in _ANSWERED:
            packet = _instead(packet, _ANSWERED[fault])
        elif fault is CardFault.WRONG_SUM:
            packet = packet[:-1] + bytes((packet[-1] ^ 0x01,))
        self._host.write(self._damage.done_to(packet, fault))


def _instead(packet: bytes, content: bytes) -> bytes:
    """The plain answer `content` in place of the one in `packet`, whatever channel that was for."""
    (answer,) = OsdpPackets().feed(packet)
    sequence = answer.control & SEQUENCE if content != BUSY else 0  # the standard wants 0 there
    plain = OsdpPacket(address=answer.address, control=HAS_CRC | sequence, content=content)
    return encode(plain)
