"""The collector's core on real files, under random faults, against a model.

No thread, no process: the test calls scan, ship and crash itself, on a real bus. The
model knows every byte that was written to each content (a file between two
truncations), and which of them were still there to read when the collector could.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from tests.collector.core import Core, ManualClock
from tests.collector.faults import Fault, FaultyBus
from tests.collector.rig import all_records, by_file, prove_tiling, ready_bus
from tocsin.errors import BusUnavailable, TransactionAborted


@dataclass
class Content:
    """What was written to a file since it was made, or last truncated."""

    data: bytes = b""


@dataclass
class Named:
    """A file under a name; its writer may hold it open after a rename."""

    path: Path
    contents: list[Content] = field(default_factory=lambda: [Content()])


class Machine(RuleBasedStateMachine):
    """Random writes, rotations, truncations, failures and kills."""

    @initialize()
    def begin(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="tocsin-machine-"))
        self.logs = self.directory / "logs"
        self.logs.mkdir()
        self.real_bus = ready_bus(self.directory)
        self.bus = FaultyBus(self.real_bus)
        self.clock = ManualClock(self.logs.stat().st_mtime)
        self.core = Core(self.bus, self.logs, self.clock)
        self.core.look()
        self.core.ship_all()
        self.files: dict[str, Named] = {}
        self.all: list[Named] = []
        self.number = 0
        self.rotations = 0

    def teardown(self) -> None:
        if not hasattr(self, "core"):
            return
        try:
            self._settle()
            self._prove()
        finally:
            self.core.close()
            self.real_bus.close()
            shutil.rmtree(self.directory)

    names = st.sampled_from(["a.log", "b.log", "c.log"])

    @rule(name=names, count=st.integers(1, 12), partial=st.booleans())
    def append(self, name: str, count: int, *, partial: bool) -> None:
        named = self._named(name)
        data = b""
        for _ in range(count):
            self.number += 1
            data += b"%06d xxx%s\n" % (self.number, b"x" * (self.number % 70))
        self._write(named, data[:-3] if partial else data)

    @rule(name=names)
    def end_the_line(self, name: str) -> None:
        # Not an empty line of its own: files that begin with the same bytes cannot be
        # told apart where the second got the inode of the first while nobody looked.
        if name in self.files:
            self._end(self.files[name])

    @rule(name=names)
    def rename(self, name: str) -> None:
        named = self.files.pop(name, None)
        if named is None:
            return
        self._end(named)
        self.rotations += 1
        twin = named.path.with_name(f"{name}.{self.rotations}")
        named.path.rename(twin)
        named.path = twin

    @rule(name=names)
    def rotate_by_copy_once_it_was_read(self, name: str) -> None:
        named = self.files.get(name)
        if named is None:
            return
        self._end(named)
        self.core.look()
        self.core.ship_all()
        self.rotations += 1
        shutil.copyfile(named.path, named.path.with_name(f"{name}.{self.rotations}"))
        self._truncate(named)

    @rule(name=names)
    def truncate_once_it_was_read(self, name: str) -> None:
        named = self.files.get(name)
        if named is None:
            return
        self._end(named)
        self.core.look()
        self.core.ship_all()
        self._truncate(named)

    @rule(name=names)
    def delete_once_it_is_open(self, name: str) -> None:
        named = self.files.pop(name, None)
        if named is None:
            return
        self._end(named)
        self.core.look()
        self.core.ship_all()
        named.path.unlink()

    @rule()
    def look(self) -> None:
        self.core.look()

    @rule()
    def ship(self) -> None:
        self.core.shipper.ship()

    @rule(fault=st.sampled_from([Fault.ABORTED, Fault.AWAY, Fault.ANSWER_LOST]))
    def ship_in_vain(self, fault: Fault) -> None:
        self.bus.fault = fault
        try:
            self.core.shipper.ship()
        except (TransactionAborted, BusUnavailable) as error:
            self.bus.fault = Fault.NONE
            self.core.shipper.recover(error)
        finally:
            self.bus.fault = Fault.NONE

    @rule()
    def kill(self) -> None:
        self.core.close()
        self.core = Core(self.bus, self.logs, self.clock)

    @precondition(lambda self: self.number % 3 == 0)
    @rule()
    def wait(self) -> None:
        self.clock.now += 40.0
        self.core.look()

    def _named(self, name: str) -> Named:
        named = self.files.get(name)
        if named is None:
            named = self.files[name] = Named(self.logs / name)
            self.all.append(named)
        return named

    def _write(self, named: Named, data: bytes) -> None:
        with named.path.open("ab") as file:
            file.write(data)
        named.contents[-1].data += data

    def _end(self, named: Named) -> None:
        """End an unfinished line: what happens to one is told by tests of its own."""
        data = named.contents[-1].data
        if data and not data.endswith(b"\n"):
            self._write(named, b"\n")

    def _truncate(self, named: Named) -> None:
        os.truncate(named.path, 0)
        # New content that is as long as the old one, and equal to it, cannot be told
        # from it: a truncation shows once the file was looked at.
        self.core.look()
        self.core.ship_all()
        named.contents.append(Content())

    def _settle(self) -> None:
        for named in self.files.values():
            self._end(named)
        for _ in range(3):
            self.core.look()
            self.core.ship_all()

    def _prove(self) -> None:
        records = all_records(self.real_bus)
        prove_tiling(records, start=None)
        shipped = sorted(record.value for record in records)
        written = sorted(
            line
            for named in self.all
            for content in named.contents
            for line in content.data.split(b"\n")[:-1]
        )
        assert shipped == written
        for file in by_file(records).values():
            numbers = [int(r.value.split()[0]) for r in file if r.value[:1].isdigit()]
            assert numbers == sorted(numbers)


TestMachine = pytest.mark.slow(Machine.TestCase)
TestMachine.settings = settings(
    max_examples=int(os.environ.get("TOCSIN_TEST_SEQUENCES", "25")),
    stateful_step_count=25,
    suppress_health_check=list(HealthCheck),
)
