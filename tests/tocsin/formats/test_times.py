"""Every written form of time is read as its example says."""

from __future__ import annotations

import re
from datetime import datetime

import numpy as np
import pytest

from processor.columns import column
from processor.times import of_any_form, to_seconds
from processor.zones import Zone
from tocsin.formats import times
from tocsin.formats.times import TimeForm

ARRIVAL = datetime.fromisoformat("2026-03-14T12:00:00Z").timestamp()


def seconds(form: TimeForm, text: str) -> float:
    arrival = np.full(1, ARRIVAL)
    found = to_seconds(column([text.encode()]), form, arrival, Zone("UTC"))
    return round(float(found[0]), 6)


def at(form: TimeForm) -> float:
    return round(datetime.fromisoformat(form.at).timestamp(), 6)


def test_a_form_reads_its_example() -> None:
    wanted = {form.name: at(form) for form in times.FORMS}

    assert {f.name: seconds(f, f.example) for f in times.FORMS} == wanted
    for form in times.FORMS:
        assert re.fullmatch(form.pattern, form.example), form.name


def test_an_example_alone_is_known() -> None:
    examples = column([form.example.encode() for form in times.FORMS])

    found = of_any_form(examples, np.full(len(examples), ARRIVAL), Zone("UTC"))

    names = [form.name for form in times.FORMS]
    wanted = {form.name: at(form) for form in times.FORMS}
    assert dict(zip(names, found.round(6).tolist(), strict=True)) == wanted


def test_all_forms_are_searched_but_numbers() -> None:
    assert {*times.SEARCHED, times.EPOCH} == set(times.FORMS)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("iso", "2026-02-29 09:21:07"),
        ("iso", "2026-03-14 24:00:00"),
        ("iso", "0000-00-00 00:00:00"),
        ("half-days", "2026-03-32 01:00:00 PM"),
        ("month-first", "13/13/2026 09:21:07"),
    ],
)
def test_what_no_calendar_has_is_no_time(name: str, text: str) -> None:
    assert np.isnan(seconds(times.BY_NAME[name], text))


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("2024-02-29 23:59:60", "2024-03-01T00:00:00Z"),
        ("2026-03-14 12:00:00 AM", "2026-03-14T00:00:00Z"),
        ("2026-03-14 12:00:00 PM", "2026-03-14T12:00:00Z"),
        ("2026-03-14T09:21:07-0530", "2026-03-14T14:51:07Z"),
        ("03/04/2026 09:21:07", "2026-03-04T09:21:07Z"),
        ("03.04.2026 09:21:07", "2026-04-03T09:21:07Z"),
        ("Dec 31 23:59:59", "2025-12-31T23:59:59Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_edges(text: str, want: str) -> None:
    found = of_any_form(column([text.encode()]), np.full(1, ARRIVAL), Zone("UTC"))

    assert found[0] == datetime.fromisoformat(want).timestamp()
