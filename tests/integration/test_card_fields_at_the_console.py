"""What a customs card says stands beside the declaration, and what contradicts is marked."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gate_agent.texts.catalogue import text
from gate_agent.wire import v1
from tests.console_desk import cheap_passwords, open_desk
from tests.console_scene import declaration, evidence

PASSAGE = "lane1-e1-000001"
FIELDS = {"IC_VE_NAME": "粤B99999", "IC_BILL_NO": "<b>531020</b>"}


def test_an_officer_sees_what_is_written_on_the_card_and_what_contradicts(tmp_path: Path) -> None:
    seen = evidence("粤B12345", "04A1B2C3", 32_000)
    card = v1.CardFact(uid="04A1B2C3", age_ms=900, fields=FIELDS)
    with cheap_passwords(), open_desk(tmp_path) as desk:
        desk.send(
            v1.PassageOpened(passage_id=PASSAGE),
            v1.PassageDecided(
                passage_id=PASSAGE,
                outcome="hold",
                reasons=("card_plate_differs",),
                evidence=msgspec.structs.replace(seen, card=card),
                declaration=declaration(1, ("粤B12345",), "04A1B2C3", 32_000),
                manifest_version=1,
                policy_version="7",
            ),
        )
        desk.sign_in("vera")
        page = desk.client.get(f"/passages/{PASSAGE}").text
    assert f'<div class="small bad">{text("console.card.IC_VE_NAME", "zh")}: 粤B99999</div>' in page
    assert "&lt;b&gt;531020&lt;/b&gt;" in page
    assert text("reason.card_plate_differs", "zh") in page
