"""One lane as it is outdoors: loops, beams, scale, boom, lamps, camera; facts as events.

What is here exists whether an agent runs or not. An agent that starts is told everything anew,
a device that is away tells nothing and obeys nothing.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol

from gate_agent.adapters.lane_io import LampOrder, LowerOrder, RaiseOrder
from gate_agent.adapters.plate_candidates import NOT_WEIGHED
from gate_agent.domain.effects import Lamp, Sign
from gate_agent.domain.events import (
    BarrierCommandFailed,
    BarrierMoved,
    CardPresented,
    Event,
    FaultCleared,
    FaultRaised,
    InputsChanged,
    PlateRead,
    RaiseSent,
    TagRead,
    WeightObserved,
)
from gate_agent.domain.evidence import OtherPlate
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.vocabulary import Barrier, WeightState
from hil_tests.virtual_port.camera import NOTHING, Look, weigh

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from gate_agent.adapters.lane_io import BoardOrder
    from gate_agent.adapters.plate_reader import PlateOrder
    from gate_agent.domain.vocabulary import CommandId
    from hil_tests.virtual_port.agent import VirtualAgent

DIVISION_KG = 20
KEEP_ALIVE_S = 3.0
BRACKETS = ((0.5, 10),)  # when, as a share of the settling, and how wide, in permille
TRAVEL_S = 1.5
ORDER_S = (0.01, 0.04)  # from the lane to the contact
TAG_S = (0.05, 0.6)  # from the beam to the tag's being seen
PATIENCE_S = 3.0  # how long a question to the camera waits while it is away

_UNREAD = InputsChanged(entry_loop=None, front_beam=None, rear_beam=None, exit_loop=None)
_NO_WEIGHT = WeightObserved(state=WeightState.UNAVAILABLE, gross_kg=None, division_kg=0)


class Vehicle(Protocol):
    """What a lane can sense of whoever stands in it."""

    @property
    def number(self) -> int:
        """Which one it is."""
        ...

    @property
    def tag_id(self) -> str:
        """The tag behind its windshield; "": none."""
        ...

    @property
    def other_plates(self) -> tuple[str, ...]:
        """What is read beside its plate."""
        ...

    def seen_as(self, attempt: int, rng: random.Random) -> Look:
        """What the camera makes of its plate."""
        ...


class Boom:
    """The boom and its motor."""

    def __init__(self, loop: asyncio.AbstractEventLoop, moved: Callable[[], None]) -> None:
        self._loop = loop
        self._moved = moved
        self._strokes = 0
        self.position = Barrier.CLOSED
        self.sticks = 0  # reasons why it does not move
        self.travel_s = TRAVEL_S

    def raise_it(self) -> None:
        """The contact for up was pulsed."""
        if not self.sticks and self.position not in (Barrier.OPEN, Barrier.OPENING):
            self._go(Barrier.OPENING, Barrier.OPEN)

    def lower_it(self) -> None:
        """The contact for down was pulsed."""
        if not self.sticks and self.position not in (Barrier.CLOSED, Barrier.CLOSING):
            self._go(Barrier.CLOSING, Barrier.CLOSED)

    def feel(self) -> None:
        """Something is under it: its own safety reverses it."""
        if self.position is Barrier.CLOSING:
            self._go(Barrier.OPENING, Barrier.OPEN)

    def force(self) -> None:
        """Somebody drove through it."""
        self._set(Barrier.FORCED)

    def put_down(self) -> None:
        """Somebody put it back by hand."""
        self._set(Barrier.CLOSED)

    def _set(self, position: Barrier) -> None:
        self._strokes += 1
        self.position = position
        self._moved()

    def _go(self, via: Barrier, to: Barrier) -> None:
        self._set(via)
        self._loop.call_later(self.travel_s, self._arrive, self._strokes, to)

    def _arrive(self, stroke: int, to: Barrier) -> None:
        if stroke == self._strokes:
            self._set(to)


class Place:
    """A lane's devices, told to the agent that runs; the board's orders come back here."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        seed: str,
        day: asyncio.Event,
        *,
        has_tag_reader: bool = False,
    ) -> None:
        """At night `day` is not set: nobody comes."""
        self.has_tag_reader = has_tag_reader
        self.tags_told: set[int] = set()  # vehicles whose tag the lane was told
        self._loop = loop
        self._rng = random.Random(seed)
        self.raised: Callable[[CommandId], None] = lambda _: None  # told of every pulse for up
        self.day = day
        self.agent: VirtualAgent | None = None
        self.boom = Boom(loop, self._boom_moved)
        self.on: dict[str, set[int]] = {
            "entry_loop": set(), "rear_beam": set(), "front_beam": set(), "exit_loop": set()
        }  # fmt: skip
        self.lamps: set[Lamp] = set()
        self.present: dict[int, Vehicle] = {}  # in the lane, first come first
        self._loads: dict[int, int] = {}
        self.mud_kg = 0
        self._scale = _NO_WEIGHT
        self._stirs = 0
        self.away: dict[FaultCode, int] = {}  # devices that are away, for how many reasons
        self._sent: InputsChanged | None = None
        self._pulsed: set[CommandId] = set()
        self.settle_s = 1.5
        self._stir()

    # -- what vehicles do

    def occupy(self, sensor: str, number: int) -> None:
        """A vehicle comes onto a loop or into a beam."""
        self.on[sensor].add(number)
        if sensor in ("front_beam", "exit_loop"):
            self.boom.feel()
        self._inputs_changed()

    def leave(self, sensor: str, number: int) -> None:
        """It is off it."""
        self.on[sensor].discard(number)
        self._inputs_changed()

    def load(self, number: int, kg: int) -> None:
        """How much of a vehicle rests on the platform."""
        if kg:
            self._loads[number] = kg
        else:
            self._loads.pop(number, None)
        self._stir()

    def soil(self, kg: int) -> None:
        """Mud comes onto the platform, or is swept away."""
        self.mud_kg = kg
        self._stir()

    def present_card(self, uid: str) -> bool:
        """A card is held to the reader; whether the reader felt it."""
        if self.agent is None or self.is_away(FaultCode.CARD_LINK):
            return False
        self.agent.tell(CardPresented(uid=uid))
        return True

    def come_with_tag(self, number: int) -> None:
        """A vehicle comes into the field of the tag reader, where there is one."""
        vehicle = self.present.get(number)
        if self.has_tag_reader and vehicle is not None and vehicle.tag_id:
            self._loop.call_later(self._rng.uniform(*TAG_S), self._see_tag, number)

    def _see_tag(self, number: int) -> None:
        vehicle = self.present.get(number)
        if vehicle is None or self.agent is None or self.is_away(FaultCode.TAG_LINK):
            return
        self.tags_told.add(number)
        self._tell(TagRead(tag_id=vehicle.tag_id))

    @property
    def is_clear(self) -> bool:
        """Whether nobody is on any loop, in any beam or on the scale."""
        return not self._loads and not any(self.on.values())

    @property
    def sign(self) -> Sign:
        """What the sign shows; dark where no agent runs."""
        return Sign.OUT_OF_SERVICE if self.agent is None else self.agent.lane.sign

    # -- devices that come and go

    def is_away(self, code: FaultCode) -> bool:
        """Whether a device is out of reach."""
        return bool(self.away.get(code))

    def take_away(self, code: FaultCode) -> None:
        """A device is lost."""
        self.away[code] = self.away.get(code, 0) + 1
        if self.away[code] > 1:
            return
        if code is FaultCode.BUS_LINK:
            self._tell(_UNREAD)
            self._sent = _UNREAD
            self._tell(BarrierMoved(position=Barrier.UNKNOWN))
        if code is FaultCode.SCALE_LINK:
            self._tell(_NO_WEIGHT)
        self._tell(FaultRaised(code=code, detail="away"))

    def bring_back(self, code: FaultCode) -> None:
        """It answers again."""
        self.away[code] -= 1
        if self.away[code] == 0:
            self._report(code)
            self._tell(FaultCleared(code=code))

    def agent_came(self, agent: VirtualAgent) -> None:
        """A new process opens the devices: it is told what there is."""
        self.agent = agent
        self._sent = None
        for code in (FaultCode.BUS_LINK, FaultCode.SCALE_LINK, FaultCode.CARD_LINK,
                     FaultCode.CAMERA_LINK, FaultCode.TAG_LINK):  # fmt: skip
            if self.is_away(code):
                self._tell(FaultRaised(code=code, detail="away"))
            else:
                self._report(code)

    def _report(self, code: FaultCode) -> None:
        if code is FaultCode.BUS_LINK:
            self._sent = None
            self._inputs_changed()
            self._boom_moved()
        if code is FaultCode.SCALE_LINK:
            self._tell(self._scale)
        if code is FaultCode.TAG_LINK:
            for number in self.present:
                self.come_with_tag(number)

    def _tell(self, event: Event) -> None:
        if self.agent is not None:
            self.agent.tell(event)

    def _inputs_changed(self) -> None:
        event = InputsChanged(**{name: bool(numbers) for name, numbers in self.on.items()})
        if event != self._sent and not self.is_away(FaultCode.BUS_LINK):
            self._sent = event
            self._tell(event)

    def _boom_moved(self) -> None:
        if not self.is_away(FaultCode.BUS_LINK):
            self._tell(BarrierMoved(position=self.boom.position))

    # -- the scale

    def _stir(self) -> None:
        """The load changed: the platform swings, then rests."""
        self._stirs += 1
        kg = sum(self._loads.values()) + self.mud_kg
        swing_kg = round(kg * self._rng.uniform(-0.02, 0.02))
        self._weigh(WeightState.MOVING, kg + swing_kg)
        for share, permille in BRACKETS:
            self._loop.call_later(self.settle_s * share, self._bracket, self._stirs, permille)
        self._loop.call_later(self.settle_s, self._rest, self._stirs)

    def _bracket(self, stir: int, permille: int) -> None:
        """The swing proves by now in which interval it must come to rest."""
        if stir != self._stirs or not self._loads:
            return
        kg = sum(self._loads.values()) + self.mud_kg
        width_kg = max(DIVISION_KG, kg * permille // 1000)
        low_kg = kg - round(width_kg * self._rng.uniform(0.2, 1.0)) - DIVISION_KG
        self._scale = WeightObserved(
            state=WeightState.MOVING,
            gross_kg=kg,
            division_kg=DIVISION_KG,
            spread_kg=width_kg,
            window_kg=(kg + width_kg, kg - width_kg, kg + width_kg // 2),
            low_kg=low_kg,
            high_kg=low_kg + 2 * width_kg + 2 * DIVISION_KG,
        )
        self._tell_weight()

    def _rest(self, stir: int) -> None:
        if stir != self._stirs:
            return
        kg = sum(self._loads.values()) + self.mud_kg
        shown_kg = round(kg / DIVISION_KG) * DIVISION_KG
        self._weigh(WeightState.SETTLED if shown_kg else WeightState.EMPTY, shown_kg)
        if shown_kg:
            self._loop.call_later(KEEP_ALIVE_S, self._rest, stir)

    def _weigh(self, state: WeightState, kg: int) -> None:
        window = (kg, kg, kg) if state is WeightState.SETTLED else ()
        self._scale = WeightObserved(
            state=state, gross_kg=kg, division_kg=DIVISION_KG, window_kg=window
        )
        self._tell_weight()

    def _tell_weight(self) -> None:
        if not self.is_away(FaultCode.SCALE_LINK):
            self._tell(self._scale)

    # -- orders of the lane

    def order(self, order: BoardOrder) -> None:
        """What the lane wants of its board; it takes a moment to get there."""
        match order:
            case LampOrder():
                if not self.is_away(FaultCode.BUS_LINK):
                    (self.lamps.add if order.on else self.lamps.discard)(order.lamp)
            case RaiseOrder() | LowerOrder():
                self._loop.call_later(self._rng.uniform(*ORDER_S), self._obey, order, self.agent)

    def _obey(self, order: RaiseOrder | LowerOrder, whose: VirtualAgent | None) -> None:
        if whose is None or whose is not self.agent:
            return  # the process that wanted it is gone, and its queue of orders with it
        why = self._refusal(order, whose)
        if why:
            self._tell(BarrierCommandFailed(command_id=order.command_id, why=why))
        elif isinstance(order, RaiseOrder):
            self._pulsed.add(order.command_id)
            self.raised(order.command_id)
            self.boom.raise_it()
            self._tell(RaiseSent(command_id=order.command_id))
        else:
            self._pulsed.add(order.command_id)
            self.boom.lower_it()

    def _refusal(self, order: RaiseOrder | LowerOrder, agent: VirtualAgent) -> str:
        """The boom driver's own interlocks."""
        if self.is_away(FaultCode.BUS_LINK):
            return "the board does not answer"
        if order.command_id in self._pulsed:
            return "done before"
        if isinstance(order, RaiseOrder):
            return "too late" if agent.now_s() > order.valid_until_s else ""
        return "the way is not clear" if self.on["front_beam"] or self.on["exit_loop"] else ""

    def read_plate(self, order: PlateOrder) -> None:
        """The camera is asked."""
        delay_s = PATIENCE_S if self.is_away(FaultCode.CAMERA_LINK) else self._rng.uniform(0.2, 0.7)
        self._loop.call_later(delay_s, self._answer_plate, order, self.agent)

    def _answer_plate(self, order: PlateOrder, whose: VirtualAgent | None) -> None:
        if whose is None or whose is not self.agent:
            return
        look = NOTHING
        others: tuple[str, ...] = ()
        if self.present and not self.is_away(FaultCode.CAMERA_LINK):
            first = next(iter(self.present.values()))
            look, others = first.seen_as(order.attempt, self._rng), first.other_plates
        weighed = NOT_WEIGHED
        if look.text:
            weighed = weigh(look, whose.candidates, order.card_uid)
        self._tell(
            PlateRead(
                passage_id=order.passage_id,
                attempt=order.attempt,
                text=look.text,
                plate_class="blue" if look.text else "",
                confidence_permille=look.permille,
                frames_agreed=look.frames_agreed,
                frames_seen=3,
                picture_id=whose.keep_picture(self._rng) if look.text else None,
                candidates=weighed.candidates,
                none_milli_nats=weighed.none_milli_nats,
                others=tuple(
                    OtherPlate(text=text, confidence_permille=990, frames_agreed=3)
                    for text in others
                ),
            )
        )
