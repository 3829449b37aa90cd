"""The agent's catalogue: the `*.toml` files beside this module. `devices.texts` says how it reads.

[reason.no_declaration]
zh = "没有找到申报"
en = "No declaration found"
"""

from __future__ import annotations

from devices.texts import LANGUAGES, Catalogue, CatalogueError, Language, Said

__all__ = ["LANGUAGES", "CatalogueError", "Language", "catalogue", "emergency_kind", "text"]

_CATALOGUE = Catalogue("gate_agent.texts")


def catalogue() -> dict[str, Said]:
    """Every text by key, e.g. `catalogue()["reason.no_declaration"]["zh"]`."""
    return _CATALOGUE.texts


def text(key: str, language: Language, **values: object) -> str:
    """The text for `key`, with `{name}` places filled from `values`.

    Raises `CatalogueError` when the key is unknown.
    """
    if key not in catalogue():
        raise CatalogueError(f"text catalogue: no text {key!r} in {language!r}")
    template = catalogue()[key][language]
    return template.format(**values) if values else template


def emergency_kind(kind: str, language: Language) -> str:
    """A kind of emergency in words; one that the pack has named itself is called by that name."""
    known = catalogue().get(f"emergency.{kind}")
    return known[language] if known else kind
