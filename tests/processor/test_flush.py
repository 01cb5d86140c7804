"""What was polled becomes frames that tile, and panes that add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.flush import MAX_FRAME_BYTES, Flush, Flusher, Gap, Settings, split
from processor.ownformats import OwnFormat
from processor.parsing import Parser
from processor.streams import StreamFormats
from processor.zones import Zone
from tests.processor.corpus import CORPUS
from tocsin.ports.bus import Batch, Position, Records
from tocsin.records.frames import (
    FieldCounts,
    Frame,
    Pane,
    Sample,
    Skew,
    TemplateCount,
    ValueCount,
    encode_frame,
)
from tocsin.records.sketch import hash_of, smallest
from tocsin.records.streams import Stream
from tocsin.records.topics import RAW_LOGS
from tocsin.values import Level

NOW = 1_773_480_067.5  # 2026-03-14T09:21:07.5Z
CAUGHT_UP = Position(0, caught_up=True, lag=0)
BEHIND = Position(0, caught_up=False, lag=9)
_NONE: Mapping[str, Stream] = {}
GATEWAY = OwnFormat(
    "gateway", r"^\{(?P<service>[^}]*)\} (?P<level>\w+): (?P<message>.*)"
)
LOG4J = b"2026-03-14 09:21:07,250 ERROR [main] a.b.Orders - order %d failed"


def file(
    labels: dict[str, str] | None = None, *, met_bytes: int = 0, old_bytes: int = 0
) -> Stream:
    return Stream("/p", "api", "h", "c", NOW, NOW, labels or {}, met_bytes, old_bytes)


def flusher(
    max_templates: int = 20,
    count_by: Sequence[str] = (),
    max_templates_a_day: int = 1000,
    max_services: int = 9,
) -> Flusher:
    return Flusher(
        Parser(Zone("UTC"), count_by=count_by, own=[GATEWAY]),
        StreamFormats(),
        Settings(
            heartbeat_s=1.0,
            window_s=60,
            grace_s=2.0,
            max_templates=max_templates,
            max_templates_a_day=max_templates_a_day,
            max_values=2,
            max_services=max_services,
        ),
    )


def batch(
    lines: list[bytes],
    *,
    lo: int = 0,
    partition: int = 0,
    read_at: float = NOW,
    service: str = "api",
    files: int = 0,
) -> Batch:
    """Lines of one file, or of several in turn."""
    numbers = [(lo + k) % files if files else 1 for k in range(len(lines))]
    keys = [f"{service}/h/f{n}:{lo + k}".encode() for k, n in enumerate(numbers)]
    stamps = [int(read_at * 1000)] * len(lines)
    records = Records(keys, lines, stamps)
    return Batch(RAW_LOGS, partition, lo, lo + len(lines), records)


def flush(
    to: Flusher,
    *batches: Batch,
    position: Position = CAUGHT_UP,
    now: float = NOW,
    files: Mapping[str, Stream] = _NONE,
) -> Flush:
    return to.flush(
        batches,
        {0: position},
        now=now,
        known=files.get,
    )


def sums(frames: list[Frame]) -> tuple[Counter[object], Counter[object]]:
    """Lines by pane and level, and by template or value of a field."""
    counts: Counter[object] = Counter()
    named: Counter[object] = Counter()
    for pane in (pane for frame in frames for pane in frame.panes):
        labels = tuple(pane.labels.items())
        place = (pane.service, pane.host, labels, pane.second, pane.stale)
        for level in Level:
            counts[*place, level] += pane.counts[level]
        counts[*place, "bytes"] += pane.bytes
        for template in pane.templates:
            named[*place, template.text] += template.count
        for field in pane.fields:
            for value, count in field.values.items():
                named[*place, field.field, value] += count.lines
                named[*place, field.field, value, "errors"] += count.errors
    return +counts, +named


lines = st.lists(
    st.sampled_from([case.line.encode() for case in CORPUS])
    | st.binary(max_size=60)
    | st.builds(
        b'{"level":"%s","action":"%s","msg":"m"}'.__mod__,
        st.tuples(
            st.sampled_from([b"info", b"error"]), st.sampled_from([b"buy", b"sell"])
        ),
    )
    | st.builds(
        b"{%s} %s: card refused".__mod__,
        st.tuples(
            st.sampled_from([b"pay", b"api", b"till", b""]),
            st.sampled_from([b"ERROR", b"INFO"]),
        ),
    ),
    min_size=1,
    max_size=10,
)


@pytest.mark.slow
@given(lines, st.data())
@settings(max_examples=40)
def test_panes_of_two_flushes_add_up_to_those_of_one(
    given_lines: list[bytes], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(given_lines)))
    restarts = data.draw(st.booleans())
    first, second = given_lines[:cut], given_lines[cut:]
    whole, half = (flusher(100, count_by=["action"]) for _ in range(2))
    rest = flusher(100, count_by=["action"]) if restarts else half
    files = {"f0": file({"team": "a"}), "f1": file({"team": "b", "zone": "x"})}

    at_once = flush(whole, batch(given_lines, files=2), files=files).frames
    apart = flush(half, batch(first, files=2), files=files).frames
    apart += flush(rest, batch(second, lo=cut, files=2), files=files).frames

    assert sums(at_once) == sums(apart)


def test_a_line_counts_for_the_service_that_it_names() -> None:
    texts = [b"{pay} ERROR: refused", b"{pay} INFO: ok", b"{api} INFO: ok", b"none"]

    found = flush(flusher(), batch(texts))

    (frame,) = found.frames
    assert [(p.service, p.host, p.lines, p.errors) for p in frame.panes] == [
        ("api", "h", 2, 0),
        ("pay", "h", 2, 1),
    ]
    assert [(s.service, sum(s.levels)) for s in found.services] == [
        ("api", 2),
        ("pay", 2),
    ]
    assert _named(found) == ["refused"]


def test_services_beyond_the_most_of_a_day_count_for_the_file_s() -> None:
    to = flusher(max_services=2)
    texts = [b"{%s} INFO: ok" % name for name in (b"c", b"b", b"a", b"b", b"a", b"api")]

    apart = [flush(to, batch([text], lo=lo)) for lo, text in enumerate(texts)]
    at_once = flush(flusher(max_services=2), batch(texts))
    later = flush(to, batch([b"{a} INFO: ok"], lo=9), now=NOW + 86_400)

    assert [f.frames[0].panes[0].service for f in apart] == [
        *("c", "b", "api", "b", "api", "api")
    ]
    assert sums(at_once.frames) == sums([f for x in apart for f in x.frames])
    assert at_once.beyond == sum(found.beyond for found in apart) == 2
    assert later.frames[0].panes[0].service == "a"


def test_an_implausible_time_counts_at_its_arrival_as_skewed() -> None:
    late, early = NOW + 61, NOW - 24 * 3600 - 1
    texts = [b'{"time":%f,"level":"info"}' % at for at in (late, early, NOW - 3600)]

    (frame,) = flush(flusher(), batch(texts)).frames

    assert frame.skewed == 2
    assert [(p.second, p.lines, p.stale) for p in frame.panes] == [
        (int(NOW) - 3600, 1, False),
        (int(NOW), 1, False),
        (int(NOW), 1, True),
    ]


def test_whose_times_are_implausible_is_told_by_service_and_host() -> None:
    zone, plain = (b'{"time":%f,"level":"info"}' % at for at in (NOW + 3600, NOW))
    cart = batch([zone, zone, plain], service="cart")

    found = flush(flusher(), cart, batch([plain, zone], lo=3)).frames

    assert [x.skews for x in found] == [
        (Skew("cart", "h", 2, 3600),),
        (Skew("api", "h", 1, 3600),),
    ]


def test_what_was_in_its_file_when_that_was_met_may_be_from_long_ago() -> None:
    early = b'{"time":%f,"level":"info"}' % (NOW - 48 * 3600)
    files = {"f1": file(met_bytes=2)}

    (frame,) = flush(flusher(), batch([early, early, early]), files=files).frames

    assert frame.skewed == 1
    assert [(p.second, p.lines, p.stale) for p in frame.panes] == [(int(NOW), 3, True)]


def test_lines_without_a_time_are_stale_where_their_file_was_old_when_met() -> None:
    timed = LOG4J % 1
    given = batch([b"ERROR then", b"ERROR then", timed, b"ERROR now"])

    (frame,) = flush(flusher(), given, files={"f1": file(old_bytes=3)}).frames

    assert [(p.second, p.lines, p.stale) for p in frame.panes] == [
        (int(NOW), 2, False),
        (int(NOW), 2, True),
    ]


def test_a_line_without_a_time_counts_at_its_arrival() -> None:
    read_at = NOW - 7
    (frame,) = flush(flusher(), batch([b"hello", b"world"], read_at=read_at)).frames

    assert frame.unparsed == 2
    assert [pane.second for pane in frame.panes] == [int(read_at)]


def test_templates_beyond_the_most_are_counted_as_others() -> None:
    texts = [
        b"ERROR: %s is broken" % word
        for word, times in ((b"disk", 3), (b"fan", 2), (b"door", 1), (b"lamp", 1))
        for _ in range(times)
    ]

    (frame,) = flush(flusher(max_templates=2), batch(texts)).frames

    (pane,) = frame.panes
    assert [(t.text, t.count) for t in pane.templates] == [
        ("disk is broken", 3),
        ("fan is broken", 2),
    ]
    assert pane.other_templates == 2


def test_a_service_s_templates_beyond_those_of_a_day_are_counted_as_others() -> None:
    to = flusher(max_templates_a_day=2)
    broken = [b"ERROR: %s is broken" % word for word in (b"disk", b"fan", b"door")]

    flush(to, batch(broken[:1]))
    flush(to, batch(broken[:2], lo=1))
    found = flush(to, batch(broken, lo=3))
    other = flush(to, batch(broken[2:], lo=6, service="web"))
    later = flush(to, batch(broken[2:], lo=7), now=NOW + 86_400)

    assert _named(found) == ["disk is broken", "fan is broken"]
    assert found.frames[0].panes[0].other_templates == found.unnamed == 1
    assert _named(other) == _named(later) == ["door is broken"]
    assert later.unnamed == 0


def _named(found: Flush) -> list[str]:
    return [t.text for f in found.frames for pane in f.panes for t in pane.templates]


def test_a_sample_is_the_first_line_of_its_template() -> None:
    texts = [
        b"all is well",
        b"ERROR: disk 7 is full",
        b"ERROR: no fan",
        b"ERROR: no fan",
    ]

    (frame,) = flush(flusher(), batch(texts, lo=100)).frames

    (pane,) = frame.panes
    assert [(t.sample.text, t.sample.offset) for t in pane.templates] == [
        ("ERROR: no fan", 102),
        ("ERROR: disk 7 is full", 101),
    ]


def test_the_labels_of_a_file_are_those_of_its_panes() -> None:
    keys = [b"api/h/f1:0", b"api/h/f2:0", b"api/h/f1:9", b"api/h/f3:0"]
    records = Records(keys, [b"x"] * 4, [int(NOW * 1000)] * 4)
    files = {"f1": file({"pod": "a", "zone": "z"}), "f2": file({"pod": "b"})}

    (frame,) = flush(flusher(), Batch(RAW_LOGS, 0, 0, 4, records), files=files).frames

    assert [(pane.labels, pane.lines) for pane in frame.panes] == [
        ({"pod": "a", "zone": "z"}, 2),
        ({"pod": "b"}, 1),
        ({}, 1),
    ]


def test_lines_are_counted_by_the_values_of_a_field() -> None:
    line = b'{"level":"%s","time":%f,"action":"%s"}'
    texts = [
        line % (level, NOW - back, action)
        for level, back, action in (
            (b"info", 9, b"login"),
            (b"error", 9, b"login"),
            (b"info", 9, b"logout"),
            (b"info", 0, b"logout"),
            (b"info", 0, b"other"),
            (b"info", 0, b"others"),
        )
    ]

    (frame,) = flush(flusher(count_by=("action",)), batch([*texts, b"none"])).frames

    # Two values are kept for a service: the first two that are met.
    beyond = smallest({hash_of("other"), hash_of("others")})
    assert {pane.second: pane.fields for pane in frame.panes} == {
        int(NOW - 9): (
            FieldCounts("action", {"login": ValueCount(2, 1), "logout": ValueCount(1)}),
        ),
        int(NOW): (FieldCounts("action", {"logout": ValueCount(1)}, 2, beyond),),
    }


def test_nothing_secret_is_in_samples_templates_and_dead_letters() -> None:
    secret = b"ERROR: login of ann@mail.example password: hunter2 card 4111111111111111"
    deep = b"ERROR: " + b"x" * 900 + b" password: hunter2"
    poison = Records([b"no key"], [secret], [int(NOW * 1000)])

    found = flush(flusher(), batch([secret, deep]))
    dead = flush(flusher(), Batch(RAW_LOGS, 0, 0, 1, poison)).dead

    told = b"".join(encode_frame(frame) for frame in found.frames).decode()
    told += "".join(letter.beginning + letter.reason for _, letter in dead)
    assert "ERROR: login of [e-mail] password: [secret] card [card]" in told
    assert "login of <*> password: <*> card <*>" in told
    assert not any(word in told for word in ("hunter2", "ann@", "4111"))


def test_a_caught_up_partition_goes_with_the_clock_a_lagging_one_with_its_lines() -> (
    None
):
    to = flusher()
    behind = flush(to, batch([b"x"], read_at=NOW - 50), position=BEHIND).frames
    caught_up = flush(to, batch([b"x"], lo=1, read_at=NOW - 49)).frames
    back = flush(to, batch([b"x"], lo=2, read_at=NOW - 5), position=BEHIND).frames

    assert [f.watermark for f in (*behind, *caught_up, *back)] == [NOW - 50, NOW, NOW]
    assert [f.caught_up for f in (*behind, *caught_up, *back)] == [False, True, False]


def test_an_idle_partition_sends_a_heartbeat_each_second() -> None:
    to = flusher()
    flush(to, batch([b"x"]))
    idle = Position(1, caught_up=True, lag=0)

    early = flush(to, position=idle, now=NOW + 0.9).frames
    (beat,) = flush(to, position=idle, now=NOW + 1.0).frames

    assert early == []
    assert (beat.lo, beat.hi, beat.watermark, beat.panes) == (1, 1, NOW + 1.0, ())


def test_a_partition_that_was_just_assigned_tells_no_time_while_it_is_behind() -> None:
    assert flush(flusher(), position=BEHIND).frames == []


def test_a_hole_in_the_offsets_is_told() -> None:
    to = flusher()
    flush(to, batch([b"x"]))

    assert flush(to, batch([b"y"], lo=5)).gaps == [Gap(0, expected=1, found=5)]


def test_lines_of_a_closed_window_are_late() -> None:
    to = flusher()
    flush(to, batch([b"x"]), now=NOW + 3600)

    found = flush(to, batch([LOG4J % 1, b"no time"], lo=1, read_at=NOW + 3600))

    assert [frame.late for frame in found.frames] == [1]
    assert [service.late for service in found.services] == [1]


def test_a_frame_too_large_for_a_record_is_cut_into_frames_that_tile() -> None:
    sample = Sample("\x00" * 1000, "/p", "f", 0, NOW, NOW)
    templates = tuple(TemplateCount(f"{k}", "t" * 300, 1, sample) for k in range(20))
    panes = tuple(
        Pane("api", "h", k, (0, 0, 0, 0, 20, 0, 0), 1, NOW, templates)
        for k in range(30)
    )
    whole = Frame(0, 100, 800, NOW, True, NOW, panes, late=3, unparsed=2, skewed=1)

    frames = split(whole)

    assert len(frames) > 1
    assert all(len(encode_frame(frame)) <= MAX_FRAME_BYTES for frame in frames)
    assert (frames[0].lo, frames[-1].hi) == (100, 800)
    assert all(a.hi == b.lo and a.lo < a.hi for a, b in pairwise(frames))
    assert tuple(p for frame in frames for p in frame.panes) == panes
    assert sum(frame.late for frame in frames) == 3


def test_a_pane_too_large_for_a_record_counts_templates_as_others() -> None:
    sample = Sample("\x00" * 1000, "/p", "f", 0, NOW, NOW)
    templates = tuple(TemplateCount(f"{k}", "t", 2, sample) for k in range(400))
    pane = Pane("api", "h", 1, (0, 0, 0, 0, 800, 0, 0), 1, NOW, templates)

    (frame,) = split(Frame(0, 0, 800, NOW, True, NOW, (pane,)))

    (fitted,) = frame.panes
    assert len(encode_frame(frame)) <= MAX_FRAME_BYTES
    assert fitted.other_templates + 2 * len(fitted.templates) == 800
    assert len(fitted.templates) > 100
