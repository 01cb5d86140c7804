"""What is remembered of streams."""

from __future__ import annotations

import numpy as np

from processor.recognition import NO_FORMAT
from processor.streams import Learned, StreamFormats, format_rows
from tocsin.formats.catalogue import FORMATS

JSON, LOGFMT = ([f.name for f in FORMATS].index(name) for name in ("json", "logfmt"))
DAY_S = 86_400.0


def learn(formats: StreamFormats, seen: list[int]) -> list[Learned]:
    return formats.learn([b"s"], np.zeros(len(seen), np.int64), np.array(seen))


def test_a_format_is_learned_from_the_first_lines() -> None:
    formats = StreamFormats()

    learned = learn(formats, [JSON, JSON, NO_FORMAT])

    assert learned == [Learned(b"s", "json", None)]
    assert formats.hints([b"s", b"t"]).tolist() == [JSON, NO_FORMAT]
    assert learn(formats, [JSON]) == []


def test_some_lines_of_another_format_change_nothing() -> None:
    formats = StreamFormats()
    learn(formats, [JSON])

    assert learn(formats, [LOGFMT] * 8 + [JSON]) == []
    assert learn(formats, [NO_FORMAT] * 9) == []


def test_a_stream_whose_lines_are_all_of_another_format_has_changed() -> None:
    formats = StreamFormats()
    learn(formats, [JSON])

    assert learn(formats, [LOGFMT] * 9) == [Learned(b"s", "logfmt", "json")]


def test_a_restart_remembers_and_forgets_what_is_old_or_unreadable() -> None:
    formats = StreamFormats()
    rows = {
        **format_rows([Learned(b"new", "json", None)], 40 * DAY_S),
        **format_rows([Learned(b"old", "json", None)], 5 * DAY_S),
        **format_rows([Learned(b"gone", "no such format", None)], 40 * DAY_S),
        b"bad": b"{",
    }

    useless = formats.load({k: v for k, v in rows.items() if v}, now=41 * DAY_S)

    assert sorted(useless) == [b"bad", b"gone", b"old"]
    assert formats.hints([b"new", b"old"]).tolist() == [JSON, NO_FORMAT]
