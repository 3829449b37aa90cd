"""`gate-central user …` and `gate-central token …`."""

from __future__ import annotations

import argparse
import getpass
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from central.auth import commands
from central.auth.roles import Role, Scope
from central.cli_options import add_place
from central.clock import SystemClock
from central.config import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from central.cli_options import Subparsers

_ROLES = [role.value for role in Role]


def add_commands(subparsers: Subparsers) -> None:
    """Add `user` and `token` to the parser of gate-central."""
    user = subparsers.add_parser("user", help="who may sign in to the console")
    actions = user.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = _action(actions, "add", "add a user, or set a new password and role", _add_user)
    add.add_argument("name", metavar="NAME")
    add.add_argument("--role", choices=_ROLES, required=True)
    add.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input"
    )
    _add_scope(add)
    disable = _action(actions, "disable", "lock a user out at once", _disable_user)
    disable.add_argument("name", metavar="NAME")
    _action(actions, "list", "list the users", _list_users)

    token = subparsers.add_parser("token", help="which programs may use the API")
    actions = token.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = _action(
        actions,
        "add",
        "make a token and print it, once; one of the same name stops working",
        _add_token,
    )
    add.add_argument("name", metavar="NAME")
    add.add_argument("--role", choices=_ROLES, required=True)
    _add_scope(add)
    remove = _action(actions, "remove", "make a token useless at once", _remove_token)
    remove.add_argument("name", metavar="NAME")


def _add_scope(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--lanes", default="", metavar="A,B", help="a viewer of these lanes' passages only"
    )
    parser.add_argument(
        "--agency", default="", metavar="NAME", help="a viewer of this agency's passages only"
    )


def _scope(args: argparse.Namespace) -> Scope | None:
    lanes = tuple(lane.strip() for lane in args.lanes.split(",") if lane.strip())
    return Scope(lanes=lanes, agency=args.agency) if lanes or args.agency else None


def _action(
    actions: Subparsers, name: str, summary: str, act: Callable[[Path, Any], None]
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=summary, description=summary)
    add_place(parser)

    def run(args: argparse.Namespace) -> int:
        state = args.state if args.state is not None else load(args.config).state_folder
        try:
            act(state, args)
        except commands.CommandError as error:
            print(f"gate-central: {error}", file=sys.stderr)
            return 1
        except (OSError, sqlite3.OperationalError) as error:
            print(f"gate-central: {state}: cannot be used: {error}", file=sys.stderr)
            return 1
        return 0

    parser.set_defaults(run=run)
    return parser


def _add_user(state: Path, args: argparse.Namespace) -> None:
    password = _password(from_stdin=args.password_stdin)
    role, at_ms = Role(args.role), SystemClock().wall_ms()
    commands.add_user(state, args.name, password, role, at_ms, _scope(args))
    print(f"user {args.name}: {args.role}")


def _disable_user(state: Path, args: argparse.Namespace) -> None:
    commands.disable_user(state, args.name)
    print(f"user {args.name}: disabled")


def _list_users(state: Path, _args: argparse.Namespace) -> None:
    for user in commands.list_users(state):
        state_word = "disabled" if user.disabled else ""
        limits = [*user.scope.lanes, user.scope.agency] if user.scope else []
        print(user.name, user.role.value, state_word, *filter(None, limits), sep="\t")


def _add_token(state: Path, args: argparse.Namespace) -> None:
    role, at_ms = Role(args.role), SystemClock().wall_ms()
    print(commands.add_token(state, args.name, role, at_ms, _scope(args)))


def _remove_token(state: Path, args: argparse.Namespace) -> None:
    commands.remove_token(state, args.name)
    print(f"token {args.name}: removed")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise commands.CommandError("no terminal to ask for a password: use --password-stdin")
    try:
        return _asked()
    except (EOFError, KeyboardInterrupt):
        raise commands.CommandError("no password was given, nothing was changed") from None


def _asked() -> str:
    first = getpass.getpass("New password: ")
    if getpass.getpass("Once more: ") != first:
        raise commands.CommandError("the two passwords are not the same")
    return first
