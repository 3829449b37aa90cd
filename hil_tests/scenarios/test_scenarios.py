"""A lane under test: a real `gate-agent` on the devices of a bench file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hil_tests.lane_bench.player import Account


@pytest.mark.timeout(1_200)
def test_the_lane_does_what_it_must(account: Account) -> None:
    """No unproved release, nothing under a falling boom, the end on record, back by itself."""
    assert not [problem.en for problem in account.problems]
