"""What a supervisor sees side by side, and how it is said."""

import sqlite3
from contextlib import closing

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.console.comparison import Row, Standing, compare, distance, marks
from central.console.waterfall import waterfall
from central.console.wording import Wording, choose_language
from central.store.console_queries import plates_like
from gate_agent.texts.catalogue import catalogue
from gate_agent.wire.v1 import Timeline
from tests.console_scene import declaration, evidence

PLATES = st.text("粤BZ港012345678OI", max_size=9)


def _differing(text: str, other: str | None) -> str:
    return "".join(mark.char for mark in marks(text, other) if mark.differs)


def _standings(*args: object) -> dict[str, Standing]:
    return {row.check: row.standing for row in compare(*args).rows}  # type: ignore[arg-type]


def test_the_one_character_that_differs_is_marked() -> None:
    assert _differing("粤B12845", "粤B12345") == "8"


def test_a_missing_character_marks_the_one_that_is_too_many() -> None:
    assert _differing("粤B123345", "粤B12345") == "3"


def test_letters_that_a_lane_takes_for_the_same_are_not_marked() -> None:
    assert _differing("粤BO1I45", "粤B01145") == ""


def test_separators_are_never_a_difference() -> None:
    assert _differing("粤B·12345", "粤B12345") == ""


@given(PLATES, PLATES)
def test_marks_keep_every_character_and_never_more_than_the_distance(left: str, right: str) -> None:
    found = marks(left, right)
    assert "".join(mark.char for mark in found) == left
    assert sum(mark.differs for mark in found) <= distance(left, right)


@given(PLATES, PLATES)
def test_the_distance_is_the_same_both_ways_and_zero_for_equals(left: str, right: str) -> None:
    assert distance(left, right) == distance(right, left)
    assert distance(left, left) == 0


@given(st.text("粤B0123", min_size=5, max_size=8), st.integers(0, 7), st.sampled_from("粤B03"))
def test_every_declared_plate_one_edit_away_is_offered(
    declared: str, place: int, char: str
) -> None:
    at = place % len(declared)
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE declaration_plates (plate TEXT PRIMARY KEY)")
        db.execute("INSERT INTO declaration_plates VALUES (?)", [declared])
        for seen in (
            declared[:at] + char + declared[at + 1 :],
            declared[:at] + char + declared[at:],
            declared[:at] + declared[at + 1 :],
        ):
            assert plates_like(db, seen) == (declared,), seen


@pytest.mark.parametrize(
    ("posted", "earlier", "is_marked"),
    [
        ("粤B12345", (), False),
        ("FV1234", (), False),
        ("粤B12845", (), True),
        ("FV1234", ("粤B1",), True),
    ],
)
def test_what_a_plate_camera_posted_is_marked_where_it_is_none_of_the_vehicles(
    posted: str,
    earlier: tuple[str, ...],
    is_marked: bool,  # noqa: FBT001 - a table
) -> None:
    row = declaration(1, ("粤B12345", "FV1234"), "04A1", 30_000)
    seen = evidence("粤B12345", "04A1", 30_000)
    assert seen.plate is not None
    camera = msgspec.structs.replace(seen.plate, text=posted, earlier=earlier)
    beside = compare(msgspec.structs.replace(seen, camera_plate=camera), row, ())
    assert beside.is_contradicted is is_marked


def test_a_plate_that_reads_otherwise_differs_even_if_the_lane_only_doubts_it() -> None:
    row = declaration(1, ("粤B12345",), "04A1", 30_000)
    found = _standings(evidence("粤B12845", "04A1", 30_000), row, ("plate_doubtful",))
    assert found["plate"] is Standing.DIFFERS
    assert found["card"] is Standing.MATCH


def test_what_was_not_sensed_is_missing_and_never_agrees() -> None:
    row = declaration(1, ("粤B12345",), "04A1", 30_000)
    found = _standings(evidence(None, None, None), row, ("plate_missing", "weight_missing"))
    assert {found[check] for check in ("plate", "card", "weight")} == {Standing.MISSING}


def test_without_a_declaration_nothing_agrees() -> None:
    found = _standings(evidence("粤B12345", "04A1", 30_000), None, ("no_declaration",))
    assert Standing.MATCH not in found.values()
    assert found["documents"] is Standing.NOT_DECLARED


def test_a_weight_is_judged_by_the_lane_and_the_difference_is_shown_with_its_sign() -> None:
    row = declaration(1, ("粤B12345",), "04A1", 32_000)
    found = compare(evidence("粤B12345", "04A1", 31_360), row, ("weight_differs",))
    assert (found.difference_kg, round(found.difference_percent or 0, 1)) == (-640, -2.0)


def test_a_hold_of_an_agency_and_a_fault_are_seen_in_their_rows() -> None:
    row = declaration(1, ("粤B12345",), "04A1", 30_000, holds=("动植检",))
    facts = evidence("粤B12345", "04A1", 30_000, faults=("scale_link",))
    found = _standings(facts, row, ("agency_hold", "equipment_fault"))
    assert (found["holds"], found["faults"]) == (Standing.DIFFERS, Standing.DOUBTFUL)


def test_reasons_about_the_lane_itself_are_in_no_row_but_not_lost() -> None:
    facts = evidence("粤B12345", "04A1", 30_000)
    assert compare(facts, None, ("not_alone", "no_declaration")).loose_reasons == (
        "not_alone",
        "no_declaration",
    )


def test_the_lanes_slowest_stage_is_marked_and_driving_out_is_not_one() -> None:
    bars = waterfall(
        Timeline(plate_ms=1300, card_ms=1800, weight_ms=3200, decided_ms=3210, boom_up_ms=4800,
                 exit_clear_ms=12_000)
    )  # fmt: skip
    assert [bar.stage for bar in bars if bar.slowest] == ["weight"]
    assert max(bar.start + bar.length for bar in bars) <= 1004


def test_a_timeline_with_nothing_in_it_has_no_bars() -> None:
    assert waterfall(Timeline()) == ()


@pytest.mark.parametrize(
    ("cookie", "accepts", "expected"),
    [
        ("en", "zh-CN", "en"),
        (None, "en-GB,en;q=0.9,zh;q=0.5", "en"),
        (None, "zh-CN,zh;q=0.9", "zh"),
        (None, "fr-FR", "zh"),
        ("tlh", "en", "en"),
    ],
)
def test_the_chosen_language_wins_then_the_browsers_then_chinese(
    cookie: str | None, accepts: str, expected: str
) -> None:
    assert choose_language(cookie, accepts) == expected


def test_a_code_of_a_newer_lane_is_shown_as_it_is() -> None:
    assert Wording("en").word("reason", "two_moons") == "two_moons"
    assert Wording("zh").word("reason", "weight_differs") == "重量与申报不符"


def test_waiting_times_and_ages_read_like_a_clock() -> None:
    wording = Wording("en")
    assert wording.stopwatch(61) == "1:01"
    assert wording.stopwatch(3725) == "1:02:05"
    assert wording.age(205) == "3 min 25 s"
    assert wording.age(None) == "—"


def test_every_label_of_the_console_has_the_same_places_in_both_languages() -> None:
    for key, texts in catalogue().items():
        if key.startswith("console."):
            assert sorted(_places(texts.zh)) == sorted(_places(texts.en)), key


def _places(text: str) -> list[str]:
    return [part.split("}")[0] for part in text.split("{")[1:]]


OWN_TAG, OTHER_TAG = "E2003411B802011383258566", "E2003411B802011383258599"


def _tag_row(
    seen: tuple[str, ...], declared: str, *reasons: str, faults: tuple[str, ...] = ()
) -> Row | None:
    row = declaration(1, ("粤B12345",), "04A1", 30_000, tag_id=declared)
    tag = {"tag_id": seen[0], "others": seen[1:], "age_ms": 900} if seen else None
    facts = evidence("粤B12345", "04A1", 30_000, tag=tag, faults=faults)
    return next((row for row in compare(facts, row, reasons).rows if row.check == "tag"), None)


@pytest.mark.parametrize(
    ("seen", "declared", "reasons", "standing"),
    [
        ((OWN_TAG,), "e2-003411b802011383258566", (), Standing.MATCH),
        ((OTHER_TAG, OWN_TAG), OWN_TAG, (), Standing.MATCH),
        ((OTHER_TAG,), OWN_TAG, ("identity_unproven",), Standing.DIFFERS),
        ((OTHER_TAG, OWN_TAG), OWN_TAG, ("identity_unproven",), Standing.DOUBTFUL),
        ((), OWN_TAG, (), Standing.MISSING),
        ((OTHER_TAG,), "", (), Standing.NOT_DECLARED),
    ],
)
def test_the_tag_stands_beside_the_declared_one(
    seen: tuple[str, ...], declared: str, reasons: tuple[str, ...], standing: Standing
) -> None:
    row = _tag_row(seen, declared, *reasons)
    assert row is not None
    assert row.standing is standing


def test_a_doubt_that_the_tag_cannot_have_raised_is_not_put_down_to_it() -> None:
    assert _tag_row((OWN_TAG,), OWN_TAG, "identity_unproven") == Row(
        check="tag", standing=Standing.MATCH
    )
    lost = _tag_row((OWN_TAG,), OWN_TAG, "identity_unproven", faults=("tag_link",))
    assert lost is not None
    assert lost.standing is Standing.DOUBTFUL


def test_where_no_tag_is_declared_nor_seen_there_is_no_row_for_it() -> None:
    assert _tag_row((), "") is None


BOX, OTHER_BOX = "CSQU3054383", "CSQU3054402"


def _container_row(
    seen: tuple[str, ...], declared: tuple[str, ...], *reasons: str, faults: tuple[str, ...] = ()
) -> Row | None:
    row = declaration(1, ("粤B12345",), "04A1", 30_000, containers=declared)
    read = {"numbers": seen, "age_ms": 900} if seen else None
    facts = evidence("粤B12345", "04A1", 30_000, containers=read, faults=faults)
    return next(
        (row for row in compare(facts, row, reasons).rows if row.check == "container"), None
    )


@pytest.mark.parametrize(
    ("seen", "declared", "reasons", "standing"),
    [
        ((BOX,), ("csqu 305438-3",), (), Standing.MATCH),
        ((BOX,), (OTHER_BOX, BOX), (), Standing.MATCH),
        ((BOX,), (OTHER_BOX, BOX), ("identity_unproven",), Standing.DOUBTFUL),  # both demanded
        ((BOX,), (BOX,), ("identity_unproven",), Standing.MATCH),
        ((OTHER_BOX,), (BOX,), ("container_differs",), Standing.DIFFERS),
        ((BOX,), (), ("container_differs",), Standing.DIFFERS),  # declared empty
        ((), (BOX,), (), Standing.MISSING),
        ((BOX,), (), (), Standing.NOT_DECLARED),
    ],
)
def test_the_container_numbers_stand_beside_the_declared_ones(
    seen: tuple[str, ...], declared: tuple[str, ...], reasons: tuple[str, ...], standing: Standing
) -> None:
    row = _container_row(seen, declared, *reasons)
    assert row is not None
    assert row.standing is standing


def test_where_no_container_is_declared_nor_read_there_is_no_row_for_it() -> None:
    assert _container_row((), ()) is None


def test_of_another_container_the_characters_that_differ_are_marked() -> None:
    row = declaration(1, ("粤B12345",), "04A1", 30_000, containers=(BOX,))
    facts = evidence("粤B12345", "04A1", 30_000, containers={"numbers": (OTHER_BOX,)})
    found = compare(facts, row, ("container_differs",))
    assert "".join(mark.char for mark in found.containers_seen[0] if mark.differs) == "402"
    assert "".join(mark.char for mark in found.containers_declared[0] if mark.differs) == "383"
    same = compare(evidence("粤B12345", "04A1", 30_000, containers={"numbers": (BOX,)}), row, ())
    assert not any(mark.differs for mark in same.containers_seen[0])


def test_of_another_tag_the_characters_that_differ_are_marked() -> None:
    row = declaration(1, ("粤B12345",), "04A1", 30_000, tag_id=OWN_TAG)
    facts = evidence("粤B12345", "04A1", 30_000, tag={"tag_id": OTHER_TAG})
    found = compare(facts, row, ("identity_unproven",))
    assert "".join(mark.char for mark in found.tags_seen[0] if mark.differs) == "99"
    assert "".join(mark.char for mark in found.tag_declared if mark.differs) == "66"
