"""`gate-central`: run the hub, check its configuration, import declarations, manage users."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

from central import logs
from central.api_client import ask_hub
from central.auth import cli as auth_cli
from central.cli_options import add_config, add_hub
from central.clock import SystemClock
from central.config import load
from central.conflicts import cli as conflict_cli
from central.errors import CentralError, ConfigError
from central.policy import cli as policy_cli
from central.proof import cli as proof_cli

EXIT_FAILED = 1
EXIT_CONFIG = 78


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status: 0 done, 1 failed, 2 usage, 78 configuration."""
    args = _parser().parse_args(arguments)
    try:
        status: int = args.run(args)
    except ConfigError as exc:
        print(f"gate-central: {exc}", file=sys.stderr)
        return EXIT_CONFIG
    except CentralError as exc:
        print(f"gate-central: {exc}", file=sys.stderr)
        return EXIT_FAILED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gate-central", description="The hub of Kakou's lanes.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = subparsers.add_parser("run", help="run hub, broker and console until stopped")
    add_config(run)
    run.set_defaults(run=_run)

    check = subparsers.add_parser("check-config", help="read the configuration, open nothing")
    add_config(check)
    check.set_defaults(run=_check_config)

    take = subparsers.add_parser("import", help="import declarations into the running hub")
    take.add_argument("file", type=Path, metavar="FILE", help="a .csv or .json file, UTF-8")
    take.add_argument("--format", choices=("csv", "json"), help="default: by the file's ending")
    take.add_argument("--replace", action="store_true", help="withdraw what the file does not name")
    add_hub(take)
    take.add_argument("--json", action="store_true", help="print the report as JSON")
    take.set_defaults(run=_import)

    auth_cli.add_commands(subparsers)
    proof_cli.add_commands(subparsers)
    policy_cli.add_commands(subparsers)
    conflict_cli.add_commands(subparsers)
    return parser


def _run(args: argparse.Namespace) -> int:
    from central.app import serve  # noqa: PLC0415 - the other commands need no web server

    config = load(args.config)
    logs.configure()
    return 0 if asyncio.run(serve(config, SystemClock())) else EXIT_FAILED


def _check_config(args: argparse.Namespace) -> int:
    config = load(args.config)
    print(f"{args.config}: site {config.site}, {len(config.lanes)} lanes, state in {config.state}")
    for line in config.retention.said():
        print(f"{args.config}: {line}")
    return 0


def _import(args: argparse.Namespace) -> int:
    """Send the file to the hub's API and print what became of it."""
    try:
        content = args.file.read_bytes()
    except OSError as exc:
        print(f"gate-central: {exc.filename}: {exc.strerror}", file=sys.stderr)
        return EXIT_FAILED
    file_format = args.format or ("json" if args.file.suffix.lower() == ".json" else "csv")
    query = {"format": file_format, "source": args.file.name}
    if args.replace:
        query["replace"] = "1"
    path = f"/manifest/import?{urllib.parse.urlencode(query)}"
    answer = ask_hub(args, path, content, about=str(args.file))
    if args.json:
        print(json.dumps(answer, ensure_ascii=False))
    else:
        _print_report(args.file, answer)
    return EXIT_FAILED if answer["refused"] else 0


def _print_report(file: Path, answer: dict[str, object]) -> None:
    print(f"{file}: {answer['accepted']} rows accepted, manifest version {answer['version']}")
    refused = answer["refused"]
    for problem in refused if isinstance(refused, list) else []:
        print(f"{file}:{problem['line']}: {problem['field'] or 'row'}: {problem['reason']}")


if __name__ == "__main__":
    sys.exit(main())
