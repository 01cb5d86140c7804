"""Full disks, and several processes in one file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.traffic import read_all
from tocsin.bus.embedded.adapter import EmbeddedBus
from tocsin.bus.embedded.catalogue import Catalogue
from tocsin.bus.embedded.database import Database
from tocsin.bus.embedded.producer import EmbeddedProducer
from tocsin.errors import BusUnavailable
from tocsin.ports.bus import Records, TopicSpec


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[EmbeddedBus]:
    with EmbeddedBus(tmp_path / "bus.db") as bus:
        bus.ensure_topics([TopicSpec("a")], create=True)
        yield bus


def _filler(path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"{__package__}.filler", str(path), *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_full_disk_undoes_the_transaction_and_waits(
    bus: EmbeddedBus, tmp_path: Path
) -> None:
    database = Database(tmp_path / "bus.db")
    producer = EmbeddedProducer(
        database, Catalogue(database, prefix=""), identity="p", name="p", holder="test"
    )
    consumer = bus.consumer(["a"], group="g", member="m")
    large = Records([b""], [bytes(range(256)) * 2000], [1])
    with producer.transaction() as tx:
        tx.send("a", 0, Records([b""], [b"first"], [1]))
    assert len(consumer.poll(max_records=9, wait_s=0)) == 1
    [(pages,)] = database.rows("PRAGMA page_count")
    database.rows(f"PRAGMA max_page_count={pages}")

    def fill() -> None:
        for _ in range(50):
            with producer.transaction() as tx:
                tx.send("a", 0, large)
                tx.acknowledge(consumer)

    with pytest.raises(BusUnavailable, match="disk is full") as caught:
        fill()

    assert "free space" in caught.value.hint
    assert bus.topics()[0].high[0] <= 50
    database.rows("PRAGMA max_page_count=1000000")
    with producer.transaction() as tx:
        tx.send("a", 0, Records([b""], [b"last"], [1]))
    assert read_all(bus, "a")[0][-1] == b"last"
    producer.close()


@pytest.mark.slow
def test_a_file_that_cannot_grow_is_told_and_stays_whole(
    bus: EmbeddedBus, tmp_path: Path
) -> None:
    with _filler(tmp_path / "bus.db", "p", "1000", "3000000") as child:
        said = child.communicate(timeout=60)[0]

    done, problem, cure = said.split(" | ")
    assert 5 < int(done) < 1000
    assert "cannot" in problem
    assert "disk is full" in cure or "free space" in cure
    assert len(read_all(bus, "a")[0]) == 2 * int(done)


@pytest.mark.slow
def test_processes_that_write_at_once_lose_nothing(
    bus: EmbeddedBus, tmp_path: Path
) -> None:
    names = ["one", "two", "three"]
    children = [_filler(tmp_path / "bus.db", name, "100") for name in names]
    for child in children:
        assert child.communicate(timeout=90)[0] == "100\n"

    written = [v for v in read_all(bus, "a")[0] if len(v) < 100]

    for name in names:
        own = [v for v in written if v.startswith(name.encode() + b"-")]
        assert own == [b"%s-%d" % (name.encode(), n) for n in range(100)]
