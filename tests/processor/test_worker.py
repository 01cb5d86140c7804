"""The processor on a real embedded bus."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from typing import cast

import msgspec
import pytest

from tests.collector.faults import Fault, FaultyBus
from tests.processor.installation import (
    QUICK,
    Writer,
    counted,
    frames_of,
    keys_of,
    new_bus,
    processor,
    values_of,
    wait_for,
    wait_for_heartbeats,
    wait_for_windows,
    windows_of,
)
from tocsin.config.formats import FormatConfig
from tocsin.errors import Fenced
from tocsin.ports.bus import Bus
from tocsin.records import topics
from tocsin.records.public import DeadLetter, ValueSums

pytestmark = pytest.mark.slow

ERROR = b"%s ERROR [main] c.a.Orders - cannot reserve stock for order %d"
GATEWAY = FormatConfig(
    name="gateway",
    pattern=r"^\{(?P<service>[^}]*)\} (?P<level>\w+): (?P<message>.*)",
    example="{pay} ERROR: refused",
)
NAMING = [b"{pay} ERROR: refused"] * 20 + [b"{} INFO: up"] * 10
INFO = b"%s INFO  [main] c.a.Orders - reserved stock for order %d"


def iso(at: float) -> bytes:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))
    return f"{stamp},{int(at % 1 * 1000):03d}".encode()


def mixed(count: int, at: float) -> list[bytes]:
    """Every tenth line is an ERROR."""
    return [(INFO if k % 10 else ERROR) % (iso(at), k) for k in range(count)]


def test_windows_sum_up_to_the_truth_across_restarts(tmp_path: Path) -> None:
    now = time.time()
    with new_bus(tmp_path) as bus:
        writer = Writer(bus)
        for part in range(3):
            writer.ship("api", mixed(1000, now - part), read_at=now)
            writer.ship("web", mixed(500, now - 40), read_at=now, file_id="f2")
            writer.ship("gw", NAMING, read_at=now, file_id="f3")
            with processor(bus, QUICK.model_copy(update={"formats": [GATEWAY]})):
                wait_for_windows(bus, 1530 * (part + 1))

        assert counted(windows_of(bus)) == {
            "api": {"error": 300, "info": 2700},
            "gw": {"info": 30},
            "pay": {"error": 60},
            "web": {"error": 150, "info": 1350},
        }


def test_frames_of_each_source_tile(tmp_path: Path) -> None:
    now = time.time()
    with new_bus(tmp_path) as bus:
        writer = Writer(bus)
        for part in range(2):
            for stream in range(8):
                lines = mixed(300, now - part)
                writer.ship("api", lines, read_at=time.time(), file_id=f"f{stream}")
            with processor(bus):
                wait_for_windows(bus, 2400 * (part + 1))
        frames = frames_of(bus)

        for source in range(bus.partitions(topics.RAW_LOGS)):
            own = [frame for frame in frames if frame.source == source]
            assert own[0].lo == 0
            assert all(a.hi == b.lo for a, b in pairwise(own))
            assert all(a.watermark <= b.watermark for a, b in pairwise(own))
        assert sum(f.hi - f.lo for f in frames) == 4800


def test_an_error_carries_its_template_and_a_sample_with_its_path(
    tmp_path: Path,
) -> None:
    now = time.time()
    with new_bus(tmp_path) as bus:
        writer = Writer(bus)
        writer.stream("api", "f1", "/var/log/api/app.log")
        writer.ship("api", mixed(20, now), read_at=now)
        with processor(bus):
            wait_for_windows(bus, 20)
        (pane,) = [pane for frame in frames_of(bus) for pane in frame.panes]

        (template,) = pane.templates
        assert template.text == "cannot reserve stock for order <*>"
        assert template.count == 2
        assert template.sample.text == mixed(1, now)[0].decode()
        assert template.sample.path == "/var/log/api/app.log"
        assert (template.sample.file_id, template.sample.offset) == ("f1", 0)
        assert template.sample.event_at == pytest.approx(now, abs=0.002)


def test_counts_by_a_field_reach_windows_of_every_size(tmp_path: Path) -> None:
    now = time.time() // 10 * 10 - 20
    action = b'{"level":"%s","time":%f,"action":"%s","msg":"by ann@mail.example"}'
    more = {"count_by": ["action"], "further_windows": [10.0]}
    config = QUICK.model_copy(update=more)
    with new_bus(tmp_path) as bus:
        writer = Writer(bus)
        writer.stream("api", "f1", "/var/log/api/app.log", pod="api-1")
        lines = [
            action % (b"error", now + 3, b"pay"),
            action % (b"info", now + 4, b"pay"),
        ]
        writer.ship("api", lines, read_at=now)
        with processor(bus, config):
            wait_for_windows(bus, 4)
        panes = [pane for frame in frames_of(bus) for pane in frame.panes]

        assert [pane.labels for pane in panes] == [{"pod": "api-1"}] * 2
        assert b"ann@" not in b"".join(values_of(bus, topics.LOG_METRICS))
        # Windows of a second are the first size here, so theirs are the plain keys.
        found = {(w.window_s, w.lines): w.by_field for w in windows_of(bus)}
        assert found[10, 2] == {"action": {"pay": ValueSums(lines=2, errors=1)}}
        assert found[1, 1]["action"]["pay"].lines == 1
        keys = keys_of(bus, topics.LOG_METRICS_1M)
        assert f"api/{now:.0f}/10".encode() in keys
        assert f"api/{now + 3:.0f}".encode() in keys


def test_poison_goes_to_the_dead_letters_and_the_rest_is_read(tmp_path: Path) -> None:
    now = time.time()
    with new_bus(tmp_path) as bus:
        writer = Writer(bus)
        writer.append(0, [b"order-17", b"\xff/a"], [b"not ours", b"\x00"], now)
        writer.ship("api", [b"\x00\xff\xfe" * 50, b"", *mixed(10, now)], read_at=now)
        with processor(bus):
            wait_for_windows(bus, 12)

        assert counted(windows_of(bus)) == {
            "api": {"error": 1, "info": 9, "unknown": 2}
        }
        letters = [
            msgspec.json.decode(value, type=DeadLetter)
            for value in values_of(bus, topics.DEAD_LETTERS)
        ]
        assert sorted(letter.beginning for letter in letters) == ["\x00", "not ours"]


def test_a_stream_remembers_its_format_and_follows_its_change(tmp_path: Path) -> None:
    now = time.time()
    with new_bus(tmp_path) as bus:
        writer = Writer(bus)
        writer.ship("api", mixed(50, now), read_at=now)
        with processor(bus):
            wait_for_windows(bus, 50)
        remembered = dict(bus.table(topics.FORMATS).rows)
        writer.ship("api", [b'{"level":"warn","msg":"now in JSON"}'] * 50, read_at=now)
        with processor(bus):
            wait_for_windows(bus, 100)

        assert b'"log4j"' in remembered[b"api/h/f1"]
        assert b'"json"' in bus.table(topics.FORMATS).rows[b"api/h/f1"]


def test_a_late_line_corrects_its_window_by_a_higher_revision(tmp_path: Path) -> None:
    now = time.time()
    with new_bus(tmp_path) as bus:
        writer = Writer(bus)
        with processor(bus):
            writer.ship("api", mixed(10, now), read_at=now)
            wait_for_windows(bus, 10)
            first = windows_of(bus)
            writer.ship("api", mixed(10, now), read_at=time.time())
            wait_for_windows(bus, 20)
        second = windows_of(bus)

        assert [(w.lines, w.revision) for w in first] == [(10, 1)]
        assert [(w.lines, w.error, w.revision) for w in second] == [(20, 2, 2)]
        assert any(frame.late == 10 for frame in frames_of(bus))


def test_a_second_processor_of_one_identity_fences_the_first(tmp_path: Path) -> None:
    with (
        new_bus(tmp_path) as bus,
        new_bus(tmp_path) as other,
        pytest.raises(Fenced),
        processor(bus),
        processor(other),
    ):
        wait_for_heartbeats(bus, 10)


def test_an_identity_is_claimed_once_whatever_outages_come(tmp_path: Path) -> None:
    """Claiming it again would fence a successor that took over meanwhile."""
    with new_bus(tmp_path) as bus:
        away = FaultyBus(bus)
        with processor(cast("Bus", away)):
            wait_for_heartbeats(bus, 2)
            away.fault = Fault.AWAY
            wait_for(lambda: away.failed > 0)
            away.fault = Fault.NONE
            wait_for_heartbeats(bus, 20)

    assert away.failed > 0
    assert sorted(away.claimed) == ["p1", "p1-windows"]
