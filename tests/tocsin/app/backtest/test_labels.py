"""Pages held against labels."""

from __future__ import annotations

from tests.tocsin.cli.test_incidents import incident
from tocsin.app.backtest.labels import Span, score

SPAN = Span(100.0, 200.0, "step")


def judged(*pages: tuple[str, float], spans: tuple[Span, ...] = (SPAN,)) -> str:
    incidents = [incident(service, at) for service, at in pages]
    found = score(incidents, {"pay": spans})
    right, wrong = found.found.total(), len(found.false)
    missed = len(found.missed)
    return f"{right} right, {wrong} false, {found.repeats} again, {missed} missed"


def test_a_page_is_right_until_two_minutes_after_the_end() -> None:
    assert judged(("pay", 100.0)) == "1 right, 0 false, 0 again, 0 missed"
    assert judged(("pay", 320.0)) == "1 right, 0 false, 0 again, 0 missed"
    assert judged(("pay", 320.5)) == "0 right, 1 false, 0 again, 1 missed"
    assert judged(("pay", 99.5)) == "0 right, 1 false, 0 again, 1 missed"
    assert judged(("cart", 150.0)) == "0 right, 1 false, 0 again, 1 missed"


def test_a_second_page_of_one_trouble_is_neither_right_nor_false() -> None:
    assert judged(("pay", 110.0), ("pay", 150.0)) == (
        "1 right, 0 false, 1 again, 0 missed"
    )


def test_no_page_is_due_in_a_surge() -> None:
    surge = Span(100.0, 200.0, "surge")

    assert judged(("pay", 150.0), spans=(surge,)) == (
        "0 right, 1 false, 0 again, 0 missed"
    )
    assert judged(spans=(surge,)) == "0 right, 0 false, 0 again, 0 missed"


def test_nothing_due_and_nothing_paged_is_perfect() -> None:
    found = score([], {})

    assert (found.precision, found.recall, found.f1, found.delay_s) == (1, 1, 1, None)
