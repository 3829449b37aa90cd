"""Bringing into service the reader of windshield tags."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from devices.bench.bare_line import READ_S, BareLine
from devices.bench.bring_up import (
    SKIP,
    BringUpStep,
    Finding,
    bad,
    configured,
    good,
    log_text,
    skipped,
)
from devices.bench.cable import comes_back
from devices.bench.check import tags_in_view
from devices.bench.wording import said
from devices.errors import DeviceConfigError, DeviceError
from devices.registry import open_tag_reader
from devices.tag_reader.codecs.uhf_reader18 import BROADCAST, READER_INFO, UhfReader18, question

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.config import TagReaderConfig
    from devices.tag_reader.api import TagReader
    from devices.tag_reader.codecs.uhf_reader18 import ReaderAnswer
    from devices.texts import Said

ANSWER_S = 1.2  # an answer is waited for that long, however late it is for the lane
TRY_S = 0.4  # at each other baud rate
QUIET_S = 0.7
GLIMPSE_S = 3.0
NEXT_LANE_S = 3.0  # thirty questions
MARGIN_S = 0.3
BAUDS = (115_200, 57_600, 38_400, 19_200, 9_600)


def tag_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for a tag reader.

    Raises:
        DeviceConfigError: the lane has none.
    """
    config = configured(session.config.tag_reader, "tag_reader")
    walk = _Tags(session, config)
    return (
        BringUpStep(name=said("line.port"), look=BareLine(session, config.port, config.baud).opens),
        BringUpStep(name=said("walk.answer"), look=walk.answers),
        BringUpStep(name=said("tag.no_tag"), look=walk.is_clear),
        BringUpStep(name=said("tag.tag"), look=walk.names_one),
        BringUpStep(name=said("tag.tag_away"), look=walk.loses_it),
        BringUpStep(name=said("tag.next_lane"), look=walk.overlooks_the_next_lane),
        BringUpStep(name=said("cable.pulled"), look=walk.returns),
    )


class _Tags:
    """The reader by its own driver, and by its line where that hears nothing."""

    def __init__(self, session: Session, config: TagReaderConfig) -> None:
        self._session = session
        self._config = config
        self._line = BareLine(session, config.port, config.baud)
        self._held = ""

    # --- whether it answers -----------------------------------------------------------------------

    def answers(self) -> Finding:
        """Whether it answers at all; if not, what mistake explains it."""
        try:
            seen = tags_in_view(self._config, self._session.clock)
        except DeviceConfigError:
            raise
        except DeviceError as exc:
            return bad(log_text(exc), *self._why_not())
        return good(said("tag.seen", tags=", ".join(seen)) if seen else said("tag.answers"))

    def _why_not(self) -> tuple[Said, ...]:
        config = self._config
        heard, answer = self._asked(config.baud, ANSWER_S)
        if answer is not None:
            return self._why_not_taken(answer)
        if self._line.listen(config.baud, QUIET_S):
            return (said("tag.active_mode"),)
        if heard:
            return (said("tag.all_damaged"), said("tag.another_family"))
        for baud in BAUDS if self._line.has_baud else ():
            if baud != config.baud and self._asked(baud, TRY_S)[1] is not None:
                return (said("tag.another_baud", baud=baud),)
        return (said("tag.swapped"), said("tag.no_supply"), said("tag.baud_out_of_reach"))

    def _why_not_taken(self, answer: ReaderAnswer) -> tuple[Said, ...]:
        """It answers whoever asks; the lane's own question it does not answer, or too late."""
        config = self._config
        if config.address not in (answer.address, BROADCAST):
            return (said("tag.another_number", number=answer.address),)
        return (said("tag.late", reply_s=config.reply_s), said("tag.loose_wire"))

    def _asked(self, baud: int, for_s: float) -> tuple[bytes, ReaderAnswer | None]:
        """What whoever hears it says to "who are you"."""
        heard = self._line.listen(
            baud,
            for_s,
            asks=(question(BROADCAST, READER_INFO),),
            is_enough=lambda so_far: bool(UhfReader18().feed(so_far)),
        )
        return heard, next(iter(UhfReader18().feed(heard)), None)

    # --- what it sees -----------------------------------------------------------------------------

    def is_clear(self) -> Finding:
        """Whether it says that no tag is in view."""
        if self._session.ask("no_tag", said("tag.take_all_away")) == SKIP:
            return skipped(said("tag.nobody_clears"))
        seen = self._seen(self._clear_s)
        if seen:
            in_view = said("tag.in_view", tags=", ".join(seen))
            return bad(in_view, said("tag.vehicle_near"), said("tag.less_field"))
        return good(said("tag.none_in_view", for_s=self._clear_s))

    def names_one(self) -> Finding:
        """Whether a tag that is held before it is named, by as many answers as the lane wants."""
        session, config = self._session, self._config
        printed = session.ask("tag", said("tag.printed"))
        hold = said("tag.hold", wait_s=session.wait_s)
        if printed == SKIP or session.ask("hold_tag", hold) == SKIP:
            return skipped(said("tag.nobody_holds"))
        seen = self._seen(session.wait_s, is_one_enough=True)
        if len(seen) > 1:
            two = said("tag.two", tags=", ".join(seen))
            return bad(two, said("tag.another_vehicle"), said("tag.less_field"))
        if seen:
            self._held = seen[0]
            return self._compared(seen[0], printed.strip().replace(" ", "").upper())
        if once := self._seen(GLIMPSE_S, reads_min=1, is_one_enough=True):
            too_few = said(
                "tag.too_few", tag=once[0], reads_min=config.reads_min, repeat_s=config.repeat_s
            )
            return bad(too_few, said("tag.edge_of_field"))
        return bad(
            said("tag.none_seen", for_s=session.wait_s),
            said("tag.antenna"),
            said("tag.kind"),
            said("tag.power"),
        )

    def _compared(self, tag_id: str, printed: str) -> Finding:
        if not printed or tag_id == printed:
            return good(said("tag.named", tag=tag_id, reads_min=self._config.reads_min))
        differs = said("tag.differs", tag=tag_id, printed=printed)
        with suppress(ValueError):
            if bytes.fromhex(tag_id)[::-1] == bytes.fromhex(printed):
                return bad(differs, said("tag.other_way_round"))
        return bad(differs, said("tag.another_tag"))

    def loses_it(self) -> Finding:
        """Whether it is no longer named once it is away."""
        if not self._held:
            return skipped(said("tag.none_held"))
        if self._session.ask("tag_away", said("tag.take_away")) == SKIP:
            return skipped(said("tag.still_there"))
        if self._held in self._seen(self._clear_s):
            return bad(said("tag.still_in_view", tag=self._held), said("tag.less_field"))
        return good(said("tag.not_named", for_s=self._clear_s))

    def overlooks_the_next_lane(self) -> Finding:
        """Whether a tag where the next lane's trucks stand is out of view."""
        if self._session.ask("next_lane", said("tag.hold_in_next_lane")) == SKIP:
            return skipped(said("tag.nobody_in_next_lane"))
        if seen := self._seen(NEXT_LANE_S):
            return bad(said("tag.in_view_there", tags=", ".join(seen)), said("tag.less_field"))
        return good(said("tag.not_named_there", for_s=NEXT_LANE_S))

    def returns(self) -> Finding:
        """Whether it comes back after its cable was pulled."""

        def is_there(reader: TagReader) -> bool:
            reader.read(READ_S)
            return reader.is_heard

        reader = open_tag_reader(self._config, self._session.clock)
        return comes_back(self._session, reader, is_there)

    @property
    def _clear_s(self) -> float:
        """After so long a tag that is not seen any more is not reported any more."""
        return self._config.repeat_s + MARGIN_S

    def _seen(
        self, for_s: float, *, reads_min: int = 0, is_one_enough: bool = False
    ) -> tuple[str, ...]:
        """The tags that the driver reports. Raises a `DeviceError` where the reader is lost."""
        clock = self._session.clock
        config = msgspec.structs.replace(
            self._config, reads_min=reads_min or self._config.reads_min
        )
        reader, seen = open_tag_reader(config, clock), dict[str, None]()
        reader.open()
        try:
            until_s = clock.now().mono_s + for_s
            while clock.now().mono_s < until_s and not (is_one_enough and seen):
                seen.update((reading.tag_id, None) for reading in reader.read(READ_S))
        finally:
            reader.close()
        return tuple(seen)
