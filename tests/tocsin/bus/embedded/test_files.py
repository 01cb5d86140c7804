"""Files that are no bus, or not a whole one; directories that cannot be used."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.privileges import hindered
from tocsin.bus.embedded.adapter import EmbeddedBus
from tocsin.errors import BusError, ConfigError
from tocsin.ports.bus import Records, TopicSpec


def test_garbage_is_not_a_bus(tmp_path: Path) -> None:
    path = tmp_path / "bus.db"
    path.write_bytes(b"hello, I am a text file\n" * 500)

    with pytest.raises(BusError, match=r"bus\.db is not a file of tocsin") as caught:
        EmbeddedBus(path)

    assert "move the file" in caught.value.hint


def test_another_program_s_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "bus.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE cookies (id)")

    with pytest.raises(BusError, match="another program") as caught:
        EmbeddedBus(path)

    assert "choose another file" in caught.value.hint


def test_a_newer_layout_is_told(tmp_path: Path) -> None:
    path = tmp_path / "bus.db"
    EmbeddedBus(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=99")

    with pytest.raises(BusError, match=r"newer tocsin \(layout 99, this one") as caught:
        EmbeddedBus(path)

    assert "upgrade" in caught.value.hint


def test_an_empty_file_becomes_a_bus(tmp_path: Path) -> None:
    path = tmp_path / "bus.db"
    path.touch()

    with EmbeddedBus(path) as bus:
        assert bus.topics() == []


@pytest.mark.parametrize("directory", ["file/below", "/proc/tocsin"])
def test_a_directory_that_cannot_be_made_is_told(
    tmp_path: Path, directory: str
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match="state directory") as caught:
        EmbeddedBus(tmp_path / directory / "bus.db")

    assert "--state-dir" in caught.value.hint


def test_a_directory_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "bus.db").mkdir()

    with pytest.raises(BusError, match="cannot be opened") as caught:
        EmbeddedBus(tmp_path / "bus.db")

    assert "--state-dir" in caught.value.hint


def test_a_read_only_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "bus.db"
    EmbeddedBus(path).close()
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        with hindered(), pytest.raises(BusError, match="cannot be"):
            EmbeddedBus(path)
    finally:
        tmp_path.chmod(0o700)


def test_damage_in_the_middle_is_an_error_with_a_cure(tmp_path: Path) -> None:
    path = tmp_path / "bus.db"
    with EmbeddedBus(path) as bus:
        bus.ensure_topics([TopicSpec("a")], create=True)
        with bus.producer("p").transaction() as tx:
            noise = [os.urandom(500) for _ in range(400)]
            tx.send("a", 0, Records([b""] * 400, noise, [1] * 400))
    with path.open("r+b") as file:
        for position in range(10 * 8192, path.stat().st_size, 8192):
            file.seek(position)
            file.write(os.urandom(8192))

    with EmbeddedBus(path) as bus, pytest.raises(BusError) as caught:
        bus.reader(["a"]).poll(max_records=1000, wait_s=0)

    assert "damaged" in str(caught.value)
    assert "move the file" in caught.value.hint


def test_a_closed_bus_says_so(tmp_path: Path) -> None:
    bus = EmbeddedBus(tmp_path / "bus.db")
    bus.close()
    bus.close()

    with pytest.raises(BusError, match="closed"):
        bus.topics()
