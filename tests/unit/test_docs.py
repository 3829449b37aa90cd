"""What the documents say is there, and what is there is documented."""

import re
from pathlib import Path

import pytest

from gate_agent.texts.catalogue import catalogue
from gate_agent.wire.topics import FROM_LANE, Stream
from tests import reference

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
ADRS = sorted((DOCS / "adr").glob("*.md"))
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "systemd").glob("*.md")])
HEADINGS = ["Context", "Decision", "Consequences", "Status"]


def _words(path: Path) -> str:
    return " ".join(path.read_text().split())


@pytest.mark.parametrize("page", ADRS, ids=[page.name for page in ADRS])
def test_a_decision_says_context_decision_consequences_and_status(page: Path) -> None:
    text = page.read_text()
    assert re.findall(r"(?m)^## (.+)$", text) == HEADINGS
    number = re.match(r"# (\d+)\. ", text)
    assert number is not None
    assert page.name.startswith(f"{int(number.group(1)):04d}-")


def test_decisions_are_numbered_in_order_and_indexed() -> None:
    assert [int(page.name[:4]) for page in ADRS] == list(range(1, len(ADRS) + 1))
    index = (DOCS / "README.md").read_text()
    assert [page.name for page in ADRS if page.name not in index] == []


def test_every_page_is_reached_from_the_index() -> None:
    index = (DOCS / "README.md").read_text()
    pages = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")]
    assert [page for page in pages if page != "README.md" and page not in index] == []


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_a_link_leads_to_a_file_that_exists(page: Path) -> None:
    prose = re.sub(r"(?s)```.*?```", "", page.read_text())
    links = re.findall(r"\]\(([^)#\s]+)", prose)
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_the_first_screen_has_the_two_commands_and_the_safety_sentence() -> None:
    screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:45])
    assert re.search(r"(?m)^(?:\$ )?make run\b", screen)
    assert re.search(r"(?m)^(?:\$ )?make test\b", screen)
    assert "never the only protection" in " ".join(screen.split())


@pytest.mark.parametrize("program", sorted(reference.programs()))
def test_every_command_and_option_is_documented(program: str) -> None:
    page = (DOCS / "reference" / "cli.md").read_text()
    sections = dict(re.findall(r"(?ms)^##+ (gate-[^\n]+)\n(.*?)(?=^##|\Z)", page))
    for words, text in reference.helps(program, reference.programs()[program]):
        assert words in sections, f"{words} is not in cli.md: make docs"
        options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
        lacking = {option for option in options if option not in sections[words]}
        assert not lacking, f"{words}: cli.md lacks {lacking}: make docs"


def test_every_configuration_key_is_documented_with_its_default() -> None:
    assert (DOCS / "reference" / "config.md").read_text() == reference.keys_page(), "make docs"


def test_the_glossary_speaks_the_words_of_the_console() -> None:
    glossary = (DOCS / "reference" / "glossary.md").read_text()
    shown = {key: texts["zh"] for key, texts in catalogue().items()}
    groups = ("outcome.", "mode.", "phase.")
    wanted = {key: text for key, text in shown.items() if key.startswith(groups)}
    assert len(wanted) >= 12
    assert {key: text for key, text in wanted.items() if text not in glossary} == {}


def test_every_library_is_named_with_its_reason() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    named = re.findall(
        r'^ *"([a-z0-9-]+)(?:[>=]=|<)', project.partition("[project.scripts]")[0], re.M
    )
    named += re.findall(r'"([a-z]+)[>=]=', project.partition("build = [")[2].partition("]")[0])
    adr = (DOCS / "adr" / "0002-libraries.md").read_text()
    customers = {"numpy", "onnxruntime", "paho-mqtt", "pymodbus", "pyserial", "sqlite-utils"}
    assert len(named) > 20
    assert [name for name in named if name not in customers and f"`{name}`" not in adr] == []


def test_the_steps_to_install_a_lane_name_files_that_exist() -> None:
    page = _words(DOCS / "how-to" / "install-a-lane.md")
    files = set(re.findall(r"(?<![\w/])systemd/[\w./@-]+\.\w+", page))
    assert len(files) >= 6
    assert [name for name in files if not (ROOT / name).is_file()] == []
    unit = (ROOT / "systemd/gate-agent@.service").read_text()
    for place in ("/opt/kakou/venv/bin/gate-agent", "/etc/kakou/credentials/"):
        assert place in unit
        assert place in page


def test_every_stream_between_lane_and_hub_is_documented_with_its_way() -> None:
    page = (DOCS / "reference" / "messages.md").read_text()
    rows = dict(re.findall(r"(?m)^\| `([a-z-]+)` \| ([a-z ]+?)[,|]", page))
    assert {stream.value for stream in Stream} == set(rows)
    for stream in Stream:
        assert rows[stream.value].startswith("lane to" if stream in FROM_LANE else "hub to")
