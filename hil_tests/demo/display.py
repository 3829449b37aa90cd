"""What a person sees: progress while it starts, then a line per passage, in his language."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import unicodedata
from typing import TYPE_CHECKING

from gate_agent.texts.catalogue import CatalogueError, Language, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.clock import Clock
    from hil_tests.demo.judge import Judged

_WORDS: dict[str, dict[Language, str]] = {
    "logins": {"en": "logins", "zh": "登录账号"},
    "hub, broker and console": {"en": "hub, broker and console", "zh": "中心、消息服务与控制台"},
    "simulated devices": {"en": "simulated devices", "zh": "模拟设备"},
    "lanes": {"en": "lanes", "zh": "车道"},
    "declarations": {"en": "declarations", "zh": "申报数据"},
    "lanes loading the plate reader and the manifest": {
        "en": "lanes loading the plate reader and the manifest",
        "zh": "车道装载车牌识别与申报清单",
    },
    "console": {"en": "console", "zh": "控制台"},
    "login": {"en": "login", "zh": "账号"},
    "password": {"en": "password", "zh": "密码"},
    "places": {"en": "logs and databases in", "zh": "日志与数据库位于"},
    "safety": {
        "en": "software is never the only protection under a boom",
        "zh": "栏杆之下，软件绝不是唯一的防护",
    },
    "you decide": {
        "en": "you are the supervisor: held trucks wait 15 minutes for you at the console",
        "zh": "您就是监管员：待人工的车辆在控制台等您 15 分钟",
    },
    "end": {"en": "Ctrl-C ends everything", "zh": "按 Ctrl-C 结束全部"},
    "times": {
        "en": "times in seconds after the truck reached the entry loop",
        "zh": "时间：车辆到达入口线圈之后的秒数",
    },
    "lane": {"en": "lane", "zh": "车道"},
    "truck": {"en": "truck", "zh": "车次"},
    "plate": {"en": "plate", "zh": "车牌"},
    "read": {"en": "read", "zh": "识别"},
    "card": {"en": "card", "zh": "刷卡"},
    "weight": {"en": "weight", "zh": "称重"},
    "decided": {"en": "decided", "zh": "决定"},
    "boom up": {"en": "boom up", "zh": "升杆"},
    "outcome": {"en": "outcome", "zh": "结果"},
    "first release": {
        "en": "first truck released: {lane}, boom up {since_s:.1f} s after the start",
        "zh": "第一辆车已放行：{lane}，启动后 {since_s:.1f} 秒栏杆升起",
    },
    "wrong": {"en": "WRONG: the truth is", "zh": "错误：实际情况是"},
    "stopping": {"en": "stopping", "zh": "正在停止"},
}

PLATE_CELLS = 11


def cells(content: str) -> int:
    """How many columns of a terminal a text takes; a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in content)


def pad(content: str, width: int, *, right: bool = False) -> str:
    """Fill with blanks up to `width` columns; `right` puts the text at the right edge."""
    blanks = " " * max(0, width - cells(content))
    return blanks + content if right else content + blanks


def cut(content: str, width: int) -> str:
    """As much of a text as fits into `width` columns."""
    while cells(content) > width:
        content = content[:-1]
    return content


class Display:
    """Prints to a terminal or a file; lines never break into each other.

    On a terminal the last line is alive: what is being waited for, or where the trucks are.
    """

    def __init__(self, clock: Clock, language: Language) -> None:
        self._clock = clock
        self._language = language
        self._started_s = clock.now().mono_s
        self._lock = threading.Lock()
        self._live = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._alive = ""
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr] # a terminal may not know 粤

    @property
    def since_s(self) -> float:
        """Seconds since the start."""
        return self._clock.now().mono_s - self._started_s

    def progress(self, step: str) -> None:
        """What is being waited for."""
        content = f"  {self.since_s:5.1f} s  {self.word(step)}"
        if self._live:
            self.live(content)
        else:
            self.line(content)

    def live(self, content: str) -> None:
        """Replace the live line; nothing happens where there is no terminal."""
        if not self._live:
            return
        with self._lock:
            self._alive = cut(content, shutil.get_terminal_size().columns - 1)
            print(f"\r\033[K{self._alive}", end="", flush=True)

    def line(self, content: str = "") -> None:
        """A line that stays."""
        with self._lock:
            if self._live:
                print(f"\r\033[K{content}\n{self._alive}", end="", flush=True)
            else:
                print(content, flush=True)

    def word(self, key: str, **values: object) -> str:
        """A text of the demonstration in the person's language."""
        entry = _WORDS.get(key)
        return key if entry is None else entry[self._language].format(**values)

    def header(self) -> None:
        """The head of the passage lines."""
        word = self.word
        columns = (("read", 7), ("card", 7), ("weight", 8), ("decided", 9), ("boom up", 9))
        titles = "".join(pad(word(key), width, right=True) for key, width in columns)
        self.line(word("times"))
        self.line(
            f"{pad(word('lane'), 6)} {pad(word('truck'), 5, right=True)}  "
            f"{pad(word('plate'), PLATE_CELLS)}{titles}  {word('outcome')}"
        )

    def trucks(self, signs: Mapping[str, str], plates: Mapping[str, str]) -> None:
        """Where the trucks are now: per lane the plate and what the driver's sign says."""
        shown = (
            f"{lane} {plates.get(lane, '')} {self._text(f'sign.{sign}')}".replace("  ", " ")
            for lane, sign in sorted(signs.items())
        )
        self.live("  " + " · ".join(shown))

    def passage(self, judged: Judged) -> None:
        """One passage with its time budget."""
        passage = judged.passage
        timeline = passage.timeline
        times = "".join(
            f"{value / 1000:>{width}.2f}" if value is not None else f"{'-':>{width}}"
            for value, width in (
                (timeline.plate_ms, 7),
                (timeline.card_ms, 7),
                (timeline.weight_ms, 8),
                (timeline.decided_ms, 9),
                (timeline.boom_up_ms, 9),
            )
        )
        self.line(
            f"{pad(judged.truck.lane, 6)} {judged.truck.number:>5}  "
            f"{pad(passage.plate or '-', PLATE_CELLS)}{times}  {self._outcome(judged)}"
        )

    def _outcome(self, judged: Judged) -> str:
        passage = judged.passage
        words = self._text(f"outcome.{passage.outcome}")
        if passage.decided_by != "lane":
            words += f" ({passage.decided_by})"
        if passage.reasons:
            reasons = [self._text(f"reason.{reason}") for reason in passage.reasons]
            words += " - " + "; ".join(reasons)
        if judged.is_wrong:
            words += f"   {self.word('wrong')} {judged.truck.kind.value}"
        return words

    def _text(self, key: str) -> str:
        try:
            return text(key, self._language)
        except CatalogueError:
            return key
