"""`tocsin tap` on a real bus."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tocsin.bus.opening import open_bus
from tocsin.bus.specs import specs
from tocsin.cli.root import invoke
from tocsin.config.model import BusConfig
from tocsin.ports.bus import Records
from tocsin.records.topics import RAW_LOGS


def produce(state: Path, values: list[bytes], *, first_age_s: int = 0) -> None:
    """Put lines on the bus; the first may be older than the others."""
    config = BusConfig()
    now_ms = int(time.time() * 1000)
    times = [now_ms - 1000 * first_age_s, *[now_ms] * (len(values) - 1)]
    keys = [f"pay/h/f1:{4 * n}".encode() for n in range(len(values))]
    with open_bus(config, state_dir=state) as bus:
        bus.ensure_topics(specs(config), create=True)
        producer = bus.producer("test")
        for key, value, at_ms in zip(keys, values, times, strict=True):
            with producer.transaction() as tx:
                tx.send(RAW_LOGS, 0, Records([key], [value], [at_ms]))
        producer.close()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory whose bus holds three lines, the first an hour old."""
    produce(tmp_path, [b"one", b"two", b"six"], first_age_s=3600)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["--from", "beginning"], ["one", "two", "six"]),
        (["--from", "5m"], ["two", "six"]),
        (["--from", "end"], []),
        (["--from", "beginning", "--count", "2"], ["one", "two"]),
    ],
)
def test_it_prints_what_is_there(
    state: Path, capsys: pytest.CaptureFixture[str], words: list[str], values: list[str]
) -> None:
    fixed = ["tap", "raw-logs", "--state-dir", str(state), "--no-follow", "--json"]

    assert invoke([*fixed, *words]) == 0

    out = capsys.readouterr().out
    assert [json.loads(line)["value"] for line in out.splitlines()] == values


def test_a_person_sees_service_position_and_text(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--from", "beginning", "--count", "1", "--state-dir", str(state)]

    assert invoke(["tap", "raw-logs", *words]) == 0

    assert capsys.readouterr().out.endswith("  raw-logs/0  pay f1:0  one\n")


@pytest.mark.slow
def test_it_ends_quietly_when_nobody_reads_on(state: Path) -> None:
    words = [sys.executable, "-m", "tocsin", "tap", "raw-logs", "--from", "beginning"]
    with subprocess.Popen(
        [*words, "--state-dir", str(state)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as tap:
        assert tap.stdout is not None
        assert tap.stderr is not None
        tap.stdout.readline()
        tap.stdout.close()
        produce(state, [b"more"] * 3)

        assert tap.wait(10) == 0
        assert tap.stderr.read() == b""


def test_a_topic_that_is_not_there_yet_is_told_with_the_cure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["tap", "alerts", "--state-dir", str(tmp_path / "new")]) == 1

    err = capsys.readouterr().err
    assert "tocsin: there is no topic alerts on " in err
    assert "start `tocsin run`" in err
