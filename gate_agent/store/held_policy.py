"""The packs and draw secrets that the hub gave a lane: one value, replaced whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gate_agent.domain.draws import draw
from gate_agent.domain.policy_pack import PolicyPack, in_force

if TYPE_CHECKING:
    from gate_agent.domain.manifest import Draw
    from gate_agent.domain.policy_pack import DrawPeriod
    from gate_agent.wire.v1 import DrawSecret


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPolicy:
    """What a lane holds. `digest` "": nothing was ever given. A secret never leaves this value."""

    digest: str = ""
    packs: tuple[PolicyPack, ...] = ()
    secrets: dict[str, DrawSecret] = field(default_factory=dict, repr=False)

    def current(self, wall_ms: int) -> PolicyPack | None:
        """The pack that is in force at this moment; None: none of them is."""
        return in_force(self.packs, wall_ms)

    def draw(self, pack: PolicyPack, wall_ms: int, declaration_id: str) -> Draw | None:
        """What a declaration draws under `pack` now; None without a period or its secret.

        None, too, where the pack gives the period other ends than the hub committed to.
        """
        period = pack.draw_period(wall_ms)
        held = self.secrets.get(period.period) if period else None
        if period is None or held is None or not _has_its_ends(period, held):
            return None
        return draw(held.secret, period.period, declaration_id)


def _has_its_ends(period: DrawPeriod, held: DrawSecret) -> bool:
    return held.from_ms in (None, period.from_ms) and held.until_ms in (None, period.until_ms)


NO_POLICY = HeldPolicy()
