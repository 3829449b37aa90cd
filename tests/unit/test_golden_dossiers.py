"""Verdicts that were sealed once are made again by today's rules, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gate_agent.domain.policy_pack import PolicyPack, policy_hash
from gate_agent.domain.reasons import OUTCOME_OF, Reason
from gate_agent.domain.vocabulary import Outcome
from gate_agent.wire import dossier
from tests.golden_dossiers import PACKED, Golden, committed
from tests.golden_lives import lived

GOLDENS = committed()
CHANGED = """
{name}
  was sealed as  {was}
  and is now     {now}
Lanes have sealed such verdicts, and their dossiers would now accuse them. Where the rule is meant
to change, let it ask for a field of the policy pack (a new version of the pack switches it on, the
old one goes on to judge as it did). Where the old verdict was itself wrong: raise the version of
the agent, say so in the CHANGELOG, and make these goldens anew on purpose, with
  python -m tests.golden_dossiers
"""


def kept(old: object, new: object) -> bool:
    """Whether the new JSON value says everything that the old one says. It may say more."""
    match old, new:
        case dict(), dict():
            return all(key in new and kept(value, new[key]) for key, value in old.items())
        case list(), list():
            return len(old) == len(new) and all(map(kept, old, new))
        case _:
            return type(old) is type(new) and old == new


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
def test_a_verdict_that_was_sealed_once_is_made_again_bit_for_bit(golden: Golden) -> None:
    sealed: list[Any] = json.loads(golden.content)["decisions"]
    again = golden.again()
    assert len(again) == len(sealed) > 0
    for was, made in zip(sealed, again, strict=True):
        now = json.loads(dossier.canonical(made.now))
        other = {key for key, value in was["verdict"].items() if not kept(value, now.get(key))}
        say = CHANGED.format(
            name=golden.name,
            was={key: was["verdict"][key] for key in other},
            now={key: now.get(key) for key in other},
        )
        assert made.is_identical, say
        assert dossier.canonical(made.recorded) == dossier.canonical(made.now), say
        assert not other, say


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
def test_the_same_passage_is_sealed_with_the_same_bytes(golden: Golden) -> None:
    assert dossier.sha256(golden.content) == golden.sha256
    assert dossier.sealed(unsealed(golden.content)) == golden.content
    assert dossier.unpacked(dossier.packed(golden.content)) == golden.content
    for name, policy in json.loads(golden.content)["policies"].items():
        assert policy_hash(msgspec.convert(policy, PolicyPack)) == name


def unsealed(content: bytes) -> dossier.Passage:
    """The slices of a passage that its dossier was made from."""
    whole: dict[str, Any] = json.loads(content)
    decisions = {decision["seq"]: decision for decision in whole["decisions"]}
    for noted in whole["records"]:
        if noted["type"] == "PassageDecided":
            body = dict(decisions[noted["seq"]], passage_id=whole["passage_id"])
            noted["body"] = body | {"pack": whole["policies"][body["policy"]]}
            del noted["body"]["policy"], noted["body"]["seq"]
    for row in (*whole["events"], *whole["records"]):
        row["body"] = msgspec.Raw(msgspec.json.encode(row["body"]))
    return msgspec.convert(whole, dossier.Passage)


def test_every_reason_and_every_outcome_has_a_golden_dossier() -> None:
    verdicts = [made.recorded for golden in GOLDENS for made in golden.again()]
    missing = set(Reason) - {reason for verdict in verdicts for reason in verdict.reasons}
    assert missing == set(), "add them: python -m tests.golden_dossiers"
    assert {verdict.outcome for verdict in verdicts} == set(Outcome)
    assert len({golden.name for golden in GOLDENS}) == len(GOLDENS)


ALONE = [golden for golden in GOLDENS if golden.name.startswith("only-")]


@pytest.mark.parametrize("golden", ALONE, ids=lambda golden: golden.name)
def test_a_reason_that_leads_elsewhere_is_found_out(
    golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The goldens have teeth: were one reason worth another outcome, they would say so."""
    reason = Reason(golden.name.removeprefix("only-"))
    other = Outcome.HOLD if OUTCOME_OF[reason] is not Outcome.HOLD else Outcome.INSPECT
    monkeypatch.setitem(OUTCOME_OF, reason, other)
    assert not all(made.is_identical for made in golden.again())


@pytest.mark.parametrize("name", ["released", "transit-late", "raise-not-sent", "rebooted"])
def test_a_life_that_is_told_twice_has_the_same_dossier(name: str, tmp_path: Path) -> None:
    once, twice = lived(name, tmp_path / "once"), lived(name, tmp_path / "twice")
    assert once == twice
    assert len(once) == 1


def test_the_golden_dossiers_stay_small() -> None:
    assert PACKED.stat().st_size < 150_000
