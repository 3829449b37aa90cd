"""The step of a walk in which a person pulls the data cable of a device and puts it back."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol, TypeVar

from devices.bench.bring_up import SKIP, Finding, bad, both, good, skipped
from devices.errors import LinkDown

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.bench.bring_up import Session

BACK_WITHIN_S = 3.0
PULL_WITHIN_S = 60.0
TRY_S = 2.0  # so long an opened device may take to answer
AGAIN_S = 0.1


class Wired(Protocol):
    """A driver whose wire can be taken and given back."""

    def open(self) -> None:
        """Take it. Raises `LinkDown`."""
        ...

    def close(self) -> None:
        """Give it back."""
        ...


D = TypeVar("D", bound=Wired)


def comes_back(session: Session, device: D, is_there: Callable[[D], bool]) -> Finding:
    """Whether a device is felt to be gone without its cable, and back within 3 s of it.

    `is_there` reads a little of the opened device, and says whether it was heard. Raises `LinkDown`
    where the device is not there to begin with.
    """
    question = both(
        "pull the data cable when it is read; Enter, or skip: ", "读取时拔出数据线；回车，或 skip："
    )
    if session.ask("pull", question) == SKIP:
        return skipped("nobody pulls the cable")
    device.open()
    try:
        if not _is_lost(session, device, is_there):
            return bad(
                f"it goes on for {PULL_WITHIN_S:g} s",
                both("another cable was pulled", "拔错了线"),
                both(
                    "a reader that only sends is silent without a card: pull the converter's plug",
                    "只发不收的读卡器无卡时本就无声：请拔转换器的插头",
                ),
            )
    finally:
        device.close()
    session.ask("plug", both("put it back; Enter at that moment: ", "插回；同时按回车："))
    took_s = _back_after(session, device, is_there)
    if took_s is None:
        return bad(
            f"it does not come back in {PULL_WITHIN_S:g} s",
            both(
                "the converter got another name: use the one by udev, under /dev/kakou",
                "转换器换了设备名：请用 udev 固定名 /dev/kakou/…",
            ),
        )
    if took_s > BACK_WITHIN_S:
        return bad(
            f"back after {took_s:.1f} s",
            both(
                f"more than {BACK_WITHIN_S:g} s: the device or its serial server starts slowly",
                f"超过 {BACK_WITHIN_S:g} 秒：设备或串口服务器启动慢",
            ),
        )
    return good(f"back after {took_s:.1f} s")


def _is_lost(session: Session, device: D, is_there: Callable[[D], bool]) -> bool:
    until_s = session.clock.now().mono_s + PULL_WITHIN_S
    with contextlib.suppress(LinkDown):
        while session.clock.now().mono_s < until_s:
            is_there(device)
        return False
    return True


def _back_after(session: Session, device: D, is_there: Callable[[D], bool]) -> float | None:
    clock = session.clock
    began_s = clock.now().mono_s
    while clock.now().mono_s - began_s < PULL_WITHIN_S:
        with contextlib.suppress(LinkDown):
            device.open()
            until_s = clock.now().mono_s + TRY_S
            while clock.now().mono_s < until_s:
                if is_there(device):
                    device.close()
                    return clock.now().mono_s - began_s
        device.close()
        clock.sleep(AGAIN_S)
    return None
