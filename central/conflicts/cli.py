"""`gate-central conflicts`: declarations that went out twice, as the running hub knows them."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from central.api_client import ask_hub
from central.cli_options import online

if TYPE_CHECKING:
    from central.cli_options import Subparsers


def add_commands(subparsers: Subparsers) -> None:
    """Add `conflicts` to the parser of gate-central."""
    found = online(
        subparsers, "conflicts", "list declarations that two passages were released on", _conflicts
    )
    found.add_argument("--json", action="store_true", help="print the report as JSON")


def _conflicts(args: argparse.Namespace) -> int:
    answer = ask_hub(args, "/conflicts")
    if args.json:
        print(json.dumps(answer, ensure_ascii=False))
        return 0
    for conflict in answer:
        seen = f", seen by {conflict['acknowledged_by']}" if conflict["acknowledged_by"] else ""
        name = f"slip {conflict['slip']}" if conflict["slip"] else conflict["declaration_id"]
        print(f"{name}: {len(conflict['uses'])} releases{seen}")
        for use in conflict["uses"]:
            print(f"  {_line(use)}")
    if not answer:
        print("no declaration and no slip was used twice")
    return 0


def _line(use: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(use["at_ms"] / 1000, tz=UTC).isoformat(timespec="seconds")
    claim = use["claim"]["state"] if use["claim"] else "not claimed"
    pictures = f"{len(use['pictures'])} pictures"
    if use.get("pictures_deleted"):  # a hub of before does not say
        pictures += f" and {use['pictures_deleted']} deleted by rule"
    who = use["plate"] or "no plate", use["card_uid"] or "no card"
    return f"{at} {use['passage_id']} by {use['by']}: {' '.join(who)}, {claim}, {pictures}"
