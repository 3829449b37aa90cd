"""Which declaration the vehicle in the lane belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gate_agent.domain.evidence import Evidence
from gate_agent.domain.identity import (
    identity_of,
    is_doubtful,
    plate_in_question,
    plate_margin_milli_nats,
)
from gate_agent.domain.manifest import Declaration, Documents
from gate_agent.domain.matching import declared_with_card, declared_with_plate, normalize_plate
from gate_agent.domain.pieces import (
    are_containers_read,
    is_container_unseen,
    is_sure,
    is_tag_unseen,
    shows_another_tag,
    weighs_trailers,
)
from gate_agent.domain.policy_pack import IdentityRule, PolicyPack
from gate_agent.domain.reasons import Reason


def identify(
    evidence: Evidence, declarations: Sequence[Declaration], pack: PolicyPack, wall_ms: int
) -> tuple[Declaration | None, list[Reason]]:
    """Find the declaration that plate and card name together.

    A hold on any paper that could be used now and names the plate or the card counts, so that a
    second, cleaner paper cannot hide it.
    """
    plate, card = evidence.plate, evidence.card
    text = plate_in_question(plate, pack) if plate else ""
    by_plate = declared_with_plate(declarations, text) if plate else []
    by_card = declared_with_card(declarations, card.uid) if card else []
    found, reasons = _match(evidence, by_plate, by_card, pack, wall_ms)
    if found is not None and found in by_plate and found in by_card:
        reasons += _unproven(evidence, found, declarations, pack)
    if any(each.held_by and is_current(each, wall_ms) for each in (*by_plate, *by_card)):
        reasons.append(Reason.AGENCY_HOLD)
    if _is_contradicted(evidence, found, pack) and not (plate and is_doubtful(plate, pack)):
        reasons.append(Reason.PLATE_DOUBTFUL)
    return found, reasons


def _is_contradicted(evidence: Evidence, found: Declaration | None, pack: PolicyPack) -> bool:
    """A camera of its own reading named a plate that is neither the lane's nor the vehicle's.

    A vehicle may carry two plates, and each reader see another of them; so with its trailer's,
    where the pack knows what that is.
    """
    plate, other = evidence.plate, evidence.camera_plate
    if plate is None or other is None:
        return False
    known = {normalize_plate(plate.text)}
    if found is not None:
        known.update(normalize_plate(text) for text in found.plates)
        if weighs_trailers(pack):
            known.add(normalize_plate(found.trailer_plate))
    return any(normalize_plate(text) not in known for text in (other.text, *other.earlier))


def _match(
    evidence: Evidence,
    by_plate: list[Declaration],
    by_card: list[Declaration],
    pack: PolicyPack,
    wall_ms: int,
) -> tuple[Declaration | None, list[Reason]]:
    plate, card = evidence.plate, evidence.card
    both = [declaration for declaration in by_plate if declaration in by_card]
    if both:
        return _choose(both, wall_ms)
    # With one half of the identity missing or doubtful the other half finds the paper, so that
    # the supervisor sees it; the missing half is a reason of its own and keeps the boom down.
    if by_plate and card is None:
        return _choose(by_plate, wall_ms)
    if by_card and (plate is None or is_doubtful(plate, pack)):
        return _choose(by_card, wall_ms)
    if by_plate or by_card:
        return None, [Reason.PLATE_CARD_MISMATCH]
    if plate is not None and not is_sure(plate, pack.limits) and not is_doubtful(plate, pack):
        # It was named by a paper that has gone since: nobody is sent away for that.
        return None, [Reason.NO_DECLARATION, Reason.PLATE_DOUBTFUL]
    return None, [Reason.NO_DECLARATION]


def _unproven(
    evidence: Evidence, found: Declaration, declarations: Sequence[Declaration], pack: PolicyPack
) -> Iterator[Reason]:
    """Plate and card name this vehicle: is it clear that it is no other?

    A picture that was held against no declared plate, as before there was a way to, is judged by
    its reading alone. A plate in doubt is a reason of its own.
    """
    plate, rule = evidence.plate, pack.identity
    if plate is None or is_doubtful(plate, pack):
        return
    identity = identity_of(evidence, declarations, pack)
    standing = identity.standing(found)
    if standing is None:
        return
    is_weighed = plate.none_milli_nats is not None
    margin = plate_margin_milli_nats(plate, found, pack.limits)
    if is_weighed and margin is not None and margin < rule.min_margin_milli_nats:
        yield Reason.PLATE_AMBIGUOUS
    is_weak = is_weighed and identity.odds_milli_nats(standing) < rule.min_odds_milli_nats
    is_other = shows_another_tag(evidence, found) or is_tag_unseen(evidence, found)
    is_unread = is_container_unseen(evidence, found) or (
        "container" in rule.agree and not are_containers_read(evidence.containers, found)
    )
    is_unmet = not standing.agreeing.issuperset(_demanded(evidence, rule))
    if is_other or is_unread or is_weak or is_unmet:
        yield Reason.IDENTITY_UNPROVEN


def _demanded(evidence: Evidence, rule: IdentityRule) -> Iterator[str]:
    """What has to agree. A weight that is missing, or does not fit, is a reason of its own.

    Containers are apart: every one that is declared has to be read.
    """
    apart = {"container"} if evidence.weight is not None else {"container", "weight"}
    return (each for each in rule.agree if each not in apart)


def _choose(found: list[Declaration], wall_ms: int) -> tuple[Declaration | None, list[Reason]]:
    """One vehicle may have several trips declared: take the one that can be used now."""
    usable = [
        declaration
        for declaration in found
        if is_current(declaration, wall_ms) and declaration.documents is not Documents.REJECTED
    ]
    if len(usable) == 1:
        return usable[0], []
    if not usable:
        return max(found, key=lambda declaration: declaration.valid_until_ms), []
    held = next((declaration for declaration in usable if declaration.held_by), None)
    return held, [Reason.SEVERAL_DECLARATIONS]


def is_current(declaration: Declaration, wall_ms: int) -> bool:
    """Whether a trip on this paper could be made now, whatever its documents say."""
    return (
        declaration.used_by is None
        and declaration.valid_from_ms <= wall_ms <= declaration.valid_until_ms
    )
