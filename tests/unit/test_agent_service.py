"""A service keeps its device: one fault raised, one cleared, one log line each, for years."""

import queue
import threading
from collections.abc import Callable, MutableMapping
from typing import Any

import pytest
import structlog

from devices.clock import SystemClock
from devices.errors import LinkDown
from gate_agent.adapters import service
from gate_agent.adapters.service import Service
from gate_agent.clock import instant
from gate_agent.domain.events import FaultCleared, FaultRaised
from gate_agent.domain.faults import FaultCode
from gate_agent.inbox import Inbox
from tests.agent_rig import wait_until


class _Device:
    """Does what its script says; each entry is raised or returned by one call of `serve`."""

    def __init__(self, *script: Exception | bool) -> None:
        self.script: queue.Queue[Exception | bool] = queue.Queue()
        for step in script:
            self.script.put(step)
        self.calls: list[str] = []
        self.done = threading.Event()
        self.is_heard = True
        self.trouble_in: dict[str, Exception] = {}

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name in self.trouble_in:
            raise self.trouble_in[name]

    def open(self) -> None:
        self._call("open")

    def serve(self) -> bool:
        try:
            step = self.script.get(timeout=0.01)
        except queue.Empty:
            self.done.set()
            return self.is_heard
        if isinstance(step, Exception):
            raise step
        return step

    def lost(self) -> None:
        self._call("lost")

    def close(self) -> None:
        self._call("close")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "BACKOFF_FIRST_S", 0.001)
    monkeypatch.setattr(service, "BACKOFF_MAX_S", 0.004)


def _serve(device: _Device, inbox: Inbox, until: Callable[[], object]) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []

    def keep(_: object, method: str, line: MutableMapping[str, Any]) -> str:
        lines.append((method, line["event"]))
        raise structlog.DropEvent

    log = structlog.wrap_logger(None, processors=[keep])
    served = Service("scale", device, FaultCode.SCALE_LINK, inbox, SystemClock(), log)
    served.start()
    try:
        wait_until(until, f"served: {device.calls} {lines}", 10.0)
    finally:
        served.stop()
        served.join(5.0)
    return lines


def _events(inbox: Inbox) -> list[object]:
    events: list[object] = []
    while (stamped := inbox.take(0.0)) is not None:
        events.append(stamped.event)
    return events


@pytest.mark.usefixtures("quick")
def test_a_lost_device_is_one_fault_and_one_line_however_often_it_is_tried() -> None:
    inbox, lost = Inbox(), LinkDown("scale: unplugged")
    device = _Device(True, lost, lost, lost, lost, True, True)
    lines = _serve(device, inbox, device.done.is_set)
    assert _events(inbox) == [
        FaultRaised(code=FaultCode.SCALE_LINK, detail="scale: unplugged"),
        FaultCleared(code=FaultCode.SCALE_LINK),
    ]
    assert lines == [("warning", "link_lost"), ("info", "link_recovered")]
    assert device.calls.count("open") == 5
    assert device.calls[-1] == "close"


@pytest.mark.usefixtures("quick")
def test_a_device_that_is_open_but_not_heard_stays_lost() -> None:
    inbox = Inbox()
    device = _Device(LinkDown("gone"), False, False, False)
    device.is_heard = False
    _serve(device, inbox, device.done.is_set)
    assert _events(inbox) == [FaultRaised(code=FaultCode.SCALE_LINK, detail="gone")]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("where", ["serve", "open", "lost", "close"])
def test_a_crash_is_a_fault_and_never_the_end_of_the_thread(where: str) -> None:
    inbox = Inbox()
    device = _Device(*([ZeroDivisionError("oops")] if where == "serve" else [LinkDown("gone")]))
    if where != "serve":
        device.trouble_in[where] = ZeroDivisionError("oops")
    raised = threading.Event()

    def is_back() -> bool:
        if device.calls.count("close") >= 1:
            raised.set()
            device.trouble_in.clear()
        return raised.is_set() and device.done.is_set()

    _serve(device, inbox, is_back)
    codes = [type(event).__name__ for event in _events(inbox)]
    assert codes == ["FaultRaised", "FaultCleared"]


def test_the_pause_between_tries_grows_to_less_than_a_second_and_no_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    device = _Device()
    device.trouble_in["open"] = LinkDown("no such port")
    log = structlog.wrap_logger(None, processors=[_drop])
    served = Service("scale", device, FaultCode.SCALE_LINK, Inbox(), SystemClock(), log)

    def wait(pause_s: float) -> bool:
        pauses.append(pause_s)
        if len(pauses) >= 8:
            served.stop()
        return False

    monkeypatch.setattr(served._stop, "wait", wait)
    served.start()
    served.join(5.0)
    assert pauses == [0.2, 0.4, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8]


def _drop(*_: object) -> str:
    raise structlog.DropEvent


@pytest.mark.usefixtures("quick")
def test_a_fault_that_found_the_inbox_full_is_told_later() -> None:
    inbox = Inbox(capacity=1)
    inbox.put(FaultCleared(code=FaultCode.STORE), instant(SystemClock()))
    device = _Device(*[LinkDown("gone")] * 30)
    told: list[object] = []

    def drained() -> bool:
        if device.calls.count("lost") > 3:
            told.extend(_events(inbox))
        return (
            FaultRaised(code=FaultCode.SCALE_LINK, detail="gone") in told and device.done.is_set()
        )

    _serve(device, inbox, drained)
