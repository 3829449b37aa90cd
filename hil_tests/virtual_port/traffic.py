"""Drivers: what they do with loops, beams, scale and card, and when they give up."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from gate_agent.domain.effects import Lamp, Sign
from gate_agent.domain.vocabulary import Barrier
from hil_tests.virtual_port.camera import NOTHING, Look, clear_look, hard_look
from hil_tests.virtual_port.declared import papers_of
from hil_tests.virtual_port.script import MAY_LEAVE, Kind, Trip, Truck, papers

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil_tests.virtual_port.place import Place

LOOK_S = 0.7
TURNED = (Sign.TURN_BACK, Sign.GO_TO_INSPECTION)
SECOND = 1_000_000  # added to the number of whoever follows a truck
CARD_AGAIN_S = 4.0
LONGEST_S = 2_400.0  # in one lane, or in front of it: then something is stuck
HARD_TO_READ = (Kind.MISREAD, Kind.WRONG_PLATE)
CHOSEN = 0.5  # of the looks at a copied plate: hard to read where it differs


class StuckError(Exception):
    """A driver has waited longer than anybody would."""


class Vehicle:
    """One vehicle and its driver."""

    def __init__(self, seed: int, truck: Truck) -> None:
        self.truck = truck
        self.kind = truck.kind
        self.number = truck.number
        self.rng = random.Random(f"{seed}-truck-{truck.number}")
        self.papers = papers_of(seed, truck)
        self.plate = self.papers.plate
        self.other_plates: tuple[str, ...] = ()
        self.tag_id = ""
        self.card_uid = self.papers.card_uid
        self.gross_kg = self.papers.gross_kg + self.rng.randrange(-10, 11) * 20
        self._deviate(seed)
        self.left = ""

    @property
    def may_leave(self) -> bool:
        """Whether a person who looks closely lets it go."""
        return self.kind in MAY_LEAVE

    def _deviate(self, seed: int) -> None:
        rng = self.rng
        match self.kind:
            case Kind.WRONG_PLATE:
                self.plate = one_character_off(self.plate, rng)
            case Kind.WRONG_CARD:
                other = papers(seed, self.number + rng.choice([-1, 1, 7_000_000]))
                self.card_uid = other.card_uid
            case Kind.OVERWEIGHT | Kind.CLONED:
                factor = rng.choice([0.75, 0.9, 1.1, 1.3])
                self.gross_kg = round(self.papers.gross_kg * factor) + rng.choice([-1, 1]) * 400
            case Kind.NOT_EMPTY:
                self.gross_kg = self.papers.gross_kg + rng.randrange(50, 600) * 20
            case _:
                pass
        if self.truck.trip is Trip.TAGGED and self.kind is not Kind.REPLAYED:
            other = papers(seed, self.number + 1)
            self.tag_id = (other if self.kind is Kind.WRONG_TAG else self.papers).tag_id
        if self.truck.trip is Trip.TWO_PLATES and self.kind not in HARD_TO_READ:
            self._show_either_plate()

    def _show_either_plate(self) -> None:
        """One of its two plates is read as the vehicle's, the other beside it."""
        both = [self.papers.plate, self.papers.second_plate]
        self.rng.shuffle(both)
        self.plate, self.other_plates = both[0], (both[1],)

    def seen_as(self, attempt: int, rng: random.Random) -> Look:
        """What the camera makes of it."""
        if self.kind is Kind.NO_PLATE:
            return NOTHING
        if self.kind not in HARD_TO_READ:
            return clear_look(self.plate)
        return hard_look(self.plate, attempt, self._weak(rng), rng)

    def _weak(self, rng: random.Random) -> tuple[int, str]:
        """Which character could be taken for which; somebody who copies a plate has chosen it."""
        pairs = zip(self.plate, self.papers.plate, strict=True)
        off = [(place, theirs) for place, (own, theirs) in enumerate(pairs) if own != theirs]
        if off and rng.random() < CHOSEN:
            return off[0]
        wrong = one_character_off(self.plate, rng)
        return next((n, c) for n, c in enumerate(wrong) if c != self.plate[n])


def one_character_off(plate: str, rng: random.Random) -> str:
    """The same plate but for one digit."""
    place = rng.randrange(3, len(plate))
    digit = rng.choice([d for d in "0123456789" if d != plate[place]])
    return plate[:place] + digit + plate[place + 1 :]


class Visit:
    """One vehicle's way through one lane. `drive` ends when it is gone."""

    def __init__(
        self, place: Place, vehicle: Vehicle, stands: Callable[[Vehicle], None] = lambda _: None
    ) -> None:
        """`stands` is called when the vehicle is on the scale."""
        self._place = place
        self._stands = stands
        self._vehicle = vehicle
        self._rng = vehicle.rng
        self._number = vehicle.number

    async def drive(self) -> None:
        """Come, be checked, go. Raises `StuckError`."""
        if self._vehicle.kind is Kind.WRONG_WAY:
            await self._come_in_by_the_exit()
            return
        if self._vehicle.kind is not Kind.PUSHES_IN:
            await self._wait_for_green()
        elif not self._place.is_clear:
            await self._wait_until_clear()
        self._place.present[self._number] = self._vehicle
        await self._drive_on()
        self._stands(self._vehicle)
        if self._vehicle.kind is Kind.CROWDED:
            await self._somebody_behind()
        await self._stand()
        self._place.present.pop(self._number, None)
        if self._vehicle.kind is Kind.MUDDY:
            await self._leave_mud()

    async def _leave_mud(self) -> None:
        """Mud stays on the scale until somebody sweeps it."""
        self._place.soil(self._rng.choice([20, 60, 400]))
        await self._sleep(10.0, 60.0)
        self._place.soil(0)

    async def _sleep(self, low_s: float, high_s: float) -> None:
        await asyncio.sleep(self._rng.uniform(low_s, high_s))

    async def _wait_for_green(self) -> None:
        waited_s = 0.0
        place = self._place
        while not (Lamp.ENTRY_GREEN in place.lamps and place.is_clear and place.day.is_set()):
            await place.day.wait()
            await asyncio.sleep(LOOK_S)
            waited_s += LOOK_S
            if waited_s > LONGEST_S:
                raise StuckError(f"truck {self._number}: no green for {waited_s:.0f} s")

    async def _wait_until_clear(self) -> None:
        while not self._place.is_clear or self._place.boom.position is not Barrier.CLOSED:  # noqa: ASYNC110 - virtual time costs nothing
            await asyncio.sleep(LOOK_S)

    async def _drive_on(self) -> None:
        place, me, kg = self._place, self._number, self._vehicle.gross_kg
        place.occupy("entry_loop", me)
        await self._sleep(0.5, 1.0)
        if self._vehicle.kind is Kind.CHANGES_MIND and self._rng.random() < 0.3:
            await self._sleep(0.5, 3.0)
            place.leave("entry_loop", me)
            return
        place.occupy("rear_beam", me)
        place.come_with_tag(me)
        await self._sleep(0.2, 0.4)
        place.load(me, round(kg * 0.35))
        await self._sleep(0.4, 0.7)
        place.leave("entry_loop", me)
        place.load(me, kg)
        await self._sleep(0.3, 0.6)
        place.leave("rear_beam", me)

    async def _somebody_behind(self) -> None:
        """A second one cuts the rear beam, finds that there is no room, and goes back."""
        place, other = self._place, self._number + SECOND
        await self._sleep(0.2, 3.0)
        place.occupy("entry_loop", other)
        await self._sleep(0.3, 0.8)
        place.occupy("rear_beam", other)
        await self._sleep(1.0, 4.0)
        place.leave("rear_beam", other)
        await self._sleep(0.3, 0.8)
        place.leave("entry_loop", other)

    async def _stand(self) -> None:
        """Present the card, watch sign and boom, until there is a way out."""
        place, waited_s = self._place, 0.0
        if place.is_clear:  # changed its mind on the entry loop
            self._vehicle.left = "entry"
            return
        card_at_s = self._rng.uniform(0.3, 3.0)
        patience_s = self._patience_s()
        while True:
            if self._may_go():
                await self._drive_out()
                return
            if place.sign in TURNED or waited_s > patience_s:
                await self._back_out()
                return
            if waited_s >= card_at_s and self._vehicle.kind is not Kind.NO_CARD:
                felt = place.present_card(self._vehicle.card_uid)
                card_at_s += CARD_AGAIN_S if not felt or self._is_asked() else LONGEST_S
            if self._vehicle.kind is Kind.BARGES and waited_s > 8.0:
                await self._barge()
                return
            await asyncio.sleep(LOOK_S)
            waited_s += LOOK_S
            if waited_s > LONGEST_S:
                raise StuckError(
                    f"truck {self._number} ({self._vehicle.kind}): {waited_s:.0f} s in the lane,"
                    f" the sign says {place.sign.value}"
                )

    def _is_asked(self) -> bool:
        return self._place.sign is Sign.PRESENT_CARD

    def _patience_s(self) -> float:
        if self._vehicle.kind is Kind.CHANGES_MIND:
            return self._rng.uniform(0.5, 4.0)
        if self._vehicle.kind is Kind.IMPATIENT:
            return self._rng.uniform(2.0, 30.0)
        return LONGEST_S * 2

    def _may_go(self) -> bool:
        place = self._place
        return place.boom.position is Barrier.OPEN and Lamp.EXIT_GREEN in place.lamps

    async def _drive_out(self) -> None:
        place, me = self._place, self._number
        follower = self._vehicle.kind is Kind.TAILGATED
        await self._sleep(0.3, 1.0)
        if not self._may_go():
            await self._stand()
            return
        place.occupy("front_beam", me)
        if follower:
            place.occupy("rear_beam", me + SECOND)
        place.load(me, round(self._vehicle.gross_kg * 0.65))
        await self._sleep(0.3, 0.6)
        place.occupy("exit_loop", me)
        await self._sleep(0.3, 0.6)
        place.load(me, 0)
        place.leave("front_beam", me)
        self._vehicle.left = "exit"
        if follower:
            await self._follow(me + SECOND)
        await self._sleep(0.3, 1.0)
        place.leave("exit_loop", me)
        place.present.pop(me, None)

    async def _follow(self, other: int) -> None:
        """Somebody sticks to the bumper, over the scale and out."""
        place = self._place
        place.load(other, 9_000)
        place.leave("rear_beam", other)
        await self._sleep(0.4, 0.8)
        place.occupy("front_beam", other)
        await self._sleep(0.2, 0.5)
        place.leave("exit_loop", self._number)
        place.occupy("exit_loop", other)
        place.load(other, 0)
        place.leave("front_beam", other)
        await self._sleep(0.4, 0.8)
        place.leave("exit_loop", other)

    async def _back_out(self) -> None:
        place, me = self._place, self._number
        await self._sleep(0.5, 2.0)
        place.occupy("rear_beam", me)
        place.occupy("entry_loop", me)
        await self._sleep(0.5, 1.0)
        place.load(me, 0)
        place.leave("rear_beam", me)
        await self._sleep(0.3, 0.8)
        place.leave("entry_loop", me)
        self._vehicle.left = "entry"

    async def _barge(self) -> None:
        """Through the boom; somebody puts it back a minute later."""
        place, me = self._place, self._number
        place.occupy("front_beam", me)
        await self._sleep(0.3, 0.6)
        if place.boom.position in (Barrier.CLOSED, Barrier.CLOSING, Barrier.OPENING):
            place.boom.force()
        place.occupy("exit_loop", me)
        place.load(me, 0)
        place.leave("front_beam", me)
        await self._sleep(0.3, 1.0)
        place.leave("exit_loop", me)
        self._vehicle.left = "exit"
        place.present.pop(me, None)
        await self._sleep(20.0, 60.0)
        if place.boom.position is Barrier.FORCED:
            place.boom.put_down()

    async def _come_in_by_the_exit(self) -> None:
        place, me = self._place, self._number
        if place.boom.position is not Barrier.CLOSED or not place.is_clear:
            return
        place.occupy("exit_loop", me)
        await self._sleep(1.0, 4.0)
        place.leave("exit_loop", me)
