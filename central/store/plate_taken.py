"""The plate that a lane took a vehicle for: mostly the one that it read."""

from __future__ import annotations

from collections.abc import Sequence

from gate_agent.domain.matching import normalize_plate
from gate_agent.domain.reasons import Reason
from gate_agent.wire.v1 import DeclarationRow, EvidenceFacts


def plate_taken(
    evidence: EvidenceFacts, declaration: DeclarationRow | None, reasons: Sequence[str]
) -> str | None:
    """What was read, or the declared plate that the picture was found to show instead.

    None: no plate was read.
    """
    plate = evidence.plate
    if plate is None:
        return None
    declared = {normalize_plate(text) for text in declaration.plates} if declaration else set()
    if normalize_plate(plate.text) in declared or Reason.PLATE_DOUBTFUL in reasons:
        return plate.text
    likeliest = max(plate.candidates, key=lambda each: each.milli_nats, default=None)
    is_declared = likeliest is not None and normalize_plate(likeliest.text) in declared
    return likeliest.text if likeliest is not None and is_declared else plate.text
