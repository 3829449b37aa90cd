"""The proof that exported goods left: made from the sealed dossier, and checked by anybody."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from central.auth.roles import Role
from central.cli import main
from central.console.rendering import render
from central.console.wording import Wording
from central.hub.ingest import decode
from central.proof import exit_proof
from central.proof.exit_proof import ExitProofError
from central.store import ingest_store
from central.store.rows import Deletion, RetentionRule
from gate_agent.domain.manifest import Declaration, Direction
from gate_agent.wire import v1
from tests.builders import a_declaration
from tests.console_desk import Desk, open_desk
from tests.hub_bench import NOW_MS, arrival, batch
from tests.kept_lane import KeptStory, rows, sealed

EXPORT = replace(a_declaration(), direction=Direction.OUT, office="5301")


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.sign_in("vera")
    return desk


def goes_out(desk: Desk, folder: Path, paper: Declaration = EXPORT) -> str:
    """A vehicle leaves a real lane, and its records come to the hub; the passage."""
    with closing(KeptStory(folder)) as lane:
        lane.ready()
        lane.waits_for_verdict().manifest_answers(paper)
        lane.boom_goes_up().drives_out().passes(2.0)
        lane.boom_comes_down()
        records = [
            v1.RawRecord(seq=r.seq, at_ms=r.at_ms, body=msgspec.Raw(r.body), chain=r.chain)
            for r in rows(lane.path)
        ]
        payload = batch("lane1", lane.store.epoch, records)
        desk.services.store.write_now(ingest_store.ingest, [decode(arrival(payload), NOW_MS)])
        desk.services.lanes.know("lane1")
        return sealed(lane.path)[0].passage_id


def test_row_13_each_export_declaration_has_a_proof_of_exit_that_anybody_can_check(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passage_id = goes_out(desk, tmp_path / "lane")
    headers = desk.token(Role.VIEWER)
    answer = desk.client.get("/api/v1/exit-proof?declaration=D1", headers=headers)
    assert answer.status_code == 200, answer.text
    facts = answer.json()["facts"]
    assert (facts["passage_id"], facts["lane"], facts["office"]) == (passage_id, "lane1", "5301")
    assert (facts["gross_kg"], facts["weight_within_kg"], facts["decided_by"]) == (
        32_000,
        0,
        "lane",
    )
    saved = tmp_path / "proof.json"
    saved.write_bytes(answer.content)
    assert main(["verify-exit-proof", str(saved)]) == 0
    assert "compared with no hub" in capsys.readouterr().out
    assert main(["verify-exit-proof", str(saved), "--state", str(desk.state)]) == 0
    assert "this hub has its record" in capsys.readouterr().out
    assert "/exit-proof?declaration=D1" in desk.client.get(f"/passages/{passage_id}").text
    page = desk.client.get("/exit-proof?declaration=D1", headers={"accept-language": "zh"}).text
    assert "离境证明" in page
    assert answer.json()["seal"]["dossier_sha256"] in page


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("facts", "gross_kg", 40_000),
        ("facts", "declaration_id", "D2"),
        ("facts", "lane", "lane2"),
        ("facts", "left_at_ms", 1),
        ("seal", "link", "0" * 64),
        ("seal", "seq", 1),
        ("seal", "dossier_sha256", "0" * 64),
        ("seal", "record", "{}"),
    ],
)
def test_a_proof_that_was_altered_anywhere_does_not_hold(
    desk: Desk, tmp_path: Path, part: str, key: str, value: object
) -> None:
    goes_out(desk, tmp_path / "lane")
    proof = desk.services.store.read_now(exit_proof.prove, "D1", site="port")
    altered = json.loads(exit_proof.encode(proof))
    altered[part][key] = value
    saved = tmp_path / "altered.json"
    saved.write_text(json.dumps(altered), encoding="utf-8")
    assert main(["verify-exit-proof", str(saved), "--state", str(desk.state)]) == 1


def test_a_proof_of_a_lane_that_was_made_up_is_of_no_hub(desk: Desk, tmp_path: Path) -> None:
    goes_out(desk, tmp_path / "lane")
    proof = desk.services.store.read_now(exit_proof.prove, "D1", site="port")
    with open_desk(tmp_path / "other") as other, pytest.raises(ExitProofError, match="no record"):
        other.services.store.read_now(exit_proof.compare, proof)


def test_what_is_no_export_has_no_proof_of_exit(desk: Desk, tmp_path: Path) -> None:
    passage_id = goes_out(desk, tmp_path / "lane", a_declaration())
    headers = desk.token(Role.VIEWER)
    for asked, said in (("?declaration=D1", "not an export"), ("?declaration=D9", "nobody left")):
        answer = desk.client.get(f"/api/v1/exit-proof{asked}", headers=headers)
        assert (answer.status_code, said in answer.json()["error"]) == (409, True)
    assert desk.client.get("/api/v1/exit-proof", headers=headers).status_code == 400
    assert "/exit-proof" not in desk.client.get(f"/passages/{passage_id}").text


def test_where_a_rule_deleted_a_picture_the_printed_proof_says_so_beside_its_hash(
    desk: Desk, tmp_path: Path
) -> None:
    goes_out(desk, tmp_path / "lane")
    answer = desk.client.get("/api/v1/exit-proof?declaration=D1", headers=desk.token(Role.VIEWER))
    proof = exit_proof.read(answer.content)
    gone, here = "12" * 32, "34" * 32
    facts = msgspec.structs.replace(proof.facts, pictures=(gone, here))
    told = Deletion(at_ms=NOW_MS, rule=RetentionRule.AGE, days=365, free_gb=None)
    page = render(
        "exit_proof.html",
        Wording("en"),
        proof=msgspec.structs.replace(proof, facts=facts),
        deleted={gone: told},
    )
    assert f"/api/v1/pictures/{here}" in page
    assert f"/api/v1/pictures/{gone}" not in page
    assert "by rule: kept for 365 days" in page
