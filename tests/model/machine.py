"""The collector's core on real files and a real bus, against the model.

No thread, no process, no waiting: the machine calls scan, read, commit and crash
itself, and time is what it says. Each commit plays other sequences; `TOCSIN_TEST_SEED`
brings those of a run again, `TOCSIN_TEST_SEQUENCES` makes it more or fewer. A failing
sequence is printed step by step, shrunk.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from collector.checkpoint import Checkpoint, decode_row, row_prefix
from collector.identity import HEAD_BYTES, TAIL_BYTES, FileKey, Trail, Verdict
from tests.collector.core import Core, ManualClock
from tests.collector.faults import Fault, FaultyBus
from tests.collector.rig import ready_bus
from tests.model.world import Place, World
from tests.scenarios.stage import Record, Tap
from tests.seed import SEED
from tocsin.app.verify.account import Account
from tocsin.errors import BusUnavailable, TransactionAborted
from tocsin.ports.bus import Bus
from tocsin.records.keys import Mark
from tocsin.records.topics import CHECKPOINTS, RAW_LOGS, STREAMS

NAMES = st.sampled_from(["a.log", "b.log", "c.log"])
LINK = "link.log"
SEQUENCES = int(os.environ.get("TOCSIN_TEST_SEQUENCES", "1000"))

_ids = itertools.count()


class Machine(RuleBasedStateMachine):
    """Random lives of files, and collectors that come and go."""

    bus: Bus
    tap: Tap
    folder: Path
    is_glob: bool

    @initialize()
    def begin(self) -> None:
        self.identity = f"m{next(_ids)}"
        self.place = Path(tempfile.mkdtemp(dir=self.folder))
        self.logs, self.outside = self.place / "logs", self.place / "outside"
        self.logs.mkdir()
        self.outside.mkdir()
        self.faulty = FaultyBus(self.bus)
        self.clock = ManualClock(self.logs.stat().st_mtime)
        self.world = World(self.logs)
        self.failure: Exception | None = None
        self.rotations = 0
        self.lost_before = 0.0
        self.shipped: list[Record] = []
        self._start()
        self._look()
        self._ship_all()

    # Writers

    @rule(name=NAMES, count=st.integers(1, 12), partial=st.booleans())
    def append(self, name: str, count: int, *, partial: bool) -> None:
        place = self.world.open(name)
        self.world.end_line(place)
        self.world.write(place, count, partial=partial)

    @rule(name=NAMES)
    def end_the_line(self, name: str) -> None:
        if name in self.world.live:
            self.world.end_line(self.world.live[name])

    @precondition(lambda self: self.world.gone)
    @rule(data=st.data(), count=st.integers(1, 5))
    def append_to_a_rotated_one(self, data: st.DataObject, count: int) -> None:
        place = data.draw(st.sampled_from(self.world.gone), label="place")
        if not place.unfinished:
            self.world.write(place, count)

    @rule(count=st.integers(1, 5))
    def swap_the_link(self, count: int) -> None:
        target = self.outside / f"target-{self._number()}"
        link = self.logs / LINK
        made = self.world.make(target, link)
        turned = self.outside / "turned"
        turned.symlink_to(target)
        turned.rename(link)
        if LINK in self.world.live:
            self._leave(LINK, None)
        self.world.live[LINK] = made
        self.world.write(made, count)
        self._check_unnamed()

    @precondition(lambda self: LINK in self.world.live)
    @rule(count=st.integers(1, 5))
    def append_through_the_link(self, count: int) -> None:
        self.world.write(self.world.live[LINK], count)

    # Rotation

    @rule(name=NAMES)
    def rename(self, name: str) -> None:
        if name in self.world.live:
            to = self.logs / f"{name}.{self._number()}"
            self._path_of(name).rename(to)
            self._leave(name, to)

    @rule(name=NAMES)
    def rename_out_of_the_glob(self, name: str) -> None:
        if name not in self.world.live:
            return
        # Of a directory, all below is read; what a glob does not match may lie in it.
        folder = self.logs if self.is_glob else self.outside
        to = folder / f"old-{name[0]}-{self._number()}"
        self._path_of(name).rename(to)
        place = self._leave(name, to if self.is_glob else None)
        if self.is_glob and not self._is_followed(place):
            self.world.destroy(place, self._values())
        self._check_unnamed()

    @rule(name=NAMES, appends=st.booleans())
    def copytruncate(self, name: str, *, appends: bool) -> None:
        if name in self.world.live:
            place = self.world.live[name]
            self.world.copy(place, self.logs / f"{name}.{self._number()}")
            self._truncate(name, appends=appends)

    @rule(name=NAMES, appends=st.booleans())
    def truncate(self, name: str, *, appends: bool) -> None:
        if name in self.world.live:
            self._truncate(name, appends=appends)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        if name in self.world.live:
            self._path_of(name).unlink()
            self._leave(name, None)
            self._check_unnamed()

    @rule(name=NAMES, count=st.integers(1, 8))
    def replace(self, name: str, count: int) -> None:
        """Write a new file beside, and rename it over the name."""
        fresh = self.outside / f"fresh-{self._number()}"
        made = self.world.make(fresh, self.logs / name)
        self.world.write(made, count)
        fresh.rename(self.logs / name)
        if name in self.world.live:
            self._leave(name, None)
        self.world.live[name] = made
        self._check_unnamed()

    # The collector

    @rule()
    def look(self) -> None:
        self._look()

    @rule(name=NAMES)
    def hint(self, name: str) -> None:
        """The kernel tells of a change of one path."""
        path = str(self.logs / name)
        roster, discovery = self.core.roster, self.core.discovery
        if roster.poke(path) or roster.greet(discovery.look(path), now=self.clock()):
            return
        self._look()

    @rule()
    def ship(self) -> None:
        self._ship()

    @rule()
    def ship_everything(self) -> None:
        self._look()
        self._ship_all()

    @rule(fault=st.sampled_from([Fault.ABORTED, Fault.AWAY, Fault.ANSWER_LOST]))
    def ship_in_vain(self, fault: Fault) -> None:
        was, self.faulty.fault = self.faulty.fault, fault
        self._ship()
        self.faulty.fault = was

    @rule()
    def freeze(self) -> None:
        self.faulty.fault = Fault.AWAY

    @rule()
    def thaw(self) -> None:
        self.faulty.fault = Fault.NONE

    @rule()
    def kill(self) -> None:
        self.lost_before += self._counted()
        self.core.close()
        self.world.forget_what_was_seen()
        self.failure = None
        self.faulty.fault = Fault.NONE
        self._start()
        self._check_unnamed()
        for place in self.world.gone:
            if self._is_committed(place) or place.path is None:
                continue
            # A rotated name, alone and unread, cannot be told from a log's own.
            place.is_left = False
            if place.path.name.startswith("old-"):
                self.world.destroy(place, self._values())

    @rule()
    def wait(self) -> None:
        self.clock.now += 40.0
        self._look()
        self._check_unnamed()

    # What the rules are made of

    def _number(self) -> int:
        self.rotations += 1
        return self.rotations

    def _leave(self, name: str, path: Path | None) -> Place:
        known = self._knows(self.world.live[name])
        return self.world.leave(name, path, known=known)

    def _truncate(self, name: str, *, appends: bool) -> None:
        self.world.truncate(name, appends=appends, shipped=self._values())

    def _path_of(self, name: str) -> Path:
        """The path of a file that is to be rotated."""
        path = self.world.live[name].path
        assert path is not None
        return path

    def _start(self) -> None:
        paths = [f"{self.logs}/*.log*"] if self.is_glob else [str(self.logs)]
        self.core = Core(
            self.faulty,
            self.logs,
            self.clock,
            paths=paths,
            identity=self.identity,
            host=self.identity,
        )

    def _look(self) -> None:
        self.core.look(settled=self.failure is None)
        self.world.look(settled=self.failure is None)
        for place in self.world.places:
            known = self.core.roster.ledger.by_key.get(FileKey(*place.file.key))
            if place.is_readable and known is not None:
                place.seen = len(place.data)

    def _ship(self) -> bool:
        """One turn of the worker's loop."""
        try:
            if self.failure is not None:
                self.core.shipper.recover(self.failure)
                self.failure = None
            return self.core.shipper.ship()
        except (BusUnavailable, TransactionAborted) as error:
            self.failure = self.failure or error
            return False
        finally:
            self._check_unnamed()

    def _ship_all(self) -> None:
        while self._ship() or (
            self.core.roster.ledger.rewritten and self.failure is None
        ):
            if self.core.roster.ledger.rewritten:
                self._look()

    def _knows(self, place: Place) -> bool:
        key = FileKey(*place.file.key)
        return key in self.core.roster.ledger.by_key or key in self._committed()

    def _is_followed(self, place: Place) -> bool:
        """Whether the collector will know a file again under whatever name.

        An inode alone says nothing: what it holds must be what was read of it.
        """
        key = FileKey(*place.file.key)
        source = self.core.roster.ledger.by_key.get(key)
        if source is None:
            return self._is_committed(place)
        if self.core.descriptors.held(key) is not None:
            return True
        head = source.trail.head or source.beginning
        return place.data[: len(head)] == head

    def _is_committed(self, place: Place) -> bool:
        row = self._committed().get(FileKey(*place.file.key))
        if row is None:
            return False
        head, end = place.data[: row.offset][:HEAD_BYTES], place.data[: row.offset]
        trail = Trail(head, end[-TAIL_BYTES:])
        return row.fingerprint.judge(trail) is Verdict.SAME

    def _committed(self) -> dict[FileKey, Checkpoint]:
        """The rows of files of which something was read."""
        view = self.bus.table(CHECKPOINTS, prefix=row_prefix(self.identity))
        try:
            rows = [v for k, v in view.rows.items() if b"/@" not in k]
        finally:
            view.close()
        # Of a file of which nothing was read only the name tells that it is the same.
        return {row.file_key: row for row in map(decode_row, rows) if row.offset}

    def _check_unnamed(self) -> None:
        """What has no name can be read as long as the collector holds it open."""
        for place in self.world.places:
            if place.path is None and place.is_readable:
                held = self.core.descriptors.held(FileKey(*place.file.key))
                if held is None:
                    self.world.destroy(place, self._values())

    def _values(self) -> Counter[bytes]:
        return Counter(record.value for record in self._records())

    def _records(self) -> list[Record]:
        self.tap.poll(0.0)
        fresh, self.tap.records = self.tap.records, []
        self.shipped += [r for r in fresh if r.key.host == self.identity]
        return self.shipped

    def _counted(self) -> float:
        return sum(
            sample.value
            for metric in self.core.registry.collect()
            if metric.name == "tocsin_collector_lost_bytes"
            for sample in metric.samples
            if sample.name.endswith("_total")
        )

    # The end

    def teardown(self) -> None:
        if not hasattr(self, "core"):
            return
        try:
            self._settle()
            self._prove()
        finally:
            self.core.close()
            self.world.close()
            shutil.rmtree(self.place)
            self._forget()

    def _forget(self) -> None:
        """Delete this life's rows: each collector begins with reading all there are."""
        with (
            closing(self.bus.table(STREAMS)) as streams,
            closing(self.bus.producer(self.identity)) as producer,
            producer.transaction() as transaction,
        ):
            transaction.put(STREAMS, dict.fromkeys(streams.rows))

    def _settle(self) -> None:
        self.faulty.fault = Fault.NONE
        for place in self.world.live.values():
            self.world.end_line(place)
        for wait_s in (0.0, 0.0, 10.0, 40.0, 400.0, 400.0):
            self.clock.now += wait_s
            self._look()
            self._ship_all()

    def _prove(self) -> None:
        records = self._records()
        values, world = self._values(), self.world
        whole = Counter({v: n for v, n in values.items() if v in world.homes})
        assert max(whole.values(), default=1) == 1, [
            v for v, n in whole.items() if n > 1
        ]
        assert world.must() - whole.keys() == set()
        fragments = world.fragments()
        rest = values - whole
        assert not rest - fragments, "something came that was not written"
        assert world.due_fragments() - values.keys() == set()
        for record in records:
            assert world.holds(record.value, record.key.offset), record
            is_fragment = record.value not in world.homes
            assert (record.key.mark is Mark.PARTIAL) == is_fragment, record
        self._prove_tiling(records)
        self._prove_losses(values)

    def _prove_tiling(self, records: list[Record]) -> None:
        accounts: dict[str, Account] = {}
        for record in records:
            account = accounts.setdefault(record.key.file_id, Account())
            key = record.key
            account.take([key.offset], [record.value], [key.mark], lambda *_: None)
        for account in accounts.values():
            spans = account.covered.spans
            account.conclude(spans[0].start, spans[-1].end, lambda *_: None)
            assert account.findings == []

    def _prove_losses(self, values: Counter[bytes]) -> None:
        losses = self.world.losses
        counted = self.lost_before + self._counted()
        assert counted <= sum(loss.size for loss in losses)
        assert counted >= sum(x.seen for x in losses if not values[x.text])


def play(
    machine: type[Machine], folder: Path, *, glob: bool, sequences: int = SEQUENCES // 2
) -> None:
    """Play random sequences, all on one bus."""
    with ready_bus(folder) as bus:
        parts = {
            "bus": bus,
            "tap": Tap(bus, RAW_LOGS),
            "folder": folder,
            "is_glob": glob,
        }
        run_state_machine_as_test(
            seed(SEED)(type("Life", (machine,), parts)),
            settings=settings(
                max_examples=sequences,
                stateful_step_count=20,
                deadline=None,
                database=None,
                report_multiple_bugs=False,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
                print_blob=True,
            ),
        )
