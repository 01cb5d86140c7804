"""What a scenario plays on: files, a bus, the ledger of what was written, the proof.

The ledger knows every line that a scenario wrote, and each is unlike any other; so a
line that is lost, or comes twice, shows in a count, whatever became of its file. That
the keys tell the right positions is proven beside it, by what `tocsin verify` runs.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from collector.checkpoint import decode_path
from tests.broker import Broker
from tests.scenarios.program import PATIENCE_S, Collector
from tocsin.app.verify.files import Files
from tocsin.app.verify.proof import Proof, prove
from tocsin.bus.opening import open_bus
from tocsin.config.model import BusConfig
from tocsin.errors import BusUnavailable, TocsinError
from tocsin.ports.bus import Bus, Reader
from tocsin.records.keys import Mark, RawKey, parse_key
from tocsin.records.streams import Stream, decode_stream
from tocsin.records.topics import CHECKPOINTS, DEAD_LETTERS, RAW_LOGS, STREAMS

HOST = "stage"
WAIT_S = 20.0
"""How long lines may take on a machine that does other things as well."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of raw-logs."""

    key: RawKey
    value: bytes
    partition: int
    at_ms: int


class Tap:
    """Reads a topic on and on; what was read once is kept."""

    def __init__(self, bus: Bus, topic: str) -> None:
        self._reader: Reader = bus.reader([topic])
        self.records: list[Record] = []

    def poll(self, wait_s: float) -> None:
        """Take in what has come."""
        for batch in self._reader.poll(max_records=50_000, wait_s=wait_s):
            taken = batch.records
            columns = zip(taken.keys, taken.values, taken.timestamps_ms, strict=True)
            self.records += [
                Record(parse_key(key), value, batch.partition, at)
                for key, value, at in columns
            ]


class Installation:
    """A bus and a state directory, and the collectors that work on them."""

    def __init__(self, folder: Path, broker: Broker | None, *, prefix: str) -> None:
        """Without a broker the bus is embedded."""
        self.folder = folder
        self.broker = broker
        self.logs = folder / "logs"
        self.state = folder / "state"
        self.url = f"kafka://{broker.bootstrap}" if broker else "embedded://"
        self.prefix = prefix
        self.exclude: list[str] = []
        self.logs.mkdir()
        self.state.mkdir()
        self._bus: Bus | None = None
        self._tap: Tap | None = None

    @property
    def bus(self) -> Bus:
        """A connection of the tests' own; topics exist once a collector started."""
        if self._bus is None:
            config = BusConfig(url=self.url, topic_prefix=self.prefix)
            self._bus = open_bus(config, state_dir=self.state, client_id="stage")
        return self._bus

    def collector(
        self,
        *paths: str | Path | bytes,
        words: Sequence[str] = (),
        name: str = "it",
        wrapper: Sequence[str] = (),
        **settings: object,
    ) -> Collector:
        """`tocsin collect` on PATHs, or on all of `logs`; not started yet."""
        return Collector(
            self.folder,
            self.state,
            self.url,
            self.prefix,
            paths or [self.logs],
            words=words,
            settings={"host": HOST, **settings},
            wrapper=wrapper,
            name=name,
        )

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The bus answers nobody meanwhile, and nothing is lost of it."""
        if self.broker is not None:
            self.broker.freeze()
            try:
                yield
            finally:
                self.broker.thaw()
            return
        # A writer that does not end, as a stuck process would be.
        with closing(sqlite3.connect(self.state / "tocsin.db", timeout=5)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.rollback()

    def wait_watching(self, *roots: Path | str, name: str = "it") -> None:
        """Wait until the first scan of PATHs is committed."""
        wanted = {f"/@{root}" for root in roots or [self.logs]}
        deadline = time.monotonic() + PATIENCE_S
        while True:
            known = b"\n".join(self.rows(f"collector-{name}/@")).decode()
            if all(root in known for root in wanted):
                return
            assert time.monotonic() < deadline, f"{wanted} not watched: {known}"
            time.sleep(0.02)

    def rows(self, prefix: str = "") -> dict[bytes, bytes]:
        """The rows of `checkpoints`; none while there is no such table."""
        try:
            if not self._has_topics():
                return {}
            with closing(self.bus.table(CHECKPOINTS, prefix=prefix.encode())) as view:
                return dict(view.rows)
        except TocsinError:
            return {}

    def streams(self) -> dict[str, Stream]:
        """The rows of `streams`."""
        with closing(self.bus.table(STREAMS)) as view:
            return {k.decode(): decode_stream(v) for k, v in view.rows.items()}

    def path_of(self, file_id: str) -> str:
        """Where the table says that a file is."""
        return decode_path(self.streams()[file_id].path)

    def records(self, wait_s: float = 0.0) -> list[Record]:
        """All records of raw-logs so far, by partition and offset."""
        if self._tap is None:
            if not self._has_topics():
                time.sleep(wait_s)
                return []
            self._tap = Tap(self.bus, RAW_LOGS)
        self._tap.poll(wait_s)
        return self._tap.records

    def dead_letters(self) -> list[Record]:
        """All dead letters so far."""
        tap = Tap(self.bus, DEAD_LETTERS)
        tap.poll(0.3)
        return tap.records

    def verify(self, *paths: Path | str, wait_s: float = 10.0) -> Proof:
        """What `tocsin verify` says."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                with closing(Files([*map(str, paths)], self.exclude)) as files:
                    return prove(self.bus, files, host=HOST, wait_s=wait_s)
            except BusUnavailable:
                # A broker that was just started may not know its leaders so far.
                if time.monotonic() >= deadline:
                    raise

    def close(self) -> None:
        """Close the connection."""
        if self._bus is not None:
            self._bus.close()

    def _has_topics(self) -> bool:
        return STREAMS in {info.name for info in self.bus.topics()}


@dataclass(slots=True)
class Stage:
    """One scenario's files and lines; `service`: whose records are its own, or all.

    `patterns`: what its collector reads below `logs`, as globs; or all.
    """

    home: Installation
    logs: Path
    tag: str
    service: str | None = None
    patterns: Sequence[str] = ("",)
    wrote: Counter[bytes] = field(default_factory=Counter)
    _number: int = 0

    def lines(self, count: int, size: int = 60) -> list[bytes]:
        """New lines, each unlike any other."""
        first, self._number = self._number, self._number + count
        pad = b"." * max(0, size - len(self.tag) - 9)
        return [
            b"%s %07d %s" % (self.tag.encode(), number, pad)
            for number in range(first, self._number)
        ]

    def expect(self, values: Iterable[bytes]) -> None:
        """Note values that must arrive exactly once."""
        self.wrote.update(values)

    def write(self, path: Path, count: int = 3) -> bytes:
        """Append new lines to a file, and expect them; the bytes."""
        lines = self.lines(count)
        self.expect(lines)
        return self.append(path, b"".join(line + b"\n" for line in lines))

    def append(self, path: Path, data: bytes) -> bytes:
        """Append bytes; what comes of them is for the scenario to expect."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            file.write(data)
        return data

    def records(self, wait_s: float = 0.0) -> list[Record]:
        """This scenario's records so far, each file's in their order."""
        found = self.home.records(wait_s)
        if self.service is None:
            return found
        return [r for r in found if r.key.service == self.service]

    def values(self) -> Counter[bytes]:
        """How often each value came."""
        return Counter(record.value for record in self.records())

    def wait(self, count: int | None = None, within_s: float = WAIT_S) -> float:
        """Wait until all lines, or `count`, are there; how long that took."""
        wanted = self.wrote.total() if count is None else count
        begun = time.monotonic()
        while len(self.records(0.02)) < wanted:
            waited = time.monotonic() - begun
            assert waited < within_s, (
                f"{len(self.records())} of {wanted}\n{self._odd()}"
            )
        return time.monotonic() - begun

    def expect_exactly_once(self, *, verified: bool = True) -> None:
        """All lines are there, each once, and the keys tile the files."""
        self.wait()
        self.check()
        if verified:
            proof = self.verify()
            wrong = [file for file in proof.files if file.findings]
            assert proof.holds, wrong or proof.unreadable_keys

    def check(self) -> None:
        """Nothing came twice, nothing came that was not written."""
        self.records(0.05)
        is_exact = self.values() == self.wrote
        assert is_exact, self._odd()

    def verify(self) -> Proof:
        """What `tocsin verify` says of this scenario's files."""
        return self.home.verify(*(f"{self.logs}{x}" for x in self.patterns))

    def expect_exactly_once_but(self, huge: bytes) -> None:
        """As above, but of `huge` there may be only the beginning, if it is said so.

        The record is cut and marked so, or it is a dead letter; its bytes are covered.
        """
        proof = self.verify()
        assert proof.holds, [file.findings for file in proof.files]
        (file,) = proof.files
        cut = [r.value for r in self.records() if r.key.mark is Mark.CUT]
        whole = [r.value for r in self.records() if r.value == huge]
        if cut:
            assert len(cut) == 1
            assert huge.startswith(cut[0])
            assert file.left_out == len(huge) + 1 - len(cut[0])
        elif not whole:
            assert file.dead == len(huge) + 1
        assert len(cut) + len(whole) + bool(file.dead) == 1
        self.expect(r.value for r in self.records())

    def file_ids(self) -> list[str]:
        """The files that records came from, in their order of first records."""
        return list(dict.fromkeys(r.key.file_id for r in self.records()))

    def marks(self) -> list[Mark]:
        """The marks that records carry."""
        return [r.key.mark for r in self.records() if r.key.mark is not Mark.NONE]

    def _odd(self) -> str:
        got = self.values()
        missing, extra = self.wrote - got, got - self.wrote
        return (
            f"missing {missing.total()}: {[x[:80] for x in list(missing)[:5]]}\n"
            f"too many {extra.total()}: {[x[:80] for x in list(extra)[:5]]}"
        )
