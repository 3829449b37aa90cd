"""A simulated UHF reader: the driver's codec in the other direction, on a serial line or TCP."""

from __future__ import annotations

import random
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from devices.sim.line_server import LineServer
from devices.tag_reader.codecs.uhf_reader18 import (
    BROADCAST,
    DONE,
    INVENTORY,
    MORE_FOLLOWS,
    NO_TAG,
    READER_INFO,
    ReaderAnswer,
    encode,
    inventory_answer,
    question,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.sim.line_host import LineHost

LATE_S = 0.8  # later than a driver waits that has the usual `reply_s`
STRAY = "E200000000000000000000AA"  # the tag of a vehicle in the next lane
INFO = bytes.fromhex("0309023E001E0A01")  # version, type, protocols, band, power, scan time


class TagFault(StrEnum):
    """What can be wrong with the reader. One at a time, settable while it runs."""

    NONE = "none"
    SILENCE = "silence"  # powered off, cable in place
    GARBLE = "garble"  # one bit of every answer flipped
    CUT = "cut"  # every answer ends early
    LATE = "late"  # every answer comes after the driver has stopped waiting for it
    BLIND = "blind"  # no tag is seen: a metallized windshield, a tag that was taken off
    TWO_TAGS = "two_tags"  # another vehicle's tag is seen all the time, too
    STRAY_ONCE = "stray_once"  # another vehicle's tag is seen by one answer in ten
    NEXT_LANE = "next_lane"  # another vehicle's tag is seen in the place of this one's
    NOISE = "noise"  # random bytes before every good answer
    WRONG_ADDRESS = "wrong_address"  # a reader with another number answers


class SimTagReader(LineServer):
    """Answers each inventory with the tags that `tags` says are in view, in capitals and hex.

    `tags` is called from this object's thread.
    """

    def __init__(
        self,
        host: LineHost,
        tags: Callable[[], frozenset[str]],
        *,
        address: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(host, "sim-tag-reader")
        self._tags = tags
        self._address = address
        self._random = random.Random(seed)
        self._answers = 0
        self.fault = TagFault.NONE

    def _serve(self) -> None:
        questions = {
            question(address, command): command
            for address in (self._address, BROADCAST)
            for command in (INVENTORY, READER_INFO)
        }
        for asked in self._asked(questions):
            self._answer(questions[asked])

    def _answer(self, command: int) -> None:
        if self.fault is TagFault.SILENCE:
            return
        if self.fault is TagFault.LATE:
            self._stopping.wait(LATE_S)
        if command == READER_INFO:
            info = ReaderAnswer(address=self._address, command=command, status=0, content=INFO)
            self._send(info)
            return
        self._answers += 1
        epcs = tuple(bytes.fromhex(tag) for tag in sorted(self._in_view()))
        if not epcs:
            self._send(inventory_answer(self._address, NO_TAG, ()))
            return
        for epc in epcs[:-1]:  # as readers do whose answers are short: one tag a frame
            self._send(inventory_answer(self._address, MORE_FOLLOWS, (epc,)))
        self._send(inventory_answer(self._address, DONE, epcs[-1:]))

    def _in_view(self) -> frozenset[str]:
        match self.fault:
            case TagFault.BLIND:
                return frozenset()
            case TagFault.NEXT_LANE:
                return frozenset({STRAY})
            case TagFault.TWO_TAGS:
                return self._tags() | {STRAY}
            case TagFault.STRAY_ONCE:
                return self._tags() | ({STRAY} if self._answers % 10 == 0 else set())
            case _:
                return self._tags()

    def _send(self, answer: ReaderAnswer) -> None:
        if self.fault is TagFault.WRONG_ADDRESS:
            answer = replace(answer, address=(self._address + 1) % BROADCAST)
        packet = bytearray(encode(answer))
        match self.fault:
            case TagFault.NOISE:
                packet[:0] = self._random.randbytes(self._random.randrange(1, 12))
            case TagFault.GARBLE:
                packet[self._random.randrange(len(packet))] ^= 1 << self._random.randrange(8)
            case TagFault.CUT:
                del packet[self._random.randrange(1, len(packet)) :]
            case _:
                pass
        self._host.write(bytes(packet))
