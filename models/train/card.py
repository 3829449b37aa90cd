"""Writes a network's table into the card of the weights, leaving the others as they are."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

_HEAD = "# Written by `gate-lpr export`; what a table says of data and metrics is for people.\n"


def put_on_card(card: Path, name: str, weights: Path, facts: dict[str, str | int | float]) -> None:
    """Sets table `name`: the file (beside the card), its hash and size, and `facts`.

    Facts that the table had before and `facts` does not name are dropped: they told of other
    weights.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: the card is there and is no TOML.
    """
    tables: dict[str, Any] = tomllib.loads(card.read_text("utf-8")) if card.is_file() else {}
    content = weights.read_bytes()
    tables[name] = {
        "file": weights.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        **facts,
    }
    blocks = [_HEAD]
    for title in sorted(tables):
        lines = [f"{key} = {_toml(value)}" for key, value in tables[title].items()]
        blocks.append("\n".join([f"[{title}]", *lines]) + "\n")
    card.write_text("\n".join(blocks), "utf-8")


def _toml(value: str | float) -> str:
    return json.dumps(value, ensure_ascii=False)
