"""One fault is one template, on every machine and in every order."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor import columns
from processor.templates import Fingerprints, Template
from tests.processor.traces import TRACES

FAILED = "payment 17 of ann@shop.example failed after 3 attempts"


def templates(*messages: str, by: Fingerprints | None = None) -> list[Template]:
    column = columns.column([m.encode("utf-8", "surrogateescape") for m in messages])
    which, found = (by or Fingerprints()).of(column)
    return [found[number] for number in which.tolist()]


def test_an_id_is_the_same_in_every_release() -> None:
    # Ids stand in incidents and silences: a change of one is a breaking change.
    assert templates(FAILED) == [
        Template("5ff39ed435992511", "payment <*> of <*> failed after <*> attempts")
    ]


def test_rows_share_a_template_where_only_values_differ() -> None:
    one, other, same = templates(FAILED, "no route", FAILED.replace("17", "99812"))

    assert one == same
    assert one.id != other.id


@pytest.mark.slow
@given(st.lists(st.text(max_size=40), max_size=12), st.integers())
@settings(max_examples=30)
def test_a_template_depends_on_its_message_alone(
    messages: list[str], seed: int
) -> None:
    messages = [m.encode("utf-8", "replace").decode() for m in messages]
    mixed = random.Random(seed).sample(messages, len(messages))
    forgetful = Fingerprints(remembered=2)

    together = dict(zip(messages, templates(*messages), strict=True))

    assert dict(zip(mixed, templates(*mixed, by=forgetful), strict=True)) == together
    assert all(templates(m, by=forgetful) == [together[m]] for m in mixed)


@pytest.mark.parametrize("language", TRACES)
def test_a_trace_is_known_by_its_fault(language: str) -> None:
    trace = TRACES[language]

    (template,) = templates(trace.text)

    assert template.text == trace.fault


@pytest.mark.parametrize("language", TRACES)
def test_a_trace_is_the_same_fault_after_a_deployment(language: str) -> None:
    trace = TRACES[language]
    moved = trace.text
    for number in ("12", "31", "44", "88"):
        moved = moved.replace(number, str(int(number) * 7))

    assert moved != trace.text
    assert templates(moved) == templates(trace.text)


def test_traces_of_other_places_or_types_are_other_faults() -> None:
    java = TRACES["java"].text
    texts = [
        java,
        java.replace("com.acme.Pay.charge", "com.acme.Pay.refund"),
        java.replace("IllegalState", "IllegalArgument"),
        java.replace("gateway closed", "gateway gone"),
        java.replace("SocketTimeout", "Socket"),
    ]

    assert len({template.id for template in templates(*texts)}) == len(texts)


def test_the_log_statement_and_the_depth_of_a_trace_do_not_matter() -> None:
    java = TRACES["java"].text
    deeper = java + "\n" + "\tat com.acme.Deep.down(Deep.java:1)\n" * 500
    retold = java.replace("charge failed", "cannot charge order")

    assert templates(deeper) == templates(retold) == templates(java)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("\n  connection 7 is lost\n  later", "connection <*> is lost"),
        (
            "thread 'main' panicked at src/a.rs:3:5:\nno more",
            "panicked at <*>: no more",
        ),
        ("rows: 7\n  id=1\n  id=2", "rows: <*>"),
        ("\n\n", ""),
    ],
)
def test_a_text_without_frames_is_known_by_its_first_line(
    message: str, expected: str
) -> None:
    (template,) = templates(message)

    assert template.text.endswith(expected)


def test_a_hostile_trace_takes_no_longer_than_others() -> None:
    # Each would keep a backtracking pattern busy for minutes.
    hostile = (
        "x\n\tat " + "a." * 8000 + "b(",
        "x\n" + "A.b::C\\" * 2000 + "Error",
        "x\n" + ("Error: " * 2000) + "\n\tat a.b(c)",
        "x\n" + "Caused by: (" * 1000 + "\n\tat a.b(c)",
        'Traceback (most recent call last):\n  File "' + "\\" * 9000,
        "\n" * 16_000 + "\tat a.b(c)",
    )

    for text in hostile:
        began = time.process_time()
        templates(text)
        assert time.process_time() - began < 0.25


def test_what_is_remembered_is_bounded() -> None:
    fingerprints = Fingerprints(remembered=100)

    templates(
        *(f"no {'x' * 600} {chr(0x4E00 + k)}" for k in range(1000)), by=fingerprints
    )

    assert len(fingerprints) <= 100
