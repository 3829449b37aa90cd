"""Options that several subcommands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    # argparse names no public type for either
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001
    Options = argparse._ActionsContainer  # noqa: SLF001 - a parser, or a group of its options

DEFAULT_CONFIG = "/etc/kakou/central.toml"


def add_config(options: Options) -> None:
    """Add `--config FILE`."""
    options.add_argument(
        "--config",
        type=Path,
        default=Path(DEFAULT_CONFIG),
        metavar="FILE",
        help=f"the hub's configuration (default {DEFAULT_CONFIG})",
    )


def add_place(parser: argparse.ArgumentParser) -> None:
    """Add `--config FILE` or, instead, `--state DIR`, which is None where it is not given."""
    place = parser.add_mutually_exclusive_group()
    add_config(place)
    place.add_argument(
        "--state", type=Path, metavar="DIR", help="the hub's state folder, instead of --config"
    )


def add_hub(parser: argparse.ArgumentParser) -> None:
    """Add `--url` and `--token-file`, by which `ask_hub` asks a running hub."""
    parser.add_argument(
        "--url", default="http://127.0.0.1:8080", help="the hub's address (default %(default)s)"
    )
    parser.add_argument(
        "--token-file", type=Path, required=True, metavar="FILE", help="holds an API token"
    )


def online(
    actions: Subparsers, name: str, summary: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """Add a command that asks a running hub."""
    parser = actions.add_parser(name, help=summary, description=summary)
    add_hub(parser)
    parser.set_defaults(run=run)
    return parser
