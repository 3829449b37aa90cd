"""Bringing into service the weighbridge."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from devices.bench.bare_line import READ_S, BareLine
from devices.bench.bring_up import SKIP, BringUpStep, Finding, bad, good, skipped
from devices.bench.cable import comes_back
from devices.bench.diagnosis import ENOUGH_FRAMES, looks_swapped, scale_decoders, scale_example
from devices.readings import WeightStatus
from devices.registry import open_weighbridge
from devices.weighbridge.protocols import protocol_named
from devices.weighbridge.settle import SettleFilter, WeightPhase

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.bench.diagnosis import Maker
    from devices.weighbridge.settle import WeightState

SETTLE_WITHIN_S = 15.0

_STATUS_ADVICE = {
    WeightStatus.NET: "a tare is set: clear it, the gate needs gross weight",
    WeightStatus.NOT_KG: "the display is not in kilograms: set its unit, or weighbridge.unit",
    WeightStatus.NOT_ZEROED: "the indicator came up with a load: empty the scale and zero it",
    WeightStatus.OVERLOAD: "overload: look at the load cells' plug and at the indicator's capacity",
    WeightStatus.UNDERLOAD: "below zero: zero the indicator, look at the load cells",
    WeightStatus.DIVISION: "the display counts in another step: set weighbridge.division_kg to it",
    WeightStatus.ERROR: "the indicator reports an error of its own: see its manual",
}


def weighbridge_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for an indicator."""
    config = session.config.weighbridge
    line = BareLine(session, config.port, config.baud)
    protocol = protocol_named(config.driver, config.address)
    asks = () if protocol.poll is None else (protocol.poll.check, protocol.poll.ask)
    decoders: dict[str, Maker] = {**scale_decoders(), config.driver: protocol.make_decoder}
    return (
        BringUpStep(name="port", look=line.opens),
        BringUpStep(name="bytes", look=partial(line.hears, asks)),
        BringUpStep(
            name="frames",
            look=partial(
                line.understands,
                config.driver,
                decoders,
                ENOUGH_FRAMES,
                partial(_is_scale_swapped, config.driver, config.address, config.baud),
            ),
        ),
        BringUpStep(name="reading", look=partial(_reads, session)),
        BringUpStep(name="empty scale", look=partial(_is_empty, session)),
        BringUpStep(name="known weight", look=partial(_weighs, session)),
        BringUpStep(name="cable pulled", look=partial(_comes_back, session)),
    )


def _is_scale_swapped(driver: str, address: int, baud: int, payload: bytes) -> bool:
    return looks_swapped(payload, scale_example(driver, address), baud)


# --- the indicator by its driver ------------------------------------------------------------------


def _settled(session: Session, phases: tuple[WeightPhase, ...]) -> WeightState:
    """The scale once it is in one of `phases`, or as it is after a while. Raises `DeviceError`."""
    config, clock = session.config.weighbridge, session.clock
    scale, settle = open_weighbridge(config, clock), SettleFilter(config)
    scale.open()
    try:
        until_s = clock.now().mono_s + SETTLE_WITHIN_S
        state = settle.at(clock.now().mono_s)
        while clock.now().mono_s < until_s:
            for reading in scale.read(READ_S):
                state = settle.feed(reading)
            if state.phase in phases or state.phase is WeightPhase.INVALID:
                return state
        return state
    finally:
        scale.close()


def _reads(session: Session) -> Finding:
    state = _settled(session, (WeightPhase.EMPTY, WeightPhase.SETTLED, WeightPhase.MOVING))
    if state.phase is WeightPhase.INVALID:
        return bad(f"status {state.status}", _STATUS_ADVICE.get(state.status, "see its manual"))
    if state.phase is WeightPhase.STALE:
        return bad(
            "no reading", "the display is slow: weighbridge.stale_s is shorter than its rate"
        )
    division_kg = session.config.weighbridge.division_kg
    shown_kg = state.shown_kg or 0
    if shown_kg % division_kg:
        return bad(
            f"{shown_kg} kg is no multiple of {division_kg} kg",
            "set weighbridge.division_kg to the step in which the display counts",
        )
    return good(f"{shown_kg} kg, {state.phase}")


def _is_empty(session: Session) -> Finding:
    if session.ask("empty", "is the scale empty? Enter, or skip: ") == SKIP:
        return skipped("not asked")
    state = _settled(session, (WeightPhase.EMPTY,))
    if state.phase is WeightPhase.EMPTY:
        return good(f"{state.gross_kg} kg at rest")
    if state.phase is WeightPhase.MOVING:
        return bad("it does not come to rest", "wind, a cable that touches, a stone under the deck")
    return bad(f"{state.shown_kg} kg", "zero the indicator; what lies on the deck?")


def _weighs(session: Session) -> Finding:
    said = session.ask("load_kg", "put a known weight on; how many kg is it? (skip): ")
    if said == SKIP or not said.strip():
        return skipped("no known weight")
    try:
        load_kg = float(said)
    except ValueError:
        return bad(f"{said!r} is no number")
    state = _settled(session, (WeightPhase.SETTLED,))
    shown_kg, division_kg = state.gross_kg, session.config.weighbridge.division_kg
    if shown_kg is None:
        return bad(f"it does not settle: {state.phase}", "wait until the display rests, try again")
    if abs(shown_kg - load_kg) <= division_kg:
        return good(f"{shown_kg} kg for {load_kg:g} kg")
    return bad(f"{shown_kg} kg for {load_kg:g} kg", _of_ratio(shown_kg / load_kg))


def _of_ratio(ratio: float) -> str:
    for wanted, why in (
        (0.0, "the deck does not feel it: a load cell is not connected, or it stands on the frame"),
        (0.001, 'the display is in tonnes: weighbridge.unit = "t"'),
        (1_000.0, 'the display is in kilograms: weighbridge.unit = "kg"'),
        (10.0, "the decimal point is one place off: division and unit of the indicator"),
        (0.1, "the decimal point is one place off: division and unit of the indicator"),
        (2.2046, "the display is in pounds"),
        (0.75, "one of four corners is not felt: a load cell's cable"),
    ):
        if abs(ratio - wanted) <= max(0.02 * wanted, 1e-4):
            return why
    return "the scale is out of calibration: an approved body must adjust it"


def _comes_back(session: Session) -> Finding:
    scale = open_weighbridge(session.config.weighbridge, session.clock)
    return comes_back(session, scale, lambda scale: bool(scale.read(READ_S)))
