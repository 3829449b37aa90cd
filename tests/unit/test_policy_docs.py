"""What the documents say of policy packs is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

from central.manifest.terms import COLUMNS
from gate_agent.domain.policy_pack import STANDARD_PIECES, PolicyPack
from gate_agent.wire.policy_pack import read_pack
from tests import policy_page

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "policy-pack.json"


def test_every_key_of_a_pack_is_documented() -> None:
    assert policy_page.PAGE.read_text(encoding="utf-8") == policy_page.page(), "make docs"


def test_the_example_is_a_pack_and_shows_every_table() -> None:
    pack = read_pack(EXAMPLE.read_bytes(), str(EXAMPLE))
    assert set(json.loads(EXAMPLE.read_text(encoding="utf-8"))) == set(PolicyPack.__struct_fields__)
    names = {each.name for table in pack.credit_tables for each in table.classes}
    assert {"客户协调员", "AA", "高级认证", "失信"} <= names


def test_every_column_of_an_import_is_documented() -> None:
    page = (ROOT / "docs" / "how-to" / "import-declarations.md").read_text(encoding="utf-8")
    assert [column for column in COLUMNS if f"`{column}`" not in page] == []


def test_the_explanation_gives_every_piece_its_shares() -> None:
    page = (ROOT / "docs" / "explanation" / "decision.md").read_text(encoding="utf-8")
    for rule in STANDARD_PIECES:
        (row,) = re.findall(rf"(?m)^\| `{rule.piece}` \| .*$", page)
        *_, wrong, chance, _ = (cell.strip() for cell in row.split("|"))
        assert wrong.partition(",")[0] == str(rule.wrong_milli_nats)
        assert chance.partition(",")[0] == str(rule.chance_milli_nats)
        assert not rule.weak_milli_nats or str(rule.weak_milli_nats) in row
