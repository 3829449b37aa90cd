"""The safety report as a page that stands for itself: for the console, a file and a printer."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from central.console.rendering import render
from central.console.wording import Wording
from central.store.safety import SafetyReport

_STYLE = Path(__file__).parent / "static" / "paper.css"


def safety_html(
    report: SafetyReport, wording: Wording, *, site: str, now_ms: int, is_file: bool = False
) -> str:
    """The page in one language. A file has its style inside it; the console allows none inside."""
    return render(
        "safety_report.html",
        wording,
        report=report,
        site=site,
        now_ms=now_ms,
        style=Markup(_STYLE.read_text(encoding="utf-8")) if is_file else "",  # noqa: S704 - ours
    )
