"""What the bench says, in Chinese and English: the texts of `texts.toml`, with their values."""

from __future__ import annotations

from devices.sim.faults.table import FAULTS
from devices.texts import Catalogue, Said, as_is, listed

__all__ = ["Said", "fault_word", "listed", "making_of", "said", "texts", "word"]

_CATALOGUE = Catalogue("hil_tests.lane_bench")
said = _CATALOGUE.said


def texts() -> dict[str, Said]:
    """Every text by its dotted key."""
    return _CATALOGUE.texts


def word(name: str | None) -> Said:
    """A single word; what has no translation stands for itself in both languages."""
    return texts().get(f"word.{name or 'none'}", as_is(str(name)))


def fault_word(name: str) -> Said:
    """A fault of the library: its Chinese text, and its name."""
    return Said(zh=FAULTS[name].what.zh if name in FAULTS else name, en=name)


def making_of(name: str) -> Said:
    """How a person makes a fault of the library; in Chinese with what it is before it."""
    fault = FAULTS[name]
    return Said(zh=f"{fault.what.zh}——{fault.making.zh}", en=fault.making.en)
