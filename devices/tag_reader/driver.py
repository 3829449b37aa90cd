"""Driver of UHF tag readers of the UHFReader18 family in answer mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.asked_line import AskedLine
from devices.readings import TagReading
from devices.tag_reader.codecs.uhf_reader18 import (
    BROADCAST,
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

SILENT_S = 1.5  # it is asked ten times a second, and nothing else tells of a tag that is missing


class UhfTagReader(AskedLine[ReaderAnswer]):
    """A reader that is asked for an inventory. Fulfills `devices.tag_reader.api.TagReader`."""

    def __init__(
        self,
        config: TagReaderConfig,
        clock: Clock,
        *,
        connect: Callable[[], Transport] | None = None,
    ) -> None:
        super().__init__(
            "tag reader",
            config,
            clock,
            make_decoder=UhfReader18,
            check=question(config.address, READER_INFO),
            is_check=lambda answer: self._is_ours(answer) and answer.command == READER_INFO,
            silent_s=max(SILENT_S, 2 * config.reply_s),
            connect=connect,
        )
        self._address = config.address
        self._sightings = Sightings(config.reads_min, config.repeat_s)
        self._reads_min = config.reads_min
        self._inventories = 0  # answered since it was opened

    def open(self) -> None:
        """Take the wire. The reader counts as there once a tag in view could have been told."""
        super().open()
        self._inventories = 0

    def read(self, timeout_s: float) -> list[TagReading]:
        """Ask when it is time, else wait up to `timeout_s`; see the contract in `api`."""
        asked_s = self.turn(timeout_s)
        if asked_s is None:
            return []
        answers = self.ask(question(self._address, INVENTORY), self._is_last)
        self._inventories += answers is not None
        self.is_heard = self._inventories >= self._reads_min
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

    def _is_last(self, answer: ReaderAnswer) -> bool:
        ends = answer.command == INVENTORY and answer.status in ENDS_INVENTORY
        return ends and self._is_ours(answer)

    def _is_ours(self, answer: ReaderAnswer) -> bool:
        return self._address in (answer.address, BROADCAST)
