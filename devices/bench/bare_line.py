"""The bare bytes of one line: whether anything comes, whose frames it holds, what would explain it.

Beside the drivers, which say only that nothing good came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.bench.bring_up import SKIP, Finding, bad, both, good, skipped
from devices.bench.diagnosis import BAUDS, good_frames, has_parity, who_speaks
from devices.errors import LinkDown
from devices.transports.opening import open_transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devices.bench.bring_up import Session
    from devices.bench.diagnosis import Maker

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
        return self._port.startswith("/")

    def opens(self) -> Finding:
        """Whether the port is there and free."""
        try:
            open_transport(self._port, self._baud).close()
        except LinkDown as exc:
            return bad(
                str(exc),
                both(
                    "missing: the name under /dev/kakou (udev), the converter, its cable",
                    "不存在：/dev/kakou 下的 udev 名、转换器、线缆",
                ),
                both(
                    "denied: this user is not in the group dialout",
                    "无权限：当前用户不在 dialout 组",
                ),
                both(
                    "busy: the lane holds it, stop it: systemctl stop gate-agent@LANE",
                    "被占用：先停车道程序 systemctl stop gate-agent@LANE",
                ),
            )
        return good(f"{self._port} at {self._baud} baud, 8N1")

    def hears(self, asks: tuple[bytes, ...]) -> Finding:
        """Whether the device says anything at all."""
        self._asks = asks
        self._heard = self.listen(self._baud, LISTEN_S, asks=asks)
        if self._heard:
            return good(f"{len(self._heard)} bytes in {LISTEN_S:g} s: {self._heard[:16].hex(' ')}")
        if asks:
            return bad(
                f"silence, asked {len(asks)} ways",
                "A and B swapped, or its receive wire not connected: it does not hear the question",
                "another address or baud rate in the indicator, or it is set to send by itself",
            )
        return bad(
            f"nothing in {LISTEN_S:g} s",
            "the indicator's continuous output is off, or set to command mode",
            "its transmit wire is not on our receive wire; no common ground (RS-232)",
        )

    def hears_card(self) -> Finding:
        """Whether the reader says anything when a card is held to it."""
        wait_s = self._session.wait_s
        question = both(
            f"hold a card to the reader within {wait_s:g} s; Enter starts: ",
            f"回车后 {wait_s:g} 秒内刷卡：",
        )
        if self._session.ask("present", question) == SKIP:
            return skipped("nobody holds a card")
        self._is_by_hand = True
        self._heard = self.listen(self._baud, wait_s, is_enough=bool, settle_s=0.0)
        if self._heard:
            return good(f"{len(self._heard)} bytes: {self._heard[:16].hex(' ')}")
        return bad(
            f"nothing in {wait_s:g} s",
            both(
                "the reader has no supply (12 V on the wrong terminal): does it beep?",
                "读卡器无电源（12 V 接错端子）：刷卡有蜂鸣吗？",
            ),
            both(
                "its transmit wire is not on our receive wire, or it is a Wiegand output",
                "其发送线未接到我方接收线，或为韦根输出",
            ),
            both(
                "the card is of another kind (125 kHz, 13.56 MHz)",
                "卡的种类不对（125 kHz、13.56 MHz）",
            ),
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
            return skipped("nothing was heard")
        found = good_frames(self._heard, decoders[driver])
        if found >= least:
            return good(f"{found} good frames of {driver}")
        said = f"{len(self._heard)} bytes, no good frame of {driver}"
        if others := who_speaks(self._heard, decoders, least):
            driver = f'driver = "{others[0]}"'
            return bad(said, both(f"it speaks another protocol: {driver}", f"协议不同：{driver}"))
        if has_parity(self._heard, decoders[driver], least):
            return bad(
                said,
                both(
                    "it sends 7 bits with parity: set the device to 8 data bits, no parity",
                    "设备为 7 位加校验：请设为 8 位无校验",
                ),
            )
        if is_swapped(self._heard):
            return bad(
                said,
                both(
                    "the data wires A and B (or + and -) are swapped", "数据线 A、B（或 +、-）接反"
                ),
            )
        if baud := self._other_baud(decoders[driver], least):
            return bad(
                said,
                both(
                    f"it sends at {baud} baud: set baud = {baud}, or the device",
                    f"设备波特率为 {baud}：改 baud = {baud} 或改设备",
                ),
            )
        return bad(
            said,
            both(
                "no common ground, or a missing termination: every byte is damaged",
                "未共地或缺终端电阻：字节均已损坏",
            ),
            both(
                "a protocol that no driver here knows: record a tape and send it",
                "没有对应驱动的协议：请录制线路记录并寄回",
            ),
        )

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
