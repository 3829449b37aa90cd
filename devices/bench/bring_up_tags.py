"""Bringing into service the reader of windshield tags."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from devices.bench.bare_line import READ_S, BareLine
from devices.bench.bring_up import SKIP, BringUpStep, Finding, bad, configured, good, skipped
from devices.bench.cable import comes_back
from devices.bench.check import look_at_tag_reader
from devices.errors import DeviceConfigError, DeviceError
from devices.registry import open_tag_reader
from devices.tag_reader.codecs.uhf_reader18 import BROADCAST, READER_INFO, UhfReader18, question

if TYPE_CHECKING:
    from devices.bench.bring_up import Session
    from devices.config import TagReaderConfig
    from devices.tag_reader.api import TagReader
    from devices.tag_reader.codecs.uhf_reader18 import ReaderAnswer

ANSWER_S = 1.2  # an answer is waited for that long, however late it is for the lane
TRY_S = 0.4  # at each other baud rate
QUIET_S = 0.7
GLIMPSE_S = 3.0
NEXT_LANE_S = 3.0  # thirty questions
MARGIN_S = 0.3
BAUDS = (115_200, 57_600, 38_400, 19_200, 9_600)

_LESS_FIELD = "less power; turn the antenna down and towards this lane's windshields"


def tag_steps(session: Session) -> tuple[BringUpStep, ...]:
    """The walk for a tag reader.

    Raises:
        DeviceConfigError: the lane has none.
    """
    config = configured(session.config.tag_reader, "tag_reader")
    walk = _Tags(session, config)
    return (
        BringUpStep(name="port", look=BareLine(session, config.port, config.baud).opens),
        BringUpStep(name="answer", look=walk.answers),
        BringUpStep(name="no tag", look=walk.is_clear),
        BringUpStep(name="tag", look=walk.names_one),
        BringUpStep(name="tag away", look=walk.loses_it),
        BringUpStep(name="next lane", look=walk.overlooks_the_next_lane),
        BringUpStep(name="cable pulled", look=walk.returns),
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
            return good(look_at_tag_reader(self._config, self._session.clock))
        except DeviceConfigError:
            raise
        except DeviceError as exc:
            return bad(str(exc), *self._why_not())

    def _why_not(self) -> tuple[str, ...]:
        config = self._config
        heard, answer = self._asked(config.baud, ANSWER_S)
        if answer is not None:
            return self._why_not_taken(answer)
        if self._line.listen(config.baud, QUIET_S):
            return (
                "it sends without being asked: it is in active mode; set it to answer mode with the"
                " maker's program",
            )
        if heard:
            return (
                "every answer is damaged: no common ground, or a missing termination",
                "a reader of another family: record what it says, and send it",
            )
        for baud in BAUDS if self._line.has_baud else ():
            if baud != config.baud and self._asked(baud, TRY_S)[1] is not None:
                return (f"it answers at {baud} baud: tag_reader.baud = {baud}, or the reader's",)
        return (
            "A and B (or + and -) swapped, or RS-232 where the converter is RS-485",
            "no supply; it is in trigger mode, or was set to Wiegand output",
            "a baud rate below 9600, or a serial server that is set to another one",
        )

    def _why_not_taken(self, answer: ReaderAnswer) -> tuple[str, ...]:
        """It answers whoever asks; the lane's own question it does not answer, or too late."""
        config = self._config
        if config.address not in (answer.address, BROADCAST):
            number = answer.address
            return (f"it answers as number {number}: tag_reader.address = {number}",)
        return (
            f"it answers later than tag_reader.reply_s = {config.reply_s:g}: a longer one, or a"
            " shorter inventory time in the reader",
            "only some of its answers come whole: a loose wire, a missing termination",
        )

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
        question = "take every tag away from the antenna; Enter, or skip: "
        if self._session.ask("no_tag", question) == SKIP:
            return skipped("nobody clears the antenna")
        seen = self._seen(self._clear_s)
        if seen:
            return bad(
                f"in view: {', '.join(seen)}",
                "a vehicle or a tag near the antenna, or in the next lane",
                _LESS_FIELD,
            )
        return good(f"no tag in view for {self._clear_s:g} s")

    def names_one(self) -> Finding:
        """Whether a tag that is held before it is named, by as many answers as the lane wants."""
        session, config = self._session, self._config
        printed = session.ask("tag", "number printed on a tag in hex, Enter if none, or skip: ")
        hold = f"hold it before the antenna; Enter starts {session.wait_s:g} s: "
        if printed == SKIP or session.ask("hold_tag", hold) == SKIP:
            return skipped("nobody holds a tag")
        seen = self._seen(session.wait_s, is_one_enough=True)
        if len(seen) > 1:
            return bad(f"two tags: {', '.join(seen)}", "another vehicle is near", _LESS_FIELD)
        if seen:
            self._held = seen[0]
            return self._compared(seen[0], printed.strip().replace(" ", "").upper())
        if once := self._seen(GLIMPSE_S, reads_min=1, is_one_enough=True):
            return bad(
                f"{once[0]} is seen, but not {config.reads_min} times in {config.repeat_s:g} s",
                "the edge of its field: aim at the windshield, more power, the antenna's plug",
            )
        return bad(
            f"no tag in {session.wait_s:g} s",
            "the antenna: its plug, its cable, the reader's port that it is on",
            "the tag: of another kind (it must be EPC Gen2), on metal, behind a metallized window",
            "power and frequency band of the reader",
        )

    def _compared(self, tag_id: str, printed: str) -> Finding:
        if not printed or tag_id == printed:
            return good(f"{tag_id}, by {self._config.reads_min} answers")
        said = f"{tag_id}, printed {printed}"
        with suppress(ValueError):
            if bytes.fromhex(tag_id)[::-1] == bytes.fromhex(printed):
                return bad(said, "printed with its bytes the other way round: declare it as read")
        return bad(said, "another tag; or what is printed is no EPC (its TID, a serial number)")

    def loses_it(self) -> Finding:
        """Whether it is no longer named once it is away."""
        if not self._held:
            return skipped("no tag was held")
        if self._session.ask("tag_away", "take it away; Enter, or skip: ") == SKIP:
            return skipped("it is still there")
        if self._held in self._seen(self._clear_s):
            return bad(f"{self._held} is still in view", _LESS_FIELD)
        return good(f"not named for {self._clear_s:g} s")

    def overlooks_the_next_lane(self) -> Finding:
        """Whether a tag where the next lane's trucks stand is out of view."""
        question = "hold a tag where a truck of the next lane stops; Enter, or skip: "
        if self._session.ask("next_lane", question) == SKIP:
            return skipped("nobody stands in the next lane")
        if seen := self._seen(NEXT_LANE_S):
            return bad(f"in view there: {', '.join(seen)}", _LESS_FIELD)
        return good(f"not named there in {NEXT_LANE_S:g} s")

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
