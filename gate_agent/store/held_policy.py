"""The packs and draw secrets that the hub gave a lane: one value, replaced whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gate_agent.domain.draws import draw
from gate_agent.domain.policy_pack import PolicyPack, in_force

if TYPE_CHECKING:
    from gate_agent.domain.manifest import Draw


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPolicy:
    """What a lane holds. `digest` "": nothing was ever given. A secret never leaves this value."""

    digest: str = ""
    packs: tuple[PolicyPack, ...] = ()
    secrets: dict[str, bytes] = field(default_factory=dict, repr=False)

    def current(self, wall_ms: int) -> PolicyPack | None:
        """The pack that is in force at this moment; None: none of them is."""
        return in_force(self.packs, wall_ms)

    def draw(self, pack: PolicyPack, wall_ms: int, declaration_id: str) -> Draw | None:
        """What a declaration draws under `pack` now; None without a period or its secret."""
        period = pack.draw_period(wall_ms)
        secret = self.secrets.get(period.period) if period else None
        if period is None or secret is None:
            return None
        return draw(secret, period.period, declaration_id)


NO_POLICY = HeldPolicy()
