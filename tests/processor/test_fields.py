"""Lines are counted by the values of configured fields, which are bounded."""

from __future__ import annotations

import time

import numpy as np
import pytest

from processor.fields import Admission
from processor.parsing import Parser
from processor.zones import Zone

LINES = [
    b'{"level":"info","time":1773480067,"action":"login","msg":"action=none","n":7}',
    b'{"level":"error","time":1773480067,"action":true,"msg":"x"}',
    b'{"level":"info","time":1773480067,"inner":{"action":"no"},"msg":"x"}',
    b'{"level":"info","time":1773480067,"action":["no"],"n":null}',
    b'level=info ts=1773480067 msg="no action=none here" action=logout',
    b'level=info ts=1773480067 action="two words" n=7',
    b"2026-03-14 09:21:07,250 ERROR [x] a.b.C - action=none",
]


def values(*lines: bytes, by: tuple[str, ...]) -> dict[str, dict[int, str]]:
    parser = Parser(Zone("UTC"), count_by=by)
    events = parser.parse(lines, arrival=np.full(len(lines), 1_773_480_067.0))
    return {
        found.name: {
            row: found.values[number]
            for row, number in zip(
                found.rows.tolist(), found.value_of.tolist(), strict=True
            )
        }
        for found in events.fields
    }


def test_a_field_is_read_where_it_is_one_of_the_line_itself() -> None:
    assert values(*LINES, by=("action", "n", "none")) == {
        "action": {0: "login", 1: "true", 4: "logout", 5: "two words"},
        "n": {0: "7", 5: "7"},
    }


def test_a_field_may_have_any_name() -> None:
    line = b'{"level":"info","time":1773480067,"http.method":"GET","a b+":1}'
    pairs = b"level=info ts=1773480067 http.method=PUT httpXmethod=no"

    found = values(line, pairs, by=("http.method", "a b+"))

    assert found == {"http.method": {0: "GET", 1: "PUT"}, "a b+": {0: "1"}}


def test_values_are_cut_and_redacted() -> None:
    line = b'{"level":"info","user":"ann@mail.example","text":"%s"}' % (b"x" * 500)

    found = values(line, by=("user", "text"))

    assert found == {"user": {0: "[e-mail]"}, "text": {0: "x" * 64}}


def test_nothing_is_read_where_nothing_is_configured() -> None:
    assert values(*LINES, by=()) == {}


def test_the_first_values_of_a_day_are_admitted() -> None:
    admission = Admission(most=2)
    admission.begin(1_000_000.0)
    first = [admission.is_admitted("api", "action", v) for v in "abcab"]
    elsewhere = admission.is_admitted("web", "action", "c")

    admission.begin(1_000_000.0 + 86_400)

    assert first == [True, True, False, True, True]
    assert elsewhere
    assert admission.is_admitted("api", "action", "c")


@pytest.mark.parametrize(
    "line", [b"a=" * 20_000, b'a="' + b'\\"' * 20_000, b"a=1 " * 9000]
)
def test_no_line_holds_it_up(line: bytes) -> None:
    began = time.process_time()

    values(line, by=("action",))

    assert time.process_time() - began < 0.5
