"""What the bench says, in Chinese and English: the texts of `texts.toml`, with their values."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from devices.sim.faults.table import FAULTS

Language = Literal["zh", "en"]


class Said(msgspec.Struct, frozen=True):
    """One text in both languages."""

    zh: str
    en: str

    def __str__(self) -> str:
        """In English, for a terminal and a log."""
        return self.en


@cache
def texts() -> dict[str, Said]:
    """Every text by its dotted key. Raises `KeyError` for one that lacks a language."""
    tables = tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))
    return {
        f"{group}.{name}": Said(zh=text["zh"], en=text["en"])
        for group, named in tables.items()
        for name, text in named.items()
    }


def said(key: str, **values: Said | str | int) -> Said:
    """The text `key` with its places filled, each language with its own words."""
    template = texts()[key]
    return Said(
        zh=template.zh.format(**{name: _in("zh", value) for name, value in values.items()}),
        en=template.en.format(**{name: _in("en", value) for name, value in values.items()}),
    )


def word(name: str | None) -> Said:
    """A single word; what has no translation stands for itself in both languages."""
    return texts().get(f"word.{name or 'none'}", Said(zh=str(name), en=str(name)))


def fault_word(name: str) -> Said:
    """A fault of the library: its Chinese text, and its name."""
    return Said(zh=FAULTS[name].zh if name in FAULTS else name, en=name)


def listed(words: tuple[Said, ...]) -> Said:
    """Several, one after the other."""
    return Said(zh="、".join(each.zh for each in words), en=", ".join(each.en for each in words))


def _in(language: Language, value: Said | str | int) -> str | int:
    match value:
        case Said():
            return value.zh if language == "zh" else value.en
        case _:
            return value
