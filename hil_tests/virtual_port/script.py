"""What happens to a port: a list of choices, made from one number, kept in a file, made shorter.

Everything else follows from the script: each choice has a number of its own from which its chance
is drawn, so that taking one choice out leaves the others as they were.
"""

from __future__ import annotations

import random
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

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


IMPOSTORS = (
    Kind.WRONG_PLATE, Kind.WRONG_CARD, Kind.OVERWEIGHT, Kind.CLONED, Kind.UNDECLARED, Kind.STALE,
    Kind.HELD, Kind.REJECTED, Kind.REPLAYED,
)  # fmt: skip
MAY_LEAVE = frozenset(set(Kind) - set(IMPOSTORS) - {Kind.WRONG_WAY, Kind.BARGES})
"""Whom a supervisor who looks closely lets go."""

_SHARES = {
    Kind.GOOD: 46, Kind.MISREAD: 7, Kind.NO_PLATE: 2, Kind.NO_CARD: 1, Kind.CHANGES_MIND: 3,
    Kind.IMPATIENT: 3, Kind.TAILGATED: 3, Kind.CROWDED: 2, Kind.PUSHES_IN: 1, Kind.WRONG_WAY: 1,
    Kind.BARGES: 1, Kind.MUDDY: 1, Kind.PENDING: 2, Kind.WRONG_PLATE: 4, Kind.WRONG_CARD: 4,
    Kind.OVERWEIGHT: 4, Kind.CLONED: 3, Kind.UNDECLARED: 2, Kind.STALE: 2, Kind.HELD: 2,
    Kind.REJECTED: 2, Kind.REPLAYED: 4,
}  # fmt: skip


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
    BOOM_STICKS = "boom_sticks"
    BOOM_SLOW = "boom_slow"
    STOPPED = "stopped"  # the emergency stop
    MODE = "mode"  # somebody closes or attends the lane for a while
    IMPORT = "import"  # papers change under way
    NEW_RULES = "new_rules"  # a policy pack is imported, with draws
    HUB_KILLED = "hub_killed"
    HUB_RESTORED = "hub_restored"
    NIGHT = "night"  # the hub is down, nobody comes, hours pass


OF_THE_PORT = (Bad.IMPORT, Bad.NEW_RULES, Bad.HUB_KILLED, Bad.HUB_RESTORED, Bad.NIGHT)
_BAD_SHARES = {
    Bad.KILL: 8, Bad.KILL_BEFORE_COMMIT: 5, Bad.KILL_AFTER_COMMIT: 10, Bad.KILL_BEFORE_ORDER: 8,
    Bad.REBOOT_IN_1970: 2, Bad.CUT: 14, Bad.LOSSY: 10, Bad.DISK_FULL: 6, Bad.CLOCK_JUMP: 3,
    Bad.BOARD_AWAY: 7, Bad.SCALE_AWAY: 5, Bad.CAMERA_AWAY: 4, Bad.CARD_AWAY: 4,
    Bad.BOOM_STICKS: 7, Bad.BOOM_SLOW: 3, Bad.STOPPED: 3, Bad.MODE: 2, Bad.IMPORT: 4,
    Bad.NEW_RULES: 2, Bad.HUB_KILLED: 3, Bad.HUB_RESTORED: 1, Bad.NIGHT: 1,
}  # fmt: skip


class Truck(msgspec.Struct, frozen=True, kw_only=True, tag="truck"):
    """Somebody comes. `of`: whose papers a replayed one shows."""

    number: int
    lane: int
    at_s: float
    kind: Kind
    of: int | None = None


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


def papers(seed: int, number: int) -> Papers:
    """The papers of a number: the same in every script of that seed."""
    rng = random.Random(f"{seed}-papers-{number}")
    letters = rng.choice(_LETTERS) + rng.choice(_LETTERS)
    return Papers(
        declaration_id=f"D{number}",
        plate=f"粤{letters}{rng.randrange(100_000):05d}",
        card_uid=f"{rng.getrandbits(32):08X}",
        gross_kg=rng.randrange(600, 2_450) * 20,
    )


def write_script(
    seed: int, *, passages: int, lanes: int, impostors: bool = False, is_calm: bool = False
) -> Script:
    """Choose: who comes where and when, and what goes wrong.

    `impostors`: nobody else, but for every tenth, whose papers are shown again. `is_calm`: no
    troubles.
    """
    rng = random.Random(f"{seed}-script")
    shares = dict.fromkeys((Kind.GOOD, *IMPOSTORS), 1) if impostors else _SHARES
    trucks = _trucks(rng, passages, lanes, shares)
    until_s = passages / lanes * PASSAGE_S
    troubles = [] if is_calm else _troubles(rng, passages, lanes, until_s)
    choices: list[Choice] = [*trucks, *troubles]
    choices.sort(key=lambda choice: (choice.at_s, choice.number))
    return Script(seed=seed, choices=tuple(choices))


def _trucks(rng: random.Random, count: int, lanes: int, shares: dict[Kind, int]) -> list[Truck]:
    due_s = dict.fromkeys(range(1, lanes + 1), 5.0)
    trucks: list[Truck] = []
    for number in range(1, count + 1):
        lane = min(due_s, key=lambda name: (due_s[name], name))
        kind = rng.choices(list(shares), list(shares.values()))[0]
        earlier = [t for t in trucks[-60:] if t.kind is Kind.GOOD]
        of = rng.choice(earlier).number if kind is Kind.REPLAYED and earlier else None
        if kind is Kind.REPLAYED and of is None:
            kind = Kind.GOOD
        trucks.append(Truck(number=number, lane=lane, at_s=round(due_s[lane], 1), kind=kind, of=of))
        due_s[lane] += rng.expovariate(1 / PASSAGE_S)
    return trucks


def _troubles(rng: random.Random, passages: int, lanes: int, until_s: float) -> list[Trouble]:
    troubles = []
    for index in range(round(passages * TROUBLES_PER_PASSAGE)):
        kind = rng.choices(list(_BAD_SHARES), list(_BAD_SHARES.values()))[0]
        for_s = rng.choice([2.0, 5.0, 12.0, 30.0, 90.0, 300.0])
        if kind in (Bad.STOPPED, Bad.DISK_FULL, Bad.BOARD_AWAY, Bad.HUB_KILLED):
            for_s = min(for_s, 30.0)
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
