"""Bringing into service the weighbridge."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from devices.bench.bare_line import READ_S, BareLine
from devices.bench.bring_up import SKIP, BringUpStep, Finding, bad, good, skipped
from devices.bench.cable import comes_back
from devices.bench.diagnosis import ENOUGH_FRAMES, looks_swapped, scale_decoders, scale_example
from devices.bench.wording import said
from devices.registry import open_weighbridge
from devices.weighbridge.protocols import protocol_named
from devices.weighbridge.settle import SettleFilter, WeightPhase

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.bench.diagnosis import Maker
    from devices.texts import Said
    from devices.weighbridge.settle import WeightState

SETTLE_WITHIN_S = 15.0

# Shown over loaded, and the sentence that explains it.
_RATIOS = (
    (0.0, "scale.feels_nothing"),
    (0.001, "scale.in_tonnes"),
    (1_000.0, "scale.in_kilograms"),
    (10.0, "scale.decimal_point"),
    (0.1, "scale.decimal_point"),
    (2.2046, "scale.in_pounds"),
    (0.75, "scale.one_corner"),
)


def weighbridge_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for an indicator."""
    config = session.config.weighbridge
    line = BareLine(session, config.port, config.baud)
    protocol = protocol_named(config.driver, config.address)
    asks = () if protocol.poll is None else (protocol.poll.check, protocol.poll.ask)
    decoders: dict[str, Maker] = {**scale_decoders(), config.driver: protocol.make_decoder}
    return (
        BringUpStep(name=said("line.port"), look=line.opens),
        BringUpStep(name=said("line.bytes"), look=partial(line.hears, asks)),
        BringUpStep(
            name=said("line.frames"),
            look=partial(
                line.understands,
                config.driver,
                decoders,
                ENOUGH_FRAMES,
                partial(_is_scale_swapped, config.driver, config.address, config.baud),
            ),
        ),
        BringUpStep(name=said("scale.reading"), look=partial(_reads, session)),
        BringUpStep(name=said("scale.empty_scale"), look=partial(_is_empty, session)),
        BringUpStep(name=said("scale.known_weight"), look=partial(_weighs, session)),
        BringUpStep(name=said("cable.pulled"), look=partial(_comes_back, session)),
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
        status = said(f"scale_status.{state.status}")
        return bad(said("scale.status", status=status), said(f"scale_advice.{state.status}"))
    if state.phase is WeightPhase.STALE:
        return bad(said("scale.no_reading"), said("scale.display_is_slow"))
    division_kg = session.config.weighbridge.division_kg
    shown_kg = state.shown_kg or 0
    if shown_kg % division_kg:
        return bad(
            said("scale.no_multiple", shown_kg=shown_kg, division_kg=division_kg),
            said("scale.division"),
        )
    return good(said("scale.reads", shown_kg=shown_kg, phase=_phase(state)))


def _is_empty(session: Session) -> Finding:
    if session.ask("empty", said("scale.is_it_empty")) == SKIP:
        return skipped(said("scale.not_asked"))
    state = _settled(session, (WeightPhase.EMPTY,))
    if state.phase is WeightPhase.EMPTY:
        return good(said("scale.at_rest", gross_kg=state.gross_kg or 0))
    if state.phase is WeightPhase.MOVING:
        return bad(said("scale.does_not_rest"), said("scale.wind"))
    return bad(said("scale.shows", shown_kg=str(state.shown_kg)), said("scale.zero_it"))


def _weighs(session: Session) -> Finding:
    answer = session.ask("load_kg", said("scale.put_weight"))
    if answer == SKIP or not answer.strip():
        return skipped(said("scale.no_weight"))
    try:
        load_kg = float(answer)
    except ValueError:
        return bad(said("scale.no_number", answer=answer))
    state = _settled(session, (WeightPhase.SETTLED,))
    shown_kg, division_kg = state.gross_kg, session.config.weighbridge.division_kg
    if shown_kg is None:
        return bad(said("scale.does_not_settle", phase=_phase(state)), said("scale.wait"))
    weighed = said("scale.weighs", shown_kg=shown_kg, load_kg=load_kg)
    if abs(shown_kg - load_kg) <= division_kg:
        return good(weighed)
    return bad(weighed, _of_ratio(shown_kg / load_kg))


def _phase(state: WeightState) -> Said:
    return said(f"scale_phase.{state.phase}")


def _of_ratio(ratio: float) -> Said:
    for wanted, why in _RATIOS:
        if abs(ratio - wanted) <= max(0.02 * wanted, 1e-4):
            return said(why)
    return said("scale.calibration")


def _comes_back(session: Session) -> Finding:
    scale = open_weighbridge(session.config.weighbridge, session.clock)
    return comes_back(session, scale, lambda scale: bool(scale.read(READ_S)))
