from __future__ import annotations

from devices.tag_reader.sightings import Sightings


def test_a_tag_that_is_seen_once_is_not_reported() -> None:
    sightings = Sightings(2, 2.0)
    assert not sightings.counts("A", 10.0)
    assert not sightings.counts("A", 12.5)  # the first is forgotten
    assert sightings.counts("A", 12.6)


def test_a_tag_in_view_is_reported_once_and_then_every_two_seconds() -> None:
    sightings = Sightings(2, 2.0)
    told = [at for at in range(60) if sightings.counts("A", at / 8)]
    assert told == [1, 17, 33, 49]


def test_two_tags_in_view_are_both_reported() -> None:
    sightings = Sightings(2, 2.0)
    assert not sightings.counts("A", 1.0)
    assert not sightings.counts("B", 1.0)
    assert sightings.counts("A", 1.1)
    assert sightings.counts("B", 1.1)


def test_one_sighting_is_enough_where_the_lane_file_says_so() -> None:
    assert Sightings(1, 2.0).counts("A", 1.0)
