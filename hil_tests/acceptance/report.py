"""The report: one HTML page in both languages, and the same as PDF where a Chromium is there."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from devices.sim.faults.table import FAULTS
from hil_tests.acceptance.figures import Number
from hil_tests.acceptance.proof import Proof
from hil_tests.lane_bench.bench_file import Asset
from hil_tests.lane_bench.catalogue import SCENARIOS
from hil_tests.lane_bench.wording import Said, word

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent

TEXTS = {
    "verdict": ("结论", "verdict"),
    "pass": ("合格", "PASS"),
    "partial": ("部分", "PARTIAL"),
    "fail": ("不合格", "FAIL"),
    "run_of": ("已做项数", "run"),
    "chosen": ("选做", "chosen"),
    "continued": ("接续", "continues"),
    "everything": ("凡此处能做的", "everything that can be played here"),
    "lacking": ("验收尚缺", "lacking for an acceptance"),
    "passed": ("通过", "passed"),
    "failed": ("未通过", "failed"),
    "skipped": ("此处未做", "not played here"),
    "unproved": ("异常状态下误放行", "releases on untrusted evidence"),
    "devices": ("设备", "Devices"),
    "device": ("设备", "device"),
    "presence": ("真实/仿真", "real or simulated"),
    "simulated": ("仿真", "simulated"),
    "real": ("真实", "real"),
    "driver": ("驱动", "driver"),
    "place": ("地址", "place"),
    "maker": ("厂家型号", "make, model"),
    "serial": ("序列号", "serial number"),
    "fw": ("版本", "version"),
    "tapes": ("线路记录", "Wire tapes"),
    "file": ("文件", "file"),
    "numbers": (
        "指标（在本机仿真设备上测得，非现场设备）",
        "Numbers, always measured at simulated devices on this computer, not at the lane's own",
    ),
    "no_numbers": ("未测量", "not measured in this run"),
    "worst": ("最差", "worst"),
    "limit": ("限值", "limit"),
    "steps": ("试验项目", "Steps"),
    "not_played": ("此处未做", "Not played here"),
    "not_played_simulated": (
        "本台架任何设备均不能造成",
        "no device of this bench can have it",
    ),
    "not_played_real": (
        "真实设备上不能造成或无人可造成，已在仿真上证明",
        "cannot be made at the devices of this lane; proved on simulators",
    ),
    "proof": ("仿真证明", "proved on simulators"),
    "proof_run": ("仿真运行", "the run on simulators"),
    "proved_here": ("同次运行的仿真台架已证明", "proved on the simulated benches of this run"),
    "not_undone": ("人工造成而未恢复的故障", "faults made by hand and not undone"),
    "unproved_step": ("未证明", "not proved"),
    "why": ("原因", "reason"),
    "absent": ("本台架没有的驱动", "drivers that this bench does not have"),
    "scenario": ("项目", "step"),
    "lane": ("车道", "lane"),
    "course": ("过程", "course"),
    "result": ("结果", "result"),
    "recovery": ("恢复", "recovery"),
    "signatures": ("签字", "Signatures"),
    "technician": ("技术员", "technician"),
    "port": ("口岸代表", "for the port"),
    "customs": ("海关代表", "for customs"),
    "date": ("日期", "date"),
    "not_safety": (
        "道闸防砸须由道闸自身的控制器与安全线圈保证，本软件不是安全装置。",
        "The barrier's own controller and safety loop protect people; this software does not.",
    ),
}
PATHS = {
    "faultless": "全部相符 自动放行",
    "card_two_seconds_late": "迟刷卡",
    "platform_swings_long": "地磅摆动时间长",
    "a_little_lighter": "重量略轻 在容差内",
    "no_declaration": "无申报",
    "declaration_expired": "申报过期",
    "declaration_not_yet_valid": "申报未生效",
    "documents_pending": "单证未放行",
    "documents_rejected": "单证退回",
    "agency_hold": "监管布控",
    "declaration_used_before": "申报已使用",
    "card_of_another_vehicle": "刷他车的卡",
    "no_card": "未刷卡",
    "card_shown_before_the_truck_came": "车到之前刷卡",
    "plate_covered": "车牌遮挡",
    "plate_covered_and_a_person_releases": "车牌遮挡 人工放行",
    "too_heavy_and_a_person_releases": "超重 人工放行",
    "too_heavy_and_a_person_refuses": "超重 人工退回",
    "too_light_and_a_person_sends_it_to_the_yard": "偏轻 人工转查验",
    "far_too_heavy": "严重超重",
    "far_too_light": "严重偏轻",
    "lane_attended": "人工值守模式",
    "lane_closed_until_opened_again": "车道关闭后重新开放",
    "driver_backs_out_before_a_verdict": "判定前退出",
    "filmed_from_arrival_to_departure": "录像从到达前至离开后",
    "filmed_and_refused": "退回车辆也有录像",
}
FAULTLESS = "faultless"
REFUSALS = dict.fromkeys(
    one.name for one in SCENARIOS if one.expected.outcome == "refuse" and one.fault is None
)


class Verdict(StrEnum):
    """What the report says in the end."""

    ACCEPTED = "ACCEPTED"  # all that can be played here was played and passed, the rest is proved
    PARTIAL = "PARTIAL"  # what was run passed, and that was not everything
    NOT_ACCEPTED = "NOT ACCEPTED"


class DeviceLine(msgspec.Struct, frozen=True, kw_only=True):
    """One device of the lane."""

    name: str
    presence: str
    driver: str
    place: str
    asset: Asset = Asset()
    bench: str = ""  # where there are several


class TapeLine(msgspec.Struct, frozen=True, kw_only=True):
    """One tape, or why there is none."""

    device: str
    bench: str = ""  # where there are several
    file: str = ""
    sha256: str = ""
    why: str = ""
    is_missing: bool = False  # there is a wire that bytes pass on, and no tape of it


class StepLine(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario."""

    name: str
    lane: str
    took_s: float
    course: list[tuple[float, Said]]
    problems: list[Said]
    skipped: Said | None = None  # why it was not played here
    recovery_ms: int | None = None
    bench: str = ""  # where there are several

    @property
    def where(self) -> str:
        """Its lane, and the bench of that where there are several."""
        return " · ".join(filter(None, (self.bench, self.lane)))

    @property
    def zh(self) -> str:
        """What it is, in Chinese."""
        what, _, driver = self.name.partition(":")
        fault, _, phase = what.rpartition("-")
        known = (
            f"{FAULTS[fault].what.zh} · {word(phase).zh}" if fault in FAULTS else PATHS.get(what)
        )
        return f"{known or what} · {driver}" if driver else known or what


class Run(msgspec.Struct, kw_only=True):
    """Everything that the report says."""

    bench: str
    began: str
    ended: str
    version: str
    commit: str
    machine: str
    chosen: str  # the options that left something out; empty: everything was to be run
    catalogue: int  # scenarios that there are for these devices
    devices: list[DeviceLine]
    tapes: list[TapeLine]
    numbers: list[Number]
    steps: list[StepLine]
    unproved_releases: int
    forbidding: int  # scenarios in which a release was forbidden by a fault
    absent: list[str] = []  # drivers that none of its lanes has
    proof: Proof | None = None  # where what could not be played here was
    proved_here: frozenset[str] = frozenset()  # what passed at simulated benches beside real ones
    not_undone: list[Said] = []  # faults that a person made, and the run ended
    continued: str = ""  # the folder of the run that this one went on with
    is_broken: bool = False  # the run stopped: a report on half a test is no acceptance

    @property
    def passed(self) -> int:
        """Scenarios in which the lane did what it must."""
        return sum(not step.problems for step in self.played)

    @property
    def failed(self) -> int:
        """Scenarios in which it did not."""
        return sum(bool(step.problems) for step in self.steps)

    @property
    def skipped(self) -> int:
        """Scenarios that this bench cannot play."""
        return len(self.not_played)

    @property
    def played(self) -> list[StepLine]:
        """What was played here."""
        return [step for step in self.steps if step.skipped is None]

    @property
    def not_played(self) -> list[StepLine]:
        """What cannot be played here."""
        return [step for step in self.steps if step.skipped is not None]

    @property
    def is_real(self) -> bool:
        """Whether any device of the lane is."""
        return any(device.presence == "real" for device in self.devices)

    def is_proved(self, step: StepLine) -> bool:
        """Whether what was not played here was on simulators, and passed."""
        has_proof = self.proof is not None and self.proof.has(step.name)
        return has_proof or step.name in self.proved_here

    @property
    def verdict(self) -> Verdict:
        """Accepted where all was played that can be here, and the rest is proved on simulators.

        What no simulator of a bench can have either says nothing of a lane of simulators.
        """
        numbers = all(one.is_good for one in self.numbers)
        if not numbers or self.failed or not self.passed or self.is_broken:
            return Verdict.NOT_ACCEPTED
        return Verdict.PARTIAL if self.lacking else Verdict.ACCEPTED

    @property
    def ran(self) -> str:
        """How many scenarios were run, of how many there are."""
        return f"{self.passed + self.failed} of {self.catalogue} run"

    @property
    def lacking(self) -> list[tuple[str, str]]:
        """What this run lacks for an acceptance, in Chinese and English."""
        found, count = [], self.passed + self.failed
        if self.is_broken:
            found.append(("运行中途停止", "broken off"))
        if len(self.steps) < self.catalogue:
            found.append((f"{self.catalogue} 项中仅做 {count} 项", self.ran))
        unproved = [step for step in self.not_played if self.is_real and not self.is_proved(step)]
        if unproved:
            en = f"{len(unproved)} neither played here nor proved on simulators"
            found.append((f"{len(unproved)} 项此处未做也未在仿真上证明", en))
        if not self.numbers:
            found.append(("未测量指标", "times not measured"))
        if nameless := self._without_serial():
            found.append((f"无序列号: {nameless}", f"no serial number: {nameless}"))
        if missing := ", ".join(_at(one.bench, one.device) for one in self.tapes if one.is_missing):
            found.append((f"无线路记录: {missing}", f"no wire tape: {missing}"))
        return [*found, *self._never_happened()]

    def _never_happened(self) -> Iterator[tuple[str, str]]:
        """What every lane with a real device must have done here, whatever is proved elsewhere."""
        for bench in dict.fromkeys(one.bench for one in self.devices if one.presence == "real"):
            done = {one.name.partition(":")[0] for one in self.played if one.bench == bench}
            if FAULTLESS not in done:
                en = f"no truck was released ({FAULTLESS} not played)"
                yield _at(bench, f"此处未放行过车辆（未做 {FAULTLESS}）"), _at(bench, en)
            if not done & REFUSALS.keys():
                names = ", ".join(REFUSALS)
                en = f"no truck was refused (none of {names} played)"
                yield _at(bench, f"此处未退回过车辆（未做 {names}）"), _at(bench, en)

    def _without_serial(self) -> str:
        """The real devices of which nobody could say later whether these were tested."""
        real = [one for one in self.devices if one.presence == "real"]
        return ", ".join(_at(one.bench, one.name) for one in real if not one.asset.serial.strip())


def _at(bench: str, what: str) -> str:
    """`what`, with the bench that it is of where there are several."""
    return f"{bench}: {what}" if bench else what


def both(key: str) -> str:
    """A text of the report in both languages."""
    zh, en = TEXTS[key]
    return f"{zh} {en}"


def _mark(is_good: bool) -> Markup:  # noqa: FBT001 - a filter of the template
    kind = "pass" if is_good else "fail"
    return Markup('<span class="{}">{}</span>').format(kind, both(kind))


def write_html(run: Run, path: Path) -> None:
    """Write the page."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined
    )
    page = environment.get_template("report.html.j2")
    title = {"zh": "车道现场验收报告", "en": "Site acceptance report of a lane"}
    path.write_text(page.render(run=run, title=title, t=both, mark=_mark), encoding="utf-8")
