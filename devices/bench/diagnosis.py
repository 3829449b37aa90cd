"""What bytes on a line tell about how it is wired and set. Pure.

Nothing here guesses a value: it only names the mistake that would make such bytes, for a person
who then corrects it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from devices.card_reader.protocols import PROTOCOLS as CARD_PROTOCOLS
from devices.framing import WITHOUT_PARITY
from devices.sim.faults.uart import Framing, heard
from devices.weighbridge.protocols import protocol_named, protocols

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devices.framing import FrameDecoder

    Maker = Callable[[], FrameDecoder[Any]]

ENOUGH_FRAMES = 2
ALIKE = 0.6  # so much of what came must be what the mistake would make
BAUDS = (1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200)


def good_frames(payload: bytes, make_decoder: Maker) -> int:
    """How many frames of a protocol these bytes hold."""
    return len(make_decoder().feed(payload))


def scale_decoders() -> dict[str, Maker]:
    """Driver name -> decoder, of every indicator."""
    return {name: protocol_named(name).make_decoder for name in protocols()}


def card_decoders() -> dict[str, Maker]:
    """Driver name -> decoder, of every reader that sends by itself."""
    return {name: protocol.make_decoder for name, protocol in CARD_PROTOCOLS.items()}


def who_speaks(payload: bytes, decoders: Mapping[str, Maker], least: int) -> tuple[str, ...]:
    """The drivers whose frames these bytes hold, the one that explains most of them first."""
    found = {}
    for name, make_decoder in decoders.items():
        decoder = make_decoder()
        frames = len(decoder.feed(payload))
        if frames >= least:
            found[name] = decoder.discarded_bytes
    return tuple(sorted(found, key=lambda name: found[name]))


def has_parity(payload: bytes, make_decoder: Maker, least: int) -> bool:
    """Whether there are good frames once the eighth bit, a parity, is taken away."""
    return good_frames(payload.translate(WITHOUT_PARITY), make_decoder) >= least


def looks_swapped(payload: bytes, example: bytes, baud: int) -> bool:
    """Whether these bytes are what a line with exchanged wires makes of frames like `example`."""
    framing = Framing(baud=baud)
    made = (  # with a pause after each frame, and without one
        heard(example, sent=framing, read=framing, swapped=True),
        heard(example * 4, sent=framing, read=framing, swapped=True),
    )
    return max(likeness(payload, each) for each in made) >= ALIKE


def likeness(payload: bytes, other: bytes) -> float:
    """How much of the one's byte values are the other's, 0..1, whatever their order."""
    if not payload or not other:
        return 0.0
    ours, theirs = Counter(payload), Counter(other)
    return sum(min(ours[byte] / len(payload), theirs[byte] / len(other)) for byte in ours)


def scale_example(driver: str, address: int) -> bytes:
    """A frame of an empty platform, as an indicator of this driver sends it."""
    protocol = protocol_named(driver, address)
    return protocol.encode(protocol.rest)
