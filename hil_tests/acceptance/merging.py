"""What the benches of one run say together. Pure.

A failure is in the report, wherever it was. Where any bench has a real device the report is of the
real lanes: each has a step of its own for each scenario, and what passed on the simulated benches
beside them proves what they could not play, as a run named by `--proof` does. Of simulated benches
alone each scenario is one step, at the bench that played it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hil_tests.lane_bench.catalogue import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hil_tests.lane_bench.wording import Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One bench and what came of its scenarios."""

    label: str = ""  # empty where it is the only one
    is_real: bool = False  # whether any of its devices is
    has: frozenset[str] = frozenset()  # what its lanes have, as `Scenario.of` names it
    accounts: list[dict[str, Any]] = field(default_factory=list)
    not_undone: list[Said] = field(default_factory=list)  # faults that a person made
    is_broken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """What the report is of. Each step: the bench's label, and the account."""

    steps: list[tuple[str, dict[str, Any]]]
    catalogue: int  # how many there are to be played
    proved: frozenset[str] = frozenset()  # what passed on simulated benches beside real ones


def together(played: Sequence[Played]) -> Together:
    """Put them together, in the catalogue's order."""
    real = [one for one in played if one.is_real]
    simulated = [one for one in played if not one.is_real]
    of_simulated = _merged(simulated)
    if not real:
        return Together(steps=of_simulated, catalogue=len(_ours(simulated)))
    steps = [step for one in real for step in _merged([one])]
    failed = [step for step in of_simulated if step[1]["problems"]]
    passed = (account for _, account in of_simulated if _rank(account) == PASSED)
    return Together(
        steps=steps + failed,
        catalogue=sum(len(_ours([one])) for one in real) + len(failed),
        proved=frozenset(_name(account) for account in passed),
    )


def absent(played: Sequence[Played]) -> list[str]:
    """What is played at one driver only, and none of the lanes has."""
    has = frozenset().union(*(one.has for one in played))
    return list(dict.fromkeys(one.of for one in SCENARIOS if one.of and one.of not in has))


FAILED, PASSED, SKIPPED = range(3)  # what counts before what


def _merged(played: Iterable[Played]) -> list[tuple[str, dict[str, Any]]]:
    """Each scenario of theirs once: where it failed, else where it passed, else why it was not."""
    played = list(played)
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for label, account in ((one.label, account) for one in played for account in one.accounts):
        name = _name(account)
        if name not in found or _rank(account) < _rank(found[name][1]):
            found[name] = (label, account)
    return [found[name] for name in _ours(played) if name in found]


def _ours(played: Iterable[Played]) -> list[str]:
    """The scenarios that are of these benches."""
    has: frozenset[str] = frozenset().union(*(one.has for one in played))
    return [one.name for one in SCENARIOS if not one.of or one.of in has]


def _rank(account: dict[str, Any]) -> int:
    if account["problems"]:
        return FAILED
    return SKIPPED if account["skipped"] is not None else PASSED


def _name(account: dict[str, Any]) -> str:
    name: str = account["scenario"]["name"]
    return name
