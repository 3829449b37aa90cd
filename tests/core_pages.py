"""Write what the docs say of the pure core: the phases of `lane.md`, and `reasons.md`.

python -m tests.core_pages
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from gate_agent.domain.decision import OUTCOME_OF, Reason
from gate_agent.domain.faults import FaultCode, prevents_release
from gate_agent.domain.lane import TRANSITIONS
from gate_agent.domain.records import Alarm, Refusal
from gate_agent.domain.vocabulary import Phase
from gate_agent.texts.catalogue import text

DOCS = Path(__file__).resolve().parent.parent / "docs"
LANE, REASONS = DOCS / "explanation" / "lane.md", DOCS / "reference" / "reasons.md"
_BLOCK = re.compile(r"(<!-- phases:[^\n]*-->\n).*?(<!-- /phases -->)", re.DOTALL)


def phases() -> str:
    """The state diagram of `TRANSITIONS`, in Mermaid."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {Phase.IDLE.value}"]
    lines += [f"    {a.value} --> {b.value}: {_label(why)}" for a, why, b in TRANSITIONS]
    return "\n".join([*lines, "```"]) + "\n"


def _label(why: str) -> str:
    return why.replace(":", ",")  # a second colon would end the label


def lane_page(page: str) -> str:
    """`lane.md` with the diagram as it is now."""
    return _BLOCK.sub(lambda block: block[1] + phases() + block[2], page)


def reasons_page() -> str:
    """`reasons.md` as it is now."""
    parts = [
        "# Reasons, faults, alarms",
        "",
        "Written by `python -m tests.core_pages` from the code and the text catalogue. How reasons",
        "make a verdict: [decision](../explanation/decision.md).",
        "",
        "## Reasons",
        "",
        "| Code | | Alone it leads to | 中文 | English | What to do | What the driver does |",
        "|---|---|---|---|---|---|---|",
    ]
    parts += [
        f"| `{reason.value}` | {reason.kind.value} "
        f"| {text(f'outcome.{OUTCOME_OF[reason].value}', 'en')} "
        f"| {_both('reason', reason.value)} | {text(f'reason_next.{reason.value}', 'en')} "
        f"| {text(f'reason_driver.{reason.value}', 'en')} |"
        for reason in Reason
    ]
    parts += [
        "",
        "## Faults",
        "",
        "| Code | Prevents a release | 中文 | English |",
        "|---|---|---|---|",
    ]
    parts += [
        f"| `{code.value}` | {'yes' if prevents_release(code) else 'no'} "
        f"| {_both('fault', code.value)} |"
        for code in FaultCode
    ]
    for title, kind, codes in (
        ("Alarms", "alarm", Alarm),
        ("Refused commands", "refused", Refusal),
    ):
        parts += ["", f"## {title}", "", "| Code | 中文 | English |", "|---|---|---|"]
        parts += [f"| `{code.value}` | {_both(kind, code.value)} |" for code in codes]
    return "\n".join(parts) + "\n"


def _both(kind: str, code: str) -> str:
    return f"{text(f'{kind}.{code}', 'zh')} | {text(f'{kind}.{code}', 'en')}"


def main() -> int:
    """Write both pages."""
    LANE.write_text(lane_page(LANE.read_text(encoding="utf-8")), encoding="utf-8")
    REASONS.write_text(reasons_page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
