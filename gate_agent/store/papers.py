"""Of all declarations that name a plate or a card, those that a verdict needs.

A regular driver's card has a year of trips behind it, and one card may be written onto thousands
of papers. What a verdict rests on goes into the journal, a record and the dossier, and all of it
through a broker: so it is bounded. Nothing that could make a verdict stricter is left out unsaid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gate_agent.domain.matching import is_among, normalize_plate
from gate_agent.domain.rules.crowd import MOST_PAPERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class _Stand(msgspec.Struct, frozen=True):
    state: str


class _Glance(msgspec.Struct, frozen=True, kw_only=True):
    """What tells papers apart: a tenth of the time that a whole one takes to read."""

    declaration_id: str
    plates: tuple[str, ...]
    card_uid: str
    crew: tuple[str, ...] = ()
    valid_until_ms: int
    holds: tuple[str, ...] = ()
    used_by: str | None = None
    agencies: tuple[_Stand, ...] = ()

    def names(self, plate: str, card_uid: str) -> bool:
        """Whether it names both."""
        return is_among(card_uid, (self.card_uid, *self.crew)) and any(
            normalize_plate(each) == plate for each in self.plates
        )

    @property
    def is_held(self) -> bool:
        """Whether an authority wants it inspected."""
        return bool(self.holds) or any(each.state == "hold" for each in self.agencies)


_decoder = msgspec.json.Decoder(_Glance)


def needed(
    bodies: Sequence[bytes],
    plate: str,
    card_uid: str,
    wall_ms: int,
    used_by: Callable[[str], str | None],
) -> list[bytes]:
    """At most `MOST_PAPERS` of them, or one more where more than that are open.

    Open: nobody used it up, this lane included, and it is not over. Open ones go first, of them
    those with a hold, then those that name both; of the past ones those with both, then the latest.
    """
    if len(bodies) <= MOST_PAPERS:
        return list(bodies)
    papers = [(_decoder.decode(body), body) for body in bodies]
    past = [paper for paper in papers if _is_past(paper[0], wall_ms)]
    still = [paper for paper in papers if not _is_past(paper[0], wall_ms)]
    still.sort(
        key=lambda paper: (
            not paper[0].is_held,
            not paper[0].names(plate, card_uid),
            paper[0].declaration_id,
        )
    )
    kept: list[bytes] = []
    for paper in still:
        if used_by(paper[0].declaration_id) is not None:
            past.append(paper)
            continue
        kept.append(paper[1])
        if len(kept) > MOST_PAPERS:
            return kept
    past.sort(
        key=lambda paper: (
            not paper[0].names(plate, card_uid),
            -paper[0].valid_until_ms,
            paper[0].declaration_id,
        )
    )
    return kept + [body for _, body in past[: MOST_PAPERS - len(kept)]]


def _is_past(paper: _Glance, wall_ms: int) -> bool:
    return paper.used_by is not None or wall_ms > paper.valid_until_ms
