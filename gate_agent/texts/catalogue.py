"""Reads the catalogue: the `*.toml` files beside this module, one table per text.

    [reason.no_declaration]
    zh = "没有找到申报"
    en = "No declaration found"

The key of a text is its dotted path. A text missing in either language is an error at load.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


class CatalogueError(Exception):
    """A text that is not in the catalogue, or not in both languages. Names the key."""


@cache
def catalogue() -> dict[str, dict[Language, str]]:
    """Every text by key, e.g. `catalogue()["reason.no_declaration"]["zh"]`."""
    texts: dict[str, dict[Language, str]] = {}
    for file in sorted(resources.files("gate_agent.texts").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            _collect(tomllib.loads(file.read_text(encoding="utf-8")), "", texts, file.name)
    return texts


def text(key: str, language: Language, **values: object) -> str:
    """The text for `key`, with `{name}` places filled from `values`.

    Raises `CatalogueError` when the key is unknown.
    """
    try:
        template = catalogue()[key][language]
    except KeyError:
        raise CatalogueError(f"text catalogue: no text {key!r} in {language!r}") from None
    return template.format(**values) if values else template


def emergency_kind(kind: str, language: Language) -> str:
    """A kind of emergency in words; one that the pack has named itself is called by that name."""
    known = catalogue().get(f"emergency.{kind}")
    return known[language] if known else kind


def _collect(
    table: dict[str, object], path: str, texts: dict[str, dict[Language, str]], file: str
) -> None:
    if isinstance(table.get("zh"), str) or isinstance(table.get("en"), str):
        entry: dict[Language, str] = {}
        for language in LANGUAGES:
            value = table.get(language)
            if not isinstance(value, str) or not value:
                raise CatalogueError(f"{file}: {path}: missing {language!r}")
            entry[language] = value
        if path in texts:
            raise CatalogueError(f"{file}: {path}: a second text under this key")
        texts[path] = entry
        return
    for name, value in table.items():
        if not isinstance(value, dict):
            raise CatalogueError(f"{file}: {path}.{name}: expected a table with zh and en")
        _collect(value, f"{path}.{name}" if path else name, texts, file)
