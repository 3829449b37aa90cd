"""What came of one scenario."""

from __future__ import annotations

from dataclasses import dataclass, field

from hil_tests.lane_bench.scenario import Scenario
from hil_tests.lane_bench.wording import Said, said


class LaneStuck(Exception):
    """The lane does not come back to inviting; `said` tells what it shows."""

    account: Account | None = None  # of the scenario that it happened in

    def __init__(self, told: Said) -> None:
        super().__init__(told.en)
        self.said = told


@dataclass(slots=True, kw_only=True)
class Account:
    """What came of one scenario."""

    scenario: Scenario
    lane: str = ""
    began_ms: int = 0
    took_s: float = 0.0
    steps: list[tuple[float, Said]] = field(default_factory=list)  # seconds since it began
    problems: list[Said] = field(default_factory=list)
    skipped: Said | None = None
    recovery_ms: int | None = None
    unproved_releases: int = 0
    verdict: str = ""
    reasons: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether the lane did what it must."""
        return not self.problems and self.skipped is None

    def tell(self, at_s: float, step: str, **values: Said) -> None:
        """Note a step of its course, `at_s` seconds after it began."""
        self.steps.append((round(at_s, 2), said(f"step.{step}", **values)))
