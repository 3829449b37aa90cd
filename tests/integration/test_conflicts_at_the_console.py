"""What people see of claims, of declarations that went out twice, and of the rules that hold."""

from __future__ import annotations

import hashlib
import json

import msgspec
import pytest

from central.auth.roles import Role
from gate_agent.wire import v1
from tests.console_desk import BROWSER, Desk
from tests.console_scene import closed, declaration, evidence

JPEG = b"\xff\xd8 a lorry \xff\xd9"
PAPER = declaration(1, ("粤B12345",), "04A1B2C3", 32_000)


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.sign_in("vera")
    return desk


def goes_out(desk: Desk, lane: str, claim: v1.ClaimFact | None, *, jpeg: bytes = JPEG) -> str:
    """A passage of this lane is released on the paper."""
    passage_id = f"{lane}-e1-000001"
    seen = msgspec.structs.replace(evidence("粤B12345", "04A1B2C3", 32_000), claim=claim)
    desk.send(
        v1.PassageOpened(passage_id=passage_id),
        v1.PictureTaken(
            passage_id=passage_id,
            picture_id=hashlib.sha256(jpeg).hexdigest(),
            view="overview",
            jpeg=jpeg,
        ),
        v1.PassageDecided(
            passage_id=passage_id,
            outcome="release",
            reasons=(),
            evidence=seen,
            declaration=PAPER,
            manifest_version=1,
            policy_version="7",
        ),
        closed(passage_id, "release", "lane"),
        lane=lane,
    )
    return passage_id


def a_claim(state: str, **more: object) -> v1.ClaimFact:
    said = {"declaration_id": PAPER.declaration_id, "state": state} | more
    return msgspec.convert(said, v1.ClaimFact)


def page(desk: Desk, path: str) -> str:
    answer = desk.client.get(path, headers=BROWSER | {"accept-language": "en"})
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def test_two_lanes_that_were_cut_off_are_reported_with_both_vehicles(desk: Desk) -> None:
    viewer = desk.token(Role.VIEWER)
    assert "No declaration and no slip was used twice" in page(desk, "/conflicts")
    first = goes_out(desk, "lane1", a_claim("granted"))
    second = goes_out(
        desk, "lane2", a_claim("unanswered", alone_until_ms=desk.clock.wall_ms() + 60_000)
    )
    (conflict,) = desk.client.get("/api/v1/conflicts", headers=viewer).json()
    assert conflict["declaration_id"] == PAPER.declaration_id
    uses = {use["passage_id"]: use for use in conflict["uses"]}
    assert set(uses) == {first, second}
    assert [uses[first]["is_first"], uses[second]["is_first"]] == [True, False]
    assert (uses[second]["lane"], uses[second]["by"]) == ("lane2", "lane")
    assert uses[second]["claim"]["state"] == "unanswered"
    assert uses[first]["pictures"] == [hashlib.sha256(JPEG).hexdigest()]
    shown = page(desk, "/conflicts")
    for said in ("粤B12345", "04A1B2C3", first, second, "granted by the hub",
                 "offline, within authority until"):  # fmt: skip
        assert said in shown, said


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        (a_claim("granted"), "granted by the hub"),
        (a_claim("held", holder="lane-2-b7-000011"), "held by lane-2"),
        (a_claim("used", holder="lane2-b7-000011"), "used in lane2"),
        (a_claim("unanswered"), "offline, beyond authority"),
        (a_claim("unanswered", alone_until_ms=1_790_000_000_000), "within authority until"),
        (None, "not asked of the hub"),
        (
            a_claim(
                "granted",
                sightings=[{"lane": "lane3", "passage_id": "lane3-e1-000009", "gap_ms": None}],
            ),
            "the same plate stands in lane3",
        ),
    ],
)
def test_the_claim_stands_beside_the_evidence(
    desk: Desk, claim: v1.ClaimFact | None, said: str
) -> None:
    assert said in page(desk, f"/passages/{goes_out(desk, 'lane1', claim)}")


def test_what_the_picture_was_held_against_stands_beside_the_plate(desk: Desk) -> None:
    passage_id = goes_out(desk, "lane1", None)
    seen = evidence("粤B1Z345", "04A1B2C3", 32_000)
    assert seen.plate is not None
    plate = msgspec.structs.replace(
        seen.plate,
        candidates=(v1.PlateCandidateFact(text="粤B12345", milli_nats=-5),),
        none_milli_nats=-6_000,
    )
    desk.send(
        v1.PassageDecided(
            passage_id=passage_id,
            outcome="release",
            reasons=(),
            evidence=msgspec.structs.replace(seen, plate=plate),
            declaration=PAPER,
            manifest_version=1,
            policy_version="7",
        )
    )
    shown = page(desk, f"/passages/{passage_id}")
    assert "the picture shows 粤B12345: 99.50 %" in shown
    assert "none that was declared: 0.25 %" in shown
    assert "is-different" not in shown  # the lane took it for this one, and says so nowhere else


def test_the_rules_page_lists_every_pack_and_says_which_one_holds(desk: Desk) -> None:
    admin = desk.token(Role.ADMINISTRATOR)
    assert "No pack" in page(desk, "/rules")
    later = desk.clock.wall_ms() + 86_400_000
    for version, begins_ms in (("2026-11", 0), ("2026-12", later)):
        body = {"version": version, "owner": "rules desk", "effective_from_ms": begins_ms}
        kept = desk.client.post(
            "/api/v1/policy/import?source=p.json", content=json.dumps(body).encode(), headers=admin
        )
        assert kept.status_code == 200, kept.text
    shown = page(desk, "/rules")
    for said in ("2026-11", "2026-12", "rules desk", "in force", "to come"):
        assert said in shown, said
