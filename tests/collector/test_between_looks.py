"""Several things that happened between two looks: each byte once, or counted."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.collector.core import Desk
from tests.collector.faults import Fault
from tests.collector.test_copies import append, expect, numbered
from tocsin.errors import TocsinError
from tocsin.records.keys import Mark

ONE = len(numbered(1))


def copytruncate(path: Path) -> None:
    """As logrotate does it."""
    shutil.copyfile(path, f"{path}.1")
    os.truncate(path, 0)


def replace(path: Path, data: bytes) -> None:
    """Write a new file beside, and rename it over the name."""
    fresh = path.parent.parent / "fresh"
    fresh.write_bytes(data)
    fresh.rename(path)


def ship_in_vain(desk: Desk, fault: Fault) -> TocsinError:
    """A commit that fails; what has to be recovered from."""
    desk.faulty.fault = fault
    with pytest.raises(TocsinError) as failure:
        desk.core.shipper.ship()
    desk.faulty.fault = Fault.NONE
    return failure.value


def go_on(desk: Desk, failure: TocsinError | None = None) -> None:
    """Look once as it is, recover, and go on until nothing more is to be expected."""
    if failure is not None:
        desk.core.look(settled=False)
        desk.core.shipper.recover(failure)
    for after_s in (0, 3, 6, 60):
        desk.work(after_s=after_s)


@pytest.mark.parametrize("is_held", [True, False])
def test_copied_truncated_and_replaced(desk: Desk, *, is_held: bool) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(3))
    desk.work()
    append(path, numbered(2, start=3))
    if not is_held:
        desk.core.descriptors.close_all()

    copytruncate(path)
    replace(path, numbered(1, start=1000))
    go_on(desk)

    expect(desk, numbered(5), numbered(1, start=1000))
    assert desk.lost() == 0


def test_copied_truncated_and_replaced_after_a_commit_without_answer(
    desk: Desk,
) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(1))
    desk.core.look()
    failure = ship_in_vain(desk, Fault.ANSWER_LOST)

    copytruncate(path)
    replace(path, numbered(1, start=1000))
    go_on(desk, failure)

    expect(desk, numbered(1), numbered(1, start=1000))


@pytest.mark.parametrize("fault", [Fault.ABORTED, Fault.ANSWER_LOST])
def test_replaced_copied_and_truncated_after_a_failed_commit(
    desk: Desk, fault: Fault
) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(1))
    desk.core.look()
    failure = ship_in_vain(desk, fault)

    replace(path, numbered(2, start=1000))
    copytruncate(path)
    go_on(desk, failure)

    expect(desk, numbered(1), numbered(2, start=1000))
    assert desk.lost() == 0


def test_replaced_before_it_was_read_and_that_renamed(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(2))
    desk.core.look()

    replace(path, numbered(1, start=1000))
    path.rename(f"{path}.1")
    go_on(desk)

    # From its first sight on it is held open.
    expect(desk, numbered(2), numbered(1, start=1000))
    assert desk.lost() == 0


@pytest.mark.parametrize("becomes", ["replaced", "deleted", "moved"])
@pytest.mark.parametrize("unread", [0, 2])
def test_s49_copied_and_truncated_while_stopped_and_then(
    desk: Desk, becomes: str, unread: int
) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(3))
    desk.work()
    desk.kill()
    append(path, numbered(unread, start=3))

    copytruncate(path)
    if becomes == "replaced":
        replace(path, b"")
    elif becomes == "deleted":
        path.unlink()
    else:
        path.rename(desk.logs.parent / "elsewhere")
    desk.start()
    go_on(desk)

    expect(desk, numbered(3 + unread))
    assert desk.lost() == 0


def test_another_file_is_no_copy_of_what_was_truncated_unread(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(1))
    desk.core.look()

    os.truncate(path, 0)
    path.rename(f"{path}.1")
    replace(path, numbered(1, start=1000))
    go_on(desk)

    expect(desk, numbered(1, start=1000))
    assert desk.lost() == ONE


def test_what_is_copied_unread_and_replaced_is_not_counted_as_lost(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(1))
    desk.core.look()

    copytruncate(path)
    replace(path, numbered(1, start=1000))
    go_on(desk)

    expect(desk, numbered(1), numbered(1, start=1000))
    assert desk.lost() == 0


def test_what_was_written_and_truncated_again_between_two_looks_each_is_counted(
    desk: Desk,
) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(2))
    desk.core.look()

    for start in (1000, 2000):
        path.write_bytes(numbered(1, start=start))
        desk.core.look()
    os.truncate(path, 0)
    go_on(desk)

    expect(desk)
    assert desk.lost() == 2 * ONE + ONE + ONE


def test_written_to_after_a_truncation_and_poked_before_a_look(desk: Desk) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(numbered(1))
    desk.core.look()

    copytruncate(path)
    append(path, b"another unfinished")
    desk.core.roster.poke(str(path))
    append(path, b" line\n")
    go_on(desk)

    expect(desk, numbered(1), b"another unfinished line\n")
    assert desk.lost() == 0


@pytest.mark.parametrize("looked", ["before", "never"])
def test_the_unfinished_line_of_a_copy_whose_original_was_renamed_comes(
    desk: Desk, looked: str
) -> None:
    path = desk.logs / "app.log"
    path.write_bytes(b"no end")
    if looked == "before":
        desk.core.look()

    copytruncate(path)
    path.rename(desk.logs / "app.log.2")
    go_on(desk)
    desk.work(after_s=400)

    assert [(r.value, r.key.mark) for r in desk.records()] == [
        (b"no end", Mark.PARTIAL)
    ]
    assert desk.lost() == 0
