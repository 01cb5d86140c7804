"""Tables: the latest value of each key, in views that follow cheaply."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from tests.contract.site import Site
from tocsin.ports.bus import Bus, TopicSpec

TABLE = "state"


@pytest.fixture(autouse=True)
def _tables(site: Site) -> None:
    site.create(TopicSpec(TABLE, compacted=True), TopicSpec("other", compacted=True))


def _put(bus: Bus, rows: Mapping[bytes, bytes | None], table: str = TABLE) -> None:
    producer = bus.producer("writer")
    with producer.transaction() as tx:
        tx.put(table, rows)
    producer.close()


def test_a_view_has_the_latest_rows_when_it_is_opened(bus: Bus) -> None:
    _put(bus, {b"a": b"1", b"b": b"1"})
    _put(bus, {b"a": b"2", b"c": b"\x00", b"": b"empty key"})

    view = bus.table(TABLE)

    assert view.rows == {b"a": b"2", b"b": b"1", b"c": b"\x00", b"": b"empty key"}


def test_a_refresh_tells_what_changed(open_bus: Callable[[], Bus]) -> None:
    bus = open_bus()
    _put(bus, {b"a": b"1", b"b": b"1"})
    view = open_bus().table(TABLE)

    _put(bus, {b"b": b"2", b"c": b"3"})

    assert view.rows == {b"a": b"1", b"b": b"1"}
    assert view.refresh() == {b"b", b"c"}
    assert view.rows == {b"a": b"1", b"b": b"2", b"c": b"3"}
    assert view.refresh() == set()


def test_a_deleted_row_goes_from_old_and_new_views(bus: Bus) -> None:
    _put(bus, {b"a": b"1", b"b": b"1"})
    view = bus.table(TABLE)

    _put(bus, {b"a": None})

    assert view.refresh() == {b"a"}
    assert view.rows == {b"b": b"1"}
    assert bus.table(TABLE).rows == {b"b": b"1"}


def test_a_deleted_row_can_come_back(bus: Bus) -> None:
    _put(bus, {b"a": b"1"})
    _put(bus, {b"a": None})
    view = bus.table(TABLE)

    _put(bus, {b"a": b"2"})

    assert view.refresh() == {b"a"}
    assert view.rows == {b"a": b"2"}


def test_a_view_with_a_prefix_has_only_its_rows(bus: Bus) -> None:
    _put(bus, {b"one/a": b"1", b"two/a": b"1", b"on": b"1"})
    view = bus.table(TABLE, prefix=b"one/")
    assert view.rows == {b"one/a": b"1"}

    _put(bus, {b"one/b": b"2", b"two/b": b"2", b"one/a": None})

    assert view.refresh() == {b"one/a", b"one/b"}
    assert view.rows == {b"one/b": b"2"}


def test_a_view_of_another_table_does_not_change(bus: Bus) -> None:
    view = bus.table(TABLE)

    _put(bus, {b"a": b"1"}, table="other")

    assert view.refresh() == set()
    assert view.rows == {}


def test_the_last_put_of_a_transaction_holds(bus: Bus) -> None:
    with bus.producer("p").transaction() as tx:
        tx.put(TABLE, {b"a": b"1", b"b": b"1"})
        tx.put(TABLE, {b"a": b"2", b"b": None})

    assert bus.table(TABLE).rows == {b"a": b"2"}


def test_a_view_that_slept_over_upkeep_still_sees_deletions(bus: Bus) -> None:
    _put(bus, {b"a": b"1", b"b": b"1"})
    view = bus.table(TABLE)
    _put(bus, {b"a": None})
    for _ in range(3):
        bus.maintain()

    changed = view.refresh()

    assert changed == {b"a"}
    assert view.rows == {b"b": b"1"}


def test_rows_of_two_tables_in_one_transaction_stay_apart(bus: Bus) -> None:
    producer = bus.producer("writer")

    with producer.transaction() as tx:
        tx.put(TABLE, {b"a": b"1"})
        tx.put("other", {b"b": b"2"})
    producer.close()

    assert bus.table(TABLE).rows == {b"a": b"1"}
    assert bus.table("other").rows == {b"b": b"2"}
