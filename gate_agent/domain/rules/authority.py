"""How long a lane that hears no hub may go on by itself."""

from __future__ import annotations

from collections.abc import Iterator

from gate_agent.domain.evidence import Evidence
from gate_agent.domain.manifest import Declaration
from gate_agent.domain.policy_pack import PolicyPack
from gate_agent.domain.reasons import Reason
from gate_agent.domain.rules.capture import STAMP_RACE_MS

HEARD_MS = 15_000
"""A manifest confirmed within this: the hub is heard. Heads come every second, the lane notes one
every ten, and the decision may be some seconds later."""


def manifest_reasons(evidence: Evidence, pack: PolicyPack, _wall_ms: int) -> Iterator[Reason]:
    """The manifest: there is one, and the hub confirmed it lately enough for anybody."""
    manifest = evidence.manifest
    if manifest.version == 0:
        yield Reason.MANIFEST_MISSING
    elif (
        manifest.age_ms is None
        or not -STAMP_RACE_MS <= manifest.age_ms <= pack.limits.manifest_max_age_ms
    ):
        yield Reason.MANIFEST_STALE


def authority_reasons(
    evidence: Evidence, declaration: Declaration, pack: PolicyPack, _wall_ms: int
) -> Iterator[Reason]:
    """The same for the credit class of this company, which may be allowed less."""
    age_ms = evidence.manifest.age_ms
    if age_ms is not None and age_ms > offline_authority_ms(pack, declaration.credit_class):
        yield Reason.OFFLINE_AUTHORITY_OVER


def authority_left_ms(pack: PolicyPack, age_ms: int | None) -> tuple[tuple[str, int], ...]:
    """How long from now this lane may still release each class of the pack if it hears nothing.

    "" stands for companies of no class. `age_ms` is the manifest's; None: nobody knows, so 0 for
    all. For a class that needs the hub's word it is 0, though it is released while that comes.
    """
    classes = [("", pack.limits.manifest_max_age_ms)]
    for table in pack.credit_tables:
        for each in table.classes:
            may_ms = 0 if each.offline_authority_ms == 0 else offline_authority_ms(pack, each.name)
            classes.append((each.name, may_ms))
    known = age_ms is not None and age_ms >= 0
    return tuple((name, max(0, may_ms - (age_ms or 0)) if known else 0) for name, may_ms in classes)


def offline_authority_ms(pack: PolicyPack, credit_class: str) -> int:
    """How old holds and manifest may be for a release to a company of this class.

    Never more than for everybody; a class that the pack does not know is given nothing more. A
    class that may do nothing alone is released while the hub is heard.
    """
    known = pack.credit_class(credit_class)
    most_ms = pack.limits.manifest_max_age_ms
    if known is None or known.offline_authority_ms is None:
        return most_ms
    return min(most_ms, max(HEARD_MS, known.offline_authority_ms))
