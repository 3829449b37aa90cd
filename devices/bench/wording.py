"""What the bench says to a technician: the texts of `texts/*.toml`, and in which language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.texts import Catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.texts import Language

CATALOGUE = Catalogue("devices.bench.texts")
said = CATALOGUE.said


def language_of(environment: Mapping[str, str]) -> Language:
    """The language of a terminal: Chinese where its locale says so, else English."""
    names = (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next(filter(None, names), "")  # the first that is set counts
    return "zh" if locale.lower().startswith("zh") else "en"
