"""A policy pack as an officer writes it: JSON in, a checked value out, or a line saying why not.

A pack is taken whole or not at all. Keys are those of `gate_agent.domain.policy_pack`; a moment
(a key that ends in `_ms` and begins with `effective`, `from` or `until`) may be written as ISO 8601
with an offset.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec
from msgspec.structs import replace

from gate_agent.domain.policy_pack import STANDARD_PIECES, WITHOUT_DOUBT_PERMILLE, PolicyPack

_MOMENTS = ("effective_from_ms", "effective_until_ms", "from_ms", "until_ms")
_DEEPEST = 20


class PolicyPackError(Exception):
    """A pack that is not taken; the text names the source and the field or line."""


def read_pack(content: bytes, source: str) -> PolicyPack:
    """Read and check a pack. Raises `PolicyPackError`."""
    try:
        raw = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise PolicyPackError(f"{source}:{_line(content, str(exc))}: not JSON: {exc}") from exc
    try:
        pack = msgspec.convert(_with_moments(raw, "$", 0), PolicyPack)
    except (msgspec.ValidationError, ValueError, RecursionError) as exc:
        raise PolicyPackError(f"{source}: {exc}") from exc
    if problem := next(_problems(pack), None):
        raise PolicyPackError(f"{source}: {problem}")
    return pack


def read_new_pack(content: bytes, source: str) -> PolicyPack:
    """Read a pack that somebody wrote now. Raises `PolicyPackError`.

    What such a pack says by silence, about the confidence of a plate and the pieces of evidence
    that are weighed, is what holds today. A pack that is in force, or in a dossier, is read by
    `read_pack` and keeps what it meant.
    """
    pack = read_pack(content, source)
    said = msgspec.json.decode(content)
    limits, identity = pack.limits, pack.identity
    if "min_plate_confidence_permille" not in said.get("limits", {}):
        limits = replace(limits, min_plate_confidence_permille=WITHOUT_DOUBT_PERMILLE)
    if "pieces" not in said.get("identity", {}):
        identity = replace(identity, pieces=STANDARD_PIECES)
    return replace(pack, limits=limits, identity=identity)


def _line(content: bytes, complaint: str) -> int:
    """The line that msgspec complains about: it names a byte; 1 where it names none."""
    digits = complaint.rpartition("byte ")[2].partition(")")[0]
    return content[: int(digits)].count(b"\n") + 1 if digits.isdecimal() else 1


def _with_moments(value: Any, path: str, depth: int) -> Any:  # noqa: ANN401 - JSON
    """The same with every moment that was written as text in milliseconds."""
    if depth > _DEEPEST:
        raise ValueError(f"nested too deep - at `{path}`")
    if isinstance(value, list):
        return [
            _with_moments(each, f"{path}[{place}]", depth + 1) for place, each in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    return {
        key: _moment_ms(each, f"{path}.{key}")
        if key in _MOMENTS and isinstance(each, str)
        else _with_moments(each, f"{path}.{key}", depth + 1)
        for key, each in value.items()
    }


def _moment_ms(text: str, path: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not an ISO 8601 time - at `{path}`") from None
    if moment.tzinfo is None:
        raise ValueError(
            f"{text[:40]!r} has no offset: write Z or for example +08:00 - at `{path}`"
        )
    return round(moment.timestamp() * 1000)


def _problems(pack: PolicyPack) -> Iterator[str]:
    """What no single field shows."""
    if not pack.owner.strip():
        yield "nobody answers for it - at `$.owner`"
    if pack.effective_until_ms <= pack.effective_from_ms:
        yield "ends before it begins - at `$.effective_until_ms`"
    yield from _twice(
        ((each.name, f"$.credit_tables[{i}].classes[{j}].name") for i, table in
         enumerate(pack.credit_tables) for j, each in enumerate(table.classes)),
    )  # fmt: skip
    for name, parts in (
        ("agencies", [each.agency for each in pack.agencies]),
        ("lanes", [each.lane for each in pack.lanes]),
        ("draw_periods", [each.period for each in pack.draw_periods]),
    ):
        yield from _twice((each, f"$.{name}[{i}]") for i, each in enumerate(parts))
    if not {"plate", "card"}.issubset(pack.identity.agree):
        yield "plate and card must always agree - at `$.identity.agree`"
    yield from _twice(
        (each.piece, f"$.identity.pieces[{i}]") for i, each in enumerate(pack.identity.pieces)
    )
    yield from _unknown_classes(pack)
    yield from _bad_ranges(pack)
    yield from _missing_draws(pack)


def _twice(named: Iterator[tuple[str, str]]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for name, path in named:
        seen[name] += 1
        if seen[name] > 1:
            yield f"{name!r} stands twice - at `{path}`"


def _unknown_classes(pack: PolicyPack) -> Iterator[str]:
    """A rule for a class that no table has would silently apply to nobody."""
    for part in ("weights", "conditions", "lanes"):
        for place, rule in enumerate(getattr(pack, part)):
            for name in rule.classes:
                if pack.credit_class(name) is None:
                    yield f"no table has the class {name!r} - at `$.{part}[{place}].classes`"


def _bad_ranges(pack: PolicyPack) -> Iterator[str]:
    for place, lane in enumerate(pack.lanes):
        for number, hours in enumerate(lane.hours):
            if hours.until_min <= hours.from_min:
                yield f"closes before it opens - at `$.lanes[{place}].hours[{number}].until_min`"
    yield from _bad_books(pack)
    for place, mandate in enumerate(pack.mandates):
        if mandate.until_ms <= mandate.from_ms:
            yield f"ends before it begins - at `$.mandates[{place}].until_ms`"
    yield from _bad_periods(pack)


def _bad_books(pack: PolicyPack) -> Iterator[str]:
    """A number is of one kind of emergency, and a kind is a drill or is none."""
    for place, book in enumerate(pack.slips):
        if book.last < book.first:
            yield f"ends before it begins - at `$.slips[{place}].last`"
        for other in pack.slips[:place]:
            is_same = other.mode == book.mode
            if is_same and other.is_drill != book.is_drill:
                yield f"{book.mode!r} is a drill and is none - at `$.slips[{place}].is_drill`"
            share = book.first <= other.last and other.first <= book.last
            if not is_same and share and other.prefix == book.prefix:
                yield f"has numbers of the book of {other.mode!r} - at `$.slips[{place}]`"


def _bad_periods(pack: PolicyPack) -> Iterator[str]:
    periods = sorted(pack.draw_periods, key=lambda period: period.from_ms)
    for period in periods:
        if period.until_ms <= period.from_ms:
            yield f"{period.period!r} ends before it begins - at `$.draw_periods`"
    for earlier, later in pairwise(periods):
        if later.from_ms < earlier.until_ms:
            yield f"{earlier.period!r} and {later.period!r} overlap - at `$.draw_periods`"


def _missing_draws(pack: PolicyPack) -> Iterator[str]:
    """A share without a committed secret would hold everybody: say it here, not at the lane."""
    classes = (each for table in pack.credit_tables for each in table.classes)
    is_drawn = pack.risk.unknown_review_permille or any(each.inspect_permille for each in classes)
    if is_drawn and not pack.draw_periods:
        yield "shares are drawn, but no secret is committed to - at `$.draw_periods`"
