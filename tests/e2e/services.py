"""Five services that log in five formats, and the truth about what they wrote.

Every line knows its level, so the counts are exact. Messages hold misleading words on
purpose: an INFO line about errors must not count as one.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

Write = Callable[[datetime, str, str], str]

CALM = (
    "completed with 0 errors in {} ms",
    "session {} opened for user anna",
    "cache refreshed, {} keys, failed=0",
    "GET /api/error-reports/{} answered",
    "health check {} passed, no exception seen",
)
ERRORS = (
    "payment {} declined by gateway: upstream timed out after 3000 ms",
    "could not reserve stock for order {}: connection refused",
)


def _json(at: datetime, level: str, text: str) -> str:
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"time": stamp, "level": level.lower(), "msg": text})


def _logfmt(at: datetime, level: str, text: str) -> str:
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f'time={stamp} level={level.lower()} msg="{text}" worker=3'


def _log4j(at: datetime, level: str, text: str) -> str:
    stamp = f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03d}"
    return f"{stamp} {level:<5} [main] com.acme.orders.OrderService - {text}"


def _python(at: datetime, level: str, text: str) -> str:
    word = {"WARN": "WARNING"}.get(level, level)
    return (
        f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03d} {word} app.auth: {text}"
    )


def _access(at: datetime, level: str, text: str) -> str:
    status = {"INFO": 200, "WARN": 404, "ERROR": 502}[level]
    path = "/" + text.split(" ", 1)[0].strip("/")
    stamp = f"{at:%d/%b/%Y:%H:%M:%S +0000}"
    return f'10.0.0.7 - - [{stamp}] "GET {path} HTTP/1.1" {status} 512 "-" "curl/8.5"'


FORMATS: dict[str, Write] = {
    "checkout": _json,
    "worker": _logfmt,
    "orders": _log4j,
    "auth": _python,
    "gateway": _access,
}


class Service:
    """One service's log file; `counts` is the truth by level.

    `kind`: whose format it logs in, where that is not its own name's.
    """

    def __init__(self, root: Path, name: str, *, kind: str = "", seed: int = 1) -> None:
        self.name = name
        self.path = root / name / "app.log"
        self.counts: Counter[str] = Counter()
        self._render = FORMATS[kind or name]
        self._random = random.Random(f"{name} {seed}")
        self._rotations = 0
        self.path.parent.mkdir(parents=True)

    def write(self, at: float, count: int, *, level: str | None = None) -> None:
        """Append `count` lines of the second `at`; mostly INFO without a `level`."""
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(self._line(at, level) for _ in range(count))

    def rotate(self) -> None:
        """Rename the file away, as logrotate does; the next line makes a new one."""
        self._rotations += 1
        self.path.rename(self.path.with_suffix(f".log.{self._rotations}"))

    def _line(self, at: float, level: str | None) -> str:
        chosen = level or self._random.choices(("INFO", "WARN"), (9, 1))[0]
        texts = ERRORS if chosen == "ERROR" else CALM
        text = self._random.choice(texts).format(self._random.randrange(10**6))
        self.counts[chosen] += 1
        return self._render(datetime.fromtimestamp(at, UTC), chosen, text) + "\n"
