"""A lane that lives a story and keeps it: every event through `step` into a real `lane.db`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec

from gate_agent.domain.effects import Effect
from gate_agent.domain.events import Event, Stamped
from gate_agent.domain.lane import step
from gate_agent.domain.policy import ReleasePolicy
from gate_agent.domain.vocabulary import Barrier, Instant, LaneId, WeightState
from gate_agent.store.lane_store import LaneStore, OutboxReader, OutboxRow
from gate_agent.wire import dossier, v1
from gate_agent.wire.chain import Linked
from tests.builders import GROSS_KG, LaneStory


class KeptStory(LaneStory):
    """A `LaneStory` on a store of its own in `folder`. Close it."""

    def __init__(self, folder: Path, lane: str = "lane1") -> None:
        super().__init__()
        self.path = folder / "lane.db"
        self.name = LaneId(lane)
        self.store = LaneStore(self.path, self.name, ReleasePolicy())
        self.lane = self.first = self.store.lane

    def happens(self, event: Event) -> tuple[Effect, ...]:
        """Feed one event and commit it."""
        before, at = self.lane, self.at
        effects = super().happens(event)
        self.store.commit(Stamped(event, at), step(before, event, at))
        return effects

    def dies(self) -> KeptStory:
        """The process is killed; the database is opened again."""
        self.store.close()
        self.store = LaneStore(self.path, self.name, ReleasePolicy())
        assert self.store.lane == self.lane
        return self

    def reboots(self, *, wall_ms: int | None = None) -> KeptStory:
        """The machine comes up again: its monotonic clock from the beginning."""
        self.dies()
        self.at = Instant(12.0, self.at.wall_ms + 60_000 if wall_ms is None else wall_ms)
        return self

    def finds_its_vehicle(self) -> KeptStory:
        """The agent is up again; the vehicle stands on the scale under a closed boom."""
        self.starts()
        self.sees()
        self.boom(Barrier.CLOSED)
        self.weighs(WeightState.SETTLED, GROSS_KG)
        return self

    def close(self) -> None:
        self.store.close()

    def passage_released(self) -> KeptStory:
        """One vehicle from the loop to the boom behind it."""
        self.waits_for_verdict().manifest_answers()
        self.boom_goes_up().drives_out().passes(2.0)
        self.boom_comes_down().passes(60.0)  # the same vehicle will come again, round the port
        return self

    def passage_turned_back(self) -> KeptStory:
        """One vehicle that nobody declared."""
        self.truck_arrives().plate_is_read().drives_on().card("0BAD")
        self.manifest_answers()
        self.backs_out()
        self.leaves_by_entry()
        return self

    def leaves_by_entry(self) -> KeptStory:
        """Off the scale and the loop."""
        self.sees(rear_beam=False).weighs(WeightState.EMPTY, 0).sees(entry_loop=False)
        self.passes(3.0)
        return self


def rows(path: Path) -> list[OutboxRow]:
    with closing(OutboxReader(path)) as reader:
        return reader.after(0, 100_000)


def linked(story: KeptStory) -> list[Linked]:
    """The records of the lane as links."""
    return [
        Linked(
            lane=story.name,
            epoch=story.store.epoch,
            seq=row.seq,
            at_ms=row.at_ms,
            chain=row.chain,
            body=msgspec.Raw(row.body),
        )
        for row in rows(story.path)
    ]


def sealed(path: Path) -> list[v1.PassageSealed]:
    """The seals in an outbox, in order."""
    bodies = (v1.decode_body(row.body) for row in rows(path))
    return [body for body in bodies if isinstance(body, v1.PassageSealed)]


def contents(path: Path) -> list[bytes]:
    """The canonical bytes of the dossiers in an outbox."""
    return [dossier.unpacked(seal.dossier) for seal in sealed(path)]
