"""What each piece of evidence beside the plate says of one paper: fits, contradicts, or nothing.

A piece that is missing, or about which the paper is silent, says nothing. Nothing is counted twice:
a plate that the camera took for the vehicle's own is not its trailer's as well; where a pack weighs
trailers apart, a trailer's plate is no `other_plate`; and of weight and tare, which are two looks
at one reading of the scale, only the weightier counts (`total`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import assert_never

from gate_agent.domain.containers import normalize_container
from gate_agent.domain.evidence import ContainerEvidence, Evidence, OtherPlate, PlateEvidence
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.manifest import Declaration, Kind
from gate_agent.domain.matching import (
    is_among,
    is_trailer_plate,
    normalize_plate,
)
from gate_agent.domain.policy_pack import Limits, Piece, PolicyPack
from gate_agent.domain.rules.doubles import off_tare_kg
from gate_agent.domain.rules.weight import tolerance_of

_ONE_SCALE = frozenset({"weight", "tare"})
LOOKED_UP = frozenset({"card", "weight", "other_plate"})
"""What also speaks against a declared plate none of whose papers was found: papers are looked up by
plate and card, so a card that was seen is not its own. By trailer and tag none are."""


class Says(StrEnum):
    """What a piece says of a paper."""

    FITS = "fits"
    FITS_WEAKLY = "fits_weakly"  # as it would most strangers, too
    CONTRADICTS = "contradicts"
    NOTHING = "nothing"


def said_of(
    piece: Piece, evidence: Evidence, declaration: Declaration, pack: PolicyPack, *, is_named: bool
) -> Says:
    """What `piece` says of a paper. `is_named`: the plate without doubt is one of its own."""
    match piece:
        case "card":
            return _card(evidence, declaration)
        case "weight":
            return _weight(evidence, declaration, pack)
        case "other_plate":
            return _other_plate(evidence, declaration, pack)
        case "tag":
            return _tag(evidence, declaration)
        case "trailer":
            return _trailer(evidence, declaration, pack.limits)
        case "container":
            return _container(evidence, declaration)
        case "tare":
            return _tare(evidence, declaration, pack) if is_named else Says.NOTHING
        case _:
            assert_never(piece)


def is_seen(piece: Piece, evidence: Evidence) -> bool:
    """Whether one of the pieces by which papers are looked up, and the weight, is there at all."""
    match piece:
        case "card":
            return evidence.card is not None
        case "weight":
            return evidence.weight is not None
        case _:
            return evidence.plate is not None and bool(evidence.plate.others)


def total(shares: Mapping[str, int]) -> int:
    """The sum of what the pieces weigh, none above 0.

    Declared weight and tare history are judged by one reading of the scale, so they fit or fail
    together: of both the weightier counts, as if the other were not there.
    """
    apart = sum(share for piece, share in shares.items() if piece not in _ONE_SCALE)
    return apart + min((shares[piece] for piece in _ONE_SCALE if piece in shares), default=0)


def is_sure(plate: PlateEvidence | OtherPlate, limits: Limits) -> bool:
    """Whether the reading by itself is good enough to release on."""
    return (
        plate.confidence_permille >= limits.min_plate_confidence_permille
        and plate.frames_agreed >= limits.min_plate_frames
    )


def plates_of(declaration: Declaration) -> frozenset[str]:
    """The plates that identify this vehicle, normalized."""
    return frozenset(normalize_plate(text) for text in declaration.plates)


def shows_another_tag(evidence: Evidence, declaration: Declaration) -> bool:
    """Whether tags were seen and none is the one that is declared for this vehicle."""
    tag = evidence.tag
    if tag is None or not declaration.tag_id:
        return False
    return not is_among(declaration.tag_id, (tag.tag_id, *tag.others))


def is_tag_unseen(evidence: Evidence, declaration: Declaration) -> bool:
    """Whether the lane's tag reader is lost while a tag is declared for this vehicle.

    Another tag may be there that would have contradicted.
    """
    return bool(declaration.tag_id) and FaultCode.TAG_LINK in evidence.faults


def are_containers_read(containers: ContainerEvidence | None, declaration: Declaration) -> bool:
    """Whether every declared container number was read; of a vehicle that is empty there is none.

    One that says neither what it carries nor that it is empty has nothing that could be read.
    """
    if not declaration.containers:
        return declaration.kind is Kind.EMPTY
    return containers is not None and _declared(declaration).issubset(containers.numbers)


def shows_another_container(containers: ContainerEvidence | None, declaration: Declaration) -> bool:
    """Whether a number was read that is not among those declared, or any on an empty vehicle."""
    if containers is None or not (declaration.containers or declaration.kind is Kind.EMPTY):
        return False
    return not _declared(declaration).issuperset(containers.numbers)


def is_container_awaited(containers: ContainerEvidence | None, declaration: Declaration) -> bool:
    """Whether a declared number is not read yet, and none that contradicts."""
    is_open = not are_containers_read(containers, declaration)
    is_other = shows_another_container(containers, declaration)
    return bool(declaration.containers) and is_open and not is_other


def is_container_unseen(evidence: Evidence, declaration: Declaration) -> bool:
    """Whether nothing listens for the camera while a container is declared for this vehicle.

    It may have read another one.
    """
    return bool(declaration.containers) and FaultCode.CONTAINER_CAMERA in evidence.faults


def _declared(declaration: Declaration) -> frozenset[str]:
    return frozenset(normalize_container(text) for text in declaration.containers)


def _either(is_fitting: bool) -> Says:  # noqa: FBT001 - the one thing it is about
    return Says.FITS if is_fitting else Says.CONTRADICTS


def _card(evidence: Evidence, declaration: Declaration) -> Says:
    if evidence.card is None:
        return Says.NOTHING
    return _either(is_among(evidence.card.uid, declaration.cards))


def _weight(evidence: Evidence, declaration: Declaration, pack: PolicyPack) -> Says:
    weight = evidence.weight
    if weight is None:
        return Says.NOTHING
    allowed = tolerance_of(declaration, pack)
    low_kg = allowed.expected_kg - allowed.tolerance_kg
    high_kg = allowed.expected_kg + allowed.tolerance_kg
    return _either(low_kg <= weight.low_kg and weight.high_kg <= high_kg)


def _tag(evidence: Evidence, declaration: Declaration) -> Says:
    tag = evidence.tag
    # With the reader lost it is not known what else is in view.
    is_heard = FaultCode.TAG_LINK not in evidence.faults
    if tag is None or tag.others or not is_heard or not declaration.tag_id:
        return Says.NOTHING
    return _either(not shows_another_tag(evidence, declaration))


def _container(evidence: Evidence, declaration: Declaration) -> Says:
    """One number of two that are declared fits as well: it belongs to one container only."""
    containers = evidence.containers
    if containers is None:
        return Says.NOTHING
    if shows_another_container(containers, declaration):
        return Says.CONTRADICTS
    # With the listener lost it is not known what else was read.
    is_heard = FaultCode.CONTAINER_CAMERA not in evidence.faults
    return Says.FITS if declaration.containers and is_heard else Says.NOTHING


def _tare(evidence: Evidence, declaration: Declaration, pack: PolicyPack) -> Says:
    """An empty vehicle weighs again what it weighed empty before, a loaded one no less."""
    tolerance_kg = pack.identity.empty_tolerance_kg
    off_kg = off_tare_kg(evidence, declaration, pack.identity)
    if off_kg is None:
        return Says.NOTHING
    nearest_kg, farthest_kg = off_kg
    if nearest_kg > tolerance_kg:
        return Says.CONTRADICTS
    if farthest_kg > tolerance_kg:
        return Says.NOTHING  # the weight is not known well enough to tell
    return Says.FITS if declaration.kind is Kind.EMPTY else Says.FITS_WEAKLY


def _other_plate(evidence: Evidence, declaration: Declaration, pack: PolicyPack) -> Says:
    """The vehicle's second plate; its trailer's, too, in a pack that does not weigh that apart."""
    plate = evidence.plate
    if plate is None:
        return Says.NOTHING
    trailer, others = normalize_plate(declaration.trailer_plate), plate.others
    own = plates_of(declaration)
    if weighs_trailers(pack):
        others = tuple(
            each
            for each in others
            if not is_trailer_plate(each.text) and normalize_plate(each.text) != trailer
        )
    elif trailer:
        own |= {trailer}
    if not others:
        return Says.NOTHING
    own -= {normalize_plate(plate.text)}
    return _either(
        any(
            normalize_plate(each.text) in own
            for each in others
            if each.confidence_permille >= pack.limits.min_plate_confidence_permille
        )
    )


def weighs_trailers(pack: PolicyPack) -> bool:
    """Whether a trailer's plate is a piece of its own."""
    return any(each.piece == "trailer" for each in pack.identity.pieces)


def _trailer(evidence: Evidence, declaration: Declaration, limits: Limits) -> Says:
    """The declared trailer's plate among those that were surely read.

    Any other plate in the picture is a neighbor's and harmless, but for a trailer's where
    another trailer is declared.
    """
    declared = normalize_plate(declaration.trailer_plate)
    if evidence.plate is None or not declared:
        return Says.NOTHING
    seen = set(_surely_read(evidence.plate, plates_of(declaration), limits))
    if declared in seen:
        return Says.FITS
    return Says.CONTRADICTS if any(map(is_trailer_plate, seen)) else Says.NOTHING


def _surely_read(plate: PlateEvidence, own: frozenset[str], limits: Limits) -> Iterator[str]:
    """Every plate in the picture but the one by which the vehicle itself is identified."""
    if normalize_plate(plate.text) not in own and is_sure(plate, limits):
        yield normalize_plate(plate.text)
    for each in plate.others:
        if is_sure(each, limits):
            yield normalize_plate(each.text)
