"""The proof on a real bus and real files; what a collector would write is put there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from tocsin.app.verify.account import Finding, Kind
from tocsin.app.verify.files import Files
from tocsin.app.verify.proof import Evidence, FileProof, Proof, prove
from tocsin.bus.opening import open_bus
from tocsin.bus.specs import specs
from tocsin.cli.root import invoke
from tocsin.config.model import BusConfig
from tocsin.ports.bus import Bus, Records
from tocsin.records.keys import partition_of
from tocsin.records.public import DeadLetter
from tocsin.records.streams import Stream, encode_stream
from tocsin.records.text import Text
from tocsin.records.topics import DEAD_LETTERS, RAW_LOGS, STREAMS

HOST = "here"
TEXT = b"one\ntwo\nthree\n"


@dataclass
class Site:
    """A bus and a folder of logs."""

    bus: Bus
    folder: Path
    ids: dict[Path, str] = field(default_factory=dict)

    def file(self, name: str, text: bytes) -> Path:
        path = self.folder / "logs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text)
        return path

    def ship_text(self, path: Path, text: Text, *lines: str, skip: int = -1) -> None:
        """Ship lines of a file in another encoding; one of them is missing."""
        stat = path.stat()
        file_id = self.ids.setdefault(path, f"{stat.st_dev:x}-{stat.st_ino:x}-1")
        prefix, at, keys, values = f"api/{HOST}/{file_id}", 0, [], []
        for number, line in enumerate(lines):
            if number != skip:
                inexact = "!inexact" if "\ufffd" in line else ""
                keys.append(f"{prefix}:{at}{inexact}".encode())
                values.append(line.encode())
            size = len(line.encode(text.encoding or "utf-8", "replace"))
            at += size + len(text.delimiter)
        told = {"encoding": text.encoding, "delimiter": text.ending}
        stream = Stream(str(path), "api", HOST, "c", 0.0, 0.0, **told)  # type: ignore[arg-type]
        producer = self.bus.producer("test")
        with producer.transaction() as tx:
            partition = partition_of(prefix, self.bus.partitions(RAW_LOGS))
            tx.send(RAW_LOGS, partition, Records(keys, values, [0] * len(keys)))
            tx.put(STREAMS, {file_id.encode(): encode_stream(stream)})
        producer.close()

    def ship(self, path: Path, text: bytes, *, at: int = 0, **row: object) -> str:
        """Ship lines as the records of the file that is at `path` now."""
        stat = path.stat()
        known = self.ids.setdefault(path, f"{stat.st_dev:x}-{stat.st_ino:x}-1")
        file_id = str(row.pop("file_id", known))
        prefix = f"api/{row.pop('host', HOST)}/{file_id}"
        keys, lines = [], text.split(b"\n")[:-1]
        for line in lines:
            keys.append(f"{prefix}:{at}".encode())
            at += len(line) + 1
        times = [0] * len(lines)
        told = {"first_seen_at": 0.0, "last_seen_at": 0.0, **row}
        stream = Stream(str(path), "api", HOST, "c", **told)  # type: ignore[arg-type]
        producer = self.bus.producer("test")
        with producer.transaction() as tx:
            partition = partition_of(prefix, self.bus.partitions(RAW_LOGS))
            tx.send(RAW_LOGS, partition, Records(keys, lines, times))
            tx.put(STREAMS, {file_id.encode(): encode_stream(stream)})
        producer.close()
        return file_id

    def prove(self, *paths: Path) -> Proof:
        files = Files(list(map(str, paths)) or [str(self.folder / "logs")], [])
        try:
            return prove(self.bus, files, host=HOST, wait_s=0.0)
        finally:
            files.close()

    def proof_of(self, path: Path) -> FileProof:
        (found,) = [x for x in self.prove(path).files if x.path == str(path)]
        return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    config = BusConfig()
    with open_bus(config, state_dir=tmp_path) as bus:
        bus.ensure_topics(specs(config), create=True)
        yield Site(bus, tmp_path)


def test_a_file_that_was_shipped_is_compared(site: Site) -> None:
    path = site.file("a.log", TEXT + b"unfini")
    site.ship(path, TEXT)

    found = site.proof_of(path)

    assert found.evidence is Evidence.COMPARED
    assert (found.records, found.covered, found.unfinished) == (3, 14, 6)
    assert site.prove().holds


def test_a_file_without_a_record_is_one_hole(site: Site) -> None:
    path = site.file("a.log", TEXT)

    found = site.proof_of(path)

    assert found.evidence is Evidence.NOT_SHIPPED
    assert found.findings == (Finding(Kind.HOLE, 0, 14),)
    assert not site.prove().holds


def test_lines_that_were_not_shipped_yet_are_a_hole_at_the_end(site: Site) -> None:
    path = site.file("a.log", TEXT)
    site.ship(path, TEXT[:8])

    assert site.proof_of(path).findings == (Finding(Kind.HOLE, 8, 14),)


def test_a_deleted_file_is_proven_by_its_keys(site: Site) -> None:
    path = site.file("a.log", TEXT)
    site.ship(path, TEXT[:4])
    site.ship(path, TEXT[8:], at=8)
    path.unlink()

    found = site.proof_of(path)

    assert found.evidence is Evidence.GONE
    assert found.findings == (Finding(Kind.HOLE, 4, 8),)


def test_of_a_truncated_file_only_the_new_content_is_compared(site: Site) -> None:
    path = site.file("a.log", TEXT)
    first = site.ship(path, TEXT)
    path.write_bytes(b"other\n")
    site.ship(path, b"other\n", file_id=first[:-1] + "2")

    proof = site.prove()

    assert proof.holds
    assert [x.evidence for x in proof.files] == [Evidence.GONE, Evidence.COMPARED]


def test_a_file_that_left_its_path_is_found_by_its_inode(site: Site) -> None:
    path = site.file("a.log", TEXT)
    site.ship(path, TEXT[:4])
    path.rename(path.with_name("elsewhere"))

    (found,) = site.prove(path).files

    assert found.evidence is Evidence.COMPARED
    assert found.path.endswith("elsewhere")
    assert found.findings == (Finding(Kind.HOLE, 4, 14),)


def test_a_copy_goes_on_where_its_truncated_original_was(site: Site) -> None:
    path = site.file("a.log", TEXT)
    first = site.ship(path, TEXT[:8])
    copy = site.file("a.log.1", TEXT)
    path.write_bytes(b"")
    site.ship(path, b"", file_id=first[:-1] + "2")
    site.ship(copy, TEXT[8:], at=8)

    found = site.proof_of(copy)

    assert found.begins_at == 8
    assert site.prove().holds


def test_a_copy_of_all_that_was_shipped_needs_no_record(site: Site) -> None:
    path = site.file("a.log", TEXT)
    first = site.ship(path, TEXT)
    copy = site.file("a.log.1", TEXT)
    path.write_bytes(b"other\n")
    site.ship(path, b"other\n", file_id=first[:-1] + "2")

    assert site.proof_of(copy).evidence is Evidence.COPY
    copy.write_bytes(TEXT.upper())
    assert site.proof_of(copy).evidence is Evidence.NOT_SHIPPED


@pytest.mark.parametrize(("begins_at", "holds"), [(8, True), (0, False)])
def test_a_file_may_begin_where_its_row_says(
    site: Site, *, begins_at: int, holds: bool
) -> None:
    path = site.file("a.log", TEXT)
    site.ship(path, TEXT[8:], at=8, begins_at=begins_at)

    assert site.prove().holds is holds


def test_a_dead_letter_stands_for_its_line(site: Site) -> None:
    path = site.file("a.log", TEXT)
    file_id = site.ship(path, TEXT[:4])
    site.ship(path, TEXT[8:], at=8)
    key = f"api/{HOST}/{file_id}:4"
    letter = DeadLetter(
        reason="too_large",
        stage="collector",
        origin=key,
        at=0.0,
        bytes=3,
        beginning="two",
    )
    producer = site.bus.producer("test")
    with producer.transaction() as tx:
        rows = Records([key.encode()], [msgspec.json.encode(letter)], [0])
        tx.send(DEAD_LETTERS, 0, rows)
    producer.close()

    found = site.proof_of(path)

    assert found.findings == ()
    assert found.dead == 4


def test_a_file_of_another_host_is_not_compared(site: Site) -> None:
    path = site.file("a.log", TEXT)
    site.ship(path, b"else\n", host="there")

    (other,) = [x for x in site.prove().files if x.file_id]

    assert other.evidence is Evidence.REMOTE


def test_a_key_that_is_none_is_told(site: Site) -> None:
    producer = site.bus.producer("test")
    with producer.transaction() as tx:
        tx.send(RAW_LOGS, 0, Records([b"x", b"a/b/c:1"], [b"", b""], [0, 0]))
    producer.close()

    proof = site.prove()

    assert not proof.holds
    assert proof.unreadable == 2


def test_the_command_tells_positions_and_ends_with_1(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_COLLECTOR_HOST", HOST)
    path = site.file("a.log", TEXT)
    site.ship(path, TEXT[:4])
    words = ["verify", str(path), "--state-dir", str(site.folder), "--wait", "0s"]

    assert invoke(words) == 1
    told = capsys.readouterr().out
    assert f"{path} ({site.ids[path]})" in told
    assert "hole          bytes 4 to 14 (10)  in no record" in told

    site.ship(path, TEXT[4:], at=4)
    assert invoke(words) == 0
    assert "3 records, 14 bytes of 1 files: every byte exactly once" in (
        capsys.readouterr().out
    )
    assert invoke([*words, "--json"]) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert shown[0]["proof"] == "compared"
    assert shown[-1]["holds"] is True


def test_nothing_to_prove_is_told(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = str(site.folder / "none")

    assert invoke(["verify", gone, "--state-dir", str(site.folder)]) == 1
    assert "nothing to prove" in capsys.readouterr().err


@pytest.mark.slow
def test_a_million_lines_are_proven_in_ten_seconds(site: Site) -> None:
    path = site.file("a.log", b"%0199d\n" * 500_000 % (*range(500_000),))
    text = path.read_bytes()
    for at in range(0, len(text), 25_000_000):
        site.ship(path, text[at : at + 25_000_000], at=at)
    other = site.file("b.log", text)
    for at in range(0, len(text), 25_000_000):
        site.ship(other, text[at : at + 25_000_000], at=at)
    begun = time.process_time()

    proof = site.prove()

    took_s = time.process_time() - begun
    print(f"{proof.records:,} records in {took_s:.2f} s of CPU")
    assert proof.holds
    assert proof.records == 1_000_000
    assert took_s < 10


OTHER = [Text("utf-16-le"), Text("shift_jis", "\0"), Text("", "<EOE>\n")]
LINES = ("eins", "日本", "", "a\u010ab")


def written(text: Text, *lines: str) -> bytes:
    whole = "".join(line + text.ending for line in lines)
    return whole.encode(text.encoding or "utf-8", "replace")


@pytest.mark.parametrize("text", OTHER)
def test_records_of_other_text_are_compared_with_their_bytes(
    site: Site, text: Text
) -> None:
    path = site.file("a.log", written(text, *LINES) + b"x")
    lines = [
        str(x.encode(text.encoding or "utf-8", "replace"), text.encoding or "utf-8")
        for x in LINES
    ]
    site.ship_text(path, text, *lines)

    proof = site.proof_of(path)

    assert proof.findings == ()
    assert (proof.evidence, proof.unfinished) == (Evidence.COMPARED, 1)
    assert proof.covered == path.stat().st_size - 1


@pytest.mark.parametrize("text", OTHER)
@pytest.mark.parametrize("what", ["hole", "difference"])
def test_what_is_wrong_with_other_text_is_found(
    site: Site, text: Text, what: str
) -> None:
    lines = ["one", "two", "three"]
    path = site.file("a.log", written(text, *lines))
    if what == "hole":
        site.ship_text(path, text, *lines, skip=1)
    else:
        site.ship_text(path, text, "one", "TWO", "three")

    (finding,) = site.proof_of(path).findings

    low, high = len(written(text, "one")), len(written(text, "one", "two"))
    kind = Kind.HOLE if what == "hole" else Kind.DIFFERENCE
    assert finding == Finding(kind, low, high)


def test_a_record_with_bytes_that_are_no_text_is_known_by_the_file(site: Site) -> None:
    text = Text("shift_jis")
    path = site.file("a.log", b"bad \xff\ngood\n")
    site.ship_text(path, text, "bad \ufffd", "good")

    assert site.proof_of(path).findings == ()

    path.write_bytes(b"bad \x81\xff\xfegood\n\n")
    assert site.proof_of(path).findings
