"""Nobody at a port ever reads a bare code: every word of the domain has its text twice."""

import re
from enum import StrEnum

import pytest

from devices.texts import Said, collect
from gate_agent.domain.decision import Reason
from gate_agent.domain.effects import Sign
from gate_agent.domain.faults import FaultCode
from gate_agent.domain.records import Alarm, Refusal
from gate_agent.domain.vocabulary import Barrier, Left, Mode, Outcome, Phase, WeightState
from gate_agent.texts.catalogue import LANGUAGES, CatalogueError, catalogue, text

SPOKEN: dict[str, type[StrEnum]] = {
    "reason": Reason,
    "reason_next": Reason,
    "reason_driver": Reason,
    "fault": FaultCode,
    "alarm": Alarm,
    "refused": Refusal,
    "sign": Sign,
    "outcome": Outcome,
    "phase": Phase,
    "mode": Mode,
    "barrier": Barrier,
    "weight_state": WeightState,
    "left": Left,
}
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_SIGN_CHARACTERS = 10


@pytest.mark.parametrize(
    ("kind", "code"), [(kind, member.value) for kind, words in SPOKEN.items() for member in words]
)
def test_every_word_of_the_domain_is_said_in_both_languages(kind: str, code: str) -> None:
    chinese, english = (text(f"{kind}.{code}", language) for language in LANGUAGES)
    assert _CHINESE.search(chinese), chinese
    assert not _CHINESE.search(english), english
    assert english == english.strip()
    assert chinese == chinese.strip()


@pytest.mark.parametrize("kind", sorted(SPOKEN))
def test_no_text_outlives_the_word_it_explains(kind: str) -> None:
    said = {key.removeprefix(f"{kind}.") for key in catalogue() if key.startswith(f"{kind}.")}
    assert said == {member.value for member in SPOKEN[kind]}


@pytest.mark.parametrize("sign", list(Sign))
def test_a_sign_is_at_most_ten_chinese_characters_for_a_driver_who_rolls(sign: Sign) -> None:
    assert len(_CHINESE.findall(text(f"sign.{sign.value}", "zh"))) <= _SIGN_CHARACTERS


def test_the_four_outcomes_are_called_what_officers_call_them() -> None:
    assert [text(f"outcome.{outcome.value}", "zh") for outcome in Outcome] == [
        "放行",
        "待人工",
        "查验",
        "退回",
    ]


def test_no_two_reasons_read_the_same() -> None:
    for language in LANGUAGES:
        texts = [text(f"reason.{reason.value}", language) for reason in Reason]
        assert len(set(texts)) == len(texts)


def test_a_text_that_does_not_exist_is_named() -> None:
    with pytest.raises(CatalogueError, match=r"reason\.no_such"):
        text("reason.no_such", "zh")


def test_a_text_fills_in_its_values() -> None:
    assert "7" in text("console.manifest.as_version", "en", version=7)


@pytest.mark.parametrize(
    ("tables", "complaint"),
    [
        ({"reason": {"x": {"zh": "字"}}}, r"a\.toml: reason\.x: missing 'en'"),
        ({"reason": {"x": {"zh": "字", "en": ""}}}, r"a\.toml: reason\.x: missing 'en'"),
        ({"reason": {"x": "bare"}}, r"a\.toml: reason\.x: expected a table"),
    ],
)
def test_a_text_that_lacks_a_language_is_refused_when_it_is_loaded(
    tables: dict[str, object], complaint: str
) -> None:
    with pytest.raises(CatalogueError, match=complaint):
        collect(tables, "", {}, "a.toml")


def test_a_second_text_under_one_key_is_refused_when_it_is_loaded() -> None:
    texts: dict[str, Said] = {}
    one = {"reason": {"x": {"zh": "字", "en": "word"}}}
    collect(dict(one), "", texts, "a.toml")
    with pytest.raises(CatalogueError, match=r"b\.toml: reason\.x: a second text"):
        collect(dict(one), "", texts, "b.toml")
