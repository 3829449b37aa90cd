"""Answers to the questions of a walk from a TOML file, by key. What it does not answer is skipped.

A boom is not moved by a file: whoever sees it is asked at the terminal all the same.
"""

from __future__ import annotations

import difflib
import tomllib
from typing import TYPE_CHECKING

from devices.bench.bring_up import SKIP, answered
from devices.bench.wording import ToldConfigError, said
from devices.texts import as_is

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from devices.bench.bring_up import Ask
    from devices.texts import Said

BY_EYE = ("boom", "boom_down")
QUESTIONS = {
    "weighbridge": ("empty", "load_kg", "pull", "plug"),
    "card_reader": ("present", "present_again", "card", "pull", "plug"),
    "bus": (
        *("entry_loop", "front_beam", "rear_beam", "exit_loop"),
        *("emergency_stop", "manual_switch"),
        *("exit_red", "exit_green", "entry_green", "sounder", "strobe"),
        *BY_EYE,
    ),
    "camera": ("cover", "uncover"),
    "lane_camera": ("picture", "cover", "uncover"),
    "plate_camera": ("vehicle", "plate", "picture"),
    "container_camera": ("vehicle", "container"),
    "tag_reader": ("no_tag", "tag", "hold_tag", "tag_away", "next_lane", "pull", "plug"),
    "sign": ("sign_zh", "sign_en", "sign_search", "listen", "voice"),
}


def answers_of(path: Path, ask: Ask) -> Ask:
    """Answers from a file; `ask` asks the person who has to see the boom.

    Raises:
        DeviceConfigError: the file cannot be read, or has a key that no question has.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ToldConfigError(said("failure.lane_file", why=f"{path}: {exc}")) from exc
    for key, value in table.items():
        if (why := _why_no_answer(key, value)) is not None:
            raise ToldConfigError(said("answers.wrong", path=str(path), asked=key, why=why))

    def from_file(key: str, question: Said) -> str:
        return ask(key, question) if key in BY_EYE else answered(str(table.get(key, SKIP)))

    return from_file


def _why_no_answer(key: str, value: object) -> Said | None:
    known = {each for keys in QUESTIONS.values() for each in keys}
    if key not in known:
        return said("answers.not_asked", meant=_meant(key, sorted(known)))
    if key in BY_EYE:
        return said("answers.by_eye")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return said("answers.kind")
    return None


def _meant(key: str, known: Iterable[str]) -> Said:
    near = difflib.get_close_matches(key, list(known), n=1)
    return said("answers.meant", asked=near[0]) if near else as_is("")
