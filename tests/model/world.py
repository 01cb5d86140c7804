"""Files as writers and rotation leave them, and the oracle: what must arrive.

Every line is unlike any other. A line stands in one or more places (a place is the
content of a file between its making, or a truncation, and the next). As long as one of
them can be read, the line must arrive exactly once. Where the last one goes before the
line was committed, nobody can read it any more: it may arrive (it may be on its way),
at most once, and its bytes are lost. Those that the collector had looked at must be
counted so, and no more than all may be.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

_LINE = b"%07d %s\n"


@dataclass(eq=False)
class FileObject:
    """An inode with an open writer; it outlives its names."""

    descriptor: int
    at: int = 0

    @property
    def key(self) -> tuple[int, int]:
        """Device and inode."""
        at = os.fstat(self.descriptor)
        return at.st_dev, at.st_ino


@dataclass(eq=False)
class Place:
    """The content of one file.

    `path`: where it can be found; None once nothing but an open descriptor leads to it.
    `seen`: how much of it the collector at work has looked at. `is_left`: its writer
    has left it, as the collector can see.
    """

    file: FileObject
    path: Path | None
    data: bytes = b""
    seen: int = 0
    is_readable: bool = True
    is_left: bool = False

    @property
    def unfinished(self) -> bytes:
        """What follows the last newline."""
        return self.data[self.data.rfind(b"\n") + 1 :].lstrip(b"\0")

    def lines(self) -> list[bytes]:
        """The whole lines, without the NUL bytes of a hole before them."""
        return [x.lstrip(b"\0") for x in self.data.split(b"\n")[:-1]]


@dataclass
class Loss:
    """Bytes that nobody can read any more: a line, or one without its end.

    `seen`: how many of them the collector has looked at, and has not been killed since.
    `is_told`: it has looked again since.
    """

    text: bytes
    size: int
    seen: int
    place: Place
    is_told: bool = False


@dataclass
class World:
    """All files, and what was written to them; `live`: by name."""

    logs: Path
    live: dict[str, Place] = field(default_factory=dict)
    gone: list[Place] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    homes: dict[bytes, list[Place]] = field(default_factory=dict)
    may: set[bytes] = field(default_factory=set)
    losses: list[Loss] = field(default_factory=list)
    number: int = 0

    # What writers do

    def open(self, name: str) -> Place:
        """The file of a name, made if need be."""
        if name not in self.live:
            self.live[name] = self.make(self.logs / name)
        return self.live[name]

    def make(self, path: Path, found_at: Path | None = None) -> Place:
        """A new file; a link may lead to it."""
        file = FileObject(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644))
        return self._place(file, found_at or path)

    def write(self, place: Place, count: int, *, partial: bool = False) -> None:
        """Append lines, the last without its end if it is `partial`."""
        data = b""
        for _ in range(count):
            self.number += 1
            data += _LINE % (self.number, b"x" * (self.number * 7 % 60))
        self._put(place, data[:-3] if partial else data)

    def end_line(self, place: Place) -> None:
        """End a line that is unfinished."""
        if place.unfinished:
            self._put(place, b"!\n")

    def _put(self, place: Place, data: bytes) -> None:
        file = place.file
        was = len(place.data)
        os.pwrite(file.descriptor, data, file.at)
        place.data += b"\0" * (file.at - was) + data
        file.at += len(data)
        begun = place.data.rfind(b"\n", 0, was) + 1
        for line in place.data[begun:].split(b"\n")[:-1]:
            self.homes.setdefault(line.lstrip(b"\0"), []).append(place)
            if not place.is_readable:
                self.may.add(line.lstrip(b"\0"))

    def _place(self, file: FileObject, path: Path | None) -> Place:
        made = Place(file, path)
        self.places.append(made)
        return made

    # What rotation does

    def leave(self, name: str, path: Path | None, *, known: bool) -> Place:
        """A file is at its name no more; `known`: the collector knew it there."""
        place = self.live.pop(name)
        place.path, place.is_left = path, known
        self.gone.append(place)
        return place

    def copy(self, place: Place, to: Path) -> None:
        """Copy a file to another name."""
        made = self.make(to)
        os.pwrite(made.file.descriptor, place.data, 0)
        made.data, made.file.at, made.is_left = place.data, len(place.data), True
        self.gone.append(made)
        for line in place.lines():
            self.homes[line].append(made)

    def truncate(self, name: str, *, appends: bool, shipped: Counter[bytes]) -> None:
        """Cut a file to nothing; a writer that does not append goes on where it was."""
        place = self.live[name]
        os.ftruncate(place.file.descriptor, 0)
        if appends:
            place.file.at = 0
        self.destroy(place, shipped)
        self.live[name] = self._place(place.file, place.path)

    def destroy(self, place: Place, shipped: Counter[bytes]) -> None:
        """A place cannot be read any more; what was `shipped` of it is safe."""
        if not place.is_readable:
            return
        place.is_readable = False
        at = 0
        for raw in place.data.split(b"\n")[:-1]:
            line = raw.lstrip(b"\0")
            safe = any(home.is_readable for home in self.homes[line])
            if not safe and not shipped[line]:
                self.may.add(line)
                self._lose(place, line, at, at + len(raw) + 1)
            at += len(raw) + 1
        copied = any(
            other.is_readable
            and len(other.data) >= len(place.data) > 0
            and other.data.startswith(place.data)
            for other in self.places
        )
        if at < len(place.data) and not copied:
            self._lose(place, place.unfinished, at, len(place.data))

    def _lose(self, place: Place, text: bytes, start: int, end: int) -> None:
        seen = max(0, min(end, place.seen) - start)
        self.losses.append(Loss(text, end - start, seen, place))

    def look(self, *, settled: bool) -> None:
        """The collector looks: what is missing shows, unless new bytes hide it.

        Not `settled`: what it took last may have to be put back, so it cannot tell.
        """
        for loss in self.losses:
            file = loss.place.file
            now = next(p for p in reversed(self.places) if p.file is file)
            if not loss.is_told and now is not loss.place:
                loss.seen = 0 if now.data or not settled else loss.seen
            loss.is_told = True

    def forget_what_was_seen(self) -> None:
        """A collector that is killed can tell of nothing that it had only seen."""
        for loss in self.losses:
            # What is told of a copy's original is told some seconds later.
            loss.seen = 0
        for place in self.places:
            place.seen = 0

    # The oracle

    def must(self) -> set[bytes]:
        """The lines that must arrive."""
        return self.homes.keys() - self.may

    def fragments(self) -> Counter[bytes]:
        """Unfinished last lines, which may come once their file is given up."""
        return Counter(place.unfinished for place in self.places if place.unfinished)

    def due_fragments(self) -> set[bytes]:
        """Those of files that can be read and whose writers have left them."""
        return {
            place.unfinished
            for place in self.places
            if place.unfinished and place.is_readable and place.is_left
        }

    def holds(self, value: bytes, offset: int) -> bool:
        """Whether a place has these bytes there."""
        end = offset + len(value)
        return any(place.data[offset:end] == value for place in self.places)

    def close(self) -> None:
        """Close all writers."""
        for file in {id(place.file): place.file for place in self.places}.values():
            os.close(file.descriptor)
