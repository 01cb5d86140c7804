"""The burst rule: when it fires, what it expects, and what it must not believe."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.burst import KEPT_S, BurstDetector, BurstRule, Series
from tests.alerting.story import START

KEY = "checkout"


def detector(**numbers: float) -> BurstDetector:
    return BurstDetector(BurstRule(**numbers))  # type: ignore[arg-type]


def feed(
    rule: BurstDetector, seconds: range, *, errors: float, lines: int, seed: int = 1
) -> int:
    """Feed a Poisson-like stream; the number of seconds in which the rule fired."""
    rng = random.Random(seed)
    fired = 0
    for second in seconds:
        x = sum(rng.random() < errors / 20 for _ in range(20))
        rule.observe(KEY, second, errors=x, lines=max(lines, x), settled=second - 1)
        fired += rule.judge(KEY, second) is not None
    return fired


def test_a_new_service_pages_at_the_seventh_error_not_before() -> None:
    rule = detector()
    fired_at = []
    for count in range(1, 10):
        rule.observe(KEY, START, errors=1, lines=1, settled=START - 1)
        if rule.judge(KEY, START):
            fired_at.append(count)

    assert fired_at[0] == 7


def test_it_fires_on_the_open_second_and_says_why() -> None:
    rule = detector()
    feed(rule, range(START, START + 3600), errors=0.2, lines=20)

    rule.observe(KEY, START + 3600, errors=40, lines=60, settled=START + 3599)
    burst = rule.judge(KEY, START + 3600)

    assert burst is not None
    assert burst.severity == "critical"
    assert (burst.window_s, burst.count, burst.lines) == (1, 40, 60)
    assert burst.expected == pytest.approx(0.01 * 60, rel=0.4)
    assert burst.share_before == pytest.approx(0.01, rel=0.4)


def test_steady_errors_do_not_fire_once_they_are_known() -> None:
    rule = detector()
    feed(rule, range(START, START + 1800), errors=1.0, lines=20)

    assert feed(rule, range(START + 1800, START + 5400), errors=1.0, lines=20) == 0


def test_a_surge_of_traffic_with_the_same_share_of_errors_does_not_fire() -> None:
    rule = detector()
    feed(rule, range(START, START + 3600), errors=0.5, lines=50)

    surge = range(START + 3600, START + 4200)

    assert feed(rule, surge, errors=2.0, lines=200) == 0
    assert feed(rule, range(START + 4200, START + 4210), errors=9.0, lines=200) > 0


def test_an_outage_that_kills_the_traffic_does_not_lower_the_expectation() -> None:
    series = Series(START, half_life_s=1800)
    for second in range(START, START + 3600):
        series.add(second, second % 2, 20, second - 1)

    assert series.expected(60, 0) == pytest.approx(30, rel=0.05)
    assert series.expected(60, 12_000) == pytest.approx(300, rel=0.05)


def test_the_beginning_of_a_burst_is_not_in_its_own_expectation() -> None:
    rule = detector()
    feed(rule, range(START, START + 3600), errors=0.1, lines=10)
    for second in range(START + 3600, START + 3655):
        rule.observe(KEY, second, errors=8, lines=18, settled=second - 1)

    burst = rule.judge(KEY, START + 3654)

    assert burst is not None
    assert burst.rate_before == pytest.approx(0.1, rel=0.3)


def test_one_mad_second_moves_the_baseline_little() -> None:
    calm, mad = Series(START, half_life_s=1800), Series(START, half_life_s=1800)
    for second in range(START, START + 2000):
        calm.add(second, 0, 10, second)
        mad.add(second, 50_000 if second == START + 1000 else 0, 10, second)

    assert mad.rate - calm.rate < 0.01


def test_seconds_of_an_open_incident_are_kept_out_for_an_hour_at_most() -> None:
    series = Series(START, half_life_s=1800)
    for second in range(START, START + 600):
        series.add(second, 0, 10, second)
    series.hold(START + 600)
    before = series.rate

    for second in range(START + 600, START + 600 + 3600):
        series.add(second, 5, 15, second)
    held = series.rate
    for second in range(START + 4200, START + 6000):
        series.add(second, 5, 15, second)

    assert held <= before
    assert series.rate > 1


def test_after_an_incident_its_errors_do_not_fire_again() -> None:
    rule = detector()
    rule.observe(KEY, START, errors=200, lines=200, settled=START - 1)
    assert rule.judge(KEY, START) is not None
    rule.release(KEY, START + 182)

    rule.observe(KEY, START + 200, errors=1, lines=1, settled=START + 199)
    stray = rule.judge(KEY, START + 200)
    rule.observe(KEY, START + 210, errors=9, lines=9, settled=START + 209)

    assert stray is None
    assert rule.judge(KEY, START + 210) is not None


def test_late_lines_count_in_their_second() -> None:
    rule = detector()
    for second in range(START, START + 60):
        rule.observe(KEY, second, errors=0, lines=5, settled=second - 1)

    assert rule.observe(KEY, START + 10, errors=30, lines=30, settled=START + 59)

    burst = rule.judge(KEY, START + 10)
    assert burst is not None
    assert burst.count == 30
    assert rule.recent(KEY, START + 11, 3) == (0, 30, 0)


def test_lines_older_than_the_ring_are_refused() -> None:
    rule = detector()
    rule.observe(KEY, START + KEPT_S, errors=0, lines=1, settled=START)

    assert not rule.observe(KEY, START, errors=1, lines=1, settled=START)
    assert rule.observe(KEY, START + 1, errors=1, lines=1, settled=START)


def test_a_day_of_silence_lets_the_baseline_fade_to_nothing() -> None:
    series = Series(START, half_life_s=1800)
    for second in range(START, START + 3600):
        series.add(second, 3, 10, second)

    series.add(START + 90_000, 0, 1, START + 90_000)

    assert series.rate < 0.001
    assert series.errors_in(START + 90_000, 300) == 0


def test_clumps_of_errors_raise_the_dispersion_and_so_the_bar() -> None:
    even, clumped = Series(START, half_life_s=1800), Series(START, half_life_s=1800)
    for second in range(START, START + 7200):
        even.add(second, 1, 10, second)
        clumped.add(second, 10 if second // 30 % 10 == 0 else 0, 10, second)

    assert even.dispersion == 1.0
    assert clumped.dispersion > 20


def test_services_beyond_the_bound_push_out_the_one_silent_for_longest() -> None:
    rule = BurstDetector(BurstRule(), max_keys=100)
    for number in range(150):
        rule.observe(f"s{number}", START + number, errors=7, lines=7, settled=START)

    assert len(rule) <= 100
    assert rule.judge("s0", START) is None
    assert rule.judge("s149", START + 149) is not None


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(st.integers(0, 1500), st.integers(0, 5), st.integers(0, 5)),
        max_size=60,
    ),
    st.integers(1, 300),
)
def test_windows_agree_with_a_plain_list(
    steps: list[tuple[int, int, int]], window_s: int
) -> None:
    series: Series | None = None
    known: list[tuple[int, int, int]] = []
    newest = 0
    for offset, errors, others in steps:
        second, lines = START + offset, errors + others
        if series is None:
            series, newest = Series(second, half_life_s=1800), second
        newest = max(newest, second)
        if series.add(second, errors, lines, newest):
            known.append((second, errors, lines))
    if series is None:
        return

    for end in (newest, newest - 7, newest - 400):
        inside = [x for x in known if end - window_s < x[0] <= end]
        assert series.errors_in(end, window_s) == sum(x[1] for x in inside)
        assert series.lines_in(end, window_s) == sum(x[2] for x in inside)
