"""Make the golden dossiers: sealed verdicts that no later version may judge otherwise.

python -m tests.golden_dossiers          keep what still holds, make the rest anew
python -m tests.golden_dossiers --all    make all of them anew

Two kinds: passages lived by a whole lane (`golden_lives`), and for every reason one vehicle that
has this reason alone. All are sealed by the lane's own store. `dossiers.xz` has the canonical
bytes, one dossier a line; `dossiers.txt` has of each its SHA-256, its name and its verdicts: what
a change of the rules does stands in its diff.
"""

from __future__ import annotations

import argparse
import lzma
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gate_agent.domain.effects import Record
from gate_agent.domain.events import AgentStarted, Stamped
from gate_agent.domain.records import PassageClosed, PassageDecided, PassageOpened, Timeline
from gate_agent.domain.state import Step
from gate_agent.domain.vocabulary import Instant, Left
from gate_agent.proof.files import Found
from gate_agent.proof.replay import Made, ReplayError, again, judgment_of, said
from gate_agent.wire.dossier import sha256
from tests.builders import DECIDED_AT, PACK, POLICY, START, good_evidence
from tests.golden_life import Life
from tests.golden_lives import LIVES, lived
from tests.kept_lane import contents
from tests.policy_cases import DEMANDED
from tests.unit.test_decision_rules import CASES, judged

FOLDER = Path(__file__).resolve().parent / "golden"
PACKED, LISTED = FOLDER / "dossiers.xz", FOLDER / "dossiers.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One sealed dossier, what it is about, and what the list calls its bytes."""

    name: str
    content: bytes
    sha256: str

    def again(self) -> list[Made]:
        """Its verdicts made again. Raises `ReplayError`."""
        return list(again(Found(place=self.name, content=self.content, sha256=self.sha256)))

    @property
    def says(self) -> str:
        """Its verdicts in words. Raises `ReplayError`."""
        found = Found(place=self.name, content=self.content)
        return "; ".join(said(decision.verdict) for decision in judgment_of(found).decisions)

    @property
    def line(self) -> str:
        """As the list has it. Raises `ReplayError`."""
        return f"{self.sha256} {self.name}: {self.says}"


def committed() -> list[Golden]:
    """Those in the repository, in order."""
    listed = [line.split(maxsplit=2) for line in LISTED.read_text(encoding="utf-8").splitlines()]
    packed = lzma.decompress(PACKED.read_bytes()).splitlines()
    return [
        Golden(name=name.removesuffix(":"), content=content, sha256=seal)
        for (seal, name, _), content in zip(listed, packed, strict=True)
    ]


def made(folder: Path) -> Iterator[Golden]:
    """Every one as today's code makes it. `folder` is an empty one to work in."""
    for name in LIVES:
        yield from _named(name, lived(name, folder / name))
    for name, decided in _alone():
        with closing(Life(folder / name)) as life:
            _seal(life, decided)
            yield from _named(name, contents(life.path))


def _named(name: str, sealed: list[bytes]) -> Iterator[Golden]:
    for number, content in enumerate(sealed, start=1):
        each = name if number == 1 else f"{name}-{number}"
        yield Golden(name=each, content=content, sha256=sha256(content))


def _alone() -> Iterator[tuple[str, PassageDecided]]:
    """Each reason by itself, out of the cases of the rules' own tests."""
    for reason, (case, _) in CASES.items():
        evidence, declarations = case(good_evidence())
        yield (
            f"only-{reason.value}",
            PassageDecided(
                passage_id=evidence.passage_id,
                verdict=judged(evidence, *declarations),
                evidence=evidence,
                pack=PACK,
                wall_ms=DECIDED_AT.wall_ms,
                declarations=declarations,
            ),
        )
    for reason, (demanded, _) in DEMANDED.items():
        yield f"only-{reason.value}", demanded()


def _seal(life: Life, decided: PassageDecided) -> None:
    """A passage of which nothing is told but its verdict."""
    closed = PassageClosed(
        passage_id=decided.passage_id,
        outcome=decided.verdict.outcome,
        decided_by="agent",
        left=Left.ENTRY,
        arrived_at=START,
        timeline=Timeline(),
    )
    at = Instant(DECIDED_AT.mono_s, decided.wall_ms)
    bodies = (PassageOpened(passage_id=decided.passage_id), decided, closed)
    started = Stamped(AgentStarted(policy=POLICY, version="test"), at)
    life.store.commit(started, Step(life.lane, tuple(Record(body=body) for body in bodies)))


def still_holds(old: Golden, new: Golden) -> bool:
    """Whether the verdicts of `old` are what they were, and what `new` says of the same passage."""
    try:
        return old.says == new.says and all(each.is_identical for each in old.again())
    except ReplayError:
        return False


def main() -> int:
    """Write both files."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden_dossiers")
    parser.add_argument("--all", action="store_true", help="make all of them anew")
    options = parser.parse_args()
    before = {} if options.all or not PACKED.exists() else {each.name: each for each in committed()}
    goldens, anew = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for new in made(Path(folder)):
            old = before.get(new.name)
            if old is None or not still_holds(old, new):
                old, anew = new, anew + 1
            goldens.append(old)
    PACKED.write_bytes(lzma.compress(b"\n".join(each.content for each in goldens), preset=9))
    LISTED.write_text("".join(f"{each.line}\n" for each in goldens), encoding="utf-8")
    print(f"{len(goldens)} dossiers, {anew} made anew, {PACKED.stat().st_size} bytes")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
