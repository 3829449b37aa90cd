"""A technician is spoken to in Chinese or in English, never in both, and never in a bare key."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from string import Formatter

import pytest

from devices.bench import bring_up_board, bring_up_container_camera
from devices.bench.bring_up import BringUpStep, Finding, answered, bad, good, is_no, is_yes, skipped
from devices.bench.bring_up import walk as take
from devices.bench.wording import CATALOGUE, language_of, said
from devices.camera.refusals import Refusal
from devices.readings import Lamp, WeightStatus
from devices.sim.camera import MjpegServer
from devices.sim.card_reader import CardFault
from devices.sim.lane_world import SENSORS, ViolationKind
from devices.sim.posting_camera import PostingFault
from devices.sim.tag_reader import TagFault
from devices.sim.truck import TruckPhase
from devices.sim.weighbridge import ScaleFault
from devices.texts import LANGUAGES, Catalogue, CatalogueError, Language, Said, as_is, padded
from devices.weighbridge.settle import WeightPhase

DEVICES = Path(__file__).parents[2] / "devices"
CATALOGUES = (
    "gate_agent.texts",
    "devices.bench.texts",
    "devices.sim.faults.texts",
    "hil_tests.lane_bench",
)
CONDITIONS = [*ScaleFault, *CardFault, *TagFault, *PostingFault]


def of_cameras() -> list[str]:
    """Everything that can be wrong with a simulated camera."""
    camera = MjpegServer("127.0.0.1", 0, lambda: b"")  # never started
    camera.stalled = camera.frozen = camera.cut_short = True
    camera.instead = b""
    return camera.fault.split(", ")


MADE_KEYS: dict[str, Iterable[str]] = {  # in the code: a prefix and one of these
    "sensor.": SENSORS,
    "lamp.": Lamp,
    "board.do_": bring_up_board.BY_HAND,
    "scale_phase.": WeightPhase,
    "scale_status.": WeightStatus,
    "scale_advice.": WeightStatus,
    "refused.": Refusal,
    "condition.": {*CONDITIONS, *of_cameras()} - {"none"},
    "truck_phase.": TruckPhase,
    "violation.": ViolationKind,
    "swings.": ("load", "settled_kg", "settled_s", "interval_s", "interval_kg"),
}
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_PLACE = re.compile(r"\{[^}]*\}")


# --- the catalogues -------------------------------------------------------------------------------


@pytest.mark.parametrize("package", CATALOGUES)
def test_a_text_has_the_same_places_in_both_languages(package: str) -> None:
    for key, text in Catalogue(package).texts.items():
        assert set(places_of(text.zh)) == set(places_of(text.en)), key


@pytest.mark.parametrize(
    ("key", "text"), [pytest.param(key, text, id=key) for key, text in CATALOGUE.texts.items()]
)
def test_what_the_bench_says_is_chinese_in_the_one_and_english_in_the_other(
    key: str, text: Said
) -> None:
    assert not _CHINESE.search(text.en), key
    for each in (text.zh, text.en):
        assert each == each.strip() or each.endswith(": "), key
    words = re.findall(r"[A-Za-z]{3,}", _PLACE.sub("", text.zh))
    assert _CHINESE.search(text.zh) or not words, key  # "{shown_kg} kg" needs no Chinese


def places_of(text: str) -> Iterator[str]:
    return (name for _, name, _, _ in Formatter().parse(text) if name)


def test_a_text_that_the_bench_does_not_have_is_named() -> None:
    with pytest.raises(CatalogueError, match=r"devices\.bench\.texts: no text 'board\.no_such'"):
        said("board.no_such")


# --- the keys in the code -------------------------------------------------------------------------


def sources() -> dict[str, ast.Module]:
    paths = (DEVICES / "cli.py", *sorted((DEVICES / "bench").glob("*.py")))
    return {str(path.relative_to(DEVICES)): ast.parse(path.read_text("utf-8")) for path in paths}


def keys_in(node: ast.AST) -> set[str]:
    """Every literal in it that looks like a key: a table of the catalogue, a dot and a name."""
    tables = "|".join({key.partition(".")[0] for key in CATALOGUE.texts})
    looks = re.compile(rf"({tables})\.[a-z0-9_]*[a-z0-9]")
    literals = (each.value for each in ast.walk(node) if isinstance(each, ast.Constant))
    return {text for text in literals if isinstance(text, str) and looks.fullmatch(text)}


def sayings(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "said"
        ):
            yield node


def test_every_key_in_the_code_is_in_the_catalogue_and_every_text_is_used() -> None:
    used = {f"{prefix}{name}" for prefix, names in MADE_KEYS.items() for name in names}
    for tree in sources().values():
        used |= keys_in(tree)
    assert used == set(CATALOGUE.texts)


def test_every_sentence_is_given_the_values_that_it_has_places_for() -> None:
    made = set()
    for file, tree in sources().items():
        for call in sayings(tree):
            key = call.args[0]
            where = f"{file}:{call.lineno}"
            if isinstance(key, ast.JoinedStr):
                prefix = key.values[0]
                assert isinstance(prefix, ast.Constant), where
                made.add(prefix.value)
                continue
            given = {keyword.arg for keyword in call.keywords}
            literals = [key.value] if isinstance(key, ast.Constant) else keys_in(key)
            for literal in literals:
                assert literal in CATALOGUE.texts, where
                assert given == set(places_of(CATALOGUE.texts[literal].en)), where
    assert made == set(MADE_KEYS)


# --- the walk on a terminal -----------------------------------------------------------------------

FOUND = said("board.another_number", number=7)


def steps() -> tuple[BringUpStep, ...]:
    def step(name: Said, look: Callable[[], Finding]) -> BringUpStep:
        return BringUpStep(name=name, look=look)

    return (
        step(said("walk.answer"), lambda: good(as_is("192.0.2.1:502"))),
        step(said("sensor.front_beam"), lambda: skipped(said("board.nobody_does"))),
        step(said("board.boom"), lambda: bad(said("board.did_not_move"), FOUND)),
        step(said("sensor.exit_loop"), lambda: pytest.fail("the walk had ended")),
    )


def walked(language: Language) -> list[str]:
    lines: list[str] = []
    assert take(steps(), lines.append, language).has_failed
    return lines


def test_a_walk_is_in_one_language() -> None:
    assert walked("en") == [
        " 1 answer                 ok       192.0.2.1:502",
        " 2 front beam             skipped  nobody does it",
        " 3 boom                   FAILED   it did not move",
        "                           -> it answers as number 7: set bus.device_id = 7",
    ]
    assert [line.split() for line in walked("zh")] == [
        ["1", "应答", "通过", "192.0.2.1:502"],
        ["2", "前光束", "跳过", "无人操作"],
        ["3", "栏杆", "未通过", "栏杆未动"],
        ["->", "站号为", "7：改", "bus.device_id", "=", "7"],
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_columns_of_a_walk_line_up_where_a_character_has_two_cells(language: Language) -> None:
    found = [text[language] for text in (as_is("192.0"), said("board.nobody_does"))]
    for line, text in zip(walked(language), found, strict=False):
        before = line[: line.index(text)]
        assert sum(2 if _CHINESE.match(each) else 1 for each in before) == 35


@pytest.mark.parametrize(
    ("text", "shown"), [("ok", "ok  "), ("地磅", "地磅"), ("长过四格", "长过四格")]
)
def test_a_text_is_padded_by_the_cells_that_it_takes(text: str, shown: str) -> None:
    assert padded(text, 4) == shown


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LC_MESSAGES": "zh_HK", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LC_ALL": "de_DE", "LC_MESSAGES": "zh_CN", "LANG": "zh_CN"}, "en"),
        ({"LC_ALL": "", "LANG": "zh_TW.UTF-8"}, "zh"),
    ],
)
def test_the_language_is_that_of_the_locale(environment: dict[str, str], language: str) -> None:
    assert language_of(environment) == language


def test_an_answer_may_be_given_in_chinese() -> None:
    assert (answered(" 跳过 "), answered("Skip"), answered("是")) == ("skip", "skip", "是")
    assert is_yes("是")
    assert is_no(" 否")
    numbers = bring_up_container_camera.plain_numbers
    assert numbers("CSQU 305438-3，TEMU9876540") == numbers("temu9876540, csqu3054383")
