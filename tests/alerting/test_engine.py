"""Frames in, decisions out: the same live, late, and after a restart."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import permutations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.burst import BurstRule
from alerting.engine import Engine, Outcome
from alerting.incident import BURST, Incident, Policy, Reason
from alerting.rules.rule import rule_of
from alerting.tiling import Fit
from tests.alerting.story import START, Frames, pane
from tests.seed import SEED
from tocsin.config.alerting import RuleConfig
from tocsin.records.frames import Frame, Pane


def engine(*incidents: Incident) -> Engine:
    return Engine(BurstRule(), Policy(), incidents=incidents)


def told(made: list[Outcome]) -> list[tuple[str, str, int]]:
    return [(x.incident.id, x.kind, x.incident.sequence) for x in made]


def day(seed: int, seconds: int = 900) -> list[Frame]:
    """A service that errs now and then, with bursts; one frame a second."""
    rng = random.Random(seed)
    frames = Frames()
    made = []
    for at in range(seconds):
        second = START + at
        errors = int(rng.random() < 0.05)
        errors += 9 * (300 <= at < 310) + 30 * (at == 700)
        panes = [pane(second, errors, lines=errors + 10)] if errors or at % 3 else []
        made.append(frames.next(second, panes))
    return made


def live(run: Engine, frames: list[Frame]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for frame in frames:
        outcomes += run.take(frame, frame.processed_at).outcomes
    return outcomes


def test_a_burst_opens_updates_and_resolves_one_incident() -> None:
    kinds = [x.kind for x in live(engine(), day(1, seconds=650))]

    assert kinds[0] == "opened"
    assert kinds[-1] == "resolved"
    assert set(kinds[1:-1]) <= {"updated", "escalated"}


def test_the_message_has_the_evidence_of_the_window() -> None:
    frames = Frames()
    run = engine()
    live(run, [frames.next(START + x, [pane(START + x, 2)]) for x in range(2)])

    [outcome] = live(run, [frames.next(START + 2, [pane(START + 2, 2)])])

    [template] = outcome.incident.evidence.templates
    assert (template.count, template.is_new) == (6, True)
    assert outcome.spark[-3:] == (2, 2, 2)
    assert outcome.incident.peak == 2
    assert outcome.incident.arrival.written_at == START + 2.25


def test_two_hosts_of_a_service_count_together() -> None:
    frames = Frames()
    both = [pane(START, 4, host="a"), pane(START, 4, host="b")]

    [outcome] = live(engine(), [frames.next(START, both)])

    assert outcome.incident.evidence.hosts == ("a", "b")
    assert (outcome.incident.errors, outcome.incident.peak) == (8, 8)


def test_decisions_are_counted_by_rule_also_those_to_do_nothing() -> None:
    many = rule_of(RuleConfig(name="many", type="threshold", warning=3))
    run, frames = Engine(BurstRule(), Policy(), rules=[many]), Frames()
    for at, errors in enumerate((1, 1, 1)):
        run.take(frames.next(START + at, [pane(START + at, errors)]), START + at)

    assert run.reasons["many", Reason.OPENED] == 1
    assert run.reasons[BURST, Reason.NOT_FIRING] == 3
    assert run.reasons[BURST, Reason.OPENED] == 0


def test_a_frame_that_comes_twice_changes_nothing() -> None:
    frame = Frames().next(START, [pane(START, 5)])
    run = engine()
    run.take(frame, START + 1)

    step = run.take(frame, START + 1)

    assert step.fit is Fit.DUPLICATE
    assert run.take(Frames(lo=5).next(START, []), START + 1).outcomes == ()
    assert run.incidents == []


def test_errors_of_an_hour_ago_are_followed_without_a_page() -> None:
    run = engine()
    frames = Frames()
    now = START + 3600

    step = run.take(frames.next(START, [pane(START, 50)]), now)

    assert step.outcomes == ()
    assert run.reasons[BURST, Reason.TOO_OLD] == 1
    assert [x.paged for x in run.incidents] == [False]


def test_errors_of_a_log_from_long_ago_page_nobody() -> None:
    run = engine()
    frames = Frames()
    long_ago = msgspec.structs.replace(pane(START, 50), stale=True)

    step = run.take(frames.next(START, [long_ago]), START + 1)
    after = run.take(frames.next(START + 1, [pane(START + 1, 50)]), START + 2)

    assert step.outcomes == ()
    assert run.reasons[BURST, Reason.TOO_OLD] == 1
    assert [(x.kind, x.incident.errors) for x in after.outcomes] == [("opened", 50)]


def test_without_frames_an_open_incident_is_stale_and_stays_open() -> None:
    run = engine()
    live(run, [Frames().next(START, [pane(START, 50)])])

    outcomes = run.tick(START + 60)

    assert [x.kind for x in outcomes] == ["updated"]
    assert outcomes[0].incident.is_stale
    assert outcomes[0].incident.is_open


@pytest.mark.slow
@settings(max_examples=8)
@given(st.integers(0, 3), st.integers(1, 899))
def test_a_restart_at_any_frame_tells_the_same_story(seed: int, at: int) -> None:
    frames = day(seed)
    whole = engine()
    expected = told(live(whole, frames))

    first = engine()
    before = told(live(first, frames[:at]))
    second = engine(*{x.id: x for x in first.changed()}.values())
    for frame in frames[:at]:
        second.warm(frame)
    second.resume(first.positions)
    after = told(live(second, frames[at:]))

    assert before + after == expected


@pytest.mark.slow
@settings(max_examples=15)
@given(st.integers(0, 3), st.integers(2, 30))
def test_how_frames_are_cut_changes_no_decision(seed: int, size: int) -> None:
    frames = day(seed, seconds=600)
    merged = []
    cutter = Frames()
    for start in range(0, len(frames), size):
        group = frames[start : start + size]
        panes = [x for frame in group for x in frame.panes]
        merged.append(cutter.next(group[-1].watermark, panes))

    opened = [x for x in told(live(engine(), merged)) if x[1] == "opened"]

    assert opened == [x for x in told(live(engine(), frames)) if x[1] == "opened"]


LATE_S = 30


def paged(arrivals: list[tuple[int, int, int]]) -> bool:
    """Whether panes of (arrival, second, errors) page, each in a frame of its own."""
    run, frames = engine(), Frames()
    outcomes: list[Outcome] = []
    for arrival, second, errors in sorted(arrivals):
        frame = frames.next(START + arrival - LATE_S, [pane(START + second, errors)])
        outcomes += run.take(frame, START + arrival).outcomes
    return any(x.kind == "opened" for x in outcomes)


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(st.integers(0, 90), st.integers(1, 3), st.integers(0, LATE_S)),
        max_size=12,
    )
)
def test_what_is_paged_does_not_depend_on_the_order_within_the_lateness(
    lines: list[tuple[int, int, int]],
) -> None:
    late = [(second + delay, second, errors) for second, errors, delay in lines]
    in_order = [(second, second, errors) for second, errors, _ in lines]

    assert paged(late) == paged(in_order)


def test_a_late_line_completes_a_window_that_ended_later() -> None:
    assert paged([(10, 10, 5), (12, 8, 5)])
    assert paged([(8, 8, 5), (10, 10, 5)])
    assert not paged([(10, 10, 2), (12, 8, 3)])


Delivery = tuple[int, int, str, int, int]  # arrival, source, service, second, errors
QUIET_S = 300


def deliveries(seed: int, delay: Callable[[], int]) -> list[Delivery]:
    """Lines of two services, of which one comes from two sources; each has a burst."""
    rng = random.Random(seed)
    found: list[Delivery] = []
    for service, sources in (("a", (0,)), ("b", (0, 1))):
        start, length = rng.randrange(30, 120), rng.choice([1, 5, 20, 60])
        rate = rng.choice([1, 2, 5, 30])
        for second in range(240):
            for source in sources:
                errors = int(rng.random() < 0.03)
                if start <= second < start + length:
                    errors += rng.randrange(rate + 1)
                found.append((second, source, service, second, errors))
    return [(x[0] + delay(), *x[1:]) for x in found]


def frames_of(arriving: list[Delivery]) -> list[Frame]:
    """A frame for each delivery, and a heartbeat of each source each second."""
    sources = (Frames(0), Frames(1))
    beats: list[tuple[int, int, list[Pane]]] = [
        (at, source, []) for at in range(240 + LATE_S + QUIET_S) for source in (0, 1)
    ]
    lines = [
        (at, source, [pane(START + second, errors, service=service, lines=errors + 5)])
        for at, source, service, second, errors in arriving
    ]
    both = sorted(lines + beats, key=lambda x: x[:2])
    return [
        sources[source].next(START + at - LATE_S, panes, processed_at=START + at)
        for at, source, panes in both
    ]


def played(
    frames: list[Frame], restart: int | None = None
) -> tuple[list[Incident], list[Incident]]:
    """The incidents as they opened and at the end; a restart after so many frames."""
    run = engine()
    opened: list[Incident] = []
    found: dict[str, Incident] = {}
    for number, frame in enumerate(frames):
        if number == restart:
            found.update((x.id, x) for x in run.changed())
            positions, run = run.positions, engine(*found.values())
            for known in frames[:number]:
                run.warm(known)
            run.resume(positions)
        made = run.take(frame, frame.processed_at).outcomes
        opened += [x.incident for x in made if x.kind == "opened"]
    found.update((x.id, x) for x in run.changed())
    return opened, sorted(found.values(), key=lambda x: (x.service, x.opened_at))


def agree(one: Incident, other: Incident) -> bool:
    """Whether both tell of the same trouble: they overlap, and end together."""
    ends = one.resolved_at or 0, other.resolved_at or 0
    return (
        one.key == other.key
        and one.severity == other.severity
        and max(one.opened_at, other.opened_at) <= min(ends)
        and max(ends) - min(ends) <= LATE_S
    )


def lines_on_the_way(opened: Incident, lines: list[Delivery]) -> int:
    """Of the window that an incident opened for, the lines that came later."""
    window = opened.trigger
    end = int(opened.fired_at) - START
    all_lines = sum(
        errors + 5
        for _, _, service, second, errors in lines
        if service == opened.service and end - window.window_s < second <= end
    )
    return all_lines - round(window.count / window.share)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(6))
def test_live_finds_what_replay_finds_in_any_order_and_over_a_restart(
    number: int,
) -> None:
    """What may differ, and why, is in docs/alerting.md."""
    rng = random.Random(SEED + number)
    seed = rng.randrange(10**6)
    straight = deliveries(seed, lambda: 0)
    mixed = frames_of(deliveries(seed, lambda: rng.randrange(LATE_S + 1)))

    replay, live = played(frames_of(straight)), played(mixed)

    assert played(mixed, rng.randrange(1, len(mixed)))[1] == live[1]
    for (opened, ended), (_, others) in permutations((replay, live)):
        for first in opened:
            last = next(x for x in ended if x.id == first.id)
            is_in_both = any(agree(last, x) for x in others)
            assert is_in_both or lines_on_the_way(first, straight) > 0, first
    for incident in (*replay[1], *live[1]):
        lasted = range(int(incident.opened_at), int(incident.resolved_at or 0) + 1)
        assert incident.errors == sum(
            errors
            for _, _, service, second, errors in straight
            if service == incident.service and START + second in lasted
        )
