"""Bringing into service what hangs on a line of bytes: weighbridge and card reader."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from devices.bench.bare_line import READ_S, BareLine
from devices.bench.bring_up import SKIP, BringUpStep, Finding, bad, good, skipped
from devices.bench.diagnosis import (
    ENOUGH_FRAMES,
    card_decoders,
    looks_swapped,
    scale_decoders,
    scale_example,
)
from devices.card_reader.protocols import PROTOCOLS as CARD_PROTOCOLS
from devices.errors import LinkDown
from devices.readings import WeightStatus
from devices.registry import open_card_reader, open_weighbridge
from devices.weighbridge.protocols import protocol_named
from devices.weighbridge.settle import SettleFilter, WeightPhase

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.bench.diagnosis import Maker
    from devices.weighbridge.settle import WeightState

SETTLE_WITHIN_S = 15.0
BACK_WITHIN_S = 3.0
PULL_WITHIN_S = 60.0

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


def card_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for a card reader. One that is asked (OSDP, PC/SC) is read by its driver only."""
    config = session.config.card_reader
    by_driver = BringUpStep(name="card", look=partial(_reads_card, session))
    if config.driver not in CARD_PROTOCOLS:
        return (by_driver,)
    line = BareLine(session, config.port, config.baud)
    example = CARD_PROTOCOLS[config.driver].packet_of(b"\x04\xa1\xb2\xc3")
    return (
        BringUpStep(name="port", look=line.opens),
        BringUpStep(name="bytes", look=line.hears_card),
        BringUpStep(
            name="frames",
            look=partial(
                line.understands,
                config.driver,
                card_decoders(),
                1,
                partial(looks_swapped, example=example, baud=config.baud),
            ),
        ),
        by_driver,
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
    if session.ask("pull", "pull the data cable; Enter, or skip: ") == SKIP:
        return skipped("nobody pulls the cable")
    clock, config = session.clock, session.config.weighbridge
    scale = open_weighbridge(config, clock)
    with contextlib.suppress(LinkDown):
        scale.open()
        until_s = clock.now().mono_s + PULL_WITHIN_S
        while clock.now().mono_s < until_s:
            scale.read(READ_S)
        return bad("it goes on sending", "another cable was pulled")
    scale.close()
    session.ask("plug", "put it back; Enter at that moment: ")
    began_s = clock.now().mono_s
    while clock.now().mono_s - began_s < PULL_WITHIN_S:
        with contextlib.suppress(LinkDown):
            scale.open()
            if scale.read(1.0):
                took_s = clock.now().mono_s - began_s
                scale.close()
                found = good if took_s <= BACK_WITHIN_S else bad
                return found(f"back after {took_s:.1f} s")
        scale.close()
        clock.sleep(READ_S)
    return bad("it does not come back", "the converter got another name: use the one by udev")


# --- the card by its driver -----------------------------------------------------------------------


def _reads_card(session: Session) -> Finding:
    printed = session.ask("card", "number printed on the card in hex, Enter if none, or skip: ")
    if printed == SKIP:
        return skipped("nobody holds a card")
    question = f"hold that card to the reader; Enter starts {session.wait_s:g} s: "
    if session.ask("present_again", question) == SKIP:
        return skipped("nobody holds a card")
    config, clock = session.config.card_reader, session.clock
    reader = open_card_reader(config, clock)
    reader.open()
    try:
        until_s = clock.now().mono_s + session.wait_s
        while clock.now().mono_s < until_s:
            for card in reader.read(READ_S):
                return _compared(card.uid, printed.strip().replace(" ", "").upper())
    finally:
        reader.close()
    return bad("no card", "hold it flat and still; is it of the reader's kind?")


def _compared(uid: str, printed: str) -> Finding:
    if not printed or uid == printed:
        return good(f"card {uid}")
    said = f"card {uid}, printed {printed}"
    with contextlib.suppress(ValueError):
        if bytes.fromhex(uid)[::-1] == bytes.fromhex(printed):
            return bad(said, 'the bytes come the other way round: byte_order = "reversed"')
        if printed.isdigit() and int(printed) == int(uid, 16):
            return bad(said, "the card shows the number in decimal: it is the same number")
    return bad(said, "another card, or a number that the maker counted another way: number_format")
