"""A passage whose pictures a rule deleted, in a real browser on a real hub that deleted them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from gate_agent.wire import v1
from models.lpr.plates import PlateClass
from tests.console_scene import (
    HubProcess,
    PlayedLane,
    closed,
    decided,
    declaration,
    evidence,
    picture,
    taken,
    wait_until,
)
from tests.e2e.test_console_in_a_browser import ARGUMENTS, Stage

pytestmark = pytest.mark.needs("chromium")

DAYS_MS = 400 * 86_400_000


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    hub = HubProcess(tmp_path_factory.mktemp("hub"), ["lane1"])
    with hub.config.open("a", encoding="utf-8") as file:
        file.write("[retention]\npictures_days = 365\nclips_days = 90\n")
    hub.start()
    lane = PlayedLane(hub, "lane1")
    try:
        lane.online()
        for number, passage_id in enumerate(("p-gone", "p-kept"), start=1):
            leaves(lane, passage_id, number)
        hub.call("POST", "/api/v1/passages/p-kept/keep", b'{"reason": "claim 77 for damages"}')
        lane.close()
        hub.stop()
        with closing(sqlite3.connect(hub.state / "hub.db", isolation_level=None)) as db:
            db.execute(  # the year that passes meanwhile
                "UPDATE pictures SET received_ms = received_ms - ?", [DAYS_MS]
            )
        hub.start()
        wait_until(lambda: not is_here(hub, "p-gone"), what="the rule deleted its pictures")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=ARGUMENTS
            )
            yield Stage(hub, lane, browser)
            browser.close()
    finally:
        hub.stop()


def leaves(lane: PlayedLane, passage_id: str, number: int) -> None:
    plate, card = f"粤B1234{number}", f"04A1B2C{number}"
    row = declaration(number, (plate,), card, 32_000)
    verdict = decided(passage_id, "release", evidence(plate, card, 32_060), row)
    lane.send(
        v1.PassageOpened(passage_id=passage_id),
        taken(passage_id, picture(plate, PlateClass.BLUE, number)),
        taken(passage_id, picture(plate, PlateClass.BLUE, number + 10), "overview"),
        verdict,
        closed(passage_id, "release", "lane"),
    )


def is_here(hub: HubProcess, passage_id: str) -> bool:
    found = hub.call("GET", f"/api/v1/passages/{passage_id}")["pictures"]
    return any(each["present"] for each in found)


def shot(page: Page, folder: Path, name: str) -> None:
    page.screenshot(path=folder / name, full_page=True)


@pytest.mark.parametrize(
    ("locale", "said"),
    [("en-US", "by rule: kept for 365 days"), ("zh-CN", "按规则删除：保存满 365 天")],
)
def test_where_a_picture_was_the_page_says_when_and_by_which_rule_it_was_deleted(
    stage: Stage, tmp_path: Path, locale: str, said: str
) -> None:
    page = stage.page("sun.li", locale=locale)
    page.goto(f"{stage.hub.url}/passages/p-gone")
    expect(page.locator(".pictures .shot-none")).to_have_count(2)
    expect(page.locator(".pictures .shot-none").first).to_contain_text(said)
    assert page.locator(".pictures img").count() == 0, "no broken picture"
    shot(page, tmp_path, f"gone-{locale}.png")
    box = page.locator(".pictures .shot-none").first.bounding_box()
    text = page.locator(".pictures .shot-none").first.evaluate("e => e.scrollHeight")
    assert box is not None
    assert text <= box["height"] + 1, "the words fit where the picture was"


def test_a_passage_that_a_person_keeps_has_its_pictures_and_says_who_and_why(
    stage: Stage, tmp_path: Path
) -> None:
    page = stage.page("sun.li")
    page.goto(f"{stage.hub.url}/passages/p-kept")
    first = page.locator(".pictures img").first
    assert first.evaluate("image => image.complete && image.naturalWidth") == 1280
    expect(page.locator("#keep")).to_contain_text("by broker since")
    expect(page.locator("#keep")).to_contain_text("claim 77 for damages")
    shot(page, tmp_path, "kept.png")
    assert page.locator("#keep form").count() == 0, "an administrator ends it"


def test_a_supervisor_keeps_a_passage_with_a_reason(stage: Stage, tmp_path: Path) -> None:
    page = stage.page("sun.li", scripts=False)
    page.goto(f"{stage.hub.url}/passages/p-gone")
    page.click("#keep summary")
    page.fill("#keep input[name=reason_text]", "police ask for it")
    page.click("#keep button")
    expect(page.locator("#keep")).to_contain_text("by sun.li since")
    expect(page.locator("main")).to_contain_text("kept pictures and clip")
    shot(page, tmp_path, "keeps.png")
