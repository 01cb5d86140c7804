"""From a bus and files to a proof: reads both once, and says what holds."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from hashlib import blake2b

import msgspec

from collector.checkpoint import ROOT_MARK, decode_path, decode_root, decode_row
from collector.discovery import Found
from collector.identity import FileKey, file_key_of
from tocsin.app.verify.account import Account, Finding, Kind
from tocsin.app.verify.files import Extent, Files
from tocsin.app.verify.ledger import Ledger
from tocsin.app.verify.written import Read
from tocsin.errors import BadRecord
from tocsin.ports.bus import Bus
from tocsin.records.keys import parse_key, partition_of
from tocsin.records.public import DeadLetter
from tocsin.records.streams import Stream, decode_stream
from tocsin.records.text import PLAIN, Text
from tocsin.records.topics import CHECKPOINTS, DEAD_LETTERS, RAW_LOGS, STREAMS

_MAX_RECORDS = 50_000
_POLL_S = 0.1
_HASHED = 1 << 20
# A file may be born so long before its row is written.
_FRESH_MS = 60_000


class Evidence(Enum):
    """What a proof of a file rests on; the value is what a person reads."""

    COMPARED = "compared with the file byte by byte"
    GONE = "the file is gone or was rewritten, only its keys can be proven"
    REMOTE = "the file is on another host, only its keys can be proven"
    NOT_SHIPPED = "no record"
    LEFT_OUT = "rotated before its PATH was watched, so it is not read"
    PASSED = "not to be read: older than its collector, or read as another file"
    COPY = "a copy of a file that was shipped"


@dataclass(frozen=True, slots=True)
class FileProof:
    """What is proven of one file-id.

    `begins_at`: the bytes before are not to be shipped, or are proven under another
    file-id, or are no longer held by the topic (`expired`). `unfinished`: bytes of a
    last line without a newline, which is not shipped yet. The rest as in `Account`.
    """

    path: str
    service: str
    host: str
    file_id: str
    evidence: Evidence
    records: int = 0
    covered: int = 0
    begins_at: int = 0
    expired: bool = False
    unfinished: int = 0
    left_out: int = 0
    dead: int = 0
    findings: tuple[Finding, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Proof:
    """All files; `unreadable` keys belong to none of them."""

    files: tuple[FileProof, ...]
    records: int
    unreadable: int
    unreadable_keys: tuple[bytes, ...]

    @property
    def holds(self) -> bool:
        """Whether every byte of every file is in the topic exactly once."""
        return not (self.unreadable or any(file.findings for file in self.files))


def prove(bus: Bus, files: Files, *, host: str, wait_s: float) -> Proof:
    """Read everything, and compare; blocks for that long.

    `wait_s`: how long to wait for lines that stand in files and are not in the topic
    yet. `host`: what the collector calls this machine.
    """
    return _Prover(bus, files, host).prove(wait_s)


@dataclass(slots=True)
class _Owner:
    """Whose account it is; `stream` where the table tells, `key` on this host."""

    prefix: bytes
    service: str
    host: str
    file_id: str
    key: FileKey | None
    stream: Stream | None
    concerned: bool = False
    account: Account = field(default_factory=Account)

    @property
    def birth(self) -> int:
        """Grows with each content of one file."""
        return _birth(self.file_id)

    @property
    def path(self) -> str:
        """Where the file was last seen, as the table has it."""
        return decode_path(self.stream.path) if self.stream else ""


class _Prover:
    def __init__(self, bus: Bus, files: Files, host: str) -> None:
        self._bus = bus
        self._files = files
        self._host = host
        self._streams: dict[str, Stream] = {}
        self._rows: dict[FileKey, Stream] | None = None
        self._loaded_ms = 0.0
        self._offsets: dict[str, int] = {}
        self._since: dict[str, float] = {}
        self._owners: dict[bytes, _Owner | None] = {}
        self._copies: set[FileKey] = set()
        self._ledger = Ledger(self._reading)

    def prove(self, wait_s: float) -> Proof:
        # First what should be there, then what is: in between it only grows.
        self._load_tables()
        self._read(RAW_LOGS, wait_s)
        self._load_dead_letters()
        self._load_tables()
        owners = self._settle()
        proofs = [self._conclude(owner) for owner in owners if owner.concerned]
        held = {owner.key for owner in owners}
        proofs += [
            proof
            for key, found in self._files.found.items()
            if key not in held and (proof := self._not_shipped(found))
        ]
        ledger = self._ledger
        return Proof(
            tuple(sorted(proofs, key=lambda each: (each.path, each.file_id))),
            ledger.records,
            ledger.unreadable,
            tuple(ledger.unreadable_keys),
        )

    # Reading

    def _load_tables(self) -> None:
        self._rows, self._loaded_ms = None, time.time() * 1000
        view = self._bus.table(STREAMS)
        for key, value in view.rows.items():
            try:
                self._streams[key.decode("utf-8", "replace")] = decode_stream(value)
            except BadRecord:
                continue
        view.close()
        view = self._bus.table(CHECKPOINTS)
        for key, value in view.rows.items():
            name = key.decode("utf-8", "replace").partition("/")[2]
            try:
                if name.startswith(ROOT_MARK):
                    since = decode_root(value).since
                    self._since[decode_path(name.removeprefix(ROOT_MARK))] = since
                elif name not in self._offsets:
                    self._offsets[name] = decode_row(value).offset
            except BadRecord:
                continue
        view.close()

    def _read(self, topic: str, wait_s: float) -> None:
        reader = self._bus.reader([topic])
        deadline = time.monotonic() + wait_s
        while True:
            for batch in reader.poll(max_records=_MAX_RECORDS, wait_s=_POLL_S):
                if len(batch.records):
                    self._ledger.take(batch.records.keys, batch.records.values)
            if reader.is_caught_up() and (
                self._is_all_there() or time.monotonic() >= deadline
            ):
                break
        reader.close()

    def _load_dead_letters(self) -> None:
        reader = self._bus.reader([DEAD_LETTERS])
        while True:
            for batch in reader.poll(max_records=_MAX_RECORDS, wait_s=_POLL_S):
                rows = zip(batch.records.keys, batch.records.values, strict=True)
                for key, value in rows:
                    self._take_dead(key, value)
            if reader.is_caught_up():
                break
        reader.close()

    def _take_dead(self, key: bytes, value: bytes) -> None:
        try:
            letter = msgspec.json.decode(value, type=DeadLetter)
        except msgspec.MsgspecError:
            return
        if letter.stage == "collector":
            self._ledger.take_dead(key, letter.bytes)

    def _is_all_there(self) -> bool:
        ends = self._begins()
        for owner in filter(None, self._owners.values()):
            account = self._ledger.accounts.get(owner.prefix)
            if owner.key is not None and account is not None:
                ends[owner.key] = max(ends[owner.key], account.covered.end)
        texts = self._texts()
        return all(
            extent is None
            or ends[key] >= extent.lines_end
            or self._is_copy(key, extent)
            for key in self._files.found
            for extent in [self._files.extent(key, texts.get(key, PLAIN))]
        )

    def _texts(self) -> dict[FileKey, Text]:
        """The files of this host that are no plain text."""
        rows = self._newest_rows().items()
        return {key: row.text for key, row in rows if not row.text.is_plain}

    def _begins(self) -> dict[FileKey, int]:
        """Where each file of this host begins to be read, as the table has it."""
        rows = self._newest_rows().items()
        return defaultdict(int, {key: row.begins_at for key, row in rows})

    def _newest_rows(self) -> dict[FileKey, Stream]:
        if self._rows is not None:
            return self._rows
        rows = self._rows = dict[FileKey, Stream]()
        newest: dict[FileKey, int] = defaultdict(int)
        for file_id, row in self._streams.items():
            try:
                key, birth = file_key_of(file_id), _birth(file_id)
            except ValueError:
                continue
            if row.host == self._host and birth >= newest[key]:
                newest[key], rows[key] = birth, row
        return rows

    def _reading(self, prefix: bytes) -> tuple[Read, Text]:
        if prefix not in self._owners:
            self._owners[prefix] = self._own(prefix)
        owner = self._owners[prefix]
        key = owner.key if owner is not None else None
        stream = owner.stream if owner is not None else None
        text = stream.text if stream is not None else PLAIN
        if key is None:
            return _nothing, text
        return lambda start, size: self._files.read(key, start, size), text

    def _own(self, prefix: bytes) -> _Owner | None:
        try:
            name = parse_key(prefix + b":0")
            here = file_key_of(name.file_id)
            key = here if name.host == self._host else None
            is_new = _birth(name.file_id) > self._loaded_ms - _FRESH_MS
            if name.file_id not in self._streams and is_new:
                self._load_tables()
            stream = self._streams.get(name.file_id)
            owner = _Owner(prefix, name.service, name.host, name.file_id, key, stream)
            _ = owner.birth
        except (BadRecord, ValueError):
            return None
        there = key is not None and self._files.locate(key, owner.path)
        named = self._files.named
        owner.concerned = (
            not named
            or (there and key in self._files.found)
            or (owner.stream is not None and self._files.concerns(owner.path))
        )
        return owner

    # Judging

    def _settle(self) -> list[_Owner]:
        """Join owners and accounts; of one file only the newest content is there."""
        owners: list[_Owner] = []
        for prefix, account in self._ledger.accounts.items():
            if prefix not in self._owners:
                self._owners[prefix] = self._own(prefix)
            owner = self._owners[prefix]
            if owner is None:
                self._ledger.unreadable += account.records
                self._ledger.unreadable_keys.append(prefix)
                continue
            owner.account = account
            owner.stream = self._streams.get(owner.file_id)
            owners.append(owner)
        newest = self._newest(owners)
        for owner in owners:
            if owner.key is None or newest[owner.key] > owner.birth:
                owner.account.not_compared()
        return owners

    def _newest(self, owners: list[_Owner]) -> dict[FileKey, int]:
        """The birth of each file's content of now, which may have no record yet."""
        newest: dict[FileKey, int] = defaultdict(int)
        told = (i for i, row in self._streams.items() if row.host == self._host)
        for file_id in (*told, *(owner.file_id for owner in owners if owner.key)):
            try:
                key = file_key_of(file_id)
                newest[key] = max(newest[key], _birth(file_id))
            except ValueError:
                continue
        return newest

    def _conclude(self, owner: _Owner) -> FileProof:
        account, key = owner.account, owner.key
        read = self._reading(owner.prefix)[0] if account.is_compared else _nothing
        extent = None
        if account.is_compared and key:
            extent = self._files.extent(key, account.text)
        committed = self._offsets.get(owner.file_id, 0)
        if extent is not None:
            end = max(extent.lines_end, min(committed, extent.size))
        else:
            end = max(committed, account.covered.end)
        begin, expired = self._begin(owner)
        account.conclude(begin, end, read)
        return FileProof(
            path=extent.path if extent else owner.path,
            service=owner.service,
            host=owner.host,
            file_id=owner.file_id,
            evidence=_evidence(owner),
            records=account.records,
            covered=account.covered.size,
            begins_at=begin,
            expired=expired,
            unfinished=max(0, extent.size - max(end, account.covered.end))
            if extent
            else 0,
            left_out=account.left_out,
            dead=account.dead,
            findings=tuple(account.findings),
            more=account.more,
        )

    def _begin(self, owner: _Owner) -> tuple[int, bool]:
        """Where the records of a file should begin, and whether older ones expired."""
        spans = owner.account.covered.spans
        first = spans[0].start if spans else 0
        if first == 0:
            return 0, False
        if owner.stream is not None and owner.stream.begins_at == first:
            return first, False
        if owner.key is not None and self._is_shipped(owner.key, first):
            return first, False
        topic = next(info for info in self._bus.topics() if info.name == RAW_LOGS)
        partition = partition_of(owner.prefix.decode(), topic.partitions)
        return (first, True) if topic.low[partition] > 0 else (0, False)

    def _is_copy(self, key: FileKey, extent: Extent) -> bool:
        """Whether all lines of a file were shipped as those of another one."""
        if key not in self._copies and self._is_shipped(key, extent.lines_end):
            self._copies.add(key)
        return key in self._copies

    def _is_shipped(self, key: FileKey, size: int) -> bool:
        """Whether the first bytes of a file are those of another that was shipped.

        A copy is made, and the original truncated: what was read of the original is
        not read again in the copy.
        """
        contents = (each.content for each in self._ledger.accounts.values())
        shipped = {
            digest for length, digest in filter(None, contents) if length == size
        }
        return bool(shipped) and self._digest(key, size) in shipped

    def _digest(self, key: FileKey, size: int) -> str:
        digest, at = blake2b(digest_size=16), 0
        while at < size and (
            data := self._files.read(key, at, min(_HASHED, size - at))
        ):
            digest.update(data)
            at += len(data)
        return digest.hexdigest()

    def _not_shipped(self, found: Found) -> FileProof | None:
        text = self._texts().get(found.key, PLAIN)
        extent = self._files.extent(found.key, text)
        if extent is None or not extent.lines_end:
            return None
        evidence, findings = Evidence.NOT_SHIPPED, list[Finding]()
        since = self._since.get(found.root)
        size = extent.lines_end
        if self._is_copy(found.key, extent):
            evidence = Evidence.COPY
        elif self._begins()[found.key] >= size:
            evidence = Evidence.PASSED
        elif found.twin_of and since is not None and found.modified_at <= since:
            evidence = Evidence.LEFT_OUT
        else:
            findings.append(Finding(Kind.HOLE, 0, size))
        return FileProof(
            path=found.path,
            service="",
            host=self._host,
            file_id="",
            evidence=evidence,
            unfinished=extent.size - size,
            findings=tuple(findings),
        )


def _birth(file_id: str) -> int:
    return int(file_id.rpartition("-")[2], 36)


def _evidence(owner: _Owner) -> Evidence:
    if owner.key is None:
        return Evidence.REMOTE
    return Evidence.COMPARED if owner.account.is_compared else Evidence.GONE


def _nothing(_start: int, _size: int) -> bytes | None:
    return None
