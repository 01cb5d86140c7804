"""The Kafka adapter beside a bare confluent-kafka loop, on a real broker."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from confluent_kafka import Producer

from tests.broker import Broker
from tocsin.bus.kafka.adapter import KafkaBus
from tocsin.ports.bus import Records, Start, TopicSpec

Row = tuple[str, str, str]

_BATCH = 5_000
_BATCHES = 20
_ROUNDS = 3


def run() -> list[Row]:
    """What was measured, the value, and the bar."""
    with _broker() as broker, _bus(broker) as bus:
        return [*_speed(broker, bus), _wake_up(bus), _idle(bus)]


@contextmanager
def _broker() -> Iterator[Broker]:
    with tempfile.TemporaryDirectory() as directory:
        broker = Broker(Path(directory))
        broker.start()
        try:
            yield broker
        finally:
            broker.stop()


@contextmanager
def _bus(broker: Broker) -> Iterator[KafkaBus]:
    with KafkaBus(
        broker.bootstrap, prefix="", replication=1, settings={}, client_id="bench"
    ) as bus:
        names = ("bare", "ours", "wake", "idle")
        bus.ensure_topics([TopicSpec(name) for name in names], create=True)
        yield bus


def _lines() -> Records:
    now_ms = int(time.time() * 1000)
    head = b"2026-11-25 08:00:00,%03d ERROR payment %07d failed after %d ms: "
    return Records(
        [b"payments/host-1/00112233445566:%d" % (n * 201) for n in range(_BATCH)],
        [
            (head % (n % 1000, n * 7919, n % 977) + b"connection reset by peer, " * 6)[
                :200
            ]
            for n in range(_BATCH)
        ],
        [now_ms] * _BATCH,
    )


def _speed(broker: Broker, bus: KafkaBus) -> list[Row]:
    """Alternate the two, and compare their best rounds."""
    lines = _lines()
    bare = Producer(
        {
            "bootstrap.servers": broker.bootstrap,
            "transactional.id": "bare",
            "compression.type": "lz4",
            "linger.ms": 5,
            "batch.size": 1_000_000,  # as ours: the ratio is about the code
            "queue.buffering.max.messages": 200_000,
            "queue.buffering.max.kbytes": 131_072,
            "log_level": 0,
        }
    )
    bare.init_transactions(30)
    ours = bus.producer("ours")

    def bare_batch() -> None:
        bare.begin_transaction()
        for key, value in zip(lines.keys, lines.values, strict=True):
            bare.produce("bare", value, key, 0)
        bare.commit_transaction(30)

    def our_batch() -> None:
        with ours.transaction() as tx:
            tx.send("ours", 0, lines)

    rates = [(_rate(bare_batch), _rate(our_batch)) for _ in range(_ROUNDS)]
    bare_best, ours_best = (max(side) for side in zip(*rates, strict=True))
    read = _read_rate(bus)
    return [
        (
            "Kafka: bare loop, keyed and transactional, without timestamps",
            _thousands(bare_best),
            "",
        ),
        ("Kafka: our append, keyed and transactional", _thousands(ours_best), ""),
        ("Kafka: our append / bare loop", f"{ours_best / bare_best:.2f}", ">= 0.7"),
        ("Kafka: our read", _thousands(read), ""),
    ]


def _rate(one_batch: Callable[[], None]) -> float:
    started = time.perf_counter()
    for _ in range(_BATCHES):
        one_batch()
    return _BATCH * _BATCHES / (time.perf_counter() - started)


def _read_rate(bus: KafkaBus) -> float:
    """Lines a second from the first batch on, in a group."""
    consumer = bus.consumer(["ours"], group="bench", member="bench")
    total = _BATCH * _BATCHES * _ROUNDS
    first = 0
    while not first:
        first = _polled(consumer)
    count, started = first, time.perf_counter()
    while count < total:
        count += _polled(consumer)
    took_s = time.perf_counter() - started
    consumer.close()
    return (count - first) / took_s


def _polled(consumer: object) -> int:
    batches = consumer.poll(max_records=20_000, wait_s=1.0)  # type: ignore[attr-defined]
    return sum(len(batch.records) for batch in batches)


def _wake_up(bus: KafkaBus) -> Row:
    """From the end of the commit to the return of a poll that was waiting."""
    producer = bus.producer("wake")
    reader = bus.reader(["wake"], start=Start.END)
    reader.poll(max_records=1, wait_s=0.2)
    committed_at, delays_ms = [0.0], []

    def commit() -> None:
        time.sleep(0.15)
        with producer.transaction() as tx:
            tx.send("wake", 0, Records([b"k"], [b"v"], [0]))
        committed_at[0] = time.perf_counter()

    for _ in range(20):
        thread = threading.Thread(target=commit)
        thread.start()
        while not reader.poll(max_records=10, wait_s=2.0):
            pass
        seen_at = time.perf_counter()
        thread.join()
        delays_ms.append(max(0.0, seen_at - committed_at[0]) * 1000)
    typical, worst = statistics.median(delays_ms), max(delays_ms)
    return ("Kafka: wake-up", f"median {typical:.0f}, worst {worst:.0f} ms", "<= 50 ms")


def _idle(bus: KafkaBus) -> Row:
    """A consumer that waits, as a worker does, beside an idle producer."""
    bus.producer("idle")
    consumer = bus.consumer(["idle"], group="idle", member="idle")
    consumer.poll(max_records=1, wait_s=1.0)
    process = psutil.Process()
    before, started = process.cpu_times(), time.perf_counter()
    while time.perf_counter() - started < 5.0:
        consumer.poll(max_records=1000, wait_s=0.5)
    after, took_s = process.cpu_times(), time.perf_counter() - started
    used_s = after.user + after.system - before.user - before.system
    return ("Kafka: idle CPU", f"{used_s / took_s:.1%}", "<= 1 %")


def _thousands(rate: float) -> str:
    return f"{rate / 1000:.0f} k lines/s"


if __name__ == "__main__":
    for row in run():
        print(*row, sep="\t")
