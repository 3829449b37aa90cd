"""Every draw of dossiers made again with the secret that was revealed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate_agent.domain.draws import commitment, draw
from gate_agent.proof.replay import judgment_of

if TYPE_CHECKING:
    from gate_agent.proof.files import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawsRedone:
    """What came of it. `differ` says passage and declaration, `elsewhere` another commitment."""

    redone: int
    differ: tuple[str, ...]
    elsewhere: tuple[str, ...]  # passages whose policy had committed to another secret


def redo(dossiers: Iterable[Found], period: str, secret: bytes) -> DrawsRedone:
    """Make every draw of `period` again. Raises `ReplayError` for what is no dossier."""
    redone = 0
    differ: list[str] = []
    elsewhere: list[str] = []
    for found in dossiers:
        judgment = judgment_of(found)
        for decision in judgment.decisions:
            pack = judgment.policies[decision.policy]
            named = [each for each in pack.draw_periods if each.period == period]
            if any(each.commitment != commitment(secret) for each in named):
                elsewhere.append(judgment.passage_id)
            for declaration in decision.declarations:
                if declaration.drawn is None or declaration.drawn.period != period:
                    continue
                redone += 1
                if declaration.drawn != draw(secret, period, declaration.declaration_id):
                    differ.append(f"{judgment.passage_id}: {declaration.declaration_id}")
    return DrawsRedone(redone=redone, differ=tuple(differ), elsewhere=tuple(elsewhere))
