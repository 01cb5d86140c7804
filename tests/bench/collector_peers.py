"""From files to a real Kafka beside what else does that, in interleaved runs.

Each side is a process that finds the same backlog and ships it to a topic of one
partition. It is measured from the outside, all alike: how the partition grows, and the
CPU time of the process meanwhile, both without the first fifth: what a start costs,
and what a queue takes in before the broker answers, is not in it. Then everything is
read back and counted. The peers run in their fastest form, without keys and without
acknowledged positions; ours writes keys, checkpoints and transactions.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.bench.collector import FILES, LINES, write_logs
from tests.broker import Broker

Row = tuple[str, str, str]

_ROUNDS = int(os.environ.get("TOCSIN_BENCH_ROUNDS", "5"))
_LOOK_S = 0.01
_STILL_S = 0.7
_GIVE_UP_S = 120.0
_RSYSLOG_MODULES = Path("/usr/lib/x86_64-linux-gnu/rsyslog")
_RSYSLOG = """
module(load="imfile" mode="inotify")
module(load="omkafka")
template(name="raw" type="string" string="%rawmsg%")
main_queue(queue.type="LinkedList" queue.size="200000" queue.dequeueBatchSize="4096")
input(type="imfile" File="{logs}/*.log" Tag="bench" ruleset="ship")
ruleset(name="ship" queue.type="LinkedList" queue.size="200000"
        queue.dequeueBatchSize="4096") {{
  action(type="omkafka" topic="{topic}" broker="{bootstrap}" template="raw"
         partitions.number="1"
         confParam=["compression.codec=lz4", "linger.ms=5",
                    "batch.size=1000000", "batch.num.messages=10000",
                    "queue.buffering.max.messages=200000"])
}}
"""
_FLUENT_BIT = """
[SERVICE]
    flush 0.1
    log_level error
[INPUT]
    name tail
    path {logs}/*.log
    read_from_head on
    buffer_chunk_size 1M
    buffer_max_size 2M
    mem_buf_limit 64M
[OUTPUT]
    name kafka
    match *
    brokers {bootstrap}
    topics {topic}
    format raw
    raw_log_key log
    rdkafka.compression.codec lz4
    rdkafka.batch.size 1000000
    rdkafka.queue.buffering.max.messages 200000
"""
# As our own producer's: the ratio is about the code.
_BARE = {
    "compression.type": "lz4",
    "linger.ms": 200,
    "batch.size": 1_000_000,
    "queue.buffering.max.messages": 200_000,
    "queue.buffering.max.kbytes": 131_072,
    "enable.idempotence": True,
}


@dataclass(frozen=True)
class Run:
    """One run of one side."""

    lines_per_s: float
    cpu_us: float


Side = Callable[[Path, str, str], list[str]]
"""Makes ready in a directory, for a broker and a name; the command to start."""


def bare(directory: Path, bootstrap: str, name: str) -> list[str]:
    """A read-and-produce loop without keys, transactions, or a memory."""
    logs = str(directory.parent / "logs")
    return [sys.executable, "-m", __spec__.name, logs, bootstrap, f"{name}raw-logs"]


def ours(directory: Path, bootstrap: str, name: str) -> list[str]:
    """The collector as it is started by anybody."""
    config = directory / "tocsin.yaml"
    config.write_text("bus: {raw_logs: {partitions: 1}}\n")
    return [
        *(sys.executable, "-m", "tocsin", "collect", "--config", str(config)),
        *("--bus", f"kafka://{bootstrap}", "--topic-prefix", name),
        *("--state-dir", str(directory), str(directory.parent / "logs")),
    ]


def rsyslog(directory: Path, bootstrap: str, name: str) -> list[str]:
    """Debian's rsyslog with rsyslog-kafka."""
    config = directory / "rsyslog.conf"
    logs, topic = directory.parent / "logs", f"{name}raw-logs"
    text = _RSYSLOG.format(logs=logs, topic=topic, bootstrap=bootstrap)
    config.write_text(f'global(workDirectory="{directory}")\n{text}')
    pid = str(directory / "pid")
    return ["rsyslogd", "-n", "-f", str(config), "-i", pid]


def fluent_bit(directory: Path, bootstrap: str, name: str) -> list[str]:
    """Fluent Bit; what it writes is the bare line, as ours."""
    config = directory / "fluent-bit.conf"
    logs, topic = directory.parent / "logs", f"{name}raw-logs"
    config.write_text(_FLUENT_BIT.format(logs=logs, topic=topic, bootstrap=bootstrap))
    return ["fluent-bit", "-c", str(config)]


def peers() -> dict[str, Side]:
    """The peers on this machine."""
    found: dict[str, Side] = {}
    if shutil.which("rsyslogd") and (_RSYSLOG_MODULES / "omkafka.so").exists():
        found["rsyslog"] = rsyslog
    if shutil.which("fluent-bit"):
        found["Fluent Bit"] = fluent_bit
    return found


def ship_bare(logs: str, bootstrap: str, topic: str) -> None:
    """What no tailer in Python can beat."""
    producer = Producer({**_BARE, "bootstrap.servers": bootstrap})
    produce = producer.produce
    for path in sorted(Path(logs).glob("*.log")):
        with path.open("rb", buffering=0) as file:
            rest = b""
            while data := file.read(256 * 1024):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    while True:
                        try:
                            produce(topic, line, None, 0)
                        except BufferError:
                            producer.poll(0.01)
                        else:
                            break
    producer.flush()
    signal.pause()


class Bench:
    """A broker, a backlog, and sides that ship it."""

    def __init__(self, broker: Broker, directory: Path) -> None:
        self._bootstrap = broker.bootstrap
        self._directory = directory
        self._admin = AdminClient({"bootstrap.servers": self._bootstrap})
        self._runs = 0

    def run(self, side: Side) -> Run:
        """Have one side ship the backlog once."""
        self._runs += 1
        name = f"r{self._runs}."
        place = self._directory / name
        place.mkdir()
        topic = f"{name}raw-logs"
        self._admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
        command = side(place, self._bootstrap, name)
        with (place / "said").open("wb") as said, self._consumer() as watcher:
            child = subprocess.Popen(
                command, stdout=said, stderr=said, stdin=subprocess.DEVNULL
            )
            try:
                run = self._watch(watcher, topic, psutil.Process(child.pid))
            finally:
                child.terminate()
                child.wait()
        assert self._count(topic) == LINES, (side.__name__, self._count(topic))
        self._admin.delete_topics([topic])[topic].result()
        return run

    @contextmanager
    def _consumer(self) -> Iterator[Consumer]:
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "bench",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "enable.auto.commit": False,
            }
        )
        try:
            yield consumer
        finally:
            consumer.close()

    def _watch(self, watcher: Consumer, topic: str, process: psutil.Process) -> Run:
        """From a fifth of the lines on, to the last growth of the partition.

        What a side takes in while its broker does not answer yet is no speed.
        """
        place = TopicPartition(topic, 0)
        give_up = time.monotonic() + _GIVE_UP_S
        first = last = (0, 0.0, 0.0)
        while time.monotonic() < give_up:
            try:
                high = watcher.get_watermark_offsets(place, timeout=5.0)[1]
            except KafkaException:
                continue  # a new topic is not known everywhere at once
            if not process.is_running() or process.status() == "zombie":
                raise RuntimeError("it ended by itself")
            now = time.perf_counter()
            if high > last[0]:
                times = process.cpu_times()
                last = (high, now, times.user + times.system)
                first = first if first[0] >= LINES // 5 else last
            elif high >= LINES and now - last[1] > _STILL_S:
                break
            time.sleep(_LOOK_S)
        lines = last[0] - first[0]
        taken_s, busy_s = last[1] - first[1], last[2] - first[2]
        return Run(lines / taken_s, busy_s / lines * 1e6)

    def _count(self, topic: str) -> int:
        count = 0
        with self._consumer() as consumer:
            consumer.assign([TopicPartition(topic, 0, 0)])
            while True:
                for message in consumer.consume(10_000, 5.0):
                    if message.error():
                        return count
                    count += 1


@contextmanager
def bench() -> Iterator[Bench]:
    """A running broker and the backlog."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        directory = Path(name)
        write_logs(directory / "logs")
        broker = Broker(directory / "broker")
        broker.start()
        try:
            yield Bench(broker, directory)
        finally:
            broker.stop()


def measure(sides: dict[str, Side], rounds: int = _ROUNDS) -> dict[str, Run]:
    """The medians of interleaved runs by side."""
    runs: dict[str, list[Run]] = {name: [] for name in sides}
    with bench() as running:
        for _ in range(rounds):
            for name, side in sides.items():
                runs[name].append(running.run(side))
    return {
        name: Run(
            statistics.median(run.lines_per_s for run in found),
            statistics.median(run.cpu_us for run in found),
        )
        for name, found in runs.items()
    }


def run() -> list[Row]:
    """The rows of the table: what, measured, bar."""
    beside = peers()
    found = measure({"bare loop": bare, "ours": ours, **beside})
    rows = [
        (
            f"{name}: files to Kafka, lines/s and CPU a line",
            f"{run.lines_per_s / 1e3:.0f} k, {run.cpu_us:.2f} us",
            "",
        )
        for name, run in found.items()
    ]
    ours_ = found["ours"]
    ratio = ours_.lines_per_s / found["bare loop"].lines_per_s
    rows.append(("ours / bare loop without transactions", f"{ratio:.2f}", ">= 0.7"))
    if beside:
        best = max(found[name].lines_per_s for name in beside)
        least = min(found[name].cpu_us for name in beside)
        against = f"{ours_.lines_per_s / best:.2f}"
        rows.append(("ours / best peer, lines/s", against, ">= 1.5"))
        rows.append(
            ("ours / best peer, CPU a line", f"{ours_.cpu_us / least:.2f}", "<= 1")
        )
    return rows


def _main() -> None:
    if len(sys.argv) == 4:
        ship_bare(*sys.argv[1:])
        return
    print(f"{FILES} files, {LINES} lines; load before: {os.getloadavg()[0]:.1f}")
    for row in run():
        print(" | ".join(row), flush=True)


if __name__ == "__main__":
    _main()
