"""A page as PDF, printed by a Chromium where one is there; nothing of ours depends on it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
PRINT_S = 300  # a busy machine prints slowly


def write_pdf(html: Path, pdf: Path) -> str:
    """Print the page with a Chromium that is there; returns why not, "" when it is written."""
    program = next((found for name in CHROMIUMS if (found := shutil.which(name))), None)
    if program is None:
        return "no Chromium on PATH: print the HTML page instead"
    with tempfile.TemporaryDirectory(prefix="kakou-print-") as profile:
        command = [
            program,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-pdf-header-footer",
            f"--user-data-dir={profile}",
            f"--print-to-pdf={pdf}",
            html.resolve().as_uri(),
        ]
        try:
            done = subprocess.run(  # noqa: S603 - a Chromium of this machine, and our own page
                command, capture_output=True, check=False, timeout=PRINT_S
            )
        except subprocess.TimeoutExpired:
            return f"{program} did not print within {PRINT_S} s"
    if done.returncode != 0 or not pdf.exists():
        return f"{program}: {done.stderr.decode(errors='replace').strip()[-200:]}"
    return ""
