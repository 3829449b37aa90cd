"""Bringing into service a card reader behind PC/SC: the service, the reader, then its cards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.bench.bring_up import BringUpStep, Finding, bad, both, good
from devices.bench.bring_up_cards import CardWalk
from devices.card_reader.pcsc import CardAt, PcscCardReader, card_at, reader_names
from devices.errors import LinkDown

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.card_reader.api import CardReader


def pcsc_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for a PC/SC reader."""
    walk = _Pcsc(session)
    return (
        BringUpStep(name="pcscd", look=walk.is_served),
        BringUpStep(name="reader", look=walk.is_plugged),
        *walk.steps(),
    )


class _Pcsc(CardWalk):
    """A PC/SC reader by what pcscd says of it."""

    def is_served(self) -> Finding:
        """Whether pcscd answers."""
        try:
            reader_names()
        except LinkDown as exc:
            return bad(
                str(exc),
                both(
                    "pcscd does not run: systemctl enable --now pcscd.socket",
                    "pcscd 未运行：systemctl enable --now pcscd.socket",
                ),
                both(
                    "this user may not ask it: a polkit rule for org.debian.pcsc-lite",
                    "当前用户无权访问：需要 org.debian.pcsc-lite 的 polkit 规则",
                ),
            )
        return good("pcscd answers")

    def is_plugged(self) -> Finding:
        """Whether exactly one reader is the lane's."""
        names, port = reader_names(), self.config.port
        found = [name for name in names if port in name]
        if len(found) == 1:
            return good(found[0])
        if not names:
            return bad(
                "pcscd has no reader",
                both(
                    "it is not plugged, or its USB cable is bad: lsusb", "未插好或 USB 线坏：lsusb"
                ),
                both(
                    "its driver is missing: Debian's libccid, or the maker's",
                    "缺驱动：Debian 的 libccid 或厂家驱动",
                ),
                both(
                    "the kernel's own NFC driver holds it: blacklist pn533_usb and nfc",
                    "被内核 NFC 驱动占用：屏蔽 pn533_usb、nfc",
                ),
            )
        if found:
            return bad(
                f"several readers: {', '.join(found)}",
                both("card_reader.port: name more of it", "card_reader.port：请写全名"),
            )
        return bad(
            f"{port!r} is not one of the readers: {', '.join(names)}",
            both(f'card_reader.port = "{names[0]}"', f'改为 card_reader.port = "{names[0]}"'),
        )

    def why_no_card(self, reader: CardReader) -> Finding:
        """What pcscd says of the card at the end of the wait."""
        found = card_at(self.config.port)
        if CardAt.HELD_BY_ANOTHER in found:
            return bad(
                "another program holds the card",
                both(
                    "the reader is busy: end that program (the maker's, pcsc_scan, a browser)",
                    "读卡器被占用：请关闭该程序（厂家程序、pcsc_scan、浏览器）",
                ),
            )
        if CardAt.MUTE in found:
            return bad(
                "a card that does not answer",
                both("it lies askew, is of another kind, or broken", "放歪、种类不对或已损坏"),
            )
        if isinstance(reader, PcscCardReader) and reader.refused_cards:
            return self._unreadable()
        return super().why_no_card(reader)

    def _unreadable(self) -> Finding:
        if not self.config.field_blocks:
            return bad(
                "a card that tells no UID",
                both("a contact card, or one of another kind", "接触式卡或其他种类的卡"),
            )
        return bad(
            "a card whose fields cannot be read",
            both(
                "its sectors have another key A than card_reader.key_file",
                "扇区 A 密钥与 card_reader.key_file 不同",
            ),
            both(
                "its fields begin at other blocks: card_reader.field_blocks",
                "字段起始块不同：card_reader.field_blocks",
            ),
        )
