"""After a power loss everything rewinds to one moment, together."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.contract.traffic import read_all
from tocsin.bus.embedded.adapter import EmbeddedBus
from tocsin.bus.embedded.database import Database
from tocsin.ports.bus import Records, TopicPartition, TopicSpec

COUNT = 60
DURABLE = 20


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """A bus as a running process left it: the file, and a WAL beside it.

    Transaction n copies record n from `in` to `out` and notes n in `done`; up to
    DURABLE it has reached the file.
    """
    path = tmp_path / "running" / "bus.db"
    with EmbeddedBus(path) as bus:
        bus.ensure_topics(
            [TopicSpec("in"), TopicSpec("out"), TopicSpec("done", compacted=True)],
            create=True,
        )
        producer = bus.producer("p")
        with producer.transaction() as tx:
            values = [b"%d" % n for n in range(COUNT)]
            tx.send("in", 0, Records([b""] * COUNT, values, [1] * COUNT))
        consumer = bus.consumer(["in"], group="g", member="m")
        for n in range(COUNT):
            [batch] = consumer.poll(max_records=1, wait_s=0)
            with producer.transaction() as tx:
                tx.send("out", 0, batch.records)
                tx.put("done", {b"count": b"%d" % (n + 1)})
                tx.acknowledge(consumer)
            if n + 1 == DURABLE:
                with closing(Database(path)) as database:
                    database.checkpoint()
        copy = tmp_path / "crashed"
        copy.mkdir()
        for name in ("bus.db", "bus.db-wal"):
            shutil.copy(path.parent / name, copy / name)
    return copy


def _assert_consistent(path: Path, *, at_least: int) -> int:
    """One number of copied records everywhere; that number."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with EmbeddedBus(path) as bus:
        copied = read_all(bus, "out").get(0, [])
        count = len(copied)
        assert copied == [b"%d" % n for n in range(count)]
        assert int(bus.table("done").rows.get(b"count", b"0")) == count
        assert bus.committed("g", ["in"]) == {TopicPartition("in", 0): count}
    assert count >= at_least
    return count


def test_without_a_loss_everything_is_there(crashed: Path) -> None:
    assert _assert_consistent(crashed / "bus.db", at_least=COUNT) == COUNT


def test_a_lost_wal_rewinds_to_the_last_checkpoint(crashed: Path) -> None:
    (crashed / "bus.db-wal").unlink()

    assert _assert_consistent(crashed / "bus.db", at_least=DURABLE) == DURABLE


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "zeros", "noise"])
def test_a_lost_tail_of_the_wal_rewinds_together(
    crashed: Path, tmp_path: Path, damage: str
) -> None:
    chance = random.Random(7)
    whole = (crashed / "bus.db-wal").read_bytes()
    counts = []
    for n in range(12):
        lost = tmp_path / f"lost-{n}"
        shutil.copytree(crashed, lost)
        kept = whole[: chance.randrange(len(whole))]
        tail = len(whole) - len(kept)
        kept += {"cut": b"", "zeros": bytes(tail), "noise": chance.randbytes(tail)}[
            damage
        ]
        (lost / "bus.db-wal").write_bytes(kept)

        counts.append(_assert_consistent(lost / "bus.db", at_least=DURABLE))

    assert len(set(counts)) > 3  # the cuts did hit different moments
