"""More papers than can be told apart: nobody is released by the ones that were looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gate_agent.domain.manifest import Declaration
from gate_agent.domain.reasons import Reason

MOST_PAPERS = 64
"""So many declarations of one plate or card a lane looks at. Past ones beyond that are left out,
the oldest first; of those that are still open one more is looked at, and makes the verdict."""


def crowd_reasons(declarations: Sequence[Declaration], wall_ms: int) -> Iterator[Reason]:
    """A paper that was left out might be the one that holds, or the second that fits."""
    still_open = (each.used_by is None and wall_ms <= each.valid_until_ms for each in declarations)
    if sum(still_open) > MOST_PAPERS:
        yield Reason.SEVERAL_DECLARATIONS
