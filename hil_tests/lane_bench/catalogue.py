"""Every scenario: the ways a passage can end, and every fault of the library at every phase.

And for each driver of indicator, card reader and board, on a lane that has it: a release, and the
faults in spite of which nothing may be released.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from devices.boards.board_file import shipped_boards
from devices.registry import CARD_READERS, WEIGHBRIDGES
from devices.sim.faults.table import FAULTS, Allows
from devices.sim.weighbridge import ScaleFault, can_have, misses_garbled
from devices.weighbridge.protocols import protocol_named
from gate_agent.domain.faults import IN_HAND
from gate_agent.domain.records import Refusal
from hil_tests.lane_bench.scenario import Card, Expected, Papers, Phase, Plate, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from devices.sim.faults.fault import Fault

HELD_WEIGHS = 1.045  # more than the tolerance, less than what goes to inspection
_OUT = Expected(outcome="release", left="exit", by="lane")
_BY_PERSON = Expected(outcome="hold", reason="weight_differs", left="exit", by="person")

_NO_BOOM = frozenset(
    {
        # No order reaches the board: the raise fails, and the vehicle is a person's again.
        "board_unplugged",
        "board_silent",
        "board_late",
        "board_exception",
        "board_wrong_address",
        "board_busy",
        "board_restarted",
        # The order reaches it, and the boom is not up in time.
        "board_raise_relay_dead",
        "boom_stops_midway",
    }
)
"""Faults under which a person's release cannot be carried out; the lane must say so."""

_LEFT_OUT = frozenset(
    {
        ("boom_forced", Phase.RISING),  # nobody puts a boom by hand onto a truck that drives
        ("boom_forced", Phase.PASSING),  # under it
        ("scale_axle_off", Phase.CAPTURING),  # it stands already, with all its axles
        ("scale_second_vehicle", Phase.CAPTURING),  # who comes close behind has come by then
        # An empty scale is at zero wherever its zero is set.
        ("scale_tared", Phase.BEFORE),
        ("scale_tared", Phase.CLOSING),
        ("scale_restarted", Phase.BEFORE),
    }
)
_OF_INDICATORS = (
    ("scale_silent", Phase.BEFORE),
    ("scale_unplugged", Phase.CAPTURING),
    ("scale_frozen", Phase.BEFORE),
    ("scale_overload", Phase.BEFORE),
    ("scale_tared", Phase.ROLLING_ON),
    ("scale_tared", Phase.HELD),
)
_OF_READERS = (
    ("card_of_another", Phase.CAPTURING),
    ("card_unplugged", Phase.BEFORE),
    ("card_double_read", Phase.BEFORE),
)
_OF_BOARDS = (
    ("board_unplugged", Phase.ROLLING_ON),
    ("board_silent", Phase.HELD),
    ("boom_limits_contradict", Phase.BEFORE),
    ("boom_down_limit_dead", Phase.BEFORE),
    ("boom_up_limit_dead", Phase.RISING),
)

_SHARE = frozenset(
    {
        ("scale_frozen", Phase.BEFORE),
        ("scale_overload", Phase.CAPTURING),
        ("card_of_another", Phase.CAPTURING),
        ("board_unplugged", Phase.RISING),
        ("boom_person_under", Phase.PASSING),
        ("scale_net", Phase.BEFORE),
        ("container_camera_another", Phase.BEFORE),
    }
)


def _held(reason: str) -> Expected:
    return Expected(outcome="hold", reason=reason, left="entry")


def _released_by_person(fault: Fault) -> Expected:
    """What comes of a person's release of a truck that is held for its weight.

    A fault of scale, readers, cameras or sign keeps nobody from it: the person has seen the truck.
    While somebody has the boom in hand it is refused, and when that is over a second one is not.
    Under the other faults of board and boom it is carried out, or the boom did not come up.
    """
    if fault.name in _NO_BOOM:
        return Expected(outcome="hold", reason="release_failed", left="entry", by="lane")
    if fault.code in IN_HAND:
        return replace(_BY_PERSON, refused=Refusal.IN_HAND.value)
    if fault.device in ("bus", "barrier") and fault.allows is not Allows.RELEASE:
        return Expected(outcome="hold", reason="weight_differs")
    # It says zero under a vehicle that nobody saw leave.
    alarm = "zeroed_under_load" if fault.under_load else None
    return replace(_BY_PERSON, alarm=alarm)


def _refused(reason: str) -> Expected:
    return Expected(outcome="refuse", reason=reason, left="entry", by="lane")


def _paths() -> Iterator[Scenario]:
    yield Scenario(name="faultless", expected=_OUT, is_in_share=True)
    yield Scenario(name="card_two_seconds_late", card=Card.LATE, expected=_OUT)
    yield Scenario(name="platform_swings_long", settle_s=2.0, expected=_OUT)
    yield Scenario(name="a_little_lighter", weighs=0.985, expected=_OUT)
    yield Scenario(
        name="no_declaration",
        papers=Papers.UNDECLARED,
        expected=_refused("no_declaration"),
        is_in_share=True,
    )
    yield Scenario(
        name="declaration_expired", papers=Papers.EXPIRED, expected=_refused("declaration_expired")
    )
    yield Scenario(
        name="declaration_not_yet_valid",
        papers=Papers.NOT_YET_VALID,
        expected=_held("declaration_not_yet_valid"),
    )
    yield Scenario(
        name="documents_pending", papers=Papers.PENDING, expected=_held("documents_pending")
    )
    yield Scenario(
        name="documents_rejected",
        papers=Papers.REJECTED,
        expected=_refused("documents_rejected"),
    )
    yield Scenario(
        name="agency_hold",
        papers=Papers.AGENCY_HOLD,
        expected=Expected(outcome="inspect", reason="agency_hold", left="entry"),
    )
    yield Scenario(
        name="declaration_used_before", papers=Papers.USED, expected=_refused("declaration_used")
    )
    yield Scenario(
        name="card_of_another_vehicle",
        card=Card.OTHER,
        expected=Expected(outcome="hold", reason="plate_card_mismatch", left="entry"),
    )
    yield Scenario(name="no_card", card=Card.NONE, expected=_held("card_missing"))
    yield Scenario(
        name="card_shown_before_the_truck_came",
        card=Card.EARLY,
        expected=_held("card_missing"),
        is_in_share=True,
    )
    yield Scenario(
        name="plate_covered", plate=Plate.COVERED, expected=Expected(outcome="hold", left="entry")
    )
    yield Scenario(
        name="plate_covered_and_a_person_releases",
        plate=Plate.COVERED,
        person="release",
        expected=Expected(outcome="hold", left="exit", by="person"),
    )
    yield Scenario(
        name="too_heavy_and_a_person_releases",
        weighs=HELD_WEIGHS,
        person="release",
        expected=_BY_PERSON,
        is_in_share=True,
    )
    yield Scenario(
        name="too_heavy_and_a_person_refuses",
        weighs=HELD_WEIGHS,
        person="refuse",
        expected=Expected(outcome="hold", reason="weight_differs", left="entry", by="person"),
    )
    yield Scenario(
        name="too_light_and_a_person_sends_it_to_the_yard",
        weighs=0.955,
        person="inspect",
        expected=Expected(outcome="hold", reason="weight_differs", left="entry", by="person"),
    )
    yield Scenario(
        name="far_too_heavy",
        weighs=1.25,
        expected=Expected(outcome="inspect", reason="weight_far_off", left="entry"),
    )
    yield Scenario(
        name="far_too_light",
        weighs=0.75,
        expected=Expected(outcome="inspect", reason="weight_far_off", left="entry"),
    )
    yield Scenario(name="lane_attended", mode="attended", expected=_held("lane_attended"))
    yield Scenario(name="lane_closed_until_opened_again", mode="closed", expected=_OUT)
    yield Scenario(
        name="driver_backs_out_before_a_verdict",
        card=Card.NONE,
        backs_out=True,
        expected=Expected(left="entry"),
    )


def _faults() -> Iterator[Scenario]:
    for fault in FAULTS:
        for phase in Phase:
            if (fault, phase) not in _LEFT_OUT:
                yield _faulty(fault, phase)


def _faulty(name: str, phase: Phase, of: str = "") -> Scenario:
    fault = FAULTS[name]
    if phase is Phase.HELD:
        expected = _released_by_person(fault)
    else:
        expected = _OUT if fault.allows is Allows.RELEASE else Expected()
    if fault.under_load and phase is Phase.ROLLING_ON:
        expected = Expected(left="entry")
    if fault.device == "lane_camera" and phase is Phase.BEFORE:
        expected = replace(expected, clip="none")
    return Scenario(
        name=_named(f"{name}-{phase.value}", of),
        fault=name,
        phase=phase,
        expected=expected,
        weighs=HELD_WEIGHS if phase is Phase.HELD else 1.0,
        person="release" if phase is Phase.HELD else None,
        of=of,
        is_in_share=not of and (name, phase) in _SHARE,
    )


def _of_drivers() -> Iterator[Scenario]:
    for driver in WEIGHBRIDGES:
        yield from _of(f"weighbridge {driver}", (*_OF_INDICATORS, *_frames(driver)))
    for driver in CARD_READERS:
        yield from _of(f"card_reader {driver}", _OF_READERS)
    for driver in shipped_boards():
        yield from _of(f"bus {driver}", _OF_BOARDS)


def _of(of: str, faults: Iterable[tuple[str, Phase]]) -> Iterator[Scenario]:
    yield Scenario(name=_named("faultless", of), of=of, expected=_OUT)
    for name, phase in faults:
        yield _faulty(name, phase, of)


def _frames(indicator: str) -> Iterator[tuple[str, Phase]]:
    """What depends on what an indicator's frames can say."""
    protocol = protocol_named(indicator)
    is_missed = misses_garbled(protocol)
    yield "scale_garbled_unsummed" if is_missed else "scale_garbled", Phase.BEFORE
    if can_have(protocol, ScaleFault.NET):
        yield "scale_net", Phase.BEFORE


def _named(what: str, of: str) -> str:
    return f"{what}:{of.partition(' ')[2]}" if of else what


def _filmed() -> Iterator[Scenario]:
    filmed = Expected(outcome="release", left="exit", by="lane", clip="kept")
    yield Scenario(
        name="filmed_from_arrival_to_departure",
        of="lane_camera",
        expected=filmed,
        is_in_share=True,
    )
    yield Scenario(
        name="filmed_and_refused",
        of="lane_camera",
        papers=Papers.UNDECLARED,
        expected=replace(_refused("no_declaration"), clip="kept"),
    )


SCENARIOS: tuple[Scenario, ...] = (*_paths(), *_filmed(), *_faults(), *_of_drivers())
