"""`python -m models.evaluate.examination.seal`: prints the seal of the examination anew.

The seal was committed before the first training run. It changes only where somebody changes the
examination, and then every number measured with it before is void.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor

from models.evaluate.examination.questions import PER_KIND, SAMPLE, digest
from models.evaluate.examination.texts import ExamKind


def main() -> None:
    """Draws every question; a quarter of an hour of one core."""
    kinds = list(ExamKind)
    with ProcessPoolExecutor(2) as pool:
        samples = list(pool.map(digest, kinds, [SAMPLE] * len(kinds)))
        whole = list(pool.map(digest, kinds, [PER_KIND] * len(kinds)))
    lines = ["# SHA-256 over pixels and labels; written before the first training run."]
    for section, seals in ((f"first_{SAMPLE}", samples), (f"all_{PER_KIND}", whole)):
        lines += ["", f"[{section}]"]
        lines += [f'{kind} = "{seal}"' for kind, seal in zip(kinds, seals, strict=True)]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
