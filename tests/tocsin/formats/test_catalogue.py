"""The registry of formats: every entry keeps the registry's laws."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tocsin.formats.catalogue import BY_NAME, FORMATS
from tocsin.formats.format import Decoder, Format, expand

PATTERNS = [f for f in FORMATS if f.decoder is Decoder.PATTERN]
# RE2 answers with three groups in one pass at most.
MAX_GROUPS = 3


def matches(format_: Format, line: bytes) -> bool:
    return re.match(format_.head_pattern.encode(), line) is not None


def first_match(line: bytes, among: list[Format]) -> str | None:
    return next((f.name for f in among if matches(f, line)), None)


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(FORMATS)


def test_a_format_has_a_source_and_an_example() -> None:
    for format_ in FORMATS:
        assert format_.source, format_.name
        assert format_.examples, format_.name


def test_a_head_is_anchored_and_has_known_groups() -> None:
    for format_ in PATTERNS:
        groups = re.compile(format_.head_pattern.encode()).groupindex

        assert format_.head.startswith("^"), format_.name
        assert groups.keys() <= {"time", "level", "pri", "status"}, format_.name
        assert len(groups) <= MAX_GROUPS, format_.name
        for pattern in format_.message_patterns:
            assert "(?P<message>" in pattern, format_.name


def test_an_example_is_of_its_format_and_of_no_earlier_one() -> None:
    wanted = {e.line: f.name for f in PATTERNS for e in f.examples}

    assert {line: first_match(line.encode(), PATTERNS) for line in wanted} == wanted


def test_after_names_earlier_formats_only() -> None:
    order = [f.name for f in FORMATS]

    for format_ in FORMATS:
        for name in format_.after:
            assert order.index(name) < order.index(format_.name)


@pytest.mark.slow
@pytest.mark.parametrize("format_", PATTERNS, ids=lambda f: f.name)
@given(data=st.data())
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_an_earlier_format_that_matches_the_same_line_is_named(
    format_: Format, data: st.DataObject
) -> None:
    # What makes hints safe: trying a hint's format and those in `after` answers as
    # trying all formats does.
    line = data.draw(st.from_regex(format_.head_pattern.encode()))
    if not matches(format_, line):
        return
    assert format_.lead is None or line[0] in format_.lead
    earlier = first_match(line, PATTERNS[: PATTERNS.index(format_)])

    assert earlier is None or earlier in format_.after


def test_an_unknown_macro_is_refused() -> None:
    with pytest.raises(ValueError, match=r"%\{nonsense\}"):
        expand("%{nonsense}")
