"""The step of a walk in which a person pulls the data cable of a device and puts it back."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol, TypeVar

from devices.bench.bring_up import SKIP, Finding, bad, good, skipped
from devices.bench.wording import said
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
    if session.ask("pull", said("cable.pull")) == SKIP:
        return skipped(said("cable.nobody_pulls"))
    device.open()
    try:
        if not _is_lost(session, device, is_there):
            return bad(
                said("cable.goes_on", for_s=PULL_WITHIN_S),
                said("cable.another_cable"),
                said("cable.silent_without_card"),
            )
    finally:
        device.close()
    session.ask("plug", said("cable.plug"))
    took_s = _back_after(session, device, is_there)
    if took_s is None:
        return bad(said("cable.not_back", for_s=PULL_WITHIN_S), said("cable.another_name"))
    back = said("cable.back", took_s=took_s)
    if took_s > BACK_WITHIN_S:
        return bad(back, said("cable.slow", within_s=BACK_WITHIN_S))
    return good(back)


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
