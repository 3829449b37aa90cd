"""Whom a lane released by itself, and whether the port's rules and the truth allow it.

Nothing here asks the lane's own rules. Each check starts from what is true (who stands there, what
it weighs, what was declared and when, what the agencies said, how long ago the lane was told
anything) and from the pack that the lane judged by, and says what no lane may do that could know.
What a lane could not know is no violation: `excuse` names it, and it is counted as a rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median_low
from typing import TYPE_CHECKING

from gate_agent.domain.evidence import ClaimState
from gate_agent.domain.identity import named_plate
from gate_agent.domain.pieces import is_sure
from gate_agent.domain.vocabulary import Left, Outcome
from hil_tests.virtual_port.declared import DAY_MS, MINUTE_MS
from hil_tests.virtual_port.lane_uses import PARTICULAR, LaneUse, has_tag_reader, number_of, use_of
from hil_tests.virtual_port.loop import WALL_MS
from hil_tests.virtual_port.rulebook import UNTIL_MIN
from hil_tests.virtual_port.script import IMPOSTORS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from gate_agent.domain.policy_pack import CreditClass, PolicyPack
    from gate_agent.domain.records import PassageDecided
    from gate_agent.wire.v1 import DeclarationRow
    from hil_tests.virtual_port.account import PortAccount, Stay
    from hil_tests.virtual_port.place import Place
    from hil_tests.virtual_port.traffic import Vehicle

SPREAD_S = 10.0
"""What a lane that was alone did is known at the hub this long after it is connected again."""
TOLD_S = 20.0  # a lane that hears the hub has by then what was brought in there
EARLY_S = 30.0  # by which clocks may differ over the days
HEARD_S = 15.0  # a lane that was told something so lately is not alone
ALONE_MARGIN_S = 5.0
EMPTY_KG = 400 + 60
UTC_OFFSET_MIN = 480
LEAST_EMPTY_TRIPS = 2
NO_IMPOSTOR = "no impostor"
WEIGHING_KG = 700  # two vehicles, each weighed a little otherwise than it is


class Violation(Exception):
    """An invariant does not hold. `name` stays the same while a script is made shorter."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A lane's own release of a vehicle, on a paper."""

    port: PortAccount
    lane: str
    place: Place
    stay: Stay
    vehicle: Vehicle
    row: DeclarationRow  # of the paper it was released on, as it was declared
    body: PassageDecided

    @property
    def pack(self) -> PolicyPack:
        """What the lane judged by."""
        return self.body.pack

    @property
    def wall_ms(self) -> int:
        """What the time is in truth."""
        return WALL_MS + round(self.port.now_s() * 1000)

    @property
    def is_clock_right(self) -> bool:
        """Whether the lane knows what the time is."""
        return self.port.is_clock_right(self.lane)

    @property
    def credit(self) -> CreditClass | None:
        """The company's class, by what was declared."""
        tables = self.pack.credit_tables
        return next(
            (c for table in tables for c in table.classes if c.name == self.row.credit_class), None
        )

    def deny(self, name: str) -> Violation:
        """The violation of this name."""
        vehicle = self.vehicle
        said = f"{vehicle.kind} {vehicle.truck.trip} {vehicle.plate}, {vehicle.gross_kg} kg"
        return Violation(name, f"{self.stay.passage_id}: {said}, on {self.row.declaration_id}")


def judge(release: Release) -> None:
    """Whatever holds for everybody, then who it is. Raises `Violation`."""
    for check in _CHECKS:
        check(release)
    vehicle, port = release.vehicle, release.port
    if vehicle.kind not in IMPOSTORS:
        if release.row.declaration_id != vehicle.papers.declaration_id:
            raise release.deny("released on another's papers")
        return
    why = _excuse(release)
    if why is None:
        raise release.deny(f"released an impostor ({vehicle.kind.value})")
    tally = port.counts if why.startswith(NO_IMPOSTOR) else port.false_releases
    tally[f"{vehicle.kind.value}, {why}"] += 1


# -- rules, time, and being alone


def _by_the_rules_in_force(release: Release) -> None:
    """A lane that heard the hub when the vehicle came judges by the pack that was in force."""
    port, came_s = release.port, release.stay.at_s
    if port.is_hub_put_back or not release.stay.was_connected or not release.is_clock_right:
        return
    ruled = [each for each in port.registry.ruled if each.at_s <= came_s]
    wall_ms = WALL_MS + came_s * 1000
    if any(abs(each.pack.effective_from_ms - wall_ms) < EARLY_S * 1000 for each in ruled) or any(
        came_s - each.at_s < TOLD_S and each.at_s > 0 for each in ruled
    ):
        return
    begun = [each.pack for each in ruled if each.pack.effective_from_ms <= wall_ms]
    if release.pack.version != max(begun, key=lambda each: each.effective_from_ms).version:
        raise release.deny(f"judged by rules that are not in force ({release.pack.version})")


def _alone_for_no_longer_than_its_class_may(release: Release) -> None:
    heard_s, now_s = release.port.heard_s(release.lane), release.port.now_s()
    credit = release.credit
    allowed_ms = release.pack.limits.manifest_max_age_ms
    if credit is not None and credit.offline_authority_ms is not None:
        allowed_ms = min(allowed_ms, credit.offline_authority_ms)
    if allowed_ms == 0 and heard_s < release.stay.at_s:
        raise release.deny("released alone where the class needs the hub's word")
    allowed_s = max(HEARD_S, allowed_ms / 1000) + ALONE_MARGIN_S
    if release.is_clock_right and now_s - heard_s > allowed_s:
        raise release.deny("released after too long alone")


# -- papers


def _agreed(release: Release) -> None:
    """What the lane's manifest said of holds, and that it was no old manifest."""
    port, version = release.port, release.body.evidence.manifest.version
    said = [] if port.is_hub_put_back else port.registry.said.get(release.row.declaration_id, [])
    known = [each for each in said if each.version <= version]
    if known and known[-1].is_held:
        raise release.deny("released under a hold")
    late = [each for each in said if release.stay.at_s - each.at_s > TOLD_S]
    if release.stay.was_connected and late and version < late[-1].version:
        raise release.deny("released by an old manifest while connected")
    for each in release.body.declarations:
        if each.declaration_id == release.row.declaration_id and each.held_by:
            raise release.deny("released under a hold that it was shown")
    for rule in release.pack.agencies:
        oldest_ms = release.wall_ms - (rule.max_age_ms or release.wall_ms) - MINUTE_MS
        answers = [each for each in release.row.agencies if each.agency == rule.agency]
        agreed = [each for each in answers if each.state == "agreed" and not each.source]
        if not any(each.at_ms is not None and each.at_ms >= oldest_ms for each in agreed):
            raise release.deny(f"released without the word of {rule.agency}")


def _papers_in_order(release: Release) -> None:
    row, pack, credit = release.row, release.pack, release.credit
    if pack.credit_tables and (credit is None or not credit.automatic):
        raise release.deny("released one of whose class a person sees everyone")
    if pack.is_fee_required and not row.fee_paid:
        raise release.deny("released without the fee")
    if release.vehicle.card_uid in pack.blocked_cards:
        raise release.deny("released with a blocked card")
    if release.vehicle.plate in pack.blocked_plates:
        raise release.deny("released with a blocked plate")


def _in_transit(release: Release) -> None:
    transit, rule = release.row.transit, release.pack.transit
    if transit is None:
        return
    if not transit.seal_no:
        raise release.deny("released in transit without a seal")
    checked_ms, oldest_ms = transit.seal_checked_at_ms, rule.seal_max_age_ms
    if oldest_ms is not None and (
        checked_ms is None or release.wall_ms - checked_ms > oldest_ms + MINUTE_MS
    ):
        raise release.deny("released in transit with a seal that nobody has checked lately")
    if release.wall_ms > transit.until_ms + rule.late_grace_ms + MINUTE_MS:
        raise release.deny("released in transit too late")


def _in_the_right_lane(release: Release) -> None:
    row, use = release.row, use_of(number_of(release.lane))
    is_welcome = {
        LaneUse.EXPORT: row.direction == "out",
        LaneUse.GREEN: row.priority or row.credit_class == "AA",
        LaneUse.EMPTIES: row.kind == "empty",
        LaneUse.MANUAL: False,
        LaneUse.HOURS: row.appointment is not None or not _is_night(release),
        LaneUse.ORDINARY: True,
    }
    if not is_welcome[use]:
        raise release.deny(f"released in the wrong lane ({use.value})")


def _is_night(release: Release) -> bool:
    """Whether the lane with hours is surely closed."""
    if not release.is_clock_right:
        return False
    minute = (release.wall_ms + UTC_OFFSET_MIN * MINUTE_MS) % DAY_MS / MINUTE_MS
    return minute >= UNTIL_MIN + 1 or minute < 5 * 60 - 1


# -- the vehicle


def _as_declared(release: Release) -> None:
    row, vehicle, place = release.row, release.vehicle, release.place
    if row.kind == "empty" and abs(vehicle.gross_kg - (row.tare_kg or 0)) > EMPTY_KG:
        raise release.deny("released as empty with another weight than its tare")
    if row.tag_id and vehicle.tag_id != row.tag_id and vehicle.number in place.tags_told:
        raise release.deny("released with another tag than its own")


def _nowhere_else(release: Release) -> None:
    """The plate was not seen moments ago where it cannot have come from."""
    stay, port = release.stay, release.port
    within_s = release.pack.identity.min_travel_ms / 1000 - SPREAD_S
    for other in _others_of_the_plate(release):
        if other.left_s is None or not other.was_clock_right or not release.is_clock_right:
            continue
        gap_s = stay.at_s - other.left_s
        if other.lane != release.lane:
            known = _hub_said(release) and other.was_connected and port.is_connected(other.lane)
            if not known or port.is_hub_put_back or gap_s < SPREAD_S:
                continue
        if 0 <= gap_s < within_s:
            raise release.deny(f"released {gap_s:.0f} s after {other.passage_id}")


def _of_the_same_tare(release: Release) -> None:
    """An empty vehicle weighs what its plate weighed on the empty trips that the hub knows of."""
    if release.row.kind != "empty" or not _hub_said(release) or release.port.is_hub_put_back:
        return
    weighed = [each for each in _others_of_the_plate(release) if each.empty_kg is not None]
    now_s = release.stay.at_s
    if len(weighed) < LEAST_EMPTY_TRIPS or not all(
        each.left_s is not None
        and each.was_connected
        and now_s - each.left_s > SPREAD_S
        and release.port.is_connected(each.lane)
        for each in weighed
    ):
        return
    known_kg = [each.empty_kg for each in weighed if each.empty_kg is not None]
    if max(known_kg) - min(known_kg) > WEIGHING_KG:
        return  # a copy was among them
    off_kg = abs(median_low(known_kg) - release.vehicle.gross_kg)
    if off_kg > release.pack.identity.empty_tolerance_kg + WEIGHING_KG:
        raise release.deny(f"released {off_kg} kg off what it weighed before")


def _others_of_the_plate(release: Release) -> list[Stay]:
    """Earlier passages in which a lane named one of this vehicle's plates and released it."""
    plates = set(release.row.plates)
    return [
        stay
        for plate in sorted(plates)
        for stay in release.port.stays_of.get(plate, ())
        if stay is not release.stay and stay.left is Left.EXIT and stay.ended is Outcome.RELEASE
    ]


def _hub_said(release: Release) -> bool:
    """Whether the hub's answer to the claim was in the lane's hands, with what it knew."""
    claim = release.body.evidence.claim
    return (
        release.stay.was_connected
        and release.port.is_connected(release.lane)
        and claim is not None
        and claim.state is ClaimState.GRANTED
    )


_CHECKS = (
    _by_the_rules_in_force,
    _alone_for_no_longer_than_its_class_may,
    _agreed,
    _papers_in_order,
    _in_transit,
    _in_the_right_lane,
    _as_declared,
    _nowhere_else,
    _of_the_same_tare,
)


# -- who it is


def _excuse(release: Release) -> str | None:
    """Why a lane could not know, or that there was nothing to know; None: it could."""
    of_the_kind = _EXCUSES.get(release.vehicle.kind)
    return None if of_the_kind is None else of_the_kind(release)


def _of_a_wrong_plate(release: Release) -> str | None:
    if _is_read_as_declared(release):
        return "and the camera was sure of the declared one"
    if _is_taken_for_declared(release):
        return "and the picture fitted the declared one"
    return None


def _of_a_replay(release: Release) -> str:
    """Single use is judged by `PortAccount.used`, with what lanes can know."""
    if release.port.uses.get(release.row.declaration_id):
        return "to a lane that could not know"
    return "before its owner came: plate, card and weight are right"


def _of_a_wrong_tag(release: Release) -> str | None:
    if not has_tag_reader(number_of(release.lane)):
        return f"{NO_IMPOSTOR} in this lane"
    told = release.vehicle.number in release.place.tags_told
    return None if told else "before its tag was seen"


def _of_a_wrong_lane(release: Release) -> str | None:
    is_wrong = use_of(number_of(release.lane)) in PARTICULAR
    return None if is_wrong else f"{NO_IMPOSTOR} in this lane"


_EXCUSES: dict[Kind, Callable[[Release], str | None]] = {
    Kind.WRONG_PLATE: _of_a_wrong_plate,
    Kind.REPLAYED: _of_a_replay,
    Kind.WRONG_TAG: _of_a_wrong_tag,
    Kind.WRONG_LANE: _of_a_wrong_lane,
    Kind.TRAVEL: lambda _: "to a lane that could not know",  # which `_nowhere_else` judges
    Kind.CLONE_TARE: lambda _: "of a plate that was not known well enough",  # `_of_the_same_tare`
    Kind.HELD_LATE: lambda _: f"{NO_IMPOSTOR} yet",  # which `_agreed` judges
}


def _is_read_as_declared(release: Release) -> bool:
    """Whether the reader was sure of the declared plate though another hangs there.

    No policy can forbid what one camera cannot see: this is a rate, and it is measured.
    """
    plate = release.body.evidence.plate
    return (
        plate is not None
        and plate.text == release.vehicle.papers.plate
        and is_sure(plate, release.pack.limits)
    )


def _is_taken_for_declared(release: Release) -> bool:
    """Whether the picture spoke for the declared plate, by as much as policy asks for.

    A rate as well: how often it does is the camera's (`camera.py`), and it is measured.
    """
    plate, papers = release.body.evidence.plate, release.vehicle.papers
    return (
        plate is not None
        and named_plate(plate, release.pack) == papers.plate
        and release.row.declaration_id == papers.declaration_id
    )
