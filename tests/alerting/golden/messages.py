"""The messages of the golden files, and how they are written down.

    python -m tests.alerting.golden.messages

writes them anew; look at the difference before you commit it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from alerting.bundle import describe_bundle
from alerting.evidence import Evidence
from alerting.incident import Arrival
from alerting.message import Message, describe
from alerting.notify.blocks import blocks, fallback
from alerting.notify.terminal import render
from alerting.selfcheck import SelfCheck, Vitals
from tests.alerting.story import START
from tests.alerting.test_message import (
    SPARK,
    incident,
    new_error,
    over,
    silent,
    storm,
    tally,
)
from tocsin.records.frames import Skew

FOLDER = Path(__file__).parent
_AT = START + 60.52
_EVIL = (
    "<!channel> *@here* ```\x1b[31m\u202etxt ` &amp; <http://e.example|ok> " + "🧨" * 9
)


def _opened() -> Message:
    return describe(incident(), "opened", SPARK, now=_AT)


def _escalated() -> Message:
    worse = msgspec.structs.replace(incident(), has_escalated=True, errors=900)
    return describe(worse, "escalated", SPARK, now=START + 90)


def _resolved() -> Message:
    return describe(over(incident()), "resolved", SPARK, now=START + 251)


def _reopened() -> Message:
    again = msgspec.structs.replace(
        incident(), reopened=3, reopenings=(START, START + 700, START + 1400)
    )
    return describe(again, "reopened", SPARK, now=START + 1400)


def _stale() -> Message:
    stale = msgspec.structs.replace(incident(), is_stale=True)
    return describe(stale, "updated", SPARK, now=START + 400)


def _absence() -> Message:
    found = msgspec.structs.replace(
        silent(), arrival=Arrival(), fired_at=START + 299, detected_at=START + 300.4
    )
    return describe(found, "opened", (), now=START + 301)


def _new_pattern() -> Message:
    return describe(new_error(), "opened", (), now=START + 61)


def _storm() -> Message:
    bundle, known = storm(12, service="shop-")
    worst = msgspec.structs.replace(known[bundle.members[7]], severity="critical")
    return describe_bundle(bundle, known | {worst.id: worst}, now=START + 30)


def _digest() -> Message:
    bundle, known = storm(2)
    late = msgspec.structs.replace(bundle, kind="digest", is_open=False)
    known[bundle.members[0]] = over(known[bundle.members[0]])
    return describe_bundle(late, known, now=START + 7200)


def _of_itself(**vitals: Any) -> Message:
    """The first message that a look at itself, a minute later, leads to."""
    check = SelfCheck()
    looks = (Vitals(now=START + x, heard_at=START + x, **vitals) for x in (0, 60))
    found = [change.incident for look in looks for change in check.look(look)]
    return describe(found[0], "opened", (), now=_AT + 0.5)


def _collector_down() -> Message:
    return _of_itself(collectors_down=["web-3", "web-7"])


def _skewed() -> Message:
    return _of_itself(skewed=412, skews=[Skew("cart", "web-3", 412, 3_601.5)])


def _lagging() -> Message:
    return _of_itself(watermark=START - 150.0, is_idle=False)


def _hostile() -> Message:
    evil = Evidence((tally(_EVIL, 3), tally("x" * 10_000, 2)), (_EVIL,))
    return describe(incident(_EVIL, evil), "opened", SPARK, now=_AT)


MESSAGES: dict[str, Callable[[], Message]] = {
    "opened": _opened,
    "escalated": _escalated,
    "resolved": _resolved,
    "reopened_flapping": _reopened,
    "stale": _stale,
    "absence": _absence,
    "new_pattern": _new_pattern,
    "storm": _storm,
    "digest": _digest,
    "collector_down": _collector_down,
    "skewed": _skewed,
    "lagging": _lagging,
    "hostile": _hostile,
}


def written(message: Message) -> str:
    """The message on a phone, on a terminal and in Slack's blocks."""
    shown = json.dumps(_stable(blocks(message, sent_at=_AT)), indent=1)
    return "\n".join(
        [
            "--- on a phone",
            fallback(message),
            "--- on a terminal",
            render(message, sent_at=_AT),
            "--- Slack's blocks",
            shown,  # escaped, so that no reader's editor is fooled
            "",
        ]
    )


def _stable(part: Any) -> Any:
    """Blocks without their ids, which are new each time."""
    if isinstance(part, list):
        return [_stable(x) for x in part]
    if isinstance(part, dict):
        return {k: _stable(v) for k, v in part.items() if k != "block_id"}
    return part


def golden(name: str) -> Path:
    """The file of a message."""
    return FOLDER / f"{name}.txt"


if __name__ == "__main__":
    for each, make in MESSAGES.items():
        golden(each).write_text(written(make()))
