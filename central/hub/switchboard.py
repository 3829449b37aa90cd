"""Where a lane's messages go: records to the ingest, presence to the lanes, questions on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import structlog

from central.hub.changes import Changes
from central.hub.ingest import Arrival
from central.hub.lanes import Lanes
from central.hub.mqtt import Received
from gate_agent.wire.topics import HUB, Stream
from gate_agent.wire.v1 import (
    ClaimRequest,
    ClipPart,
    LaneHealth,
    LaneMessage,
    LaneStatus,
    ManifestRequest,
    PolicyRequest,
    WireError,
    decode_lane_message,
)

log = structlog.get_logger()


class RecordInbox(Protocol):
    """Where records wait to be stored."""

    def offer(self, arrival: Arrival) -> None:
        """Take an arrival, or leave it to the lane to send it again."""
        ...


class Switchboard:
    """Sorts what arrives by topic. Event loop only."""

    def __init__(
        self,
        *,
        ingest: RecordInbox,
        lanes: Lanes,
        changes: Changes,
        manifest_asked: Callable[[str, int], None],
        lane_came: Callable[[str], None],
        policy_asked: Callable[[str], None] = lambda _: None,
        claimed: Callable[[ClaimRequest], None] = lambda _: None,
        clip_came: Callable[[ClipPart], None] = lambda _: None,
        health_came: Callable[[LaneHealth], None] = lambda _: None,
    ) -> None:
        self._ingest = ingest
        self._lanes = lanes
        self._changes = changes
        self._manifest_asked = manifest_asked
        self._lane_came = lane_came
        self._policy_asked = policy_asked
        self._claimed = claimed
        self._clip_came = clip_came
        self._health_came = health_came
        self.unreadable = 0  # messages that are no records and could not be used

    def receive(self, message: Received) -> None:
        """Take one message; a bad one is logged and counted, never raised."""
        lane = message.address.lane
        if message.address.stream is Stream.RECORDS:
            self._ingest.offer(
                Arrival(
                    topic=message.topic,
                    address=message.address,
                    payload=message.payload,
                    settle=message.settle,
                )
            )
            return
        message.settle()
        try:
            decoded = decode_lane_message(message.payload)
        except WireError as exc:
            self._refuse(message.topic, str(exc))
            return
        if decoded.lane != lane or lane == HUB:
            self._refuse(message.topic, f"a message of lane {decoded.lane!r}")
            return
        self._pass_on(lane, decoded, message.topic)
        self._changes.announce()

    def _pass_on(self, lane: str, decoded: LaneMessage, topic: str) -> None:
        match decoded:
            case LaneStatus():
                self._lanes.on_status(decoded)
                if decoded.online:
                    self._lane_came(lane)
            case LaneHealth():
                self._lanes.on_health(decoded)
                self._health_came(decoded)
            case ManifestRequest():
                self._manifest_asked(lane, decoded.have_version)
            case PolicyRequest():
                self._policy_asked(lane)
            case ClaimRequest():
                self._claimed(decoded)
            case ClipPart():
                self._clip_came(decoded)
            case _:
                self._refuse(topic, "a record batch on another topic")

    def _refuse(self, topic: str, reason: str) -> None:
        self.unreadable += 1
        log.warning("message_unreadable", topic=topic, reason=reason)
