"""The safety report as a page that stands for itself: for the console, a file and a printer."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from central.console.rendering import render
from central.console.wording import Wording
from central.store.safety import SafetyReport

_STYLE = Path(__file__).parent / "static" / "paper.css"


def safety_html(report: SafetyReport, wording: Wording, *, site: str, now_ms: int) -> str:
    """The page in one language, its style inside it."""
    return render(
        "safety_report.html",
        wording,
        report=report,
        site=site,
        now_ms=now_ms,
        style=Markup(_STYLE.read_text(encoding="utf-8")),  # noqa: S704 - our own file
    )
