"""Who is this vehicle: every piece of evidence weighed for every declared vehicle, and for none.

All weights are milli-nats, thousandths of a natural logarithm, in whole numbers: a reading has
been weighed by its reader, every other piece has two numbers in the policy's `identity` table (how
often the declared vehicle itself would show another one, and how often a stranger would happen to
fit). What each says of a paper is found in `pieces.py`. Pieces are independent but for those of one
scale, so their weights are added; what is left for everything else is the logarithm of the sum
(`log_sums.py`). A piece that is missing says nothing here: that it is missing is a reason of its
own, or policy demands it by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gate_agent.domain.evidence import Evidence, PlateCandidate, PlateEvidence
from gate_agent.domain.log_sums import LEAST, log_permille, log_sum
from gate_agent.domain.manifest import Declaration
from gate_agent.domain.matching import normalize_plate
from gate_agent.domain.pieces import (
    LOOKED_UP,
    Says,
    is_seen,
    is_sure,
    plates_of,
    said_of,
    total,
)
from gate_agent.domain.policy_pack import Limits, PolicyPack

UNNAMED = -20_000  # against none, of a plate that a look did not name
SUREST_PERMILLE = 999  # no reader is surer of a plate than this, whatever it says


def named_plate(plate: PlateEvidence, pack: PolicyPack) -> str | None:
    """The plate that this evidence names without doubt, None where it names none.

    What was read, if it was read well enough; else, where policy says that this suffices, the one
    declared plate that the picture is far likelier to show than all others and than none of them.
    """
    if is_sure(plate, pack.limits):
        return plate.text
    rule = pack.identity
    if (
        not rule.verified_plate_suffices
        or plate.none_milli_nats is None
        or not plate.candidates
        or plate.frames_seen < pack.limits.min_plate_frames
    ):
        return None
    best = max(plate.candidates, key=lambda each: (each.milli_nats, each.text))
    rest = [each.milli_nats for each in plate.candidates if each is not best]
    odds = best.milli_nats - log_sum([plate.none_milli_nats, *rest])
    return best.text if odds >= rule.min_plate_odds_milli_nats else None


def weighed_together(known: PlateEvidence | None, seen: PlateEvidence) -> PlateEvidence:
    """`seen` with the weights of all looks so far.

    Looks at one plate err alike, so they count on the average, each plate against "none": whoever
    is asked again and again would else say what one hopes for at last. A plate that one look did
    not name among the likeliest was far from it.
    """
    if known is None or known.none_milli_nats is None or seen.none_milli_nats is None:
        return seen
    before = {each.text: each.milli_nats - known.none_milli_nats for each in known.candidates}
    now = {each.text: each.milli_nats - seen.none_milli_nats for each in seen.candidates}
    looks = known.looks + 1
    both = {
        text: (before.get(text, now.get(text, 0)) * known.looks + now.get(text, UNNAMED)) // looks
        for text in sorted({*before, *now})
    }
    none = -log_sum([0, *both.values()])
    candidates = [
        PlateCandidate(text=text, milli_nats=min(0, w + none)) for text, w in both.items()
    ]
    candidates.sort(key=lambda each: (-each.milli_nats, each.text))
    return replace(seen, candidates=tuple(candidates), none_milli_nats=min(0, none), looks=looks)


def is_doubtful(plate: PlateEvidence, pack: PolicyPack) -> bool:
    """Whether a reading is too weak to release on, and nothing declared makes up for it."""
    return named_plate(plate, pack) is None


def plate_in_question(plate: PlateEvidence, pack: PolicyPack) -> str:
    """The plate that papers are looked up by: the one that is named, else the one that was read."""
    return named_plate(plate, pack) or plate.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How well one paper explains what was sensed, and which pieces agree with it.

    `stranger_milli_nats`: how well a vehicle does that nobody declared and that happens to agree
    in the same pieces.
    """

    declaration: Declaration
    plates: frozenset[str]
    milli_nats: int
    stranger_milli_nats: int
    agreeing: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Everything that the vehicle could be.

    `elsewhere`: other declared plates that the picture was held against, whose papers nothing else
    names.
    """

    papers: tuple[Standing, ...]
    elsewhere: tuple[tuple[str, int], ...]

    def standing(self, declaration: Declaration) -> Standing | None:
        """The one of this paper."""
        return next((each for each in self.papers if each.declaration == declaration), None)

    def odds_milli_nats(self, standing: Standing) -> int:
        """That it is this vehicle rather than any other, or none. Its own papers are no rivals."""
        rivals: dict[frozenset[str], int] = {}
        for each in self.papers:
            if not each.plates & standing.plates:
                rivals[each.plates] = max(each.milli_nats, rivals.get(each.plates, LEAST))
        others = [weight for text, weight in self.elsewhere if text not in standing.plates]
        against = [standing.stranger_milli_nats, *rivals.values(), *others]
        return standing.milli_nats - log_sum(against)


def identity_of(
    evidence: Evidence, declarations: Sequence[Declaration], pack: PolicyPack
) -> Identity:
    """Weigh each of these declarations, which name the plate or the card, and their rivals."""
    weights = _PlateWeights.of(evidence.plate, pack.limits)
    named = named_plate(evidence.plate, pack) if evidence.plate else None
    papers = tuple(_standing(evidence, each, pack, weights, named) for each in declarations)
    named_by_papers = frozenset[str]().union(*(each.plates for each in papers))
    # Nothing else names these, so whatever papers are looked up by is not theirs.
    wrong = sum(
        rule.wrong_milli_nats
        for rule in pack.identity.pieces
        if rule.piece in LOOKED_UP and is_seen(rule.piece, evidence)
    )
    elsewhere = [(text, own + wrong) for text, own in weights.named if text not in named_by_papers]
    return Identity(papers=papers, elsewhere=tuple(elsewhere))


def _standing(
    evidence: Evidence,
    declaration: Declaration,
    pack: PolicyPack,
    weights: _PlateWeights,
    named: str | None,
) -> Standing:
    """How well one paper explains what was sensed. `named`: the plate without doubt."""
    plates = plates_of(declaration)
    is_named = named is not None and normalize_plate(named) in plates
    wrong: dict[str, int] = {}
    chance: dict[str, int] = {}
    for rule in pack.identity.pieces:
        match said_of(rule.piece, evidence, declaration, pack, is_named=is_named):
            case Says.FITS:
                chance[rule.piece] = rule.chance_milli_nats
            case Says.FITS_WEAKLY:
                chance[rule.piece] = rule.weak_milli_nats
            case Says.CONTRADICTS:
                wrong[rule.piece] = rule.wrong_milli_nats
            case Says.NOTHING:
                pass
    agreeing = frozenset(chance)
    if is_named:
        agreeing |= {"plate"}
    if "trailer" in chance:
        agreeing |= {"other_plate"}  # it is one, though it is weighed by itself
    return Standing(
        declaration=declaration,
        plates=plates,
        milli_nats=weights.best_of(plates) + total(wrong),
        stranger_milli_nats=weights.none + total(chance),
        agreeing=agreeing,
    )


def plate_margin_milli_nats(
    plate: PlateEvidence, declaration: Declaration, limits: Limits
) -> int | None:
    """How far the picture prefers this vehicle's plate to another declared one. None: no other."""
    own = plates_of(declaration)
    weights = _PlateWeights.of(plate, limits)
    others = [weight for text, weight in weights.named if text not in own]
    return weights.best_of(own) - max(others) if others else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlateWeights:
    """What the picture says of each declared plate, of any other, and of none of them."""

    named: tuple[tuple[str, int], ...] = ()
    other: int = 0
    none: int = 0

    def best_of(self, texts: Iterable[str]) -> int:
        """The likeliest of a vehicle's plates: any of them identifies it."""
        weights = dict(self.named)
        return max((weights.get(text, self.other) for text in texts), default=self.other)

    @classmethod
    def of(cls, plate: PlateEvidence | None, limits: Limits) -> _PlateWeights:
        """A sure reading counts by its confidence, and by the picture beside other plates.

        A reading in doubt counts by the picture alone, where that was held against the plates.
        """
        if plate is None:
            return cls()
        named = {normalize_plate(each.text): each.milli_nats for each in plate.candidates}
        if plate.none_milli_nats is not None and not is_sure(plate, limits):
            return cls(named=tuple(named.items()), other=LEAST, none=plate.none_milli_nats)
        permille = min(plate.confidence_permille, SUREST_PERMILLE)
        sure, rest = log_permille(permille), log_permille(1000 - permille)
        text = normalize_plate(plate.text)
        beside = sure - named.get(text, sure)
        named = {other: min(0, weight + beside) for other, weight in named.items()} | {text: sure}
        return cls(named=tuple(named.items()), other=rest, none=rest)
