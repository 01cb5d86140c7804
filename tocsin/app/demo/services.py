"""The services of the demo: how each writes its lines, and what it has to say.

Much of what they say when all is well holds words such as "error" or "failed", because
real logs do: a tool that searches for words would cry wolf here.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

INFO, WARN, ERROR = "INFO", "WARN", "ERROR"

Say = tuple[str, str]
"""A level and a message; `{n}`, `{ms}`, `{ip}`, `{id}` become random values."""

_STACK = (
    "java.net.SocketTimeoutException: Read timed out",
    "\tat java.base/sun.nio.ch.NioSocketImpl.timedRead(NioSocketImpl.java:278)",
    "\tat com.example.payments.BankClient.capture(BankClient.java:114)",
    "\tat com.example.payments.CaptureService.run(CaptureService.java:62)",
)


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its file, its format, its pace, and what it says.

    `usual` is drawn from evenly, `broken` while it is out of order.
    """

    name: str
    file: str
    render: Callable[[float, str, str, random.Random], str]
    lines_per_s: float
    usual: Sequence[Say]
    broken: Sequence[Say] = ()


def fill(message: str, rng: random.Random) -> str:
    """Put random values in a message's places."""
    return message.format(
        n=rng.randint(1, 9_999),
        ms=rng.randint(2, 480),
        ip=f"10.{rng.randint(0, 9)}.{rng.randint(0, 99)}.{rng.randint(1, 254)}",
        id=f"{rng.getrandbits(48):012x}",
    )


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _local(at: float) -> str:
    # As log4j and Python write it: the machine's time, without its zone.
    moment = datetime.fromtimestamp(at).astimezone()
    return f"{moment:%Y-%m-%d %H:%M:%S},{moment.microsecond // 1000:03d}"


def _json_line(at: float, level: str, message: str, rng: random.Random) -> str:
    return json.dumps(
        {
            "time": _iso(at),
            "level": level.lower(),
            "service": "checkout",
            "msg": message,
            "request_id": f"{rng.getrandbits(64):016x}",
        }
    )


def _log4j_line(at: float, level: str, message: str, rng: random.Random) -> str:
    thread = f"http-nio-8080-exec-{rng.randint(1, 12)}"
    head = f"{_local(at)} {level:<5} [{thread}] c.e.payments.CaptureService - {message}"
    if level == ERROR and rng.random() < 0.2:
        return "\n".join((head, *_STACK))
    return head


def _access_line(at: float, level: str, message: str, rng: random.Random) -> str:
    status = 404 if level == WARN else 200
    moment = datetime.fromtimestamp(at).astimezone()
    return (
        f"{fill('{ip}', rng)} - - [{moment:%d/%b/%Y:%H:%M:%S %z}] "
        f'"GET {message} HTTP/1.1" {status} {rng.randint(180, 48_000)} "-" '
        f'"Mozilla/5.0 (X11; Linux x86_64)"'
    )


def _python_line(at: float, level: str, message: str, _: random.Random) -> str:
    word = "WARNING" if level == WARN else level
    return f"{_local(at)} - auth.session - {word} - {message}"


def _logfmt_line(at: float, level: str, message: str, rng: random.Random) -> str:
    return (
        f'time={_iso(at)} level={level.lower()} msg="{message}" '
        f"queue=mail attempt={rng.randint(1, 3)}"
    )


def _klog_line(at: float, level: str, message: str, rng: random.Random) -> str:
    moment = datetime.fromtimestamp(at).astimezone()
    return (
        f"{level[0]}{moment:%m%d %H:%M:%S.%f}    1 "
        f"scheduler.go:{rng.randint(80, 400)}] {message}"
    )


def _syslog_line(at: float, level: str, message: str, _: random.Random) -> str:
    severity = {INFO: 6, WARN: 4, ERROR: 3}[level]
    moment = datetime.fromtimestamp(at).astimezone()
    return (
        f"<{16 * 8 + severity}>{moment:%b} {moment.day:>2} {moment:%H:%M:%S} "
        f"store-2 inventory[812]: {message}"
    )


SERVICES = (
    Service(
        "checkout",
        "checkout.json.log",
        _json_line,
        4.0,
        (
            (INFO, "order {n} placed"),
            (INFO, "cart {id} priced in {ms} ms"),
            (INFO, "error budget: 99.97 % left"),
            (INFO, "retry queue drained, failed=0 errors=0"),
            (WARN, "slow response from inventory: {ms} ms"),
        ),
    ),
    Service(
        "payments",
        "payments.log",
        _log4j_line,
        5.0,
        (
            (INFO, "captured payment {n} in {ms} ms"),
            (INFO, "authorised a card for order {n}"),
            (INFO, "reconciliation finished: 0 errors, 0 failed"),
            (INFO, "ErrorMapper loaded 214 error codes"),
            (WARN, "bank gateway answered in {ms} ms, above the usual"),
        ),
        (
            (ERROR, "capture of payment {n} failed: bank gateway timed out"),
            (ERROR, "capture of payment {n} failed: bank gateway timed out"),
            (ERROR, "connection to bank-gw.example.net:443 refused (attempt {n})"),
            (ERROR, "giving up on payment {n} after 3 attempts"),
            (WARN, "circuit breaker for bank gateway is open"),
        ),
    ),
    Service(
        "gateway",
        "access.log",
        _access_line,
        12.0,
        (
            (INFO, "/api/cart/{n}"),
            (INFO, "/api/orders?status=failed&page=2"),
            (INFO, "/static/error-icon.svg"),
            (INFO, "/api/products/{n}"),
            (INFO, "/healthz"),
            (WARN, "/wp-login.php"),
        ),
    ),
    Service(
        "auth",
        "auth.log",
        _python_line,
        3.0,
        (
            (INFO, "token of user {n} refreshed"),
            (INFO, "login of user {n} from {ip}"),
            (INFO, "failed-login counter of user {n} reset"),
            (WARN, "wrong password for user {n} from {ip}"),
        ),
    ),
    Service(
        "worker",
        "worker.log",
        _logfmt_line,
        4.0,
        (
            (INFO, "job {id} done in {ms} ms"),
            (INFO, "sent mail: Your payment failed, please try again"),
            (INFO, "dead letter queue is empty, no errors"),
            (WARN, "job {id} took {ms} s, above its limit"),
        ),
    ),
    Service(
        "scheduler",
        "scheduler.log",
        _klog_line,
        2.0,
        (
            (INFO, '"Scheduled" job="report-{n}" node="node-3"'),
            (INFO, '"Synced" objects={n} err=<nil>'),
            (WARN, '"Node is slow to answer" node="node-7" ms={ms}'),
        ),
    ),
    Service(
        "inventory",
        "inventory.log",
        _syslog_line,
        2.0,
        (
            (INFO, "stock of item {n} updated"),
            (INFO, "nightly check: no critical items, error log is empty"),
            (WARN, "stock of item {n} is low"),
        ),
    ),
)

BY_NAME: Mapping[str, Service] = {service.name: service for service in SERVICES}
