"""The one body that a lane takes of a camera that reads container numbers. JSON, in UTF-8.

    {"containers": ["CSQU3054383", "MSKU1234565"]}

One number or a few of what stands in the lane now, with or without separators; an empty list is a
sign of life. Other keys are passed over, so a camera may post what else it knows beside it.

Source: this project. No maker's document stands behind it: whoever has a container reader lets it
post this, or puts a few lines between.
"""

from __future__ import annotations

import msgspec

NUMBERS_MAX = 4
NUMBER_MAX = 24  # characters, with separators
ANSWER_TYPE, ANSWER = "application/json", b"{}"


class _Post(msgspec.Struct, frozen=True):
    containers: tuple[str, ...]


_decoder = msgspec.json.Decoder(_Post)


def decode(body: bytes) -> tuple[str, ...] | None:
    """The numbers of a post, perhaps none; None: nothing that can be read. Never raises."""
    try:
        numbers = _decoder.decode(body).containers
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if len(numbers) > NUMBERS_MAX or any(len(number) > NUMBER_MAX for number in numbers):
        return None
    return numbers


def encode(numbers: tuple[str, ...]) -> tuple[str, bytes]:
    """Content type and body of a post, for the simulator and the laws."""
    return "application/json", msgspec.json.encode(_Post(numbers))
