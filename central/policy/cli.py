"""`gate-central policy …`: packs and periods of draws, through the API of the running hub."""

from __future__ import annotations

import argparse
import json
import sys
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING

from central.api_client import ask_hub
from central.cli_options import online
from central.manifest.fields import Bad, moment_ms
from gate_agent.domain.policy_pack import policy_hash
from gate_agent.wire.policy_pack import PolicyPackError, read_new_pack

if TYPE_CHECKING:
    from central.cli_options import Subparsers

EXIT_FAILED = 1


def add_commands(subparsers: Subparsers) -> None:
    """Add `policy` to the parser of gate-central."""
    policy = subparsers.add_parser("policy", help="the rules by which the lanes judge")
    actions = policy.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="check a pack, change nothing")
    check.add_argument("file", type=Path, metavar="FILE", help="a pack as JSON")
    check.set_defaults(run=_check)
    take = online(actions, "import", "import a pack into the running hub", _import)
    take.add_argument("file", type=Path, metavar="FILE", help="a pack as JSON")
    online(actions, "list", "list the packs", _list)
    period = online(
        actions,
        "new-period",
        "make the secret of a period of draws and print its commitment for the next pack",
        _new_period,
    )
    period.add_argument("period", metavar="PERIOD")
    period.add_argument("--from", dest="begins", required=True, metavar="TIME", help="ISO 8601")
    period.add_argument("--until", required=True, metavar="TIME", help="ISO 8601, exclusive")
    reveal = online(actions, "reveal", "reveal the secret of a period that is over", _reveal)
    reveal.add_argument("period", metavar="PERIOD")
    audit = online(actions, "audit-draws", "make every draw of a period again", _audit)
    audit.add_argument("period", metavar="PERIOD")


def _check(args: argparse.Namespace) -> int:
    try:
        pack = read_new_pack(args.file.read_bytes(), str(args.file))
    except OSError as exc:
        return _failed(f"{args.file}: {exc.strerror}")
    except PolicyPackError as exc:
        return _failed(str(exc))
    print(f"{args.file}: version {pack.version}, owner {pack.owner}, {policy_hash(pack)}")
    return 0


def _import(args: argparse.Namespace) -> int:
    try:
        content = args.file.read_bytes()
    except OSError as exc:
        return _failed(f"{args.file}: {exc.strerror}")
    query = urllib.parse.urlencode({"source": args.file.name})
    answer = ask_hub(args, f"/policy/import?{query}", content)
    print(f"{args.file}: version {answer['version']} is kept, {answer['policy_hash']}")
    return 0


def _list(args: argparse.Namespace) -> int:
    answer = ask_hub(args, "/policy")
    for row in answer:
        pack = row["pack"]
        mark = "in force" if row["in_force"] else ""
        print(f"{pack['version']:<20} {pack['policy_hash'][:12]}  {pack['owner']}  {mark}".rstrip())
    return 0


def _new_period(args: argparse.Namespace) -> int:
    try:
        wanted = {
            "period": args.period,
            "from_ms": moment_ms(args.begins, "--from"),
            "until_ms": moment_ms(args.until, "--until"),
        }
    except Bad as exc:
        return _failed(f"{exc.field}: {exc.reason}")
    answer = ask_hub(args, "/policy/periods", json.dumps(wanted).encode())
    kept = ("period", "from_ms", "until_ms", "commitment")
    print(json.dumps({name: answer[name] for name in kept}, ensure_ascii=False))
    return 0


def _reveal(args: argparse.Namespace) -> int:
    answer = ask_hub(
        args, f"/policy/periods/{urllib.parse.quote(args.period, safe='')}/reveal", b""
    )
    print(f"{answer['period']}: {answer['secret']} (committed to as {answer['commitment']})")
    return 0


def _audit(args: argparse.Namespace) -> int:
    answer = ask_hub(args, f"/policy/periods/{urllib.parse.quote(args.period, safe='')}/audit")
    print(
        f"{answer['period']}: {answer['redone']} draws redone, {len(answer['differ'])} differ,"
        f" {answer['undrawn']} passages without a draw"
    )
    for each in answer["classes"]:
        print(
            f"  {each['credit_class'] or '-'}: {each['passages']} passages,"
            f" {each['inspected']} inspected, {each['reviewed']} reviewed"
        )
    for passage_id in answer["differ"]:
        print(f"  {passage_id}: the record says another number")
    return EXIT_FAILED if answer["differ"] else 0


def _failed(why: str) -> int:
    print(f"gate-central: {why}", file=sys.stderr)
    return EXIT_FAILED
