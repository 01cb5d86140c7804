"""Scenarios 13 to 24: bytes become records, whatever the bytes."""

from __future__ import annotations

import os
import time

import pytest

from tests.scenarios.stage import Stage
from tocsin.ports.bus import TopicSpec
from tocsin.records.keys import Mark
from tocsin.records.topics import RAW_LOGS

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_s13_lines_before_and_after_the_start_come_in_order_with_their_positions(
    any_stage: Stage,
) -> None:
    path = any_stage.logs / "app.log"
    before = any_stage.write(path, 30)
    with any_stage.home.collector():
        any_stage.wait()
        after = any_stage.write(path, 30)

        any_stage.expect_exactly_once()

    records = any_stage.records()
    assert b"".join(r.value + b"\n" for r in records) == before + after
    data = path.read_bytes()
    for record in records:
        end = record.key.offset + len(record.value)
        assert data[record.key.offset : end] == record.value
    (file_id,) = any_stage.file_ids()
    assert any_stage.home.path_of(file_id) == str(path)


def test_s14_a_line_written_in_two_parts_is_one_record(running: Stage) -> None:
    path = running.logs / "app.log"
    running.append(path, b"hal")
    time.sleep(1.0)  # longer than anything that may look twice, and then some
    assert running.records() == []

    running.append(path, b"f line\n")

    running.expect([b"half line"])
    running.expect_exactly_once()


def test_s17_every_byte_is_delivered_as_it_is(running: Stage) -> None:
    lines = [
        b"\xef\xbb\xbfwith a byte order mark",
        b"",
        b"   ",
        b"\t",
        b"with a carriage return\r",
        b"a lone\rcarriage return",
        b"form\x0cfeed and vertical\x0btab",
        b"a NUL \0 inside",
        b"no UTF-8 \xff\xfe\xc3",
        b"\xe2\x80\xa8 a line separator of Unicode",
        b"\x1b[31mred\x1b[0m",
        b"",
    ]
    path = running.logs / "app.log"

    running.append(path, b"".join(line + b"\n" for line in lines))

    running.expect(lines)
    running.expect_exactly_once()
    assert [r.value for r in running.records()] == lines


def test_s19_files_in_other_encodings_travel_in_utf_8(stage: Stage) -> None:
    text = "日本語のログ 表示\n\nsecond 100 ¥\n"
    files = {"utf-16-le": "\ufeff", "utf-16-be": "\ufeff", "shift_jis": ""}
    paths = {encoding: stage.logs / f"{encoding}.log" for encoding in files}
    halves = {}
    for encoding, mark in files.items():
        text_here = text.replace("¥", "円")
        data = (mark + text_here).encode(encoding)
        halves[encoding] = data[: len(data) - 7], data[len(data) - 7 :]
        stage.append(paths[encoding], halves[encoding][0])
        stage.expect(line.encode() for line in text_here.splitlines())
    words = ["--encoding", "shift_jis"]
    with stage.home.collector(words=words):
        stage.wait(2 * len(files))
    for encoding in files:
        stage.append(paths[encoding], halves[encoding][1])
    stage.append(paths["shift_jis"], b"broken \xff here\n")
    stage.expect(["broken \ufffd here".encode()])
    with stage.home.collector(words=words) as collector:
        stage.expect_exactly_once()

        assert collector.metric("tocsin_collector_replaced_characters_total") == 1
    assert stage.marks() == [Mark.INEXACT]
    assert len(stage.file_ids()) == len(files)


def test_s20_a_delimiter_of_several_bytes_may_stand_across_two_reads(
    stage: Stage,
) -> None:
    chunk, delimiter = 256 * 1024, b"<EOE>\n"
    sizes = [chunk - 3, 10, 2 * chunk - 4, 0, chunk - len(delimiter) + 1, 700_000, 5]
    records = [b"%d\n" % n + b"x" * size for n, size in enumerate(sizes)]
    stage.expect(records)
    data = b"".join(record + delimiter for record in records)
    path = stage.logs / "app.log"
    stage.append(path, data[: 2 * chunk + 2])
    words = ["--delimiter", r"<EOE>\n"]
    with stage.home.collector(words=words):
        stage.wait(2)
    stage.append(path, data[2 * chunk + 2 :])
    with stage.home.collector(words=words):
        stage.expect_exactly_once()

    assert [r.value for r in stage.records()] == records
    offsets = [r.key.offset for r in stage.records()]
    ends = [
        at + len(r) + len(delimiter) for at, r in zip(offsets, records, strict=True)
    ]
    assert offsets == [0, *ends[:-1]]


@pytest.mark.parametrize("mib", [1, 10])
def test_s18_a_huge_line_stops_nothing_and_is_cut_or_a_dead_letter_and_counted(
    running: Stage, mib: int
) -> None:
    path = running.logs / "app.log"
    huge = b"%d " % mib + b"x" * (mib << 20)
    running.append(path, b"short before\n" + huge + b"\nshort after\n")
    running.wait(2)

    running.expect_exactly_once_but(huge)
    values = [r.value for r in running.records()]
    assert (values[0], values[-1]) == (b"short before", b"short after")


def test_s21_a_busy_file_does_not_starve_a_quiet_one(stage: Stage) -> None:
    # In one partition records stand in the order in which they were read.
    stage.home.bus.ensure_topics([TopicSpec(RAW_LOGS)], create=True)
    busy, quiet = stage.logs / "busy.log", stage.logs / "quiet.log"
    stage.write(busy, 50_000)
    (line,) = stage.lines(1)
    stage.expect([line])
    stage.append(quiet, line + b"\n")

    # The busy one is met first; the quiet one waits for no more of an event.
    with stage.home.collector(busy, quiet, words=["--no-multiline"]):
        stage.expect_exactly_once()

    place = [record.value for record in stage.records()].index(line)
    print(f"read after {place:,} lines of the busy one")
    assert place < 25_000


def test_s22_positions_beyond_four_gibibytes(stage: Stage) -> None:
    path = stage.logs / "app.log"
    with path.open("wb") as file:
        file.truncate((1 << 32) + 4096)
        file.seek(0, os.SEEK_END)
        file.write(b"\n")
    with stage.home.collector(path, words=["--start", "end"]):
        stage.home.wait_watching(path)
        stage.write(path, 20)
        stage.wait()
    stage.write(path, 20)
    with stage.home.collector(path, words=["--start", "end"]):
        stage.wait()
        stage.check()

    assert stage.records()[0].key.offset == (1 << 32) + 4097
    assert len(stage.file_ids()) == 1
