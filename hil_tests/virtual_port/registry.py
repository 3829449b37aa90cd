"""The port's declarations: what port IT brings in before the day, and changes during it."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING

import msgspec

from central.store import manifest_store, policy_store
from central.store.manifest_store import Author
from gate_agent.domain.draws import commitment
from gate_agent.domain.policy_pack import (
    WITHOUT_DOUBT_PERMILLE,
    DrawPeriod,
    IdentityRule,
    Limits,
    PolicyPack,
    RiskRule,
)
from gate_agent.wire.v1 import DeclarationRow, DocumentsName
from hil_tests.virtual_port.loop import WALL_MS
from hil_tests.virtual_port.script import Kind, Script, Truck
from hil_tests.virtual_port.traffic import HARD_TO_READ, one_character_off, own_papers

if TYPE_CHECKING:
    from hil_tests.virtual_port.hub import HubProcess

ROWS = 300  # in one import
CHANGED = 20  # in one import during the day, and as many new
VERIFYING = 0.7  # of the packs: a plate in doubt may be made up for
NEIGHBORS = 3  # every so many a vehicle that is hard to read has a declared neighbor
MONTH_MS = 30 * 86_400_000
NEVER_COME = 9_000_000  # numbers of declarations whose vehicles never come

_DOCUMENTS: dict[Kind, DocumentsName] = {Kind.PENDING: "pending", Kind.REJECTED: "rejected"}


class Registry:
    """Declares what the script's vehicles should have declared."""

    def __init__(self, script: Script, hub: HubProcess) -> None:
        self._script = script
        self._hub = hub
        self._rng = random.Random(f"{script.seed}-registry")

    async def declare_all(self) -> None:
        """Bring in the papers of every vehicle that will come."""
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
        if services is None:
            return
        now_ms = services.clock.wall_ms()
        secret, begins_ms = self._rng.randbytes(32), now_ms + self._rng.randrange(1, 90_000)
        period = DrawPeriod(
            period=f"period-{number}",
            from_ms=begins_ms,
            until_ms=begins_ms + MONTH_MS,
            commitment=commitment(secret),
        )
        pack = PolicyPack(
            version=f"sim-{number}",
            owner="port",
            effective_from_ms=begins_ms,
            effective_until_ms=begins_ms + MONTH_MS,
            limits=Limits(min_plate_confidence_permille=WITHOUT_DOUBT_PERMILLE),
            identity=IdentityRule(verified_plate_suffices=self._rng.random() < VERIFYING),
            risk=RiskRule(unknown_review_permille=self._rng.choice([0, 20, 100])),
            draw_periods=(period,),
        )
        await services.store.write(_keep_rules, pack, secret, now_ms)
        services.changes.announce()

    def _trucks(self) -> list[Truck]:
        return [choice for choice in self._script.choices if isinstance(choice, Truck)]

    def _absent(self) -> list[Truck]:
        """Owners of papers that a replayed truck shows, where the script has lost them."""
        here = {truck.number for truck in self._trucks()}
        shown = {truck.of for truck in self._trucks() if truck.of is not None}
        return [_honest(number) for number in sorted(shown - here)]

    async def _bring_in(self, trucks: list[Truck]) -> None:
        services = self._hub.services
        rows = [row for truck in trucks for row in self._rows(truck)]
        if services is not None:
            author = Author(at_ms=services.clock.wall_ms(), who="port")
            await services.store.write(manifest_store.apply_import, rows, author, replace=False)

    def _rows(self, truck: Truck) -> list[DeclarationRow]:
        own = self._row(truck)
        if own is None:
            return []
        is_hard = truck.kind in HARD_TO_READ and truck.number % NEIGHBORS == 0
        return [own, _neighbor(own, truck.number)] if is_hard else [own]

    def _row(self, truck: Truck) -> DeclarationRow | None:
        own = own_papers(self._script.seed, truck)
        if own is None:
            return None
        return DeclarationRow(
            declaration_id=own.declaration_id,
            plates=(own.plate,),
            card_uid=own.card_uid,
            gross_kg=own.gross_kg,
            valid_from_ms=WALL_MS - MONTH_MS,
            valid_until_ms=WALL_MS - 1_000 if truck.kind is Kind.STALE else WALL_MS + MONTH_MS,
            documents=_DOCUMENTS.get(truck.kind, "released"),
            holds=("customs",) if truck.kind is Kind.HELD else (),
        )


def _neighbor(row: DeclarationRow, number: int) -> DeclarationRow:
    """The paper of somebody else, whose plate differs in one character."""
    rng = random.Random(f"{number}-neighbor")
    return msgspec.structs.replace(
        row,
        declaration_id=f"N{row.declaration_id}",
        plates=(one_character_off(row.plates[0], rng),),
        card_uid=f"{rng.getrandbits(32):08X}",
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


def _honest(number: int) -> Truck:
    return Truck(number=number, lane=1, at_s=0.0, kind=Kind.GOOD)
