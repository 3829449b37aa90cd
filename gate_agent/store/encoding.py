"""Events and lane states as JSON bytes, and back. The bytes of equal values are equal."""

from __future__ import annotations

from typing import get_args

import msgspec

from gate_agent.domain import events, records
from gate_agent.domain.state import LaneState

_encoder = msgspec.json.Encoder(order="deterministic")
_state_decoder = msgspec.json.Decoder(LaneState)
_event_types: dict[str, type[events.Event]] = {
    kind.__name__: kind for kind in get_args(events.Event)
}
_event_decoders = {name: msgspec.json.Decoder(kind) for name, kind in _event_types.items()}


class EncodingError(ValueError):
    """Stored bytes that this version cannot read."""


def encode_state(lane: LaneState) -> bytes:
    """The snapshot of a lane."""
    return _encoder.encode(lane)


def decode_state(raw: bytes) -> LaneState:
    """Read a snapshot. Raises `EncodingError`."""
    try:
        return _state_decoder.decode(raw)
    except msgspec.MsgspecError as exc:
        raise EncodingError(f"lane snapshot: {exc}") from exc


def encode_event(event: events.Event) -> tuple[str, bytes]:
    """The name of an event's type, and its fields."""
    return type(event).__name__, _encoder.encode(event)


def encode_record(body: records.RecordBody) -> tuple[str, bytes]:
    """The name of a record's type, and its fields as the lane means them."""
    return type(body).__name__, _encoder.encode(body)


def decode_event(name: str, raw: bytes) -> events.Event:
    """Read an event of the journal. Raises `EncodingError`."""
    if name not in _event_decoders:
        raise EncodingError(f"journal: unknown event type {name!r}")
    try:
        return _event_decoders[name].decode(raw)
    except msgspec.MsgspecError as exc:
        raise EncodingError(f"journal: {name}: {exc}") from exc
