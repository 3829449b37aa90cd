"""`gate-agent emergency` and `evacuate`: at the lane itself, while its hub is not heard."""

from __future__ import annotations

import json
import os
import socket
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gate_agent import config as lane_file
from gate_agent.adapters.hatch import ANSWER_S, LINE_BYTES, NAME, WAITS_S
from gate_agent.errors import GateError
from gate_agent.texts.catalogue import text

if TYPE_CHECKING:
    import argparse

    from gate_agent.proof.cli import Subparsers

ABOUT = """order an emergency at the lane itself while the hub is not heard; without an order: show
how the lane stands"""


EVACUATE = """raise the boom and keep it open until --end, so that everybody drives out; at the lane
itself, while the hub is not heard"""


class HatchUnreachable(GateError):
    """The running lane cannot be asked, or did not do what it was asked."""


def add_commands(commands: Subparsers) -> None:
    """Add `emergency` and `evacuate` to the parser of gate-agent."""
    command = commands.add_parser("emergency", help=ABOUT, description=ABOUT)
    command.add_argument("--config", required=True, metavar="LANE.toml", help="the lane file")
    order = command.add_mutually_exclusive_group()
    order.add_argument("--kind", help="begin an emergency of this kind, as the slip books name it")
    order.add_argument("--end", action="store_true", help="back to the mode before the emergency")
    order.add_argument("--release", metavar="SLIP", help="release the waiting vehicle on this slip")
    order.add_argument("--turn-back", action="store_true", help="turn the waiting vehicle back")
    command.add_argument("--passage", help="only if this passage waits; default: who waits now")
    command.add_argument("--by", default="", help="who orders it, by name")
    command.add_argument("--reason", default="", help="why")
    command.add_argument("--json", action="store_true", help="for machines")
    command.set_defaults(act=emergency)
    _add_evacuate(commands)


def _add_evacuate(commands: Subparsers) -> None:
    command = commands.add_parser("evacuate", help=EVACUATE, description=EVACUATE)
    command.add_argument("--config", required=True, metavar="LANE.toml", help="the lane file")
    command.add_argument("--end", action="store_true", help="end it; the boom stays open")
    command.add_argument("--by", required=True, help="who orders it, by name")
    command.add_argument("--reason", required=True, help="why")
    command.add_argument("--json", action="store_true", help="for machines")
    command.set_defaults(act=evacuate)


def evacuate(options: argparse.Namespace) -> int:
    """Order, and print what the lane said. Exit status 1: it refused."""
    folder = Path(lane_file.load(Path(options.config)).state_dir)
    said = {"by": options.by, "reason": options.reason}
    if not options.end:
        return _told(ask(folder, said | {"do": "evacuate"}), is_json=options.json)
    status = ask(folder, {"do": "status"})
    if "error" not in status and not status["evacuation"]:
        raise HatchUnreachable("there is no evacuation to end")
    which = {"do": "end_evacuation", "evacuation_id": status.get("evacuation")}
    return _told(ask(folder, said | which), is_json=options.json)


def emergency(options: argparse.Namespace) -> int:
    """Order, and print what the lane said. Exit status 1: it refused."""
    folder = Path(lane_file.load(Path(options.config)).state_dir)
    return _told(ask(folder, _request(options, folder)), is_json=options.json)


def _told(answer: dict[str, Any], *, is_json: bool) -> int:
    if "error" in answer:
        raise HatchUnreachable(answer["error"])
    if is_json:
        print(json.dumps(answer, ensure_ascii=False))
    elif "refused" in answer:
        why = answer["refused"]
        raise HatchUnreachable(
            f"refused: {text(f'refused.{why}', 'en')} / {text(f'refused.{why}', 'zh')}"
        )
    else:
        print("\n".join(f"{name:>12}  {_plain(value)}" for name, value in answer.items()))
    return 1 if "refused" in answer else 0


def _request(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    said = {"by": options.by, "reason": options.reason}
    if options.kind:
        return said | {"do": "emergency", "kind": options.kind}
    if options.end:
        return said | {"do": "end"}
    if options.release or options.turn_back:
        passage_id = options.passage or _who_waits(folder)
        what = {"do": "release", "slip": options.release} if options.release else {"do": "refuse"}
        return said | what | {"passage_id": passage_id}
    return {"do": "status"}


def _who_waits(folder: Path) -> str:
    """The passage that an order is about: the lane refuses it if another vehicle has come since."""
    status = ask(folder, {"do": "status"})
    if "error" in status:
        raise HatchUnreachable(status["error"])
    if not status["is_waiting"]:
        raise HatchUnreachable("no vehicle waits for a person")
    return str(status["passage_id"])


def ask(folder: Path, request: dict[str, Any]) -> dict[str, Any]:
    """One question to the running lane. Raises `HatchUnreachable`."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as exc:
        raise HatchUnreachable(f"{folder}: {exc.strerror}") from exc
    line = b""
    try:
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as asking:
            asking.settimeout(WAITS_S + ANSWER_S)
            asking.connect(f"/proc/self/fd/{descriptor}/{NAME}")
            asking.sendall(json.dumps(request).encode() + b"\n")
            while not line.endswith(b"\n") and (more := asking.recv(LINE_BYTES)):
                line += more
        answer: dict[str, Any] = json.loads(line)
    except (OSError, ValueError) as exc:
        raise HatchUnreachable(f"{folder / NAME}: the lane cannot be asked: {exc}") from exc
    finally:
        os.close(descriptor)
    return answer


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)
