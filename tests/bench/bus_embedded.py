"""The embedded bus: lines a second beside a bare loop, wake-up delay, idle cost."""

from __future__ import annotations

import random
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import zstandard

from tocsin.bus.embedded.adapter import EmbeddedBus
from tocsin.ports.bus import Consumer, Producer, Records, TopicSpec

Row = tuple[str, str, str]


class Speed(NamedTuple):
    """Lines a second, by the clock and by this process's processor time.

    On a machine that does other things too, only the second means anything.
    """

    wall: float
    cpu: float


_BATCHES = 100
_BATCH = 5_000
_LINE = 200
_ROUNDS = 3


def run() -> list[Row]:
    """What was measured, and the bar; about 10 s."""
    batches = _batches()
    rounds = [_round(batches) for _ in range(_ROUNDS)]
    bare_append, bare_read, append, read = (
        Speed(max(s.wall for s in column), max(s.cpu for s in column))
        for column in zip(*rounds, strict=True)
    )
    wake_up_ms, late_wake_up_ms, idle_share = _idle()
    return [
        ("embedded: append, lines/s", _millions(append.wall), ">= 0.8 M"),
        ("embedded: append, lines per s of a core", _millions(append.cpu), ">= 0.8 M"),
        ("embedded: append / bare zstd + INSERT", _ratio(append, bare_append), ""),
        ("embedded: read, lines/s", _millions(read.wall), ">= 2 M"),
        ("embedded: read, lines per s of a core", _millions(read.cpu), ">= 2 M"),
        ("embedded: read / bare SELECT + zstd", _ratio(read, bare_read), ""),
        ("embedded: transactions/s of 10 lines", f"{_small():.0f}", ""),
        ("embedded: wake-up, median ms", f"{wake_up_ms:.1f}", "<= 50"),
        ("embedded: wake-up after 1 s idle, ms", f"{late_wake_up_ms:.1f}", "<= 50"),
        ("embedded: idle consumer, share of a core", f"{idle_share:.2%}", "<= 1 %"),
    ]


def _ratio(ours: Speed, bare: Speed) -> str:
    return f"{ours.cpu / bare.cpu:.2f}"


def _millions(lines: float) -> str:
    return f"{lines / 1e6:.2f} M"


# Messages as services write them, with what varies in each.
_MESSAGES = (
    (
        "GET /api/v1/orders/%d answered 200 after %d ms for tenant acme from "
        "10.0.0.%d, agent Mozilla/5.0 (X11; Linux x86_64), trace %016x"
    ),
    (
        "session %d opened for user anna after %d ms on node %d: the token was "
        "refreshed and is kept until midnight UTC, trace %016x"
    ),
    (
        "committed offset %d of partition %d in %d ms: consumer group billing, topic "
        "invoices, nothing left to read, trace %016x"
    ),
)


def _batches() -> list[Records]:
    chance = random.Random(1)
    position = 123_456
    batches = []
    for _ in range(_BATCHES):
        values = [_line(chance) for _ in range(_BATCH)]
        keys = [
            b"api/host/fd01-2a:%d" % (position + n * (_LINE + 1)) for n in range(_BATCH)
        ]
        position += _BATCH * (_LINE + 1)
        batches.append(Records(keys, values, [1_764_058_405_123] * _BATCH))
    return batches


def _line(chance: random.Random) -> bytes:
    draw = chance.randrange
    message = chance.choice(_MESSAGES) % (
        draw(10**6),
        draw(5000),
        draw(256),
        chance.getrandbits(64),
    )
    text = (
        f"2026-11-25T08:13:{draw(60):02d}.{draw(1000):03d}Z INFO "
        f"[http-nio-8080-exec-{draw(20)}] c.a.shop.OrderService - {message}"
    )
    return text.ljust(_LINE, ".")[:_LINE].encode()


def _round(batches: list[Records]) -> tuple[Speed, Speed, Speed, Speed]:
    """Bare append, bare read, append, read."""
    with tempfile.TemporaryDirectory() as directory:
        bare = _bare(Path(directory) / "bare.db", batches)
        return (*bare, *_ours(Path(directory) / "bus.db", batches))


def _bare(path: Path, batches: list[Records]) -> tuple[Speed, Speed]:
    """The least that anybody must do: join, compress, insert; select, decompress."""
    compress = zstandard.ZstdCompressor(level=1).compress
    decompress = zstandard.ZstdDecompressor().decompress
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL").fetchall()
        connection.execute("PRAGMA synchronous=NORMAL").fetchall()
        connection.execute("CREATE TABLE batch (id INTEGER PRIMARY KEY, data BLOB)")

        def append() -> None:
            for batch in batches:
                blob = compress(b"\n".join([*batch.keys, *batch.values]))
                connection.execute("INSERT INTO batch (data) VALUES (?)", (blob,))

        def read() -> None:
            for (blob,) in connection.execute("SELECT data FROM batch"):
                decompress(blob).split(b"\n")

        return _speed(append), _speed(read)


def _ours(path: Path, batches: list[Records]) -> tuple[Speed, Speed]:
    with EmbeddedBus(path) as bus:
        bus.ensure_topics([TopicSpec("a")], create=True)
        producer = bus.producer("p")

        def append() -> None:
            for batch in batches:
                with producer.transaction() as tx:
                    tx.send("a", 0, batch)

        def read() -> None:
            reader = bus.reader(["a"])
            while not reader.is_caught_up():
                reader.poll(max_records=_BATCH, wait_s=1.0)

        return _speed(append), _speed(read)


def _speed(work: Callable[[], None]) -> Speed:
    began_at, used_s = time.perf_counter(), time.process_time()
    work()
    lines = _BATCHES * _BATCH
    return Speed(
        lines / (time.perf_counter() - began_at), lines / (time.process_time() - used_s)
    )


def _small() -> float:
    count = 500
    few = Records([b"key"] * 10, [b"x" * _LINE] * 10, [1_764_058_405_123] * 10)
    with (
        tempfile.TemporaryDirectory() as directory,
        EmbeddedBus(Path(directory) / "bus.db") as bus,
    ):
        bus.ensure_topics([TopicSpec("a")], create=True)
        producer = bus.producer("p")
        began_at = time.perf_counter()
        for _ in range(count):
            with producer.transaction() as tx:
                tx.send("a", 0, few)
        return count / (time.perf_counter() - began_at)


def _idle() -> tuple[float, float, float]:
    """The median wake-up in ms, busy and idle, and the share of a core of waiting."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "bus.db"
        with EmbeddedBus(path) as bus, EmbeddedBus(path) as other:
            bus.ensure_topics([TopicSpec("a", partitions=4)], create=True)
            consumer = bus.consumer(["a"], group="g", member="m")
            consumer.poll(max_records=10, wait_s=0.2)
            used_s, began_at = time.process_time(), time.perf_counter()
            consumer.poll(max_records=10, wait_s=3.0)
            share = (time.process_time() - used_s) / (time.perf_counter() - began_at)
            producer = other.producer("p")

            def median_ms(after_s: float, count: int) -> float:
                delays = [_delay_s(producer, consumer, after_s) for _ in range(count)]
                return statistics.median(delays) * 1000

            return median_ms(0.05, 20), median_ms(1.1, 5), share


def _delay_s(producer: Producer, consumer: Consumer, after_s: float) -> float:
    committed_at = 0.0

    def send() -> None:
        nonlocal committed_at
        time.sleep(random.uniform(after_s, after_s + 0.05))
        with producer.transaction() as tx:
            tx.send("a", 0, Records([b"k"], [b"v"], [0]))
        committed_at = time.perf_counter()

    thread = threading.Thread(target=send)
    thread.start()
    consumer.poll(max_records=9, wait_s=5.0)
    woke_at = time.perf_counter()
    thread.join()
    return max(0.0, woke_at - committed_at)


if __name__ == "__main__":
    for row in run():
        print(*row, sep="\t")
