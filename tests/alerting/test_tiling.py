"""A reader of frames notices each duplicate and each gap by itself."""

from __future__ import annotations

from alerting.tiling import Fit, Place, Tiling
from tocsin.records.frames import Frame


def frame(lo: int, hi: int, *, source: int = 0, watermark: float = 10.0) -> Frame:
    return Frame(source, lo, hi, watermark, True, watermark + 1)


def test_frames_that_follow_each_other_fit() -> None:
    tiling = Tiling()

    fits = [tiling.take(frame(lo, lo + 5))[0] for lo in (40, 45, 50)]

    assert fits == [Fit.FIRST, Fit.NEXT, Fit.NEXT]


def test_a_frame_twice_does_not_count() -> None:
    tiling = Tiling()
    tiling.take(frame(0, 5))

    fit, missing = tiling.take(frame(0, 5))

    assert (fit, missing, fit.counts) == (Fit.DUPLICATE, 0, False)


def test_a_gap_counts_what_is_missing_and_goes_on_behind_it() -> None:
    tiling = Tiling()
    tiling.take(frame(0, 5))

    assert tiling.take(frame(9, 12)) == (Fit.GAP, 4)
    assert tiling.take(frame(12, 13)) == (Fit.NEXT, 0)


def test_a_frame_that_overlaps_counts_and_is_told() -> None:
    tiling = Tiling()
    tiling.take(frame(0, 5))

    assert tiling.take(frame(3, 9)) == (Fit.OVERLAP, 0)


def test_a_heartbeat_fits_and_moves_the_watermark() -> None:
    tiling = Tiling()
    tiling.take(frame(0, 5, watermark=10))

    assert tiling.take(frame(5, 5, watermark=20)) == (Fit.NEXT, 0)
    assert tiling.watermark == 20


def test_the_slowest_source_holds_the_watermark() -> None:
    tiling = Tiling()
    tiling.take(frame(0, 5, source=0, watermark=30))
    tiling.take(frame(0, 5, source=1, watermark=10))

    assert tiling.watermark == 10
    assert tiling.silent_sources(22) == [1]


def test_a_restart_goes_on_where_it_was_and_sees_duplicates() -> None:
    tiling = Tiling()
    tiling.resume({0: Place(50, 9.0)})

    assert tiling.watermark is None
    assert tiling.take(frame(45, 50))[0] is Fit.DUPLICATE
    assert tiling.take(frame(50, 60))[0] is Fit.NEXT
    assert tiling.positions == {0: Place(60, 10.0)}


def test_of_heartbeats_the_watermark_tells_which_are_decided_on() -> None:
    place = Place(50, 9.0)

    assert place.covers(frame(40, 50, watermark=9.0))
    assert place.covers(frame(50, 50, watermark=9.0))
    assert not place.covers(frame(50, 50, watermark=9.5))
    assert not place.covers(frame(50, 51, watermark=9.0))
