"""The hatch: orders given at the lane itself while the hub cannot be heard.

A socket in the lane's state folder, for root and the group that the lane runs under: the kernel
says who is at the other end, nobody is asked for it. A line of JSON in, a line of JSON out. What
is ordered goes through the inbox like a command of the hub, and the lane decides whether it obeys.
"""

from __future__ import annotations

import json
import os
import pwd
import queue
import secrets
import socket
import struct
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gate_agent.clock import instant
from gate_agent.domain.events import EvacuationEnded, EvacuationOrdered, ModeSet, Overridden
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.records import CommandCarriedOut, CommandRefused, PassageOverridden
from gate_agent.domain.slips import emergency_kinds
from gate_agent.domain.vocabulary import CommandId, Mode, Outcome, PassageId, Phase

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devices.clock import Clock
    from gate_agent.domain.records import RecordBody
    from gate_agent.domain.state import LaneState
    from gate_agent.inbox import Inbox
    from gate_agent.logs import Log

NAME = "hatch.sock"
MODE = 0o660
LINE_BYTES = 4_096
WAITS_S = 2.0  # for the other end
ANSWER_S = 8.0  # for the lane
VALID_MS = 10_000
MAX_NAME, MAX_REASON, MAX_SLIP = 64, 300, 40
_SO_PEERGROUPS = 59  # Linux; Python has no name for it
_GROUPS_BYTES = 1_024  # the most that Python takes
_DECISIONS = {"release": Outcome.RELEASE, "refuse": Outcome.REFUSE}
Answer = dict[str, Any]
Order = Overridden | ModeSet | EvacuationOrdered | EvacuationEnded


class HatchError(Exception):
    """A request that cannot be handed on; the text is the answer."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, as the kernel says."""

    uid: int
    groups: frozenset[int]

    @property
    def login(self) -> str:
        """The name of the account."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return f"uid {self.uid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What every order has: who gives it, why, under which id, and until when it holds."""

    by: str
    reason: str
    command_id: CommandId
    expires_at_ms: int


class Hatch:
    """Serves the socket in a thread of its own."""

    def __init__(
        self,
        folder: Path,
        lane: Callable[[], LaneState],
        inbox: Inbox,
        clock: Clock,
        log: Log,
    ) -> None:
        self._folder = folder
        self._lane = lane
        self._inbox, self._clock, self._log = inbox, clock, log
        self._answers: dict[str, queue.Queue[RecordBody]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hatch", daemon=True)

    def start(self) -> None:
        """Begin to listen. Without a socket the lane goes on: it is one way in, not the lane."""
        self._thread.start()

    def stop(self) -> None:
        """End, and take the socket away."""
        self._stop.set()
        self._thread.join(WAITS_S)

    def told(self, body: RecordBody) -> None:
        """The lane recorded this; the lane thread calls."""
        if isinstance(body, PassageOverridden | CommandCarriedOut | CommandRefused):
            waiting = self._answers.get(body.command_id)
            if waiting is not None:
                waiting.put(body)

    def _run(self) -> None:
        try:
            listening = _listen(self._folder)
        except OSError as exc:
            self._log.error("hatch_shut", detail=str(exc))
            return
        with closing(listening):
            while not self._stop.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                except OSError as exc:
                    self._log.warning("hatch_failed", detail=str(exc))
                    self._stop.wait(1.0)
                    continue
                with closing(connection):
                    try:
                        self._serve(connection)
                    except OSError as exc:  # the other end has gone
                        self._log.warning("hatch_failed", detail=str(exc))
        with suppress(OSError):
            (self._folder / NAME).unlink()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(WAITS_S)
        peer = peer_of(connection)
        answer: Answer
        try:
            answer = self._answer(_request(connection), peer)
        except HatchError as exc:
            answer = {"error": str(exc)}
        connection.sendall(json.dumps(answer, ensure_ascii=False).encode() + b"\n")

    def _answer(self, request: Answer, peer: Peer) -> Answer:
        if not may_order(peer):
            self._log.warning("hatch_stranger", login=peer.login)
            raise HatchError("only root and the group of the lane's account may")
        lane = self._lane()
        if request.get("do") == "status":
            return _status(lane)
        by = f"{_said(request, 'by', MAX_NAME)} [{peer.login}@{lane.lane_id}]"
        given = _Given(
            by=by,
            reason=_said(request, "reason", MAX_REASON),
            command_id=CommandId(f"h-{secrets.token_hex(8)}"),
            expires_at_ms=self._clock.now().wall_ms + VALID_MS,
        )
        return self._order(_event(request, given, lane))

    def _order(self, event: Order) -> Answer:
        """Hand it to the lane, and wait for what the lane records of it."""
        waiting: queue.Queue[RecordBody] = queue.Queue()
        self._answers[event.command_id] = waiting
        self._log.info("hatch_order", command_id=event.command_id, by=event.by)
        try:
            if not self._inbox.put(event, instant(self._clock)):
                raise HatchError("the lane is overloaded")
            body = waiting.get(timeout=ANSWER_S)
        except queue.Empty:
            raise HatchError("the lane does not answer; the order is void in 10 s") from None
        finally:
            del self._answers[event.command_id]
        if isinstance(body, CommandRefused):
            return {"refused": body.why.value}
        return {"done": True} | _status(self._lane())


def _event(request: Answer, given: _Given, lane: LaneState) -> Order:
    """What the lane is told to do. Raises `HatchError`."""
    match request.get("do"):
        case "emergency":
            return _mode_set(given, Mode.EMERGENCY, kind=_said(request, "kind", MAX_NAME))
        case "end":
            return _mode_set(given, lane.mode_before, kind="")
        case "release" | "refuse" as decision:
            is_release = decision == "release"
            return Overridden(
                command_id=given.command_id,
                passage_id=PassageId(_said(request, "passage_id", MAX_NAME * 2)),
                decision=_DECISIONS[decision],
                by=given.by,
                reason=given.reason,
                expires_at_ms=given.expires_at_ms,
                slip=_said(request, "slip", MAX_SLIP) if is_release else "",
                local=True,
            )
        case "evacuate":
            return EvacuationOrdered(
                command_id=given.command_id,
                by=given.by,
                reason=given.reason,
                expires_at_ms=given.expires_at_ms,
                local=True,
            )
        case "end_evacuation":
            return EvacuationEnded(
                command_id=given.command_id,
                evacuation_id=CommandId(_said(request, "evacuation_id", MAX_NAME * 2)),
                by=given.by,
                reason=given.reason,
                expires_at_ms=given.expires_at_ms,
                local=True,
            )
        case _:
            raise HatchError(
                "do: status, emergency, end, release, refuse, evacuate or end_evacuation"
            )


def _mode_set(given: _Given, mode: Mode, *, kind: str) -> ModeSet:
    return ModeSet(
        command_id=given.command_id,
        mode=mode,
        by=given.by,
        reason=given.reason,
        expires_at_ms=given.expires_at_ms,
        kind=kind,
        local=True,
    )


def _listen(folder: Path) -> socket.socket:
    """The socket, in place of one that a killed lane left. Raises `OSError`."""
    with suppress(FileNotFoundError):
        (folder / NAME).unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # An address of this kind has room for 107 bytes; a state folder may be deeper.
        listening.bind(f"/proc/self/fd/{descriptor}/{NAME}")
        (folder / NAME).chmod(MODE)
        listening.listen(4)
        listening.settimeout(0.5)
    except OSError:
        listening.close()
        raise
    finally:
        os.close(descriptor)
    return listening


def peer_of(connection: socket.socket) -> Peer:
    """The account at the other end of a connection. Raises `OSError`."""
    size = struct.calcsize("3i")
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    _, uid, gid = struct.unpack("3i", packed)
    try:
        further = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_BYTES)
    except OSError:  # more groups than there is room for, or another kernel: the first one counts
        further = b""
    groups = struct.unpack(f"{len(further) // 4}I", further)
    return Peer(uid, frozenset({gid, *groups}))


def may_order(peer: Peer) -> bool:
    """Root, or the group that this lane runs under."""
    return peer.uid == 0 or os.getegid() in peer.groups


def _request(connection: socket.socket) -> Answer:
    line = b""
    while not line.endswith(b"\n") and len(line) <= LINE_BYTES:
        try:
            more = connection.recv(LINE_BYTES)
        except TimeoutError:
            raise HatchError("no request came") from None
        if not more:
            break
        line += more
    try:
        request = json.loads(line[: LINE_BYTES + 1])
    except (ValueError, RecursionError):
        raise HatchError("not a line of JSON") from None
    if not isinstance(request, dict):
        raise HatchError("not an object")
    return request


def _said(request: Answer, key: str, longest: int) -> str:
    value = request.get(key)
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > longest or not text.isprintable():
        raise HatchError(f"{key}: 1 to {longest} characters")
    return text


def _status(lane: LaneState) -> Answer:
    passage = lane.passage
    return {
        "lane": lane.lane_id,
        "mode": lane.mode.value,
        "emergency": lane.emergency,
        "evacuation": lane.evacuation.command_id if lane.evacuation else "",
        "barrier": lane.barrier.value,
        "kinds": emergency_kinds(lane.pack),
        "is_hub_heard": FaultCode.UPLINK not in lane.faults,
        "passage_id": passage.passage_id if passage else None,
        "is_waiting": lane.phase in (Phase.HELD, Phase.TURNING_BACK),
        "plate": passage.plate.text if passage and passage.plate else None,
        "reasons": [each.value for each in passage.verdict.reasons]
        if passage and passage.verdict
        else [],
    }
