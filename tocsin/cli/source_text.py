"""Files and how far they are read, as a table, a live table, and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from tocsin.app.sources import SourceRow, State
from tocsin.cli.lines import visible

if TYPE_CHECKING:
    from rich.table import Table

_COLUMNS = "{:<40} {:<16} {:<14} {:>15} {:>12} {:>9}  {}"
_HEADINGS = "FILE", "SERVICE", "FORMAT", "POSITION", "BEHIND", "SECONDS", "STATE"
_RIGHT = frozenset({"POSITION", "BEHIND", "SECONDS"})
_STYLES = {State.BEHIND: "yellow", State.REWRITTEN: "yellow", State.GONE: "dim"}

Show = Callable[[Sequence[SourceRow]], None]


def as_json(row: SourceRow) -> str:
    """A file as one flat JSON object."""
    shown = {
        "path": row.path.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
        "service": row.service,
        "host": row.host,
        "collector": row.collector,
        "file_id": row.file_id,
        "format": row.format or None,
        "state": row.state.name.lower(),
        "position": row.position,
        "size": row.size,
        "behind_bytes": row.behind_bytes,
        "behind_s": round(row.behind_s, 3),
        "committed_at": row.committed_at,
    }
    return msgspec.json.encode(shown).decode()


def lines(rows: Sequence[SourceRow]) -> Iterator[str]:
    """A line for each file under a line of headings, and one with the sums."""
    yield _COLUMNS.format(*_HEADINGS)
    for row in rows:
        yield _COLUMNS.format(*_cells(row)).rstrip()
    yield _sums(rows)


@contextmanager
def live_table() -> Iterator[Show]:
    """A table on the terminal that is drawn anew with each call."""
    # Only here: rich takes its time to load, and a pipe wants none of it.
    from rich.live import Live  # noqa: PLC0415

    with Live(auto_refresh=False, screen=True) as live:

        def show(rows: Sequence[SourceRow]) -> None:
            height = max(1, live.console.height - 5)
            live.update(_table(rows, height), refresh=True)

        yield show


def _table(rows: Sequence[SourceRow], height: int) -> Table:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    # What is behind is what one looks for.
    chosen = sorted(rows, key=lambda row: -row.behind_bytes)[:height]
    table = Table(title=_sums(rows), box=None, expand=True)
    for heading in _HEADINGS:
        table.add_column(
            heading,
            justify="right" if heading in _RIGHT else "left",
            no_wrap=heading != "FILE",
        )
    for row in chosen:
        style = _STYLES.get(row.state, "")
        table.add_row(*(Text(cell, style=style) for cell in _cells(row)))
    return table


def _cells(row: SourceRow) -> tuple[str, ...]:
    return (
        visible(row.path),
        visible(row.service),
        visible(row.format) or "-",
        f"{row.position:,}",
        f"{row.behind_bytes:,}",
        f"{row.behind_s:.1f}",
        row.state.value,
    )


def _sums(rows: Sequence[SourceRow]) -> str:
    behind = sum(row.behind_bytes for row in rows)
    seconds = max((row.behind_s for row in rows), default=0.0)
    return f"{len(rows):,} files, {behind:,} bytes and {seconds:.1f} s behind"
