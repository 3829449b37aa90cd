"""What the console makes of moments that lanes report."""

import pytest

from central.console.wording import Wording


@pytest.mark.parametrize("at_ms", [2**53, -(2**53), 253_402_300_799_999])
def test_a_lane_with_a_broken_clock_breaks_no_page(at_ms: int) -> None:
    wording = Wording("en")
    assert wording.time(at_ms)
    assert wording.clock(at_ms)
    assert wording.time(2**53) == f"{2**53} ms"
