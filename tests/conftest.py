"""What every test may rely on: named skips, nothing left behind, Hypothesis profiles, a console.

`@pytest.mark.needs("chromium")` names a program the machine may lack; `tests/features.py` says
how each is looked for. A missing one skips the test by name; with KAKOU_REQUIRE_ALL=1, as
`.ci/run` sets it, the same test fails, so that a machine which claims everything proves it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.features import NOT_INSTALLABLE, missing
from tests.leftovers import leftovers_since, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.console_desk import Desk

settings.register_profile(
    "ci",
    derandomize=True,
    max_examples=100,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("nightly", max_examples=2000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for feature in marker.args:
            lack = missing(feature)
            if lack is None:
                continue
            required = os.environ.get("KAKOU_REQUIRE_ALL") == "1"
            if required and feature not in NOT_INSTALLABLE:
                pytest.fail(f"needs {feature}: {lack}, and KAKOU_REQUIRE_ALL=1", pytrace=False)
            pytest.skip(f"needs {feature}: {lack}")


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread, a child process, a socket, a pty or a file open."""
    before = snapshot()
    yield
    left = leftovers_since(before, grace_s=3.0)
    if left:
        pytest.fail(f"{request.node.name} left behind: {'; '.join(left)}", pytrace=False)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """The console and API on stores in a folder of their own, nobody signed in."""
    from tests.console_desk import (  # noqa: PLC0415 - the other tests need no web server
        cheap_passwords,
        open_desk,
    )

    with cheap_passwords(), open_desk(tmp_path) as found:
        yield found
