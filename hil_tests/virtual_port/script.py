"""What happens to a port: a list of choices, made from one number, kept in a file, made shorter.

Everything else follows from the script: each choice has a number of its own from which its chance
is drawn, so that taking one choice out leaves the others as they were.
"""

from __future__ import annotations

import random
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

import msgspec

from hil_tests.virtual_port.lane_uses import PARTICULAR, LaneUse, has_tag_reader, use_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")

PASSAGE_S = 26.0  # about what one takes, so that troubles fall among them
TROUBLES_PER_PASSAGE = 0.12
NIGHT_H = (6, 30)
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


class Kind(StrEnum):
    """Who comes."""

    GOOD = "good"
    MISREAD = "misread"  # the camera needs several looks, or misses one character
    NO_PLATE = "no_plate"  # mud on it
    NO_CARD = "no_card"
    CHANGES_MIND = "changes_mind"  # backs out while it is being checked
    IMPATIENT = "impatient"  # backs out when it has to wait
    TAILGATED = "tailgated"  # somebody follows through the open boom
    CROWDED = "crowded"  # somebody comes onto the lane behind it
    PUSHES_IN = "pushes_in"  # does not wait for green
    WRONG_WAY = "wrong_way"  # comes in by the exit and goes again
    BARGES = "barges"  # drives through the closed boom
    MUDDY = "muddy"  # leaves mud on the scale
    PENDING = "pending"  # documents not yet through
    LIFTED = "lifted"  # an agency wants to see it, and lets it go while it stands there
    # whom the lane must never release by itself
    WRONG_PLATE = "wrong_plate"  # by one character
    WRONG_CARD = "wrong_card"
    OVERWEIGHT = "overweight"  # beyond the tolerance
    CLONED = "cloned"  # plate and card of another, and not its weight
    UNDECLARED = "undeclared"
    STALE = "stale"  # the declaration has expired
    HELD = "held"  # an agency wants to see it
    REJECTED = "rejected"  # documents
    REPLAYED = "replayed"  # plate, card and weight of one that has been here
    TRANSIT_LATE = "transit_late"  # under seal, and overdue; or its seal is gone, or unchecked
    WRONG_LANE = "wrong_lane"  # for its class, its load or its direction
    ACCOUNT_EMPTY = "account_empty"  # more than is left on its list, or the list is closed
    UNAGREED = "unagreed"  # an agency has not agreed, or so long ago that it means nothing
    HELD_LATE = "held_late"  # an agency wants to see it while it stands there
    BLOCKED = "blocked"  # its card or its plate
    WRONG_TAG = "wrong_tag"  # another than the one that is declared
    NOT_EMPTY = "not_empty"  # declared empty
    TRAVEL = "travel"  # a copied plate, seen in another lane moments ago; papers of its own
    CLONE_TARE = "clone_tare"  # a copied plate of one whose weight is known; papers of its own
    UNPAID = "unpaid"  # the fee
    MANUAL_CLASS = "manual_class"  # of its company a person sees everyone


class Trip(StrEnum):
    """What is particular about papers and vehicle, whoever comes with them."""

    PLAIN = "plain"
    TRANSIT = "transit"  # under seal, within a time
    LISTED = "listed"  # draws on a list that several share
    EMPTY = "empty"
    TAGGED = "tagged"  # has a windshield tag
    TWO_PLATES = "two_plates"  # and a trailer's


IMPOSTORS = (
    Kind.WRONG_PLATE, Kind.WRONG_CARD, Kind.OVERWEIGHT, Kind.CLONED, Kind.UNDECLARED, Kind.STALE,
    Kind.HELD, Kind.REJECTED, Kind.REPLAYED, Kind.TRANSIT_LATE, Kind.WRONG_LANE,
    Kind.ACCOUNT_EMPTY, Kind.UNAGREED, Kind.HELD_LATE, Kind.BLOCKED, Kind.WRONG_TAG,
    Kind.NOT_EMPTY, Kind.TRAVEL, Kind.CLONE_TARE, Kind.UNPAID, Kind.MANUAL_CLASS,
)  # fmt: skip
MAY_LEAVE = frozenset(set(Kind) - set(IMPOSTORS) - {Kind.WRONG_WAY, Kind.BARGES})
"""Whom a supervisor who looks closely lets go."""

_SHARES = {
    Kind.GOOD: 46, Kind.MISREAD: 7, Kind.NO_PLATE: 2, Kind.NO_CARD: 1, Kind.CHANGES_MIND: 3,
    Kind.IMPATIENT: 3, Kind.TAILGATED: 3, Kind.CROWDED: 2, Kind.PUSHES_IN: 1, Kind.WRONG_WAY: 1,
    Kind.BARGES: 1, Kind.MUDDY: 1, Kind.PENDING: 2, Kind.LIFTED: 1, Kind.WRONG_PLATE: 3,
    Kind.WRONG_CARD: 2, Kind.OVERWEIGHT: 2, Kind.CLONED: 2, Kind.UNDECLARED: 1, Kind.STALE: 1,
    Kind.HELD: 1, Kind.REJECTED: 1, Kind.REPLAYED: 3, Kind.TRANSIT_LATE: 1, Kind.WRONG_LANE: 4,
    Kind.ACCOUNT_EMPTY: 1, Kind.UNAGREED: 1, Kind.HELD_LATE: 1, Kind.BLOCKED: 0.5,
    Kind.WRONG_TAG: 2, Kind.NOT_EMPTY: 1, Kind.TRAVEL: 1.5, Kind.CLONE_TARE: 1.5, Kind.UNPAID: 0.5,
    Kind.MANUAL_CLASS: 0.5,
}  # fmt: skip
_TRIPS = {
    Trip.PLAIN: 50, Trip.TRANSIT: 9, Trip.LISTED: 7, Trip.EMPTY: 14, Trip.TAGGED: 9,
    Trip.TWO_PLATES: 9,
}  # fmt: skip
TRIP_OF = {
    Kind.TRANSIT_LATE: Trip.TRANSIT, Kind.ACCOUNT_EMPTY: Trip.LISTED, Kind.WRONG_TAG: Trip.TAGGED,
    Kind.NOT_EMPTY: Trip.EMPTY, Kind.CLONE_TARE: Trip.EMPTY, Kind.TRAVEL: Trip.PLAIN,
    Kind.WRONG_LANE: Trip.PLAIN,
}  # fmt: skip
"""What is wrong with these has to do with the trip."""
_OWN_SHARE = 2  # of the owners among impostors, whose papers, plates and weights they show
_AGAIN = 0.7  # of the empty ones: a vehicle that has been here before
_AGAIN_S = 260.0  # at least, between two of its trips
_TRAVEL_S = (45.0, 100.0)  # between the arrivals of a plate and of its copy
_TRIES = 12


class Bad(StrEnum):
    """What goes wrong. The first group befalls one lane, the second the port."""

    KILL = "kill"
    KILL_BEFORE_COMMIT = "kill_before_commit"
    KILL_AFTER_COMMIT = "kill_after_commit"
    KILL_BEFORE_ORDER = "kill_before_order"
    REBOOT_IN_1970 = "reboot_in_1970"
    CUT = "cut"
    LOSSY = "lossy"
    DISK_FULL = "disk_full"
    CLOCK_JUMP = "clock_jump"
    BOARD_AWAY = "board_away"
    SCALE_AWAY = "scale_away"
    CAMERA_AWAY = "camera_away"
    CARD_AWAY = "card_away"
    TAGS_AWAY = "tags_away"  # in a lane that reads tags
    BOOM_STICKS = "boom_sticks"
    BOOM_SLOW = "boom_slow"
    STOPPED = "stopped"  # the emergency stop
    MODE = "mode"  # somebody closes or attends the lane for a while
    EMERGENCY = "emergency"  # people release on numbered slips for a while
    IMPORT = "import"  # papers change under way
    NEW_RULES = "new_rules"  # a policy pack is imported, with draws
    HUB_KILLED = "hub_killed"
    HUB_RESTORED = "hub_restored"
    NIGHT = "night"  # the hub is down, nobody comes, hours pass


OF_THE_PORT = (Bad.IMPORT, Bad.NEW_RULES, Bad.HUB_KILLED, Bad.HUB_RESTORED, Bad.NIGHT)
_BAD_SHARES = {
    Bad.KILL: 8, Bad.KILL_BEFORE_COMMIT: 5, Bad.KILL_AFTER_COMMIT: 10, Bad.KILL_BEFORE_ORDER: 8,
    Bad.REBOOT_IN_1970: 2, Bad.CUT: 14, Bad.LOSSY: 10, Bad.DISK_FULL: 6, Bad.CLOCK_JUMP: 3,
    Bad.BOARD_AWAY: 7, Bad.SCALE_AWAY: 5, Bad.CAMERA_AWAY: 4, Bad.CARD_AWAY: 4, Bad.TAGS_AWAY: 3,
    Bad.BOOM_STICKS: 7, Bad.BOOM_SLOW: 3, Bad.STOPPED: 3, Bad.MODE: 2, Bad.EMERGENCY: 2,
    Bad.IMPORT: 4,
    Bad.NEW_RULES: 2, Bad.HUB_KILLED: 3, Bad.HUB_RESTORED: 1, Bad.NIGHT: 1,
}  # fmt: skip


class Truck(msgspec.Struct, frozen=True, kw_only=True, tag="truck"):
    """Somebody comes.

    `of`: whose papers a replayed one shows. `again`: whose plate it carries, as the same vehicle
    on another trip, or as a copy.
    """

    number: int
    lane: int
    at_s: float
    kind: Kind
    of: int | None = None
    trip: Trip = Trip.PLAIN
    again: int | None = None


class Trouble(msgspec.Struct, frozen=True, kw_only=True, tag="trouble"):
    """Something goes wrong for a while; `lane` -1: for all."""

    number: int
    lane: int
    at_s: float
    kind: Bad
    for_s: float


Choice = Truck | Trouble


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run."""

    seed: int
    choices: tuple[Choice, ...]

    @property
    def lanes(self) -> list[int]:
        """The lanes that anything happens to."""
        named = {choice.lane for choice in self.choices if choice.lane >= 0}
        return sorted(named) or [1]


class Papers(msgspec.Struct, frozen=True, kw_only=True):
    """What was declared under one number."""

    declaration_id: str
    plate: str
    card_uid: str
    gross_kg: int
    tare_kg: int  # of the vehicle
    tag_id: str
    second_plate: str


def papers(seed: int, number: int) -> Papers:
    """The papers of a number: the same in every script of that seed."""
    rng = random.Random(f"{seed}-papers-{number}")
    letters = rng.choice(_LETTERS) + rng.choice(_LETTERS)
    return Papers(
        declaration_id=f"D{number}",
        plate=f"粤{letters}{rng.randrange(100_000):05d}",
        card_uid=f"{rng.getrandbits(32):08X}",
        gross_kg=rng.randrange(600, 2_450) * 20,
        tare_kg=rng.randrange(600, 900) * 20,
        tag_id=f"E2{rng.getrandbits(64):016X}",
        second_plate=f"粤Z{rng.choice(_LETTERS)}{rng.randrange(1_000):03d}港",
    )


def write_script(
    seed: int, *, passages: int, lanes: int, impostors: bool = False, is_calm: bool = False
) -> Script:
    """Choose: who comes where and when, and what goes wrong.

    `impostors`: nobody else, but for every tenth, whose papers are shown again. `is_calm`: no
    troubles.
    """
    rng = random.Random(f"{seed}-script")
    shares = dict.fromkeys(IMPOSTORS, 1) | {Kind.GOOD: _OWN_SHARE} if impostors else _SHARES
    trucks = _Day(rng, shares, are_owners=impostors).trucks(passages, lanes)
    until_s = passages / lanes * PASSAGE_S
    troubles = [] if is_calm else _troubles(rng, passages, lanes, until_s)
    choices: list[Choice] = [*trucks, *troubles]
    choices.sort(key=lambda choice: (choice.at_s, choice.number))
    return Script(seed=seed, choices=tuple(choices))


class _Day:
    """Who comes, one after the other. `are_owners`: nobody is good but whom others imitate."""

    def __init__(
        self, rng: random.Random, shares: Mapping[Kind, float], *, are_owners: bool
    ) -> None:
        self._rng = rng
        self._kinds, self._weights = list(shares), list(shares.values())
        self._are_owners = are_owners
        self._good: list[Truck] = []
        self._fleet: dict[int, list[float]] = {}  # empty ones: when each has come

    def trucks(self, count: int, lanes: int) -> list[Truck]:
        """So many, in lanes from 1."""
        due_s = dict.fromkeys(range(1, lanes + 1), 5.0)
        trucks = []
        for number in range(1, count + 1):
            lane = min(due_s, key=lambda name: (due_s[name], name))
            base = Truck(number=number, lane=lane, at_s=round(due_s[lane], 1), kind=Kind.GOOD)
            trucks.append(self._somebody(base))
            due_s[lane] += self._rng.expovariate(1 / PASSAGE_S)
        return trucks

    def _somebody(self, base: Truck) -> Truck:
        for _ in range(_TRIES):
            kind = self._rng.choices(self._kinds, self._weights)[0]
            if kind is Kind.GOOD:
                break
            found = self._as(base, kind)
            if found is not None:
                return found
        return self._good_one(base)

    def _as(self, base: Truck, kind: Kind) -> Truck | None:
        """`base` as somebody of this kind; None: not here, or not yet."""
        trip = self._trip(base.lane, kind)
        truck = msgspec.structs.replace(base, kind=kind, trip=trip)
        match kind:
            case Kind.WRONG_LANE:
                return truck if use_of(base.lane) in PARTICULAR else None
            case Kind.WRONG_TAG:
                return truck if has_tag_reader(base.lane) else None
            case Kind.REPLAYED:
                own = self._any([t for t in self._good[-30:] if t.again is None])
                return own and msgspec.structs.replace(truck, of=own.number, trip=own.trip)
            case Kind.TRAVEL:
                seen = self._any([t for t in self._good[-90:] if _is_lately_elsewhere(t, truck)])
                return seen and msgspec.structs.replace(truck, again=seen.number)
            case Kind.CLONE_TARE:
                known = [number for number, came in self._fleet.items() if len(came) > 1]
                known = [n for n in known if self._fleet[n][-1] < truck.at_s - _AGAIN_S / 2]
                first = self._any(known)
                return None if first is None else msgspec.structs.replace(truck, again=first)
            case _:
                return truck

    def _any(self, items: Sequence[T]) -> T | None:
        return self._rng.choice(items) if items else None

    def _good_one(self, base: Truck) -> Truck:
        trip = self._trip(base.lane, Kind.GOOD)
        if self._are_owners and self._rng.random() < 0.5:
            trip = Trip.EMPTY
        truck = msgspec.structs.replace(base, trip=trip)
        if trip is Trip.EMPTY:
            truck = self._of_the_fleet(truck)
        self._good.append(truck)
        return truck

    def _of_the_fleet(self, truck: Truck) -> Truck:
        """A vehicle that comes empty: mostly one that has come before."""
        away = [n for n, came in self._fleet.items() if came[-1] < truck.at_s - _AGAIN_S]
        if away and self._rng.random() < _AGAIN:
            first = self._rng.choice(away)
            self._fleet[first].append(truck.at_s)
            return msgspec.structs.replace(truck, again=first)
        self._fleet[truck.number] = [truck.at_s]
        return truck

    def _trip(self, lane: int, kind: Kind) -> Trip:
        trip = self._rng.choices(list(_TRIPS), list(_TRIPS.values()))[0]
        if kind in TRIP_OF:
            return TRIP_OF[kind]
        return Trip.EMPTY if use_of(lane) is LaneUse.EMPTIES else trip


def _is_lately_elsewhere(seen: Truck, truck: Truck) -> bool:
    """Whether somebody came with this plate moments ago, in another lane."""
    early_s, late_s = _TRAVEL_S
    return seen.lane != truck.lane and early_s <= truck.at_s - seen.at_s <= late_s


def _troubles(rng: random.Random, passages: int, lanes: int, until_s: float) -> list[Trouble]:
    troubles = []
    for index in range(round(passages * TROUBLES_PER_PASSAGE)):
        kind = rng.choices(list(_BAD_SHARES), list(_BAD_SHARES.values()))[0]
        for_s = rng.choice([2.0, 5.0, 12.0, 30.0, 90.0, 300.0])
        if kind in (Bad.STOPPED, Bad.DISK_FULL, Bad.BOARD_AWAY, Bad.HUB_KILLED):
            for_s = min(for_s, 30.0)
        if kind is Bad.EMERGENCY:
            for_s = max(for_s, 200.0)  # so that somebody is released on a slip
        if kind is Bad.NIGHT:
            for_s = rng.uniform(*NIGHT_H) * 3600
        troubles.append(
            Trouble(
                number=passages + 1 + index,
                lane=-1 if kind in OF_THE_PORT else rng.randint(1, lanes),
                at_s=round(rng.uniform(10.0, max(20.0, until_s)), 1),
                kind=kind,
                for_s=round(for_s, 1),
            )
        )
    return troubles


def to_text(script: Script) -> str:
    """A script as a file: one choice a line, to be read and cut by hand."""
    lines = [f'{{"seed": {script.seed}}}']
    lines += [msgspec.json.encode(choice).decode() for choice in script.choices]
    return "\n".join(lines) + "\n"


def from_text(text: str) -> Script:
    """Read such a file. Raises `msgspec.MsgspecError`."""
    first, *rest = [line for line in text.splitlines() if line.strip()]
    seed = msgspec.json.decode(first, type=dict[str, int])["seed"]
    return Script(seed=seed, choices=tuple(_choices(rest)))


def _choices(lines: Sequence[str]) -> list[Choice]:
    return [msgspec.json.decode(line, type=Choice) for line in lines]
