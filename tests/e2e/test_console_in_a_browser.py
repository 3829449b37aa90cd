"""The console in a real browser, on a real hub with its broker, and lanes that answer.

One hub and one browser serve the whole file; each test works on vehicles of its own.
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from gate_agent.wire import v1
from models.lpr.plates import PlateClass
from tests.console_scene import (
    PASSWORD,
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

pytestmark = pytest.mark.needs("chromium")

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
PATIENCE_MS = 20_000


class Stage:
    """A hub, a lane and a browser."""

    def __init__(self, hub: HubProcess, lane: PlayedLane, browser: Browser) -> None:
        self.hub = hub
        self.lane = lane
        self.browser = browser

    def page(self, user: str, *, locale: str = "en-US", scripts: bool = True) -> Page:
        context = self.browser.new_context(
            locale=locale, java_script_enabled=scripts, viewport={"width": 1500, "height": 950}
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(self.hub.url)
        page.fill("#name", user)
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_selector("nav")
        return page

    def hold(self, passage_id: str) -> None:
        row = declaration(1, ("粤B12345",), "04A1B2C3", 32_000)
        jpeg = picture("粤B12345", PlateClass.BLUE, 7)
        facts = evidence("粤B12845", "04A1B2C3", 33_460)
        verdict = decided(passage_id, "hold", facts, row, "plate_doubtful", "weight_differs")
        self.lane.send(v1.PassageOpened(passage_id=passage_id), taken(passage_id, jpeg), verdict)

    def order(self, number: int) -> v1.OverrideCommand:
        """The order that the lane got."""
        wait_until(lambda: len(self.lane.commands) > number, what="an order reached the lane")
        found = self.lane.commands[number]
        assert isinstance(found, v1.OverrideCommand)
        return found


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    hub = HubProcess(tmp_path_factory.mktemp("hub"), ["lane1"])
    hub.start()
    lane = PlayedLane(hub, "lane1")
    try:
        lane.online()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=ARGUMENTS
            )
            yield Stage(hub, lane, browser)
            browser.close()
    finally:
        lane.close()
        hub.stop()


def test_a_supervisor_releases_a_held_vehicle_and_sees_the_lane_carry_it_out(stage: Stage) -> None:
    page = stage.page("sun.li")
    page.click("nav a[href='/held']")
    expect(page.locator("main")).to_contain_text("No vehicle is waiting")
    stage.hold("p-1")

    expect(page).to_have_title(re.compile(r"^\(1\) Held"))
    page.click("#look-p-1")  # it appeared by itself
    evidence_table = page.locator("table.compare")
    expect(evidence_table).to_contain_text("difference +1460 kg (+4.6 %)")
    assert evidence_table.locator("mark").all_inner_texts() == ["8", "3"]
    shot = page.locator(".pictures img").first
    assert shot.evaluate("image => image.complete && image.naturalWidth") == 1280
    expect(page.locator("form.decide")).to_contain_text("Weight differs from the declaration")

    page.click("label[for='choice-release']")
    expect(page.locator("form.decide button")).to_have_text(re.compile("Release"))
    page.click("form.decide button")
    said = page.locator("#reason-pick").evaluate("field => field.validationMessage")
    assert said == "Choose or write a reason"
    assert page.is_checked("#choice-release"), "what was chosen stays chosen"

    page.select_option("#reason-pick", "plate_checked")
    page.click("form.decide button")
    expect(page.locator("main")).to_contain_text("Sent, waiting for the lane")
    order = stage.order(0)
    assert (order.decision, order.by, order.reason) == ("release", "sun.li", "Plate checked by eye")

    stage.lane.send(
        v1.PassageOverridden(
            passage_id="p-1",
            command_id=order.command_id,
            decision="release",
            by=order.by,
            reason=order.reason,
        )
    )
    expect(page.locator("main")).to_contain_text("sun.li decided: Release")
    expect(page.locator("main")).to_contain_text("Carried out by the lane")
    stage.lane.send(closed("p-1", "release", "sun.li"))
    page.goto(f"{stage.hub.url}/log")
    expect(page.locator("main")).to_contain_text("decided about a vehicle")
    expect(page.locator("main")).to_contain_text("Release: Plate checked by eye")
    page.context.close()


def test_the_keyboard_alone_decides_in_chinese_and_the_refusal_is_said(stage: Stage) -> None:
    given = len(stage.lane.commands)
    stage.hold("p-2")
    page = stage.page("sun.li", locale="zh-CN")
    page.goto(f"{stage.hub.url}/held/p-2")
    page.focus("#choice-release")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.is_checked("#choice-refuse")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("司机要求退出")
    page.wait_for_timeout(2500)  # two rounds of the live stream must not take the words away
    assert page.input_value("#reason-text") == "司机要求退出"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("已发出，等待车道执行")
    order = stage.order(given)
    assert (order.decision, order.reason) == ("refuse", "司机要求退出")
    stage.lane.send(
        v1.CommandRefused(passage_id="p-2", command_id=order.command_id, why="not_waiting")
    )
    expect(page.locator("main")).to_contain_text("车道拒绝：该车不在等待人工")
    expect(page.locator("form.decide")).to_be_visible()  # and may decide again
    stage.lane.send(closed("p-2", "refuse", "lane", "entry"))
    page.context.close()


def test_without_scripts_a_vehicle_can_still_be_decided(stage: Stage) -> None:
    given = len(stage.lane.commands)
    stage.hold("p-3")
    page = stage.page("sun.li", scripts=False)
    page.goto(f"{stage.hub.url}/held")
    page.click("#look-p-3")
    page.click("label[for='choice-inspect']")
    page.select_option("#reason-pick", "weight_unexplained")
    page.click("form.decide button")
    expect(page.locator("main")).to_contain_text("Sent, waiting for the lane")
    assert stage.order(given).decision == "inspect"
    stage.lane.send(closed("p-3", "inspect", "sun.li", "entry"))
    page.context.close()


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en-US", ("Tag", "other tags seen:", "Differs", "not read")),
        ("zh-CN", ("电子标签", "同时读到其他标签：", "不一致", "未采集到")),
    ],
)
def test_another_tag_is_seen_beside_the_declared_one(
    stage: Stage, locale: str, words: tuple[str, str, str, str]
) -> None:
    check, others, differs, not_read = words
    row = declaration(1, ("粤B12345",), "04A1B2C3", 32_000, tag_id="E2003411B802011383258566")
    tag = {"tag_id": "E2003411B802011383258599", "others": ["E200000000000000000000AA"]}
    page = stage.page("sun.li", locale=locale)
    for passage_id, seen in ((f"t-1{locale}", tag), (f"t-2{locale}", None)):
        facts = evidence("粤B12345", "04A1B2C3", 32_000, tag=seen)
        verdict = decided(passage_id, "hold", facts, row, "identity_unproven")
        stage.lane.send(v1.PassageOpened(passage_id=passage_id), verdict)
        page.goto(f"{stage.hub.url}/held/{passage_id}")
        line = page.locator("table.compare tr", has=page.locator("th", has_text=check)).last
        expect(line).to_contain_text("E2003411B802011383258566")
        expect(line).to_contain_text(differs if seen else not_read)
        if seen:
            expect(line).to_contain_text(others)
            assert "".join(line.locator("mark").all_inner_texts()[:2]) == "99"
        told = stage.hub.call("GET", f"/api/v1/passages/{passage_id}")["evidence"]
        assert told.get("tag", {}).get("tag_id") == (seen and seen["tag_id"])
        stage.lane.send(closed(passage_id, "refuse", "sun.li", "entry"))
    page.context.close()


def test_a_supervisor_fetches_a_clip_and_a_viewer_only_sees_where_it_is(stage: Stage) -> None:
    content = bytes(range(256)) * 3_000
    clip_id = sha256(content).hexdigest()
    ending = msgspec.structs.replace(closed("p-film", "release", "lane"), clip_id=clip_id)
    stage.lane.send(v1.PassageOpened(passage_id="p-film"), ending)
    where = f"{stage.hub.url}/passages/p-film"
    viewer = stage.page("vera")
    viewer.goto(where)
    expect(viewer.locator("#clip")).to_contain_text("On the disk of lane lane1")
    expect(viewer.locator("#clip button")).to_have_count(0)
    viewer.context.close()

    page = stage.page("sun.li", locale="zh-CN")
    page.goto(where)
    page.click("#clip button")
    expect(page.locator("#clip")).to_contain_text("正在从车道取回")
    path = stage.hub.folder / "lane1" / "clips" / clip_id[:2] / f"{clip_id}.avi"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    stage.lane.is_sending_clips.set()
    link = page.locator("#clip a")
    expect(link).to_contain_text("下载录像（0.8 MB）", timeout=PATIENCE_MS)  # it came by itself
    with page.expect_download() as waiting:
        link.click()
    assert waiting.value.suggested_filename == f"{clip_id}.avi"
    assert waiting.value.path().read_bytes() == content
    page.goto(f"{stage.hub.url}/log")
    expect(page.locator("main")).to_contain_text("调取录像")
    page.context.close()


def test_lanes_are_live_and_a_silent_lane_becomes_unknown_by_itself(stage: Stage) -> None:
    page = stage.page("vera")
    stage.lane.health(phase="gathering", weight_kg=31_240, weight_state="moving")
    tile = page.locator(".tile")
    expect(tile).to_contain_text("Reading", timeout=PATIENCE_MS)
    expect(tile).to_contain_text("31\u202f240 kg")
    expect(tile).to_contain_text("its state is unknown", timeout=PATIENCE_MS)
    expect(tile).not_to_contain_text("31\u202f240 kg")
    page.context.close()


def test_a_lost_hub_is_said_on_the_page_and_so_is_its_return(stage: Stage, tmp_path: Path) -> None:
    hub = HubProcess(tmp_path, ["lane1"])
    try:
        hub.start()
        page = Stage(hub, stage.lane, stage.browser).page("vera")
        page.wait_for_selector("body.live")
        hub.stop()
        expect(page.locator("#lost")).to_be_visible(timeout=PATIENCE_MS)
        hub.start()
        expect(page.locator("#lost")).to_be_hidden(timeout=PATIENCE_MS)
        page.context.close()
    finally:
        hub.stop()


def test_signing_out_elsewhere_ends_the_live_page(stage: Stage) -> None:
    page = stage.page("vera")
    page.wait_for_selector("body.live")
    other = page.context.new_page()
    other.goto(stage.hub.url)
    other.click("form[action='/logout'] button")
    expect(page.locator("#ended")).to_be_visible(timeout=PATIENCE_MS)
    page.context.close()


def test_no_page_breaks_its_own_security_policy(stage: Stage) -> None:
    page = stage.page("admin")
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    for path in ("/", "/held", "/passages", "/passages/p-1", "/manifest", "/log", "/lanes/lane1"):
        page.goto(stage.hub.url + path)
        page.wait_for_load_state("load")
    assert trouble == []
    assert stage.lane.acked == stage.lane.seq
    page.context.close()
