"""Windows: sums by service that close by watermark and are corrected by revision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.windows import KEEP_S, MAX_TEMPLATES, MAX_VALUES, Verdict, Windows
from tocsin.records.frames import (
    FieldCounts,
    Frame,
    Pane,
    Sample,
    TemplateCount,
    ValueCount,
)
from tocsin.records.public import ValueSums, WindowRecord
from tocsin.values import LEVELS, Level

T = 1_773_480_060  # a whole minute


def pane(
    second: int,
    *,
    service: str = "api",
    errors: int = 0,
    infos: int = 0,
    templates: Sequence[str] = (),
    fields: Sequence[FieldCounts] = (),
    labels: dict[str, str] | None = None,
) -> Pane:
    counts = [0] * LEVELS
    counts[Level.ERROR], counts[Level.INFO] = errors, infos
    sample = Sample("line", "/p", "f", 0, second, second)
    return Pane(
        service=service,
        host="h",
        second=second,
        counts=tuple(counts),
        bytes=100 * (errors + infos),
        read_at=float(second),
        templates=tuple(TemplateCount(t, t, 1, sample) for t in templates),
        fields=tuple(fields),
        labels=labels or {},
    )


def frame(
    lo: int, hi: int, *panes: Pane, source: int = 0, watermark: float = 0.0
) -> Frame:
    return Frame(source, lo, hi, watermark, True, watermark, panes)


def windows(sources: int = 1, sizes_s: Sequence[int] = (60,)) -> Windows:
    return Windows(sizes_s=sizes_s, grace_s=2.0, sources=sources)


def closed(state: Windows, now: float) -> list[WindowRecord]:
    return state.collect(now=now).records


def test_a_window_closes_when_the_watermark_has_passed_its_end_and_the_grace() -> None:
    state = windows()
    state.merge(frame(0, 5, pane(T, infos=5), watermark=T + 61.9))
    early = closed(state, T + 61.9)
    state.merge(frame(5, 5, watermark=T + 62))

    assert early == []
    assert [(w.service, w.lines) for w in closed(state, T + 62)] == [("api", 5)]


def test_windows_of_several_sizes_close_each_at_its_end() -> None:
    state = Windows(sizes_s=[60, 10, 60], grace_s=2.0, sources=1)
    state.merge(frame(0, 9, pane(T, infos=5), pane(T + 15, infos=4), watermark=T + 12))
    first = closed(state, T + 12)
    state.merge(frame(9, 9, watermark=T + 62))
    rest = closed(state, T + 62)

    assert [(w.window_start, w.window_s, w.lines) for w in first] == [(T, 10, 5)]
    assert [(w.window_start, w.window_s, w.lines) for w in rest] == [
        (T + 10, 10, 4),
        (T, 60, 9),
    ]


def test_values_of_fields_add_up_and_are_bounded() -> None:
    def counted(values: dict[str, ValueCount], other: int = 0) -> Pane:
        fields = (FieldCounts("action", values, other),)
        return msgspec.structs.replace(pane(T, infos=1), fields=fields)

    many = {f"v{k}": ValueCount(1) for k in range(MAX_VALUES)}
    state = windows()
    state.merge(frame(0, 1, counted({"login": ValueCount(3, 1)}, other=2)))
    restarted = windows()
    restarted.load({k: v for k, v in state.collect(now=T).rows.items() if v})
    restarted.merge(frame(1, 2, counted({"login": ValueCount(2)})))
    restarted.merge(frame(2, 3, counted(many), watermark=T + 62))

    (record,) = closed(restarted, T + 62)

    assert record.by_field["action"]["login"] == ValueSums(lines=5, errors=1)
    assert len(record.by_field["action"]) == MAX_VALUES
    assert record.other_values == {"action": 3}


def test_no_window_closes_while_a_source_is_unheard_of_or_behind() -> None:
    state = windows(sources=2)
    state.merge(frame(0, 5, pane(T, infos=5), watermark=T + 100))
    unheard = closed(state, T + 100)
    state.merge(frame(0, 0, source=1, watermark=T + 30))
    behind = closed(state, T + 100)
    state.merge(frame(0, 0, source=1, watermark=T + 62))

    assert unheard == behind == []
    assert len(closed(state, T + 100)) == 1


def test_the_figures_of_a_window() -> None:
    state = windows()
    panes = [pane(T + k, infos=k, templates=()) for k in range(1, 10)]
    panes.append(pane(T + 59, infos=30, errors=15, templates=("a", "b")))
    state.merge(frame(0, 90, *panes, watermark=T + 62))

    (record,) = closed(state, T + 63.5)

    rates = [0, *range(1, 10), *[0] * 49, 45]
    assert record == WindowRecord(
        service="api",
        window_start=T,
        window_s=60,
        revision=1,
        closed_at=T + 63.5,
        lines=90,
        bytes=9000,
        trace=0,
        debug=0,
        info=75,
        warn=0,
        error=15,
        fatal=0,
        unknown=0,
        rate=1.5,
        error_share=15 / 90,
        error_templates=2,
        peak_second=T + 59,
        peak_lines=45,
        rate_p95=float(np.quantile(rates, 0.95)),
    )


def test_a_late_line_gives_a_higher_revision_at_most_once_a_second() -> None:
    state = windows()
    state.merge(frame(0, 1, pane(T, infos=1), watermark=T + 62))
    closed(state, T + 62)
    state.merge(frame(1, 2, pane(T, infos=1), watermark=T + 62.5))
    at_once = closed(state, T + 62.9)
    later = closed(state, T + 63)
    again = closed(state, T + 90)

    assert at_once == again == []
    assert [(w.revision, w.lines) for w in later] == [(2, 2)]


def test_a_frame_that_comes_twice_counts_once() -> None:
    state = windows()
    first = frame(0, 5, pane(T, infos=5), watermark=T + 62)

    verdicts = [state.merge(first), state.merge(first)]

    assert verdicts == [Verdict.COUNTED, Verdict.DUPLICATE]
    assert [w.lines for w in closed(state, T + 62)] == [5]


def test_a_frame_after_a_gap_counts_and_says_so() -> None:
    state = windows()
    state.merge(frame(0, 5, pane(T, infos=5)))

    verdict = state.merge(frame(7, 9, pane(T, infos=2), watermark=T + 62))

    assert verdict is Verdict.AFTER_GAP
    assert [w.lines for w in closed(state, T + 62)] == [7]


def test_a_window_is_forgotten_25_hours_after_its_end() -> None:
    state = windows()
    state.merge(frame(0, 1, pane(T, infos=1), watermark=T + 62))
    written = state.collect(now=T + 62)
    state.merge(frame(1, 1, watermark=T + 60 + KEEP_S))

    over = state.collect(now=T + 60 + KEEP_S)

    key = f"window/60/{T}/api".encode()
    assert written.rows[key] is not None
    assert over.rows[key] is None


def test_distinct_templates_are_bounded() -> None:
    state = windows()
    names = [f"{k:016x}" for k in range(MAX_TEMPLATES + 500)]
    state.merge(frame(0, 1, pane(T, errors=1, templates=names), watermark=T + 62))

    assert [w.error_templates for w in closed(state, T + 62)] == [MAX_TEMPLATES]


fields = st.builds(
    FieldCounts,
    st.sampled_from(["action", "tenant"]),
    st.dictionaries(
        st.sampled_from(["buy", "sell", "look"]),
        st.builds(ValueCount, st.integers(1, 3), st.integers(0, 1)),
    ),
    st.integers(0, 2),
)
panes = st.builds(
    pane,
    st.integers(T - 120, T + 120),
    service=st.sampled_from(["api", "web/x", "ü"]),
    errors=st.integers(0, 3),
    infos=st.integers(0, 3),
    templates=st.lists(st.sampled_from("abc"), max_size=2),
    fields=st.lists(fields, max_size=2, unique_by=lambda counts: counts.field),
    labels=st.sampled_from([{}, {"team": "a"}]),
)
SIZES_S = (60, 15)


@pytest.mark.slow
@given(
    batches=st.lists(st.lists(panes, max_size=4), max_size=8),
    restarts=st.sets(st.integers(0, 8)),
)
@settings(max_examples=40)
def test_windows_agree_with_a_naive_list_across_restarts(
    batches: list[list[Pane]], restarts: set[int]
) -> None:
    table: dict[bytes, bytes] = {}
    best: dict[tuple[str, int, int], WindowRecord] = {}
    state = windows(sizes_s=SIZES_S)
    for step, batch in enumerate([*batches, []]):
        if step in restarts:
            state = windows(sizes_s=SIZES_S)
            state.load(table)
            if step:
                again = frame(step - 1, step, *batches[step - 1], watermark=0)
                assert state.merge(again) is Verdict.DUPLICATE
        now = T - 60 + 60 * step if step < len(batches) else T + 10_000
        state.merge(frame(step, step + 1, *batch, watermark=now))
        changes = state.collect(now=now)
        for key, row in changes.rows.items():
            assert row is not None
            table[key] = row
        for record in changes.records:
            place = (record.service, record.window_start, record.window_s)
            assert record.revision == (best[place].revision + 1 if place in best else 1)
            best[place] = record

    naive: dict[tuple[str, int, int], list[Pane]] = {}
    for one in (p for batch in batches for p in batch):
        for size_s in SIZES_S:
            place = (one.service, one.second // size_s * size_s, size_s)
            naive.setdefault(place, []).append(one)
    assert best.keys() == naive.keys()
    for place, record in best.items():
        assert_sums(record, naive[place])


def assert_sums(record: WindowRecord, own: Sequence[Pane]) -> None:
    """A window says what its panes add up to."""
    rates = [
        sum(p.lines for p in own if p.second == record.window_start + k)
        for k in range(record.window_s)
    ]
    assert record.error == sum(p.errors for p in own)
    assert record.info == sum(p.counts[Level.INFO] for p in own)
    assert record.lines == sum(rates)
    assert record.peak_lines == max(rates)
    assert record.rate_p95 == pytest.approx(np.quantile(rates, 0.95))
    assert record.error_templates == len(
        {t.template_id for p in own for t in p.templates}
    )
    found: dict[str, dict[str, ValueSums]] = {}
    others: Counter[str] = Counter()
    for counts in (counts for p in own for counts in p.fields):
        known = found.setdefault(counts.field, {})
        for value, more in counts.values.items():
            before = known.get(value, ValueSums(0, 0))
            known[value] = ValueSums(
                before.lines + more.lines, before.errors + more.errors
            )
        others[counts.field] += counts.other
    assert record.by_field == found
    assert record.other_values == +others
