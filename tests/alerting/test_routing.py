"""Who is told: matchers, routes, inhibition, and the hours in which it is quiet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.inhibition import Inhibition, inhibitions, inhibitor
from alerting.intervals import mute_intervals, muted_by
from alerting.matchers import Matcher, from_patterns, match_all, parse_matcher
from alerting.routing import Routing, tree
from alerting.silences import Silence, covering, decode_silence, encode_silence, expired
from tests.alerting.cases import incident
from tocsin.config.alerting import InhibitConfig, MuteIntervalConfig, RouteConfig
from tocsin.errors import BadRecord, ConfigError

PAY = {"service": "pay-api", "severity": "critical", "rule": "burst"}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("service=pay-*", True),
        ("service=pay", False),
        ("service!=pay-*", False),
        ("team=", True),
        ("team!=", False),
        ("severity=crit?cal", True),
        ("service=PAY-API", False),
        ("service=*=*", False),
    ],
)
def test_a_matcher_is_a_glob_on_one_label(text: str, matches: bool) -> None:  # noqa: FBT001
    assert parse_matcher(text).matches(PAY) is matches


@pytest.mark.parametrize(
    "text", ["", "service", "=x", "9=x", "a b=c", "a=" + "x" * 501, "a=~x", "a==x"]
)
def test_what_is_no_matcher_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a matcher"):
        parse_matcher(text)


def test_patterns_of_the_configuration_are_alternatives_and_may_be_negated() -> None:
    matchers = from_patterns({"service": ["auth", "pay-*"], "!severity": ["warning"]})

    assert match_all(matchers, PAY)
    assert not match_all(matchers, PAY | {"severity": "warning"})
    assert match_all((), {})


def routing(*routes: Mapping[str, object]) -> Routing:
    made = [RouteConfig.model_validate(x) for x in routes]
    return Routing(tree(made), ["ops", "pager", "mail"])


def test_the_first_route_that_matches_takes_it_unless_it_goes_on() -> None:
    first: dict[str, object] = {"match": {"service": "pay-*"}, "receivers": ["pager"]}
    last = {"receivers": ["mail"]}

    assert list(routing(first, last).receivers(PAY)) == ["pager"]
    both = routing(first | {"go_on": True}, last).receivers(PAY)
    assert list(both) == ["pager", "mail"]
    assert list(routing(first, last).receivers({"service": "auth"})) == ["mail"]


def test_a_route_below_has_the_receivers_around_it_unless_it_has_its_own() -> None:
    nested = routing(
        {
            "match": {"service": "pay-*"},
            "receivers": ["ops"],
            "routes": [
                {"match": {"severity": "critical"}, "receivers": ["pager"]},
                {"match": {"rule": "absence"}},
            ],
        }
    )

    assert list(nested.receivers(PAY)) == ["pager"]
    quiet = {"service": "pay-api", "severity": "warning", "rule": "absence"}
    assert list(nested.receivers(quiet)) == ["ops"]
    assert list(nested.receivers(quiet | {"rule": "burst"})) == ["ops"]


def test_what_no_route_takes_goes_to_everybody() -> None:
    only = routing({"match": {"service": "auth"}, "receivers": ["mail"]})

    assert list(only.receivers(PAY)) == ["ops", "pager", "mail"]


def test_a_route_without_receivers_has_all_of_them_and_its_own_quiet_hours() -> None:
    quiet = routing({"match": {"rule": "burst"}, "mute": ["nights"]})

    labels = {"service": "auth", "rule": "burst", "severity": "warning"}
    assert quiet.receivers(labels) == dict.fromkeys(
        ["ops", "pager", "mail"], ("nights",)
    )
    assert quiet.receivers(labels | {"rule": "x"})["ops"] == ()


def test_a_receiver_is_quiet_only_in_the_hours_of_all_its_routes() -> None:
    two = routing(
        {"receivers": ["ops"], "mute": ["nights"], "go_on": True},
        {"receivers": ["ops", "mail"], "mute": ["nights", "weekend"]},
    )

    assert two.receivers(PAY) == {"ops": ("nights",), "mail": ("nights", "weekend")}


def interval(**values: object) -> MuteIntervalConfig:
    return MuteIntervalConfig.model_validate({"name": "quiet", **values})


def is_muted(at: str, **values: object) -> bool:
    """`at`: local time in Berlin, or with an offset."""
    local = datetime.fromisoformat(at)
    if local.tzinfo is None:
        local = local.replace(tzinfo=ZoneInfo("Europe/Berlin"))
    made = mute_intervals([interval(timezone="Europe/Berlin", **values)])
    return muted_by(made, ["quiet"], local.timestamp()) == "quiet"


@pytest.mark.parametrize(
    ("at", "muted"),
    [
        ("2026-03-13T21:59:59", False),
        ("2026-03-13T22:00:00", True),  # a Friday
        ("2026-03-14T05:59:59", True),
        ("2026-03-14T06:00:00", False),
        ("2026-03-14T22:00:00", False),  # a Saturday
        ("2026-03-15T03:00:00", False),
    ],
)
def test_an_interval_over_midnight_belongs_to_its_first_day(
    at: str,
    muted: bool,  # noqa: FBT001
) -> None:
    days = ["mon", "tue", "wed", "thu", "fri"]

    assert is_muted(at, days=days, times=["22:00-06:00"]) is muted


def test_hours_keep_their_place_when_clocks_are_changed() -> None:
    """In Berlin 02:00-03:00 is skipped on 29 March and comes twice on 25 October."""
    night = ["02:00-04:00"]

    assert not is_muted("2026-03-29T01:59:59+01:00", times=night)
    assert is_muted("2026-03-29T03:00:00+02:00", times=night)  # a second later
    assert not is_muted("2026-03-29T04:00:00+02:00", times=night)
    assert is_muted("2026-10-25T02:30:00+02:00", times=night)
    assert is_muted("2026-10-25T02:30:00+01:00", times=night)
    assert not is_muted("2026-10-25T04:00:00+01:00", times=night)


@given(st.integers(0, 2**31), st.integers(0, 1439), st.integers(0, 1439))
def test_an_interval_and_its_complement_never_agree(at: int, a: int, b: int) -> None:
    if a == b:
        return
    start, end = (f"{x // 60:02}:{x % 60:02}" for x in (a, b))
    one = mute_intervals([interval(times=[f"{start}-{end}"])])
    other = mute_intervals([interval(times=[f"{end}-{start}"])])

    found = [muted_by(x, ["quiet"], at) is not None for x in (one, other)]

    assert sum(found) == 1


def test_a_source_keeps_its_targets_quiet_and_nobody_else() -> None:
    rules = inhibitions(
        [
            InhibitConfig.model_validate(
                {"source": {"service": "database"}, "target": {"service": "*-api"}}
            )
        ]
    )
    database, pay, web = (incident(x) for x in ("database", "pay-api", "web"))

    assert inhibitor(rules, pay, [web, database]) == database
    assert inhibitor(rules, web, [database]) is None
    over = incident("database", is_open=False)
    assert inhibitor(rules, pay, [over]) is None


def test_what_is_source_and_target_is_not_kept_quiet_by_its_like() -> None:
    everything = (Matcher("service", ("*",)),)
    rules = [Inhibition(everything, everything)]
    one, two = incident("one"), incident("two")

    assert inhibitor(rules, one, [one]) is None
    assert inhibitor(rules, one, [two]) is None


def test_a_source_and_its_target_must_agree_where_it_is_asked() -> None:
    critical = (Matcher("severity", ("critical",)),)
    warning = (Matcher("severity", ("warning",)),)
    rules = [Inhibition(critical, warning, equal=("service",))]
    worse = incident("pay", severity="critical")

    assert inhibitor(rules, incident("pay", rule="ratio"), [worse]) == worse
    assert inhibitor(rules, incident("web", rule="ratio"), [worse]) is None


def silence(start: float = 100.0, end: float = 200.0, name: str = "s1") -> Silence:
    return Silence(
        id=name,
        matchers=(parse_matcher("service=pay-*"),),
        starts_at=start,
        ends_at=end,
        author="ann",
        comment="deploy",
        created_at=50.0,
    )


def test_a_silence_holds_from_its_start_and_not_at_its_end() -> None:
    found = [covering([silence()], PAY, at) for at in (99.9, 100.0, 199.9, 200.0)]

    assert [x is not None for x in found] == [False, True, True, False]
    assert covering([silence()], PAY | {"service": "web"}, 150.0) is None
    states = [silence().state(at) for at in (99.9, 100.0, 200.0)]
    assert states == ["pending", "active", "expired"]


def test_of_two_silences_the_one_that_ends_last_counts() -> None:
    both = [silence(end=150.0), silence(end=190.0, name="s2")]

    found = covering(both, PAY, 120.0)

    assert found is not None
    assert found.id == "s2"
    assert covering([expired(x, 120.0) for x in both], PAY, 120.0) is None


def test_a_silence_that_has_not_begun_can_be_expired() -> None:
    gone = expired(silence(), 60.0)

    assert [gone.is_active(at) for at in (60.0, 150.0)] == [False, False]
    assert expired(silence(), 300.0) == silence()


def test_a_silence_is_read_as_it_was_written() -> None:
    assert decode_silence(encode_silence(silence())) == silence()
    with pytest.raises(BadRecord, match="silences"):
        decode_silence(b"{}")
