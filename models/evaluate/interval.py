"""How far a share that was counted may be trusted. Pure."""

from __future__ import annotations

from math import sqrt
from typing import Final

_Z: Final = 1.959964  # 95 %


def wilson(right: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; (0, 1) where nothing was counted."""
    if total == 0:
        return 0.0, 1.0
    share = right / total
    spread = _Z * sqrt(share * (1 - share) / total + _Z * _Z / (4 * total * total))
    middle = share + _Z * _Z / (2 * total)
    scale = 1 + _Z * _Z / total
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
