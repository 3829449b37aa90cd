"""The port's office: declarations before the day, changes during it, rules, what agencies say."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from central.store import manifest_store, policy_store
from central.store.manifest_store import Author
from hil_tests.virtual_port.declared import held, row_of
from hil_tests.virtual_port.rulebook import first_begins_ms, pack_of
from hil_tests.virtual_port.script import Kind, Script, Trip, Truck
from hil_tests.virtual_port.traffic import HARD_TO_READ, one_character_off

if TYPE_CHECKING:
    from gate_agent.domain.policy_pack import PolicyPack
    from gate_agent.wire.v1 import DeclarationRow
    from hil_tests.virtual_port.hub import HubProcess

ROWS = 300  # in one import
CHANGED = 20  # in one import during the day, and as many new
NEIGHBORS = 3  # every so many a vehicle that is hard to read has a declared neighbor
NEVER_COME = 9_000_000  # numbers of declarations whose vehicles never come
HELD_AT_FIRST = (Kind.LIFTED,)


@dataclass(frozen=True, slots=True)
class Said:
    """What an agency said of a vehicle, and in which version of the manifest."""

    version: int
    is_held: bool
    at_s: float


@dataclass(frozen=True, slots=True)
class Ruled:
    """A pack, and when it was brought in."""

    pack: PolicyPack
    at_s: float


class Registry:
    """Declares what the script's vehicles should have declared, and remembers what it said."""

    def __init__(self, script: Script, hub: HubProcess) -> None:
        self._script = script
        self._hub = hub
        self._rng = random.Random(f"{script.seed}-registry")
        self._is_held: dict[int, bool] = {}
        self.rows: dict[str, DeclarationRow] = {}  # as they were declared, by their id
        self.said: dict[str, list[Said]] = {}  # of those about whom an agency changed its mind
        self.ruled: list[Ruled] = []
        self._granted: dict[str, int] = {}

    async def declare_all(self) -> None:
        """Bring in the rules, and the papers of every vehicle that will come."""
        await self._rule(0, first_begins_ms())
        trucks = [*self._trucks(), *self._absent()]
        for first in range(0, len(trucks), ROWS):
            await self._bring_in(trucks[first : first + ROWS])

    async def change_some(self) -> None:
        """Some declarations come again, and new ones of vehicles that never come."""
        trucks = self._trucks()
        chosen = self._rng.sample(trucks, min(CHANGED, len(trucks)))
        start = NEVER_COME + self._rng.randrange(1_000_000)
        await self._bring_in([*chosen, *(_honest(start + n) for n in range(CHANGED))])

    async def change_rules(self, number: int) -> None:
        """A new pack comes into force in a while; from its period on a share is a person's."""
        services = self._hub.services
        if services is not None:
            await self._rule(number, services.clock.wall_ms() + self._rng.randrange(1, 90_000))

    async def _rule(self, number: int, begins_ms: int) -> None:
        services = self._hub.services
        if services is None:
            return
        secret = self._rng.randbytes(32)
        pack = pack_of(self._script, number, secret, begins_ms)
        at_ms = min(services.clock.wall_ms(), begins_ms - 1)
        await services.store.write(_keep_rules, pack, secret, at_ms)
        self.ruled.append(Ruled(pack, services.clock.mono_s()))
        services.changes.announce()

    async def change_mind(self, truck: Truck) -> bool:
        """An agency lets a vehicle go, or stops it. False: the hub could not be told."""
        services = self._hub.services
        if services is None:
            return False
        self._is_held[truck.number] = truck.kind is Kind.HELD_LATE
        await self._bring_in([truck])
        services.changes.announce()
        return True

    def granted(self, account_id: str) -> int:
        """How much a list began with."""
        return self._granted[account_id]

    def _trucks(self) -> list[Truck]:
        return [choice for choice in self._script.choices if isinstance(choice, Truck)]

    def _absent(self) -> list[Truck]:
        """Owners of papers that a replayed truck shows, where the script has lost them."""
        here = {truck.number for truck in self._trucks()}
        shown = {truck.of: truck for truck in self._trucks() if truck.of is not None}
        return [
            _honest(number, shown[number].trip) for number in sorted(shown) if number not in here
        ]

    async def _bring_in(self, trucks: list[Truck]) -> None:
        services = self._hub.services
        rows = [row for truck in trucks for row in self._rows(truck)]
        if services is None:
            return
        author = Author(at_ms=services.clock.wall_ms(), who="port")
        done = await services.store.write(manifest_store.apply_import, rows, author, replace=False)
        for truck in trucks:
            if truck.kind in (Kind.LIFTED, Kind.HELD_LATE):
                said = self.said.setdefault(f"D{truck.number}", [])
                said.append(Said(done.version, self._held_now(truck), services.clock.mono_s()))

    def _rows(self, truck: Truck) -> list[DeclarationRow]:
        own = row_of(self._script.seed, truck)
        if own is None:
            return []
        self.rows[own.declaration_id] = own
        self._granted |= {each.account_id: each.granted or 0 for each in own.accounts}
        if self._held_now(truck):
            own = held(own)
        is_hard = truck.kind in HARD_TO_READ and truck.number % NEIGHBORS == 0
        return [own, _neighbor(own, truck.number)] if is_hard else [own]

    def _held_now(self, truck: Truck) -> bool:
        return self._is_held.get(truck.number, truck.kind in HELD_AT_FIRST)


def _neighbor(row: DeclarationRow, number: int) -> DeclarationRow:
    """The paper of somebody else, whose plate differs in one character."""
    rng = random.Random(f"{number}-neighbor")
    return msgspec.structs.replace(
        row,
        declaration_id=f"N{row.declaration_id}",
        plates=(one_character_off(row.plates[0], rng),),
        card_uid=f"{rng.getrandbits(32):08X}",
        accounts=(),
    )


def _keep_rules(db: sqlite3.Connection, pack: PolicyPack, secret: bytes, now_ms: int) -> None:
    (period,) = pack.draw_periods
    policy_store.new_period(
        db,
        period.period,
        secret,
        from_ms=period.from_ms,
        until_ms=period.until_ms,
        at_ms=now_ms,
        who="port",
    )
    policy_store.keep_pack(db, pack, at_ms=now_ms, who="port", source="sim")


def _honest(number: int, trip: Trip = Trip.PLAIN) -> Truck:
    return Truck(number=number, lane=1, at_s=0.0, kind=Kind.GOOD, trip=trip)
