"""The burst rule: when it fires, what it expects, and what it must not believe."""

from __future__ import annotations

import random
from math import exp, lgamma, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.baseline import Baseline
from alerting.burst import GUARD_S, BurstDetector, BurstRule, Series
from alerting.seconds import KEPT_S
from alerting.tail import MIN_MINUTES, Tail
from tests.alerting.story import START

KEY = "checkout"


def new_series(second: int = START) -> Series:
    return Series(second, half_life_s=1800, windows_s=BurstRule().windows_s)


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


def test_a_new_service_pages_at_the_sixth_error_not_before() -> None:
    rule = detector()
    fired_at = []
    for count in range(1, 10):
        rule.observe(KEY, START, errors=1, lines=1, settled=START - 1)
        if rule.judge(KEY, START):
            fired_at.append(count)

    assert fired_at[0] == 6


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
    series = new_series()
    for second in range(START, START + 3600):
        series.add(second, second % 2, 20, second - 1)

    assert series.baseline.expected(60, 0) == pytest.approx(30, rel=0.05)
    assert series.baseline.expected(60, 12_000) == pytest.approx(300, rel=0.05)


def test_the_beginning_of_a_burst_is_not_in_its_own_expectation() -> None:
    rule = detector()
    feed(rule, range(START, START + 3600), errors=0.1, lines=10)
    for second in range(START + 3600, START + 3655):
        rule.observe(KEY, second, errors=8, lines=18, settled=second - 1)

    burst = rule.judge(KEY, START + 3654)

    assert burst is not None
    assert burst.rate_before == pytest.approx(0.1, rel=0.3)


def test_one_mad_second_moves_the_baseline_little() -> None:
    calm, mad = new_series(), new_series()
    for second in range(START, START + 2000):
        calm.add(second, 0, 10, second)
        mad.add(second, 50_000 if second == START + 1000 else 0, 10, second)

    assert mad.baseline.rate - calm.baseline.rate < 0.01


def test_seconds_of_an_open_incident_are_kept_out_for_an_hour_at_most() -> None:
    series = new_series()
    for second in range(START, START + 900):
        series.add(second, 0, 10, second)
    series.hold(START + 900)
    before = series.baseline.rate

    for second in range(START + 900, START + 4500 + GUARD_S):
        series.add(second, 5, 15, second)
    held = series.baseline.rate
    for second in range(START + 4500 + GUARD_S, START + 6600):
        series.add(second, 5, 15, second)

    assert held <= before
    assert series.baseline.rate > 1


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


def test_a_new_service_with_many_errors_among_its_lines_is_not_believed() -> None:
    assert feed(detector(), range(START, START + 300), errors=0.3, lines=10) == 0


def test_what_is_hardly_more_than_a_keys_own_noise_is_not_told() -> None:
    """Five errors within a second, every ten minutes, as of a job by the clock."""
    told = {}
    for name, usual in (("noisy", 5), ("quiet", 0)):
        rule = detector()
        for second in range(START, START + 2 * 3600):
            errors = usual * (second % 600 == 0)
            rule.observe(KEY, second, errors=errors, lines=10, settled=second)
        end = START + 2 * 3600
        for count in range(1, 100):
            rule.observe(KEY, end, errors=1, lines=1, settled=end)
            if rule.judge(KEY, end):
                told[name] = count
                break

    assert told["quiet"] == 6
    assert 10 <= told["noisy"] < 40


def test_what_comes_back_soon_again_and_again_becomes_noise() -> None:
    """Twelve errors within a second, every ten minutes, as of a job by the clock."""
    rule = detector()
    fired = []
    over = START
    for second in range(START, START + 6 * 3600):
        errors = 12 * (second % 600 == 0)
        rule.observe(KEY, second, errors=errors, lines=10 + errors, settled=second)
        if errors and rule.judge(KEY, second):
            fired.append((second - START) // 3600)
            rule.hold(KEY, second)
            over = second + 180
        if second == over:
            rule.release(KEY, second)
    rule.observe(KEY, START + 6 * 3600, errors=90, lines=99, settled=START)

    assert fired[:5] == [0] * 5
    assert not any(hour >= 3 for hour in fired)
    assert rule.judge(KEY, START + 6 * 3600) is not None


def test_the_tail_is_not_believed_before_it_is_known() -> None:
    tail = Tail()
    for minute in range(MIN_MINUTES + 1):
        known = tail.threshold > 0
        assert known == (minute >= MIN_MINUTES)
        tail.add(0.5)


def test_the_threshold_lies_beyond_the_tail_of_what_was_seen() -> None:
    narrow, wide = Tail(), Tail()
    rng = random.Random(1)
    for _ in range(1000):
        value = rng.expovariate(1.0)
        narrow.add(value / 8)
        wide.add(value / 2)

    # The exponential tail itself leaves one in ten thousand beyond 9.2 of its means.
    assert wide.threshold == pytest.approx(9.2 / 2, rel=0.25)
    assert narrow.threshold == pytest.approx(9.2 / 8, rel=0.25)


def test_what_happened_once_is_forgotten_in_some_days() -> None:
    tail = Tail()
    for minute in range(10 * 1440):
        tail.add(3.0 if minute < 200 else 0.0)
        if minute == 300:
            then = tail.threshold

    assert then > 3.0
    assert tail.threshold < 1.0


@pytest.mark.parametrize("errors", [3, 30, 300])
def test_the_chance_is_that_of_poisson_once_much_is_known(errors: int) -> None:
    known = Baseline(half_life_s=1e9)
    for _ in range(20_000):
        known.learn([errors // 30 + (k < errors % 30) for k in range(30)] * 2, 1200)

    mean = known.expected(60, 0)
    count = round(mean + 5 * mean**0.5 + 3)
    exact = log(sum(poisson(mean, x) for x in range(count, count + 400)))

    assert mean == pytest.approx(2 * errors, rel=0.01)
    assert known.log_chance(count, mean, 60) == pytest.approx(exact, abs=0.5)


def poisson(mean: float, count: int) -> float:
    return exp(count * log(mean) - mean - lgamma(count + 1))


def test_the_less_is_known_the_less_is_a_surprise() -> None:
    chances = []
    for minutes in (0, 5, 60):
        known = Baseline(half_life_s=1800)
        for _ in range(minutes):
            known.learn([1] + [0] * 59, 600)
        chances.append(known.log_chance(30, 3.0, 60))

    assert chances == sorted(chances, reverse=True)
    assert chances[0] > log(5e-7) > -30 > chances[2]


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
    series = new_series()
    for second in range(START, START + 3600):
        series.add(second, 3, 10, second)

    series.add(START + 90_000, 0, 1, START + 90_000)

    assert series.baseline.rate < 0.001
    assert series.errors_in(START + 90_000, 300) == 0


@pytest.mark.parametrize("gap_s", [800, 1000, 1060, 2000])
def test_a_gap_of_any_length_teaches_nothing_that_was_not_there(gap_s: int) -> None:
    gapped, steady = new_series(), new_series()
    for second in range(START, START + 2400):
        errors = int(second % 60 == 7)
        is_gap = START + 300 <= second < START + 300 + gap_s
        if not is_gap:
            gapped.add(second, errors, 5, second)
        steady.add(second, errors, 5, second)

    assert 0 < gapped.baseline.rate <= steady.baseline.rate * 1.02
    assert gapped.baseline.dispersion < 2


def test_clumps_of_errors_raise_the_dispersion_and_so_the_bar() -> None:
    even, clumped = new_series(), new_series()
    for second in range(START, START + 7200):
        even.add(second, 1, 10, second)
        clumped.add(second, 10 if second // 30 % 10 == 0 else 0, 10, second)

    assert even.baseline.dispersion == 1.0
    assert clumped.baseline.dispersion > 20


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
            series, newest = new_series(second), second
        newest = max(newest, second)
        if series.add(second, errors, lines, newest):
            known.append((second, errors, lines))
    if series is None:
        return

    for end in (newest, newest - 7, newest - 400):
        inside = [x for x in known if end - window_s < x[0] <= end]
        assert series.errors_in(end, window_s) == sum(x[1] for x in inside)
        assert series.lines_in(end, window_s) == sum(x[2] for x in inside)


@pytest.mark.parametrize(("errors", "lines"), [(160, 1200), (80, 1100)])
def test_a_burst_among_many_lines_of_an_unknown_service_fires(
    errors: int, lines: int
) -> None:
    """Also where a backlog brings the whole second at once, not its first errors."""
    rule = detector()
    for second, before in enumerate((400, 900, 800, 834, 300)):
        rule.observe(KEY, START + second, errors=0, lines=before, settled=START + 20)
    rule.observe(KEY, START + 5, errors=errors, lines=lines, settled=START + 20)

    found = rule.judge(KEY, START + 5)

    assert found is not None
    assert found.severity == "critical"
