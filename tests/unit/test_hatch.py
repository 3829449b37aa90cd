"""The hatch hears root and the lane's group, and answers nonsense with a sentence."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest.mock import patch

import pytest

from devices.clock import SystemClock
from gate_agent.adapters import hatch
from gate_agent.adapters.hatch import Hatch, Peer, may_order, peer_of
from gate_agent.domain.events import ModeSet
from gate_agent.domain.records import CommandCarriedOut, CommandRefused, Refusal
from gate_agent.inbox import Inbox
from gate_agent.runtime.hatch_cli import HatchUnreachable, ask
from tests.agent_rig import quiet_log, wait_until
from tests.builders import LaneStory

WHO = {"by": "li.wei", "reason": "cable cut"}


def is_open(folder: Path) -> bool:
    with suppress(HatchUnreachable):
        return bool(ask(folder, {"do": "status"}))
    return False


@contextmanager
def a_hatch(folder: Path) -> Iterator[tuple[Hatch, Inbox]]:
    inbox, lane = Inbox(), LaneStory().lane
    found = Hatch(folder, lambda: lane, inbox, SystemClock(), quiet_log())
    found.start()
    wait_until(lambda: is_open(folder), "the hatch")
    try:
        yield found, inbox
    finally:
        found.stop()


def test_an_order_goes_to_the_lane_as_a_command_and_comes_back_as_what_it_recorded(
    tmp_path: Path,
) -> None:
    deep = tmp_path / ("deep" * 20) / ("deeper" * 10)  # no address of a socket is so long
    deep.mkdir(parents=True)
    answers: list[dict[str, object]] = []

    def asks() -> None:
        answers.append(ask(deep, WHO | {"do": "emergency", "kind": "power"}))

    with a_hatch(deep) as (found, inbox):
        for made in (CommandCarriedOut, CommandRefused):
            asking = threading.Thread(target=asks)
            asking.start()
            stamped = inbox.take(5.0)
            assert stamped is not None
            event = stamped.event
            assert isinstance(event, ModeSet)
            assert (event.kind, event.local) == ("power", True)
            assert event.by.startswith("li.wei [")
            if made is CommandCarriedOut:
                found.told(made(command_id=event.command_id, command="set_mode", by="", reason=""))
            else:
                why = Refusal.KIND_UNKNOWN
                found.told(CommandRefused(command_id=event.command_id, passage_id=None, why=why))
            asking.join(5.0)
    assert answers[0]["done"]
    assert answers[1] == {"refused": "kind_unknown"}
    assert not (deep / hatch.NAME).exists()


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"do": "open"}, "by:"),
        (WHO | {"do": "open"}, "do:"),
        (WHO | {"do": "emergency"}, "kind:"),
        (WHO | {"do": "release", "passage_id": "p"}, "slip:"),
        ({"do": "evacuate", "by": "li.wei"}, "reason:"),
        (WHO | {"do": "end_evacuation"}, "evacuation_id:"),
        (WHO | {"do": "end", "by": "x" * 65}, "by:"),
        (WHO | {"do": "end", "reason": "a\nb"}, "reason:"),
    ],
)
def test_what_names_no_person_no_reason_or_no_deed_never_reaches_the_lane(
    tmp_path: Path, request_: dict[str, object], said: str
) -> None:
    with a_hatch(tmp_path) as (_, inbox):
        assert str(ask(tmp_path, request_)["error"]).startswith(said)
        assert inbox.waiting() == 0


@pytest.mark.parametrize("line", [b"\n", b"[]\n", b"\xff\n", b"[" * 4_090 + b"\n", b"x" * 9_000])
def test_bytes_that_are_no_request_are_answered_and_the_next_one_is_heard(
    tmp_path: Path, line: bytes
) -> None:
    with a_hatch(tmp_path):
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(tmp_path / hatch.NAME))
            asking.sendall(line)
            asking.shutdown(socket.SHUT_WR)
            assert "error" in json.loads(asking.makefile().readline() or '{"error": "gone"}')
        assert ask(tmp_path, {"do": "status"})["mode"] == "auto"


def test_the_kernel_says_who_asks_and_a_stranger_is_told_nothing(tmp_path: Path) -> None:
    mine, theirs = socket.socketpair(socket.AF_UNIX)
    with mine, theirs:
        assert peer_of(mine).uid == os.getuid()
        assert os.getgid() in peer_of(mine).groups
    assert may_order(Peer(0, frozenset()))
    assert may_order(Peer(12_345, frozenset({os.getegid()})))
    assert not may_order(Peer(12_345, frozenset({54_321})))
    with (
        patch.object(hatch, "peer_of", lambda _: Peer(12_345, frozenset({54_321}))),
        a_hatch(tmp_path),
    ):
        assert set(ask(tmp_path, {"do": "status"})) == {"error"}
    assert Peer(4_000_000, frozenset()).login == "uid 4000000"


def test_a_lane_that_does_not_run_cannot_be_asked(tmp_path: Path) -> None:
    with pytest.raises(HatchUnreachable, match="cannot be asked"):
        ask(tmp_path, {"do": "status"})
    with pytest.raises(HatchUnreachable, match="No such file"):
        ask(tmp_path / "nowhere", {"do": "status"})
