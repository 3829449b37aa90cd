"""Texts for people, in Chinese and English: reads a catalogue, the `*.toml` files of one package.

    [reason.no_declaration]
    zh = "没有找到申报"
    en = "No declaration found"

The key of a text is its dotted path. A text missing in either language is an error at load. The
agent's catalogue, the bench's and that of the tests of a lane are read here; nothing is known of
devices.
"""

from __future__ import annotations

import itertools
import tomllib
import unicodedata
from functools import cached_property
from importlib import resources
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


class CatalogueError(Exception):
    """A text that is not in the catalogue, or not in both languages. Names the key."""


class Said(msgspec.Struct, frozen=True):
    """One text in both languages."""

    zh: str
    en: str

    def __getitem__(self, language: Language) -> str:
        """The text in one language."""
        return self.zh if language == "zh" else self.en

    def __str__(self) -> str:
        """In English, for a log."""
        return self.en

    def filled(self, **values: Said | str | float) -> Said:
        """With its `{name}` places filled, each language with its own words."""
        zh, en = (
            self[language].format(**{name: _in(language, value) for name, value in values.items()})
            for language in LANGUAGES
        )
        return Said(zh=zh, en=en)


class Catalogue:
    """The texts of one package, by key."""

    def __init__(self, package: str) -> None:
        """`package` is a dotted name; nothing is read before a text is asked for."""
        self._package = package

    @cached_property
    def texts(self) -> dict[str, Said]:
        """Every text. Raises `CatalogueError` for one that lacks a language."""
        texts: dict[str, Said] = {}
        files = resources.files(self._package).iterdir()
        for file in sorted(files, key=lambda entry: entry.name):
            if file.name.endswith(".toml"):
                collect(tomllib.loads(file.read_text(encoding="utf-8")), "", texts, file.name)
        return texts

    def said(self, key: str, **values: Said | str | float) -> Said:
        """The text for `key` with its places filled. Raises `CatalogueError` for an unknown key."""
        if key not in self.texts:
            raise CatalogueError(f"{self._package}: no text {key!r}")
        return self.texts[key].filled(**values)


def collect(table: dict[str, object], path: str, texts: dict[str, Said], file: str) -> None:
    """Put the texts of `table`, which stands at `path` of `file`, into `texts`.

    Raises:
        CatalogueError: a text lacks a language, or its key is there already.
    """
    if any(isinstance(table.get(language), str) for language in LANGUAGES):
        for language in LANGUAGES:
            value = table.get(language)
            if not isinstance(value, str) or not value:
                raise CatalogueError(f"{file}: {path}: missing {language!r}")
        if path in texts:
            raise CatalogueError(f"{file}: {path}: a second text under this key")
        texts[path] = msgspec.convert(table, Said)
        return
    for name, value in table.items():
        if not isinstance(value, dict):
            raise CatalogueError(f"{file}: {path}.{name}: expected a table with zh and en")
        collect(value, f"{path}.{name}" if path else name, texts, file)


def as_is(text: str) -> Said:
    """What is the same in both languages: a number, a name, a line of a log."""
    return Said(zh=text, en=text)


def listed(words: Iterable[Said]) -> Said:
    """Several, one after the other."""
    found = tuple(words)
    return Said(zh="、".join(each.zh for each in found), en=", ".join(each.en for each in found))


def cells_of(text: str) -> int:
    """The columns of a terminal that `text` takes: a Chinese character has two."""
    return sum(_cells(character) for character in text)


def padded(text: str, cells: int) -> str:
    """`text` with blanks up to `cells` columns of a terminal."""
    return text + " " * (cells - cells_of(text))


def cut_to(text: str, cells: int) -> str:
    """As much of `text` as `cells` columns of a terminal hold: never half a character."""
    taken = itertools.accumulate(map(_cells, text))
    return text[: sum(so_far <= cells for so_far in taken)]


def _cells(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _in(language: Language, value: Said | str | float) -> str | float:
    return value[language] if isinstance(value, Said) else value
