"""Topic names: `gate/v1/<site>/<lane>/<stream>`; the hub's own broadcasts use lane `hub`.

Ids are `[A-Za-z0-9_-]` only: a space in a topic makes some brokers drop the client, which
reconnects and resends for ever, and a dot means something else to NATS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

PREFIX = "gate/v1"
HUB = "hub"
_ID = re.compile(r"[A-Za-z0-9_-]{1,48}\Z")


class Stream(StrEnum):
    """What flows on a topic, and which way."""

    RECORDS = "records"  # lane -> hub, QoS 1: RecordBatch
    STATUS = "status"  # lane -> hub, retained, also the last will: LaneStatus
    HEALTH = "health"  # lane -> hub, about once a second: LaneHealth
    MANIFEST_REQUEST = "manifest-request"  # lane -> hub: ManifestRequest
    POLICY_REQUEST = "policy-request"  # lane -> hub: PolicyRequest
    CLAIM_REQUEST = "claim-request"  # lane -> hub, QoS 0: ClaimRequest
    CLIP_PART = "clip-part"  # lane -> hub, QoS 0: ClipPart
    ACK = "ack"  # hub -> lane: RecordAck
    COMMAND = "command"  # hub -> lane, QoS 1, never retained: OverrideCommand | ...
    MANIFEST_PART = "manifest-part"  # hub -> lane, QoS 1: ManifestPart
    POLICY = "policy"  # hub -> lane, QoS 1, never retained: PolicyPacks
    CLAIM = "claim"  # hub -> lane, QoS 0: ClaimAnswer
    CLIP_REQUEST = "clip-request"  # hub -> lane, QoS 0: ClipRequest
    MANIFEST_HEAD = "manifest-head"  # hub -> every lane, about once a second: ManifestHead


FROM_LANE = (
    Stream.RECORDS,
    Stream.STATUS,
    Stream.HEALTH,
    Stream.MANIFEST_REQUEST,
    Stream.POLICY_REQUEST,
    Stream.CLAIM_REQUEST,
    Stream.CLIP_PART,
)
"""What a lane sends; the only topics that it may."""

TO_LANE = (
    Stream.ACK,
    Stream.COMMAND,
    Stream.MANIFEST_PART,
    Stream.POLICY,
    Stream.CLAIM,
    Stream.CLIP_REQUEST,
)
"""What one lane alone hears."""

_STREAMS = {stream.value: stream for stream in Stream}


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed topic."""

    site: str
    lane: str
    stream: Stream


def is_id(text: str) -> bool:
    """Whether `text` may be a site or lane id."""
    return _ID.match(text) is not None


def topic(site: str, lane: str, stream: Stream) -> str:
    """Build a topic. Raises ValueError for an id that a broker could misread."""
    for part in (site, lane):
        if not is_id(part):
            raise ValueError(f"topic id {part!r} is not of the form [A-Za-z0-9_-]{{1,48}}")
    return f"{PREFIX}/{site}/{lane}/{stream.value}"


def every_lane(site: str, stream: Stream) -> str:
    """The subscription filter for one stream of all lanes of a site."""
    return f"{PREFIX}/{site}/+/{stream.value}"


def parse_topic(text: str) -> Address | None:
    """Take a topic apart; None for anything that is not one of ours."""
    parts = text.split("/")
    if len(parts) != 5 or "/".join(parts[:2]) != PREFIX:  # noqa: PLR2004 - prefix, site, lane, stream
        return None
    site, lane, stream = parts[2:]
    if not (is_id(site) and is_id(lane)) or stream not in _STREAMS:
        return None
    return Address(site, lane, _STREAMS[stream])
