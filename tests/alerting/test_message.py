"""The message: what a person needs, in Slack's blocks and on the terminal."""

from __future__ import annotations

import io
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.bundle import Bundle, describe_bundle
from alerting.burst import Burst
from alerting.evidence import Evidence, TemplateTally
from alerting.group import Group
from alerting.happening import Observed
from alerting.incident import Arrival, Incident, Phase, Policy
from alerting.message import Message, alert_record, describe, filled, span, sparkline
from alerting.notify.blocks import blocks, fallback, plain
from alerting.notify.terminal import TerminalNotifier, render
from alerting.reducer import reduce
from tests.alerting import cases
from tests.alerting.story import START
from tests.slack import content_problem
from tocsin.records.frames import Sample

SPARK = (0,) * 50 + (1, 2, 0, 4, 8, 30, 41, 80, 75, 60)


def tally(text: str, count: int, *, is_new: bool = False) -> TemplateTally:
    sample = Sample(
        text=f"2026-03-14T00:00:01Z ERROR {text}",
        path="/var/log/checkout-api/app.log",
        file_id="8-1",
        offset=1_048_576,
        event_at=START,
        read_at=START,
    )
    return TemplateTally(text[:8], text, count, is_new, sample)


def incident(
    service: str = "checkout-api",
    evidence: Evidence | None = None,
) -> Incident:
    if evidence is None:
        found = (
            tally("payment <id> declined by gateway, status <n>", 371, is_new=True),
            tally("connection to db-<n> refused after <n> ms", 41),
        )
        evidence = Evidence(found, ("web-1", "web-2"))
    burst = Burst(START + 60, 60, 412, 4200, 24.2, 0.006, 0.4, 22, "critical")
    seen = Observed(
        rule="burst",
        of=Group(service),
        second=START + 60,
        errors=80,
        peak=80,
        burst=burst,
        window=evidence,
        added=Evidence(),
        arrival=Arrival(START + 60.2, START + 60.26, START + 60.4),
    )
    state = reduce(None, seen, START + 60.5, Policy()).state
    assert state is not None
    return state


def message(of: Incident | None = None) -> Message:
    return describe(of or incident(), "opened", SPARK, now=START + 60.5)


def over(state: Incident) -> Incident:
    return msgspec.structs.replace(
        state,
        phase=Phase.RESOLVED,
        quiet_since=float(START + 131),
        resolved_at=float(START + 251),
        errors=2345,
    )


def test_the_terminal_shows_what_a_person_needs() -> None:
    shown = render(message(), sent_at=START + 60.52)

    assert shown.splitlines() == [
        "🔴 checkout-api: ERROR burst",
        "  412 ERROR in 60 s, expected 24 (×17); error share 0.6 % → 9.8 %",
        "  State:     open",
        "  Severity:  critical",
        "  Since:     2026-03-14 00:00:01 UTC",
        "  Duration:  1 m 0 s",
        "  Errors:    412",
        "  Peak:      80/s",
        "  Baseline:  0.4/s",
        "  Hosts:     web-1, web-2",
        "  Rule:      burst",
        f"  Incident:  {incident().id}",
        "  Top errors:",
        "      371 × NEW payment <id> declined by gateway, status <n>",
        "       41 × connection to db-<n> refused after <n> ms",
        "  Samples:",
        "    2026-03-14T00:00:01Z ERROR payment <id> declined by gateway, status <n>",
        "      /var/log/checkout-api/app.log at byte 1,048,576",
        "    2026-03-14T00:00:01Z ERROR connection to db-<n> refused after <n> ms",
        "      /var/log/checkout-api/app.log at byte 1,048,576",
        f"  {sparkline(SPARK)} last 60 s, peak 80/s",
        "  latest line written, read +60 ms, processed +140 ms, sent +120 ms",
    ]


def test_the_blocks_of_an_open_incident() -> None:
    made = blocks(message(), sent_at=START + 60.52)
    for block in made:
        assert block.pop("block_id").startswith(incident().id)

    assert made[0] == {
        "type": "header",
        "text": {
            "type": "plain_text",
            "text": "🔴 checkout-api: ERROR burst",
            "emoji": False,
        },
    }
    assert made[1]["text"] == {
        "type": "mrkdwn",
        "text": "412 ERROR in 60 s, expected 24 (×17); error share 0.6 % → 9.8 %",
        "verbatim": True,
    }
    assert [x["text"] for x in made[2]["fields"]][:2] == [
        "*State*\n`open`",
        "*Severity*\n`critical`",
    ]
    assert made[3]["text"]["text"] == (
        "*Top errors*\n```\n"
        "   371 × NEW payment &lt;id&gt; declined by gateway, status &lt;n&gt;\n"
        "    41 × connection to db-&lt;n&gt; refused after &lt;n&gt; ms\n```"
    )
    assert made[4]["text"]["text"].startswith("*Samples*\n```\n2026-03-14T00:00:01Z")
    assert [x["type"] for x in made] == ["header", *["section"] * 4, "context"]


def test_the_resolved_message_keeps_samples_and_tells_the_whole() -> None:
    shown = describe(over(incident()), "resolved", SPARK, now=START + 260)

    assert shown.header == "✅ checkout-api: ERROR burst resolved"
    assert shown.why == "over after 2 m 10 s: 2,345 ERROR, peak 80/s"
    assert shown.samples == message().samples
    assert shown.spark == ""


def test_a_new_normal_is_called_so() -> None:
    accepted = msgspec.structs.replace(over(incident()), reason="NEW_NORMAL")

    shown = describe(accepted, "resolved", SPARK, now=START + 260)

    assert shown.why.startswith("taken as the new normal after 2 m 10 s: 2,345 ERROR")


def test_an_edit_tells_when_the_burst_was_noticed_not_when_it_was_edited() -> None:
    shown = render(
        describe(incident(), "updated", SPARK, now=START + 90), sent_at=START + 90
    )

    assert shown.endswith("read +60 ms, processed +140 ms, noticed +100 ms")


def test_each_edit_has_new_block_ids() -> None:
    later = msgspec.structs.replace(message(), sequence=2)

    ids = {x["block_id"] for x in blocks(message(), sent_at=0)}

    assert ids.isdisjoint(x["block_id"] for x in blocks(later, sent_at=0))


def test_the_alert_record_tells_the_same() -> None:
    record = alert_record(incident(), "opened", START + 60.5)

    assert (record.event, record.service, record.count) == (
        "opened",
        "checkout-api",
        412,
    )
    assert record.templates[0].startswith("payment")
    assert json.loads(msgspec.json.encode(record))["window_s"] == 60


HOSTILE = [
    "<!channel> <!here> @channel @everyone <@U12345> <#C12345>",
    "<https://evil.example|click me> https://evil.example",
    "``` *bold* ```\n# not code `any` more ~~~",
    "&lt;!channel&gt; &amp;",
    "\x1b[2J\x1b[31m\x1b]8;;http://evil\x07x",
    "\u202egnp.exe \u2066rtl\u2069",
    "x" * 10_000,
    "👩\u200d👩\u200d👧\u200d👦" * 2_000,
    "&<>" * 5_000,
    ":rotating_light: \u0000 \ud83d",
]


def hostile(text: str) -> Message:
    evil = tuple(tally(f"{i}{text}", 9) for i in range(3))
    return message(incident(text, Evidence(evil, (text, text + "2"))))


def check_harmless(made: Message) -> None:
    body = {"text": fallback(made), "blocks": blocks(made, sent_at=START)}
    assert content_problem(body) is None
    for text in [*mrkdwn(body["blocks"]), fallback(made), plain(made)]:
        assert not set(text) & set("<>\x1b\u202e\u2066\x00")
        assert (
            text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").count("&")
            == 0
        )
    for text in mrkdwn(body["blocks"]):
        assert text.count("```") in {0, 2}
        inside = text.split("```")[1] if "```" in text else ""
        assert "`" not in inside


def mrkdwn(made: object) -> list[str]:
    """The texts of all mrkdwn objects."""
    if isinstance(made, dict):
        if made.get("type") == "mrkdwn":
            assert made["verbatim"] is True
            return [made["text"]]
        made = list(made.values())
    if isinstance(made, list):
        return [text for x in made for text in mrkdwn(x)]
    return []


def silent() -> Incident:
    """A service without lines, as the rule absence tells it."""
    return msgspec.structs.replace(
        incident("billing", Evidence()),
        rule="absence",
        headline="no lines for 5 m",
        why="the last line came at 13:04:11 UTC; usually one each 2 s",
        errors=0,
    )


def new_error() -> Incident:
    """A line never seen before, as the rule new_pattern tells it."""
    found = Evidence((tally("disk <n> failed", 1, is_new=True),), ("db-1",))
    return msgspec.structs.replace(
        incident("db", found),
        rule="new_pattern",
        headline="new error",
        why="never seen before: disk <n> failed",
        errors=1,
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_mentions_nobody_and_breaks_nothing(text: str) -> None:
    check_harmless(hostile(text))


@pytest.mark.slow
@given(st.text(st.characters(exclude_categories=[]), max_size=400))
def test_any_text_mentions_nobody_and_breaks_nothing(text: str) -> None:
    check_harmless(hostile(text))


def test_a_rule_that_counts_no_errors_says_its_own_words() -> None:
    shown = describe(silent(), "opened", (), now=START + 300)

    assert render(shown, sent_at=START).splitlines()[:2] == [
        "🔴 billing: no lines for 5 m",
        "  the last line came at 13:04:11 UTC; usually one each 2 s",
    ]
    names = [name for name, _ in shown.fields]
    assert not {"Errors", "Peak", "Baseline"} & set(names)
    check_harmless(shown)
    ended = describe(over(silent()), "resolved", (), now=START + 300)
    assert ended.header == "✅ billing: no lines for 5 m resolved"


def test_a_new_pattern_is_marked_and_named_in_the_first_line() -> None:
    shown = describe(new_error(), "opened", (), now=START + 61)

    assert shown.summary == "🔴 db: new error - never seen before: disk <n> failed"
    assert shown.templates[0].is_new
    check_harmless(shown)


def test_links_are_those_of_the_configuration_and_log_text_stays_in_its_place() -> None:
    evil = incident("x|<!channel>&to=9#/../", Evidence())
    links = {"Grafana": "https://g.example/d?s={service}&from={from_ms}&to={to_ms}"}

    made = filled(links, evil, now=START + 60)
    shown = msgspec.structs.replace(message(evil), links=made)

    [(_, address)] = made
    start = (START + 1 - 600) * 1000
    quoted = "x%7C%3C%21channel%3E%26to%3D9%23%2F..%2F"
    assert address == (
        f"https://g.example/d?s={quoted}&from={start}&to={(START + 660) * 1000}"
    )
    texts = mrkdwn(blocks(shown, sent_at=START))
    assert f"<{address.replace('&', '&amp;')}|Grafana>" in texts


def storm(count: int, *, service: str = "s") -> tuple[Bundle, dict[str, Incident]]:
    states = [cases.incident(f"{service}{x}") for x in range(count)]
    known = {x.id: x for x in states}
    bundle = Bundle(
        id="ops-x7k2p",
        kind="storm",
        channel="#ops",
        started_at=START,
        last_at=START,
        told_at=START,
        members=tuple(known),
    )
    return bundle, known


def test_the_blocks_of_a_storm_list_every_incident() -> None:
    bundle, known = storm(150)
    worst = msgspec.structs.replace(known[bundle.members[7]], severity="critical")
    known[worst.id] = worst

    made = describe_bundle(bundle, known, now=START + 30)
    shown = blocks(made, sent_at=START)

    assert made.header == "🔴 Storm: 150 incidents in 150 services"
    assert made.why == "150 open, 1 critical; each one is below this message"
    first = shown[2]["text"]["text"].splitlines()[1]
    assert first == f"🔴 s7: 9 ERROR, 30 s ({worst.id})"
    assert all(json.dumps(shown).count(x) == 1 for x in known)
    assert content_problem({"blocks": shown}) is None


def test_a_storm_too_large_for_a_message_says_how_many_more() -> None:
    bundle, known = storm(200, service="&" * 40)
    made = describe_bundle(bundle, known, now=START + 30)

    texts = [x["text"]["text"] for x in blocks(made, sent_at=START)[2:]]

    assert sum(map(len, texts)) < 13_000
    shown = sum(x.count("9 ERROR") for x in texts)
    assert f"and {200 - shown:,} more: tocsin incidents list" in texts[-1]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_storm_of_hostile_names_fits_and_mentions_nobody(text: str) -> None:
    bundle, known = storm(220, service=text[:3000])

    check_harmless(describe_bundle(bundle, known, now=START + 30))


def test_a_digest_tells_what_was_found_late() -> None:
    bundle, known = storm(2)
    digest = msgspec.structs.replace(bundle, kind="digest", is_open=False)
    known[bundle.members[0]] = over(known[bundle.members[0]])

    shown = describe_bundle(digest, known, now=START + 7200)

    assert render(shown, sent_at=START).splitlines() == [
        "🕓 Found late: 2 incidents in 2 services",
        "  too old to page when Tocsin read them; 1 not over at their last news",
        f"  🟠 s1: 9 ERROR, 2 h 0 m ({bundle.members[1]})",
        f"  ✅ s0: 2,345 ERROR, 2 m 11 s ({bundle.members[0]})",
    ]


def test_a_pipe_gets_plain_text_in_its_encoding() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="strict")

    TerminalNotifier(stream, clock=lambda: START + 61.0).post(message())

    assert b"checkout-api: ERROR burst" in raw.getvalue()
    assert b"\x1b" not in raw.getvalue()


def test_a_bar_for_each_second_and_the_highest_is_full() -> None:
    assert sparkline([0, 1, 4, 8]) == "▁▂▅█"
    assert sparkline([0, 0]) == "▁▁"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (60, "1 m 0 s"),
        (3725, "1 h 2 m"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_span_reads_as_a_person_says_it(seconds: float, text: str) -> None:
    assert span(seconds) == text
