"""One passage of the golden dossiers: a lane that is told anything and goes on to the end.

A life is told to the end whatever the rules say of it: one that is not released is turned back.
So a rule that changes changes verdicts, and the telling goes on.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from gate_agent.domain.events import ClaimAnswered, DeclarationsFound, Event, PolicyChanged
from gate_agent.domain.evidence import ClaimState
from gate_agent.domain.manifest import Declaration, ManifestStatus
from gate_agent.domain.policy_pack import PolicyPack
from gate_agent.domain.state import LaneState, Step, initial_lane
from gate_agent.domain.vocabulary import Instant, LaneId, Outcome, Phase
from gate_agent.store.encoding import encode_state
from gate_agent.store.lane_store import LaneStore
from tests.builders import GROSS_KG, POLICY, after
from tests.kept_lane import KeptStory
from tests.lane_history import LaneHistory

PATIENCE_S = 120
EPOCH = "901de000"
GRANTED = ClaimAnswered(token=0, state=ClaimState.GRANTED)


class _Unwatched(LaneHistory):
    """Nobody watches: what a story may do is judged by the built-in pack, and lives have others."""

    def turn(self, before: LaneState, event: Event, at: Instant, result: Step) -> None:
        pass


class Life(KeptStory):
    """A kept story in a lane whose database is always of the same epoch."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        _make_lane(folder / "lane.db")
        super().__init__(folder)
        self.history = _Unwatched(POLICY)

    def under(self, pack: PolicyPack) -> Life:
        """The lane is up, and the hub has given it this pack."""
        self.ready()
        self.happens(PolicyChanged(pack=pack))
        return self

    def told(
        self, *papers: Declaration, age_s: float = 0.5, said: ClaimAnswered | None = GRANTED
    ) -> Life:
        """Answered until there is a verdict, time passing meanwhile. `said` None: a silent hub."""
        for _ in range(PATIENCE_S):
            if self.lane.passage is None or self.lane.passage.verdict is not None:
                break
            if not self.answered(*papers, age_s=age_s, said=said):
                self.passes(1.0)
        return self

    def answered(
        self, *papers: Declaration, age_s: float = 0.5, said: ClaimAnswered | None = GRANTED
    ) -> bool:
        """Whether a question was open, of the manifest or of the hub, that was answered now."""
        passage = self.passage
        if passage.lookup is not None:
            status = ManifestStatus(version=7, confirmed_at=after(self.at, -age_s))
            token = passage.lookup.token
            self.happens(DeclarationsFound(token=token, declarations=papers, manifest=status))
        elif self.is_claiming() and said is not None and passage.claim is not None:
            self.happens(replace(said, token=passage.claim.token))
        else:
            return False
        return True

    def comes(self, *papers: Declaration, age_s: float = 0.5, kg: int = GROSS_KG) -> Life:
        """A vehicle with plate, card and weight; the manifest answers."""
        self.truck_arrives().plate_is_read().drives_on(kg).card()
        return self.told(*papers, age_s=age_s)

    def ends(self, *, by_person: Outcome | None = None) -> Life:
        """Out under the open boom, or back the way it came."""
        if by_person is not None and self.lane.passage is not None:
            self.supervisor(by_person)
        if self.phase is Phase.RELEASING:
            self.boom_goes_up().drives_out().passes(2.0)
            self.boom_comes_down().passes(1.0)
        elif self.lane.passage is not None:
            self.backs_out()
            self.leaves_by_entry()
        return self


def _make_lane(path: Path) -> None:
    """A lane's database; the epoch is drawn by lot, and here it must not be."""
    LaneStore(path, LaneId("lane1"), POLICY).close()
    state = encode_state(initial_lane(LaneId("lane1"), EPOCH, POLICY))
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("UPDATE identity SET epoch = ?, base_state = ?", [EPOCH, state])
        writer.execute("UPDATE snapshot SET state = ?", [state])
        writer.commit()
