"""What rules have counted of lines is exact, bounded, and independent of batches."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.flush import Flusher, Settings
from processor.parsing import Parser
from processor.streams import StreamFormats
from processor.zones import Zone
from tests.processor.test_flush import NOW, batch, flush
from tocsin.config.alerting import RuleConfig
from tocsin.config.tallies import (
    Tally,
    counted_as,
    counted_fields,
    tallies_of,
    tally_of,
)
from tocsin.records.frames import Frame, TallyCount, decode_frame, encode_frame
from tocsin.records.sketch import hash_of


def rule(**given: object) -> RuleConfig:
    base = {"name": "x", "type": "threshold", "warning": 1, "level": "any"}
    return RuleConfig.model_validate(base | given)


def tally(**given: object) -> Tally:
    found = tally_of(rule(**given))
    assert found is not None
    return found


def flusher(*tallies: Tally, max_values: int = 50) -> Flusher:
    return Flusher(
        Parser(Zone("UTC"), tallies=tallies),
        StreamFormats(),
        Settings(
            heartbeat_s=1.0,
            window_s=60,
            grace_s=2.0,
            max_templates=20,
            max_values=max_values,
            counted=counted_as(fields=(), tallies=tallies),
        ),
    )


def counted(wanted: Tally, *lines: bytes, max_values: int = 50) -> list[TallyCount]:
    """What a flush of lines counts, sent and read."""
    [frame] = flush(flusher(wanted, max_values=max_values), batch([*lines])).frames
    return [x for pane in decode_frame(encode_frame(frame)).panes for x in pane.tallies]


def line(level: str = "info", **fields: object) -> bytes:
    return json.dumps({"time": NOW, "level": level, **fields}).encode()


def groups(found: list[TallyCount]) -> dict[tuple[str, ...], int]:
    return {x.group: x.lines for x in found}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("backup (finished|done)", 2),
        ("(?i)BACKUP FINISHED", 1),
        ("b.ckup", 3),
        ("pr.te", 1),  # a character is one, not its bytes
        ("^2026", 1),
        ("none", 0),
    ],
)
def test_a_text_is_looked_for_in_lines_of_any_level(text: str, lines: int) -> None:
    given_lines = [
        b"2026-03-14 09:21:07,250 INFO backup finished",
        "INFO backup done, prête".encode(),
        b"\xff no backup",
    ]

    found = counted(tally(text=text), *given_lines)

    assert sum(x.lines for x in found) == lines


def test_a_level_is_asked_beside_the_text() -> None:
    given_lines = [b"%s backup failed" % x for x in (b"INFO", b"WARN", b"ERROR")]

    by_level = {
        level: sum(
            x.lines for x in counted(tally(text="backup", level=level), *given_lines)
        )
        for level in ("any", "warn", "error", "fatal")
    }

    assert by_level == {"any": 3, "warn": 2, "error": 1, "fatal": 0}


def test_several_fields_are_asked_together() -> None:
    wanted = tally(
        fields={"method": ["POST", "PUT"], "status": ["5*"]},
        by=["service", "fields.customer"],
    )

    found = counted(
        wanted,
        line(method="POST", status=500, customer="a"),
        line(method="PUT", status=503, customer="a"),
        line(method="GET", status=503, customer="a"),
        line(method="POST", status=200, customer="b"),
        line(method="POST", status=500, customer="b"),
        line(method="POST", status=500),
    )

    assert groups(found) == {("a",): 2, ("b",): 1}


def test_lines_are_grouped_by_level_too() -> None:
    wanted = tally(text="disk", by=["service", "level"])

    found = counted(wanted, b"INFO disk", b"WARN disk", b"INFO disk", b"INFO none")

    assert groups(found) == {("INFO",): 2, ("WARN",): 1}


@pytest.mark.parametrize(
    ("level", "shares"), [("any", (1, 3)), ("error", (1, 1)), ("warn", (1, 1))]
)
def test_a_share_is_one_of_the_lines_with_the_fields(
    level: str, shares: tuple[int, int]
) -> None:
    fields = {"method": ["POST"], "status": ["5*"]}
    wanted = tally(type="ratio", level=level, fields=fields, warning=0.5)

    [found] = counted(
        wanted,
        line("error", method="POST", status=500),
        line("info", method="GET", status=500),
        line("info", method="POST", status=200),
        line("info", method="POST"),
    )

    assert (found.lines, found.of) == shares


def test_distinct_values_are_told_by_their_hashes() -> None:
    wanted = tally(type="cardinality", of="fields.user", fields={"action": ["login"]})

    [found] = counted(
        wanted,
        *(line(action="login", user=x) for x in ("ann", "bob", "ann")),
        line(action="logout", user="eve"),
    )

    assert found.lines == 3
    assert found.hashes == tuple(sorted(map(hash_of, ("ann", "bob"))))


def test_groups_are_bounded_and_the_rest_is_counted() -> None:
    wanted = tally(text="x", by=["fields.user"])
    texts = [line(user=f"u{n}", msg="x") for n in range(30)]

    by_pane = groups(counted(wanted, *texts, line(user="u29", msg="x")))
    by_day = groups(counted(wanted, *texts, max_values=3))

    assert (len(by_pane), by_pane["u29",], by_pane[()]) == (21, 2, 10)
    assert (len(by_day), by_day[()]) == (4, 27)


def test_a_line_is_shown_redacted_with_its_template() -> None:
    [found] = counted(
        tally(text="hunter2"), b"INFO login of ann with password=hunter2 took 7 ms"
    )

    assert found.found is not None
    assert "hunter2" not in found.found.sample.text + found.found.text
    assert "took 7 ms" in found.found.sample.text
    assert found.found.text.startswith("login of ann")


def test_a_frame_tells_what_is_counted_though_there_is_none() -> None:
    wanted = tally(text="x")

    [frame] = flush(flusher(wanted), batch([b"INFO y"])).frames

    assert frame.counted == (wanted.key,)
    assert frame.panes[0].tallies == ()


def test_rules_that_ask_the_same_share_a_tally_and_single_fields_need_none() -> None:
    one, other = rule(text="x"), rule(name="y", text="x", window="10s")
    single, several = rule(fields={"a": ["1"]}), rule(fields={"a": ["1"], "b": ["2"]})

    assert len(tallies_of([one, other, single, rule(), several])) == 2
    assert counted_fields([one, single, several], ["c"]) == ["c", "a"]


def totals(frames: list[Frame]) -> Counter[object]:
    counts: Counter[object] = Counter()
    for pane in (pane for frame in frames for pane in frame.panes):
        for x in pane.tallies:
            counts[pane.second, x.tally, x.group] += x.lines
            counts[pane.second, x.tally, x.group, "of"] += x.of
    return +counts


_TALLIES = (
    tally(text="b"),
    tally(text="a|b", level="warn", by=["level", "fields.k"]),
    tally(type="ratio", fields={"k": ["1*"], "m": ["*"]}, by=["fields.k"], warning=0.1),
)
_LINES = st.lists(
    st.builds(
        lambda level, k, m: line(level, **{x: y for x, y in (("k", k), ("m", m)) if y}),
        st.sampled_from(["info", "warn", "error"]),
        st.sampled_from(["", "1", "12", "2", "b"]),
        st.sampled_from(["", "a", "b"]),
    )
    | st.binary(max_size=20),
    min_size=1,
    max_size=12,
)


@pytest.mark.slow
@given(_LINES, st.data())
@settings(max_examples=25)
def test_what_is_counted_does_not_depend_on_batches_and_restarts(
    lines: list[bytes], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(lines)))
    half = flusher(*_TALLIES)

    at_once = flush(flusher(*_TALLIES), batch(lines)).frames
    apart = flush(half, batch(lines[:cut])).frames
    rest = flusher(*_TALLIES) if data.draw(st.booleans()) else half
    apart += flush(rest, batch(lines[cut:], lo=cut)).frames

    assert totals(at_once) == totals(apart)
