"""A real example message to every receiver, and what became of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from alerting.incident import Arrival
from alerting.message import Message, SampleLine, TemplateLine
from alerting.receivers import notifiers
from tocsin.config.model import Config
from tocsin.errors import DeliveryFailed, TocsinError

_SPARK = "▁▁▁▁▁▁▁▁▁▁▁▁▂▁▁▂▃▅▇█"


class Answer(NamedTuple):
    """What a receiver did with the example; `cure` where a person can mend it."""

    receiver: str
    accepted: bool
    took_s: float
    problem: str = ""
    cure: str = ""


def tell_all(config: Config, only: tuple[str, ...] = ()) -> Iterator[Answer]:
    """Send an example to every receiver, or to some; blocks some seconds for each.

    Raises:
        ConfigError: a receiver is not set up wholly.
        TocsinError: there is no receiver of a name.
    """
    made = notifiers(config.alerting, clock=time.time)
    for name in only:
        if name not in made:
            known = ", ".join(made)
            raise TocsinError(f"there is no receiver {name!r}", hint=f"known: {known}")
    for name, notifier in made.items():
        if only and name not in only:
            continue
        started = time.monotonic()
        try:
            notifier.check()
            reference = notifier.post(example(time.time(), is_open=True))
            if notifier.can_edit:
                notifier.edit(reference, example(time.time(), is_open=False))
        except DeliveryFailed as error:
            took_s = time.monotonic() - started
            yield Answer(name, False, took_s, str(error), error.hint)
        else:
            yield Answer(name, True, time.monotonic() - started)


def example(now: float, *, is_open: bool) -> Message:
    """A message that says what it is."""
    return Message(
        incident=f"tocsin-test-{int(now)}",
        sequence=1 if is_open else 2,
        kind="opened" if is_open else "resolved",
        is_open=is_open,
        icon="🟠" if is_open else "✅",
        title=f"tocsin: this is a test{'' if is_open else ' resolved'}",
        why="412 ERROR in 60 s, expected 24 (×17); this is what an incident looks like",
        fields=(
            ("State", "open" if is_open else "resolved"),
            ("Severity", "warning"),
            ("Hosts", "web-1, web-2"),
            ("Rule", "test"),
        ),
        templates=(TemplateLine(371, "payment <id> declined by gateway", is_new=True),),
        samples=(
            SampleLine(
                "2026-03-14T00:00:01Z ERROR payment 7f3 declined by gateway",
                "/var/log/checkout-api/app.log at byte 1,048,576",
            ),
        ),
        spark=_SPARK if is_open else "",
        spark_peak=41,
        arrival=Arrival(now - 0.2, now - 0.15, now - 0.05),
        detected_at=now,
        opened_at=now - 60,
        labels={"service": "tocsin", "rule": "test", "severity": "warning"},
    )
