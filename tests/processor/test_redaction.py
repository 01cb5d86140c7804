"""Nothing secret leaves the processor, and no hostile line holds it up."""

from __future__ import annotations

import time

import pytest

from processor import columns
from processor.redaction import SECRETS, Redaction, Secret
from tocsin.errors import ConfigError


def redacted(*texts: str, by: Redaction | None = None) -> list[str]:
    column = columns.column([text.encode("utf-8", "surrogateescape") for text in texts])
    return [
        text.decode("utf-8", "surrogateescape")
        for text in columns.to_list((by or Redaction())(column))
    ]


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret.name)
def test_a_secret_leaves_its_kind(secret: Secret) -> None:
    kept = secret.kept.replace("{}", f"[{secret.name}]")

    assert redacted(f"{secret.example} again") == [f"{kept} again"]


@pytest.mark.parametrize(
    "line",
    [
        "password=hunter2",
        "password: hunter2",
        "PASSWORD = 'hunter2 hunter2'",
        'pwd="hunter2',  # the end of the line was cut
        "db.password=hunter2;",
        "DB_PASSWORD=hunter2",
        "spring.datasource.password=hunter2",
        "{'user': 'ann', 'password': 'hunter2'}",
        r'{"body":"{\"password\":\"hunter2\"}"}',
        "GET /login?user=ann&password=hunter2&x=1",
        "GET /login?password%3Dhunter2",
        "user ann, passwd => hunter2",
        "mysql --password=hunter2 -u ann",
        "curl --token hunter2",
        "Authorization: Bearer hunter2",
        "authorization: Basic hunter2==",
        "Cookie: hunter2",
        "api_key=hunter2 apikey: hunter2 api-key=hunter2",
        "aws_secret_access_key = hunter2",
        "client_secret=hunter2",
        "refresh_token: hunter2",
        "X-Auth-Token: hunter2",
        "redis://:hunter2@cache:6379/0",
        "amqp://ann:hunter2@[::1]/x",
        "https://ann:p%40hunter2:x@web/?a=b",
        "<password>hunter2</password>",
        "password_hash=hunter2",
        "Caused by: x\n\tpassword=hunter2\n\tat a.b(c)",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n",
    ],
)
def test_a_password_is_found_wherever_it_stands(line: str) -> None:
    (text,) = redacted(line)

    assert "hunter2" not in text


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "5500-0055-5555-5559",
        "378282246310005",
    ],
)
def test_a_card_number_is_known_by_its_check_digit(number: str) -> None:
    other = number[:-1] + "8"

    assert redacted(f"card{number} or {number}.", f"id {other} of 1") == [
        "card[card] or [card].",
        f"id {other} of 1",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "token expired, password expired, secret santa",
        "unexpected end of input near line 12",
        "bearer authentication failed",
        "max_tokens=4096 token_type=jwt passwordless=yes",
        "trace 4bf92f3577b34da6a3ce929d0e0e4736 span 00f067aa0ba902b7",
        "block blk_-5140072410813878235 of 25140072410813878232",
        "at 1773480067250 for 0.0000000000000001 s",
        "https://user@host/x and ftp://files.example/a:b@c",
        "mail@ or @mail are none, nor is a@b",
        "größe=7 \udcff\udc80 \x00",
    ],
)
def test_a_line_without_secrets_stays(line: str) -> None:
    assert redacted(line) == [line]


def test_further_patterns_are_redacted_and_the_defaults_can_be_left_out() -> None:
    own = {"patient": r"\bP-[0-9]{6}\b"}
    line = "patient P-123456 of ann@mail.example"

    assert redacted(line, by=Redaction(own)) == ["patient [patient] of [e-mail]"]
    assert redacted(line, by=Redaction(own, defaults=False)) == [
        "patient [patient] of ann@mail.example"
    ]
    assert redacted(line, by=Redaction(defaults=False)) == [line]


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?=a)", "a{9999}"])
def test_a_pattern_that_is_none_is_told_with_its_name(pattern: str) -> None:
    with pytest.raises(ConfigError, match=r"processor\.redact: mine"):
        Redaction({"mine": pattern})


def test_no_line_holds_it_up() -> None:
    hostile = [
        "password=" * 4000,
        '"' + "\\" * 30_000,
        "a://" * 8000,
        "4" * 30_000,
        "4 " * 15_000,
        "a" * 30_000 + "@",
        "a@b." * 8000,
        "-----BEGIN PRIVATE KEY-----" * 1000,
    ]
    for line in hostile:
        began = time.process_time()
        redacted(line)
        assert time.process_time() - began < 0.25, line[:20]
