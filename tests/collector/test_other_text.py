"""Files in other encodings and with other delimiters, before the collector's core."""

from __future__ import annotations

import pytest

from tests.collector.core import Desk
from tests.collector.rig import LogLines, Shipped
from tests.collector.test_copies import append, numbered
from tocsin.records.keys import Mark

UTF16 = "utf-16-le"
TEXT = "erste Zeile\nzweite: 日本 😀\n\nvierte\n"


def read_with(desk: Desk, **config: object) -> None:
    desk.kill()
    desk.start(**config)


def values(desk: Desk) -> list[str]:
    """What was shipped, as text, in the order of the offsets."""
    records = sorted(desk.records(), key=lambda r: r.key.offset)
    return [record.value.decode() for record in records]


def prove(
    records: list[Shipped], data: bytes, encoding: str, ending: str = "\n"
) -> None:
    """From each key to the next one there are the record's bytes, and no others."""
    at = records[0].key.offset
    for record in records:
        assert record.key.offset == at
        whole = (record.value.decode() + ending).encode(encoding)
        assert data[at : at + len(whole)] == whole
        at += len(whole)
    assert at == len(data)


@pytest.mark.parametrize("encoding", [UTF16, "utf-16-be", "utf-32-le"])
def test_s19_a_byte_order_mark_tells_the_encoding(desk: Desk, encoding: str) -> None:
    data = ("\ufeff" + TEXT).encode(encoding)
    parts = (1, 2, 3, 7, 100)
    for part in parts:
        (desk.logs / f"{part}.log").write_bytes(data[:part])
    desk.work()
    for part in parts:
        append(desk.logs / f"{part}.log", data[part:])

    desk.work()

    assert len(desk.files()) == len(parts)
    assert desk.metric("tocsin_collector_skipped_bytes_total") == 0  # it is no hole
    for records in desk.files().values():
        assert [r.value.decode() for r in records] == TEXT.splitlines()
        prove(records, data, encoding)
    for row in desk.streams().values():
        assert row.encoding == encoding
        assert row.begins_at == len("\ufeff".encode(encoding))


def test_s19_it_is_read_on_in_the_middle_after_a_restart(desk: Desk) -> None:
    path, data = desk.logs / "a.log", ("\ufeff" + TEXT).encode(UTF16)
    path.write_bytes(data)
    desk.work()
    desk.kill()
    more = "später\nund mehr\n".encode(UTF16)
    append(path, more[:9])
    desk.start()
    append(path, more[9:])

    desk.work()

    assert values(desk) == [*TEXT.splitlines(), "später", "und mehr"]
    prove(desk.records(), data + more, UTF16)
    assert len(desk.files()) == 1


@pytest.mark.parametrize("encoding", ["shift_jis", "gb18030"])
def test_s19_others_are_named(desk: Desk, encoding: str) -> None:
    read_with(desk, encoding=encoding)
    text = "日本語のログ\nplain\n表示ソ\n" * 30  # with a backslash as second byte
    (desk.logs / "a.log").write_bytes(text.encode(encoding))

    desk.work()

    assert values(desk) == text.splitlines()
    assert {r.key.mark for r in desk.records()} == {Mark.NONE}
    prove(desk.records(), text.encode(encoding), encoding)


def test_s19_bytes_that_are_no_text_are_replaced_and_told_once(
    desk: Desk, log: LogLines
) -> None:
    read_with(desk, encoding="shift_jis")
    bad = [b"bad \xff here\n", b"half \x81\n", b"good\n"]
    (desk.logs / "a.log").write_bytes(b"".join(bad) * 2)

    desk.work()

    assert values(desk) == ["bad \ufffd here", "half \ufffd", "good"] * 2
    marks = [r.key.mark for r in sorted(desk.records(), key=lambda r: r.key.offset)]
    assert marks == [Mark.INEXACT, Mark.INEXACT, Mark.NONE] * 2
    assert len(log.having("characters_replaced", "encoding=shift_jis")) == 1
    assert desk.metric("tocsin_collector_replaced_characters_total") == 4
    starts = [r.key.offset for r in sorted(desk.records(), key=lambda r: r.key.offset)]
    assert starts == [0, 11, 18, 23, 34, 41]


def test_s19_the_encoding_may_change_and_nothing_comes_twice(desk: Desk) -> None:
    read_with(desk, encoding="latin-1")
    path = desk.logs / "a.log"
    path.write_bytes("größe\n".encode("latin-1"))
    desk.work()

    read_with(desk, encoding="shift_jis")
    append(path, "日本\n".encode("shift_jis"))
    desk.work()
    read_with(desk)
    desk.work()

    assert values(desk) == ["größe", "日本"]
    records = sorted(desk.records(), key=lambda r: r.key.offset)
    first, second = (record.key.file_id for record in records)
    assert desk.streams()[first].encoding == "iso8859-1"
    row = desk.streams()[second]
    assert (row.encoding, row.begins_at) == ("shift_jis", 6)
    assert [r.file_id for r in desk.rows()] == [second]


def test_s19_the_unfinished_last_line_of_a_file_that_went(desk: Desk) -> None:
    path = desk.logs / "a.log"
    path.write_bytes(("\ufeffeins\nzwei").encode(UTF16) + b"x")
    desk.work()
    path.rename(desk.logs / "a.log.1")

    desk.work(after_s=1)
    desk.work(after_s=60)

    assert values(desk) == ["eins", "zwei\ufffd"]
    assert [r.key.mark for r in desk.records()] == [Mark.NONE, Mark.PARTIAL]


def test_s19_from_the_end_on_a_line_is_not_split(desk: Desk) -> None:
    desk.kill()
    path = desk.logs / "a.log"
    path.write_bytes("\ufeffeins\nzw".encode(UTF16))
    settings: dict[str, object] = {"identity": "fresh", "start": "end"}
    fresh = Desk(desk.bus, desk.logs, desk.clock, settings)

    append(path, "ei\n".encode(UTF16))
    fresh.work()
    fresh.kill()

    assert values(fresh) == ["zwei"]


@pytest.mark.parametrize("written", [r"\0", r"<EOE>\n"])
def test_s20_a_delimiter_of_one_s_own(desk: Desk, written: str) -> None:
    read_with(desk, delimiter=written)
    ending = written.replace(r"\n", "\n").replace(r"\r", "\r").replace(r"\0", "\0")
    lines = ["one\nwith a newline", "", "a half <EO", "\r", "x" * 90, "last"]
    data = "".join(line + ending for line in lines).encode()
    path = desk.logs / "a.log"
    path.write_bytes(b"")
    for at in range(0, len(data), 5):  # in the middle of delimiters, too
        append(path, data[at : at + 5])
        desk.work()

    assert values(desk) == lines
    prove(desk.records(), data, "utf-8", ending)
    (row,) = desk.streams().values()
    assert (row.encoding, row.delimiter) == ("", ending)


def test_s20_a_delimiter_in_another_encoding(desk: Desk) -> None:
    read_with(desk, delimiter=r"\0", encoding="utf-16")
    data = "eins\0zwei\nzwei\0drei\0".encode(UTF16)
    (desk.logs / "a.log").write_bytes(data)

    desk.work()

    assert values(desk) == ["eins", "zwei\nzwei", "drei"]
    prove(desk.records(), data, UTF16, "\0")


def test_lines_are_as_they_were_without_any_of_it(desk: Desk) -> None:
    path = desk.logs / "a.log"
    path.write_bytes(b"\xef\xbb\xbfwith a mark\n\xff\xfe\n" + numbered(3))

    desk.work()

    data = b"".join(r.value + b"\n" for r in desk.records())
    assert data == path.read_bytes()
    (row,) = desk.rows()
    assert (row.v, row.encoding, row.delimiter) == (2, "", "\n")
    assert path.stat().st_size == row.offset
