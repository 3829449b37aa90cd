"""Driver of UHF tag readers of the UHFReader18 family in answer mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.asked_line import AskedLine
from devices.readings import TagReading
from devices.tag_reader.codecs.uhf_reader18 import (
    ENDS_INVENTORY,
    INVENTORY,
    READER_INFO,
    ReaderAnswer,
    UhfReader18,
    question,
    tags_in,
)
from devices.tag_reader.sightings import Sightings

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.clock import Clock
    from devices.config import TagReaderConfig
    from devices.link import Transport

BROADCAST = 255


class UhfTagReader:
    """A reader that is asked for an inventory. Fulfills `devices.tag_reader.api.TagReader`."""

    def __init__(
        self,
        config: TagReaderConfig,
        clock: Clock,
        *,
        connect: Callable[[], Transport] | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._sightings = Sightings(config.reads_min, config.repeat_s)
        self._line: AskedLine[ReaderAnswer] = AskedLine(
            "tag reader",
            config,
            clock,
            make_decoder=UhfReader18,
            check=question(config.address, READER_INFO),
            is_check=lambda answer: self._is_ours(answer) and answer.command == READER_INFO,
            reply_s=config.reply_s,
            connect=connect,
        )
        self._due_s = 0.0

    @property
    def is_heard(self) -> bool:
        """Whether it has answered since it was opened."""
        return self._line.is_answering

    @property
    def good_frames(self) -> int:
        """Answers accepted since this object was made, those without a tag included."""
        return self._line.good_frames

    @property
    def discarded_bytes(self) -> int:
        """Bytes since this object was made that belonged to no good answer."""
        return self._line.discarded_bytes

    def open(self) -> None:
        """Take the wire; see the contract in `api`."""
        self._line.open()
        self._due_s = self._clock.now().mono_s

    def read(self, timeout_s: float) -> list[TagReading]:
        """Ask when it is time, else wait up to `timeout_s`; see the contract in `api`."""
        wait_s = self._due_s - self._clock.now().mono_s
        if wait_s > 0:
            self._line.listen(min(timeout_s, wait_s))
            if wait_s > timeout_s:
                return []
        asked_s = self._clock.now().mono_s
        self._due_s = asked_s + self._config.poll_s
        answers = self._line.ask(question(self._config.address, INVENTORY), self._is_last)
        tags = {
            epc.hex().upper(): None
            for answer in answers or ()
            if self._is_ours(answer)
            for epc in tags_in(answer)
        }
        return [
            TagReading(tag_id=tag_id, received_s=asked_s)
            for tag_id in tags
            if self._sightings.counts(tag_id, asked_s)
        ]

    def close(self) -> None:
        """Give the wire back; see the contract in `api`."""
        self._line.close()

    def _is_last(self, answer: ReaderAnswer) -> bool:
        ends = answer.command == INVENTORY and answer.status in ENDS_INVENTORY
        return ends and self._is_ours(answer)

    def _is_ours(self, answer: ReaderAnswer) -> bool:
        return self._config.address in (answer.address, BROADCAST)
