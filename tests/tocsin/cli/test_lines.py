"""Records as lines for people and as JSON for programs."""

from __future__ import annotations

import json

from tocsin.app.tapping import Tapped
from tocsin.cli.lines import as_json, readable, visible
from tocsin.records.frames import Frame, Pane, encode_frame

AT = 1_790_000_000.25


def raw(value: bytes, key: bytes = b"checkout/h/f1:120") -> Tapped:
    return Tapped("raw-logs", 2, AT, key, value)


def test_a_raw_line_is_shown_with_its_origin() -> None:
    line = readable(raw(b"order 7 placed"))

    assert line.endswith(".250  raw-logs/2  checkout f1:120  order 7 placed")


def test_control_characters_are_shown_and_never_sent() -> None:
    line = readable(raw(b"\x1b[2J\x07boo\r\xff\n\xc2\x9b31m"))

    assert "\\x1b[2J\\x07boo\\r" in line
    assert line.isprintable()
    assert visible("\u202eevil") == "\\u202eevil"


def test_a_long_line_is_cut() -> None:
    assert len(readable(raw(b"x" * 100_000))) < 2_200


def test_a_mark_of_the_key_is_shown() -> None:
    assert "f1:120 (cut)" in readable(raw(b"x", b"checkout/h/f1:120!cut"))


def test_a_record_that_is_not_what_it_should_be_is_told() -> None:
    assert "not a key of raw-logs" in readable(raw(b"x", b"nonsense"))
    frame = Tapped("log-metrics", 0, AT, b"0", b"nonsense")
    assert "not a frame of log-metrics" in readable(frame)


def test_a_frame_is_shown_by_its_services() -> None:
    pane = Pane("pay", "h", 1_790_000_000, (0, 0, 5, 0, 2, 1, 0), 100, AT)
    frame = Frame(3, 10, 18, AT, caught_up=True, processed_at=AT, panes=(pane,))

    line = readable(Tapped("log-metrics", 0, AT, b"3", encode_frame(frame)))

    assert "raw-logs/3 [10,18) caught up" in line
    assert "pay " in line
    assert line.endswith("8 lines, 3 errors")


def test_a_json_record_is_shown_by_its_fields() -> None:
    value = json.dumps({"service": "pay", "reason": "12 ERROR\x1b in 1 s"}).encode()

    line = readable(Tapped("alerts", 0, AT, b"i-1", value))

    assert line.endswith('i-1  service=pay reason="12 ERROR\\x1b in 1 s"')


def test_json_carries_values_as_json_and_log_lines_as_text() -> None:
    alert = json.loads(as_json(Tapped("alerts", 0, AT, b"i-1", b'{"count": 6}')))
    line = json.loads(as_json(raw(b'{"a": 1}\xff')))

    assert alert == {
        "topic": "alerts",
        "partition": 0,
        "timestamp": AT,
        "key": "i-1",
        "value": {"count": 6},
    }
    assert line["value"] == '{"a": 1}�'
