"""Write docs/reference/cli.md and config.md from the commands and the configuration's source.

    python -m tests.reference        (make docs)

What stands there is what the programs say of themselves; `tests/unit/test_docs.py` fails where a
command, an option or a key is missing from the page.
"""

import ast
import contextlib
import importlib
import io
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "reference"
COMMANDS_HEAD = """# Commands

Written by `make docs` from each command's `--help`. Exit status: 0 done, 1 failed, 2 wrong use,
78 the configuration is wrong, 130 a walk or a tape of `gate-bench` that a signal ended.
"""
KEYS_HEAD = """# Configuration

Written by `make docs` from the source. TOML; an unknown key is an error that names its path. Units
are in the names. `gate-agent check-config --config FILE`, `gate-bench check FILE` and
`gate-central check-config --config FILE` read a file and open nothing. Files to start from:
[examples](../examples).
"""
# The file that a person writes, the class that reads it and the table that holds it.
FILES = (
    ("lane.toml", "a lane", "gate_agent/config.py", "LaneConfig"),
    ("central.toml", "the hub", "central/config.py", "CentralConfig"),
)
SHORT = {
    "Days | None": "days ≥ 1 ≤ 36500",
    "Baud": "int ≥ 300 ≤ 115200",
    "Id": "1 to 48 of A-Z a-z 0-9 _ -",
    "Port": "int ≥ 1 ≤ 65535",
    "Positive": "float > 0",
    "tuple[Terminal, ...]": "list of 0 to 63",
}
SOURCES = ("gate_agent/config.py", "gate_agent/domain/policy.py", "devices/config.py")
HUB_SOURCES = ("central/config.py",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a table as its source line says it."""

    name: str
    kind: str
    default: str | None
    remark: str


# --- commands ------------------------------------------------------------------------------------


def programs() -> dict[str, str]:
    """Name every command with its entry point, `gate-agent` -> `gate_agent.cli:main`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return dict(project["scripts"])


def helps(program: str, entry: str) -> Iterator[tuple[str, str]]:
    """Yield each command line of a program with its help, depth first."""
    module, _, function = entry.partition(":")
    main = getattr(importlib.import_module(module), function)
    seen: set[str] = set()
    waiting = [[program]]
    while waiting:
        words = waiting.pop(0)
        text = _help(main, words)
        if not text or text in seen:
            continue
        seen.add(text)
        yield " ".join(words), text
        waiting = [[*words, name] for name in subcommands(text)] + waiting


def subcommands(text: str) -> list[str]:
    """Find the names that argparse lists below `COMMAND` or `{a,b,c}`."""
    listed = re.search(r"(?m)^  (?:[A-Z]+|\{[a-z0-9,-]+\})\n((?:    .*\n?)+)", text)
    return re.findall(r"(?m)^ {4}([a-z][a-z0-9-]*)(?: |$)", listed.group(1)) if listed else []


def _help(main: object, words: list[str]) -> str:
    out = io.StringIO()
    before = sys.argv, os.environ.get("COLUMNS")
    sys.argv, os.environ["COLUMNS"] = [*words, "--help"], "92"
    try:
        with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
            main()  # type: ignore[operator]
    finally:
        sys.argv = before[0]
        os.environ.pop("COLUMNS")
        if before[1] is not None:
            os.environ["COLUMNS"] = before[1]
    return out.getvalue().rstrip()


def commands_page() -> str:
    """Give the text of cli.md."""
    parts = [COMMANDS_HEAD]
    for program, entry in programs().items():
        for words, text in helps(program, entry):
            level = "##" if " " not in words else "###"
            parts.append(f"{level} {words}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


# --- configuration -------------------------------------------------------------------------------


def tables(file: str, root: str) -> dict[str, tuple[str, list[Key]]]:
    """Give each table of a file by path with its sentence and keys; the root's path is ""."""
    classes: dict[str, tuple[str, list[Key]]] = {}
    for source in HUB_SOURCES if file.startswith("central") else SOURCES:
        classes.update(_classes(ROOT / source))
    found: dict[str, tuple[str, list[Key]]] = {}

    def collect(path: str, name: str) -> None:
        sentence, keys = classes[name]
        inner = {key.name: key.kind.removesuffix(" | None") for key in keys}
        plain = [key for key in keys if inner[key.name] not in classes and key.name != "policy"]
        found[path] = (sentence, plain)
        for key in keys:
            if inner[key.name] in classes:
                collect(f"{path}.{key.name}".strip("."), inner[key.name])
            elif key.name == "policy":
                collect("policy", "ReleasePolicy")

    collect("", root)
    return found


def _classes(source: Path) -> dict[str, tuple[str, list[Key]]]:
    text = source.read_text()
    lines = text.splitlines()
    return {
        node.name: (
            (ast.get_docstring(node) or "").partition("\n\n")[0].replace("\n", " "),
            [_key(item, lines) for item in node.body if isinstance(item, ast.AnnAssign)],
        )
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef)
    }


def _key(item: ast.AnnAssign, lines: list[str]) -> Key:
    remark = lines[(item.end_lineno or item.lineno) - 1][item.end_col_offset or 0 :]
    return Key(
        name=ast.unparse(item.target),
        kind=ast.unparse(item.annotation),
        default=ast.unparse(item.value) if item.value else None,
        remark=remark.partition("# ")[2].strip(),
    )


def _kind(text: str) -> str:
    """Say a Python annotation in words: `Annotated[int, Meta(ge=1)]` is `int, ge 1`."""
    if text in SHORT:
        return SHORT[text]
    bounds = re.findall(r"\b(ge|gt|le|lt)=([\d_.]+)", text)
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    inner = re.sub(r"Annotated\[(\w+), Meta\(.*\)\]", r"\1", text)
    inner = re.sub(r"Literal\[(.*)\]", r"\1", inner).replace("'", '"').replace("|", "or")
    return " ".join([inner, *(f"{signs[name]} {value}" for name, value in bounds)])


def keys_page() -> str:
    """Give the text of config.md."""
    parts = [KEYS_HEAD]
    for file, whose, _, root in FILES:
        parts.append(f"## {file}: {whose}\n")
        for path, (sentence, keys) in tables(file, root).items():
            parts.append(f"### [{path}]\n" if path else "### at the top\n")
            parts.append(f"{sentence}\n")
            if keys:
                rows = ["| Key | Value | Default | |", "|---|---|---|---|", *map(_row, keys)]
                parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def _row(key: Key) -> str:
    toml = {"True": "true", "False": "false"}
    given = toml.get(key.default or "", (key.default or "").replace("'", '"'))
    default = f"`{given}`" if given else "required"
    return f"| `{key.name}` | {_kind(key.kind)} | {default} | {key.remark.replace('|', '/')} |"


def main() -> None:
    """Write both pages."""
    PAGES.mkdir(parents=True, exist_ok=True)
    (PAGES / "cli.md").write_text(commands_page(), encoding="utf-8")
    (PAGES / "config.md").write_text(keys_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
