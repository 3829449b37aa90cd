"""Lanes as the API and the console show them: presence, health and records together."""

from __future__ import annotations

import msgspec

from central.api.answers import LaneAnswer, LaneCounts
from central.hub.lanes import LanePresence, PresenceState
from central.services import Services
from central.store import hub_store
from central.store.rows import LaneRecords
from gate_agent.wire.v1 import AuthorityLeft


def _authority(left: tuple[AuthorityLeft, ...], heard_s_ago: float) -> tuple[AuthorityLeft, ...]:
    """What is left by now of what the lane last said; it counts on while nobody hears it."""
    return tuple(
        msgspec.structs.replace(each, left_s=max(0, each.left_s - round(heard_s_ago)))
        for each in left
    )


async def lane_pairs(services: Services) -> list[tuple[LanePresence, LaneRecords | None]]:
    """Every lane that was heard or has records, by name."""
    records = {row.lane: row for row in await services.store.read(hub_store.lanes)}
    presences = {presence.lane: presence for presence in services.lanes.all()}
    for lane in records.keys() - presences.keys():
        presences[lane] = LanePresence(
            lane=lane, state=PresenceState.UNKNOWN, health=None, health_age_s=None, version=""
        )
    return [(presences[lane], records.get(lane)) for lane in sorted(presences)]


def lane_answer(presence: LanePresence, records: LaneRecords | None) -> LaneAnswer:
    """One lane; what it is doing now only while it is heard."""
    answer = LaneAnswer(
        lane=presence.lane,
        state=presence.state.value,
        heard_s_ago=presence.health_age_s,
        version=presence.version,
    )
    changes: dict[str, object] = {}
    health = presence.health
    if health is not None and presence.state is PresenceState.ONLINE:
        changes |= {
            "mode": health.mode,
            "emergency": health.emergency,
            "evacuation": health.evacuation,
            "phase": health.phase,
            "passage_id": health.passage_id,
            "barrier": health.barrier,
            "weight_kg": health.weight_kg,
            "weight_state": health.weight_state,
            "showing": health.showing,
            "faults": health.faults,
            "manifest_version": health.manifest_version,
            "manifest_age_s": health.manifest_age_s,
            "policy_version": health.policy_version or None,
            "policy_hash": health.policy_hash or None,
            "policy_refused": health.policy_refused,
            "unsent": health.unsent,
            "oldest_unsent_s": health.oldest_unsent_s,
        }
    if health is not None:
        changes["authority"] = _authority(health.authority, presence.health_age_s or 0.0)
    if records is not None:
        changes |= {
            "through_seq": records.through_seq,
            "highest_seq": records.highest_seq,
            "missing": records.missing_count,
            "lost": records.lost,
            "chain_breaks": records.chain_breaks,
            "proved_from": records.proved_from,
            "duplicates": records.duplicates,
            "dead_letters": records.dead_letters,
            "last_passage": records.last_passage,
        }
    return msgspec.structs.replace(answer, **changes)


def lane_counts(presence: LanePresence, records: LaneRecords | None) -> LaneCounts:
    """The lane's records, and how many of them the hub still lacks."""
    online = presence.state is PresenceState.ONLINE
    health = presence.health if online else None
    unsynced: int | None = None
    if health is not None:
        here = records.through_seq if records and records.epoch == health.epoch else 0
        unsynced = max(0, health.last_seq - here)
    return LaneCounts(
        lane=presence.lane,
        state=presence.state.value,
        through_seq=records.through_seq if records else 0,
        highest_seq=records.highest_seq if records else 0,
        missing=records.missing_count if records else 0,
        duplicates=records.duplicates if records else 0,
        dead_letters=records.dead_letters if records else 0,
        unsynced=unsynced,
        oldest_unsent_s=None if health is None else health.oldest_unsent_s,
        lost=records.lost if records else 0,
        chain_breaks=records.chain_breaks if records else 0,
    )
