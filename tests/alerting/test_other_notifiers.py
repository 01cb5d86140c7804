"""Receivers that are no Slack: a signed webhook, a real Alertmanager, Apprise."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import urllib3

from alerting.message import Message, TemplateLine
from alerting.notify.alertmanager import AlertmanagerNotifier
from alerting.notify.apprise_notifier import AppriseNotifier
from alerting.notify.port import OutcomeUnknown
from alerting.notify.webhook import WebhookNotifier
from tests.alerting.receiver import Receiver
from tests.alerting.story import wait_until
from tests.conftest import unavailable
from tocsin.errors import ConfigError, DeliveryFailed

NOW = time.time()
MESSAGE = Message(
    incident="checkout-x7k2p",
    sequence=3,
    kind="opened",
    is_open=True,
    icon="🔴",
    title="checkout: ERROR burst",
    why="9 ERROR in 5 s, expected 0.1",
    fields=(("State", "open"),),
    templates=(TemplateLine(9, "payment <id> declined", is_new=True),),
    labels={"service": "checkout", "rule": "burst", "severity": "critical"},
    opened_at=NOW - 5,
    detected_at=NOW,
)
LATER = msgspec.structs.replace(MESSAGE, sequence=4, icon="✅", is_open=False)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def webhook(receiver: Receiver) -> WebhookNotifier:
    return WebhookNotifier("pager", receiver.url, secret="k3y", clock=lambda: 1000.5)  # noqa: S106 - of a test


def test_a_webhook_gets_the_message_as_json_signed_with_the_time(
    receiver: Receiver,
) -> None:
    webhook(receiver).post(MESSAGE)

    [got] = receiver.requests
    shown = json.loads(got.body)
    signed = hmac.new(b"k3y", b"1000." + got.body, hashlib.sha256).hexdigest()
    assert got.headers["X-Tocsin-Signature"] == f"t=1000,v1={signed}"
    assert got.headers["X-Tocsin-Id"] == "checkout-x7k2p-3"
    assert (shown["status"], shown["labels"]["service"]) == ("firing", "checkout")
    assert shown["templates"][0]["count"] == 9


@pytest.mark.parametrize(
    ("status", "headers", "kind", "retryable", "wait_s"),
    [
        (500, {}, OutcomeUnknown, True, None),
        (408, {}, OutcomeUnknown, True, None),
        (429, {"Retry-After": "7"}, DeliveryFailed, True, 7.0),
        (429, {}, DeliveryFailed, True, 30.0),
        (503, {"Retry-After": "Wed, 21 Oct"}, DeliveryFailed, True, 30.0),
        (302, {"Location": "http://127.0.0.1:9/"}, DeliveryFailed, False, None),
        (404, {}, DeliveryFailed, False, None),
    ],
)
def test_an_answer_that_is_no_yes_tells_what_to_do(
    receiver: Receiver,
    status: int,
    headers: dict[str, str],
    kind: type[DeliveryFailed],
    *,
    retryable: bool,
    wait_s: float | None,
) -> None:
    receiver.status, receiver.headers = status, headers

    with pytest.raises(kind) as failed:
        webhook(receiver).post(MESSAGE)

    assert (failed.value.retryable, failed.value.retry_after_s) == (retryable, wait_s)
    assert len(receiver.requests) == 1
    assert "hush" not in f"{failed.value}{webhook(receiver)!r}"
    assert "k3y" not in f"{failed.value}{webhook(receiver)!r}"


def test_a_webhook_that_is_not_there_was_certainly_not_told() -> None:
    with Receiver() as gone:
        notifier = webhook(gone)

    with pytest.raises(DeliveryFailed, match="cannot be reached") as failed:
        notifier.post(MESSAGE)

    assert failed.value.retryable
    assert not isinstance(failed.value, OutcomeUnknown)


def test_apprise_sends_plain_text(receiver: Receiver) -> None:
    url = f"json://{receiver.address}/hush"
    AppriseNotifier("mail", [url], clock=lambda: NOW).post(MESSAGE)

    shown = json.loads(receiver.requests[0].body)
    assert shown["title"] == "🔴 checkout: ERROR burst"
    assert "9 ERROR in 5 s" in shown["message"]
    assert shown["type"] == "failure"


def test_apprise_tells_a_failure_and_no_address(receiver: Receiver) -> None:
    receiver.status = 500
    notifier = AppriseNotifier(
        "mail", [f"json://{receiver.address}/hush"], clock=lambda: NOW
    )

    with pytest.raises(OutcomeUnknown) as failed:
        notifier.post(MESSAGE)

    assert "hush" not in f"{failed.value}{notifier!r}"


def test_an_address_that_apprise_cannot_read_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="address 1") as failed:
        AppriseNotifier("mail", ["nonsense://hush"], clock=lambda: NOW)

    assert "hush" not in str(failed.value)


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Alertmanager; its address."""
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        unavailable("Alertmanager tests: Debian package prometheus-alertmanager")
    folder = tmp_path_factory.mktemp("alertmanager")
    config = folder / "alertmanager.yml"
    config.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    options = [
        f"--config.file={config}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    process = subprocess.Popen([program, *options], stderr=subprocess.DEVNULL)
    notifier = AlertmanagerNotifier("am", f"http://{address}", clock=time.time)
    try:
        assert wait_until(lambda: _is_up(notifier), timeout_s=20)
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(10)


def _is_up(notifier: AlertmanagerNotifier) -> bool:
    try:
        notifier.check()
    except DeliveryFailed:
        return False
    return True


def alerts(address: str) -> list[dict[str, Any]]:
    pool = urllib3.PoolManager()
    found = json.loads(pool.request("GET", f"{address}/api/v2/alerts").data)
    pool.clear()
    assert isinstance(found, list)
    return found


@pytest.mark.slow
def test_a_real_alertmanager_shows_an_incident_and_its_end(alertmanager: str) -> None:
    notifier = AlertmanagerNotifier("am", alertmanager, clock=time.time)

    reference = notifier.post(MESSAGE)
    [alert] = alerts(alertmanager)
    notifier.edit(reference, msgspec.structs.replace(MESSAGE, why="changed"))
    [edited] = alerts(alertmanager)
    notifier.edit(reference, LATER)

    assert alert["labels"] == {
        "alertname": "burst",
        "incident": "checkout-x7k2p",
        "rule": "burst",
        "service": "checkout",
    }
    assert alert["annotations"]["severity"] == "critical"
    assert "changed" in edited["annotations"]["summary"]
    assert wait_until(lambda: alerts(alertmanager) == [])


@pytest.mark.slow
def test_an_alert_lives_longer_than_it_takes_to_be_told_again(
    alertmanager: str,
) -> None:
    notifier = AlertmanagerNotifier("am", alertmanager, clock=time.time)
    notifier.post(MESSAGE)

    [alert] = alerts(alertmanager)

    ends = time.strptime(alert["endsAt"][:19], "%Y-%m-%dT%H:%M:%S")
    lives_s = time.mktime(ends) - time.mktime(time.gmtime())
    assert lives_s > 2 * notifier.renew_every_s
