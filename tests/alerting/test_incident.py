"""The life of an incident, decided by a pure function that always says why."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.burst import Burst, Calm, Severity
from alerting.evidence import Evidence
from alerting.group import Group
from alerting.happening import Event, Hold, Observed, Progress, Release, Stalled, Tell
from alerting.incident import (
    Arrival,
    Incident,
    Phase,
    Policy,
    Reason,
    decode_incident,
    encode_incident,
    incident_id,
)
from alerting.reducer import quiet_s, reduce
from tests.alerting.story import START

POLICY = Policy()
LOUD, QUIET = Calm(50, 2.0), Calm(0, 2.0)


def seen(at: int, errors: int = 9, severity: Severity | None = "warning") -> Observed:
    """Errors at a second after the start; without severity the rule is silent."""
    second = START + at
    burst = severity and Burst(second, 5, errors, errors, 0.1, 0.01, 0.02, 6, severity)
    return Observed(
        rule="burst",
        of=Group("checkout"),
        second=second,
        errors=errors,
        peak=errors,
        burst=burst or None,
        window=Evidence(),
        added=Evidence(),
        arrival=Arrival(second, second, second),
    )


def opened(severity: Severity = "warning") -> Incident:
    decision = reduce(None, seen(0, severity=severity), START + 1, POLICY)
    assert decision.state is not None
    return decision.state


def resolved() -> Incident:
    state: Incident | None = opened()
    for at in (60, 180):
        state = reduce(state, Progress(START + at, QUIET), START + at, POLICY).state
    assert state is not None
    assert not state.is_open
    return state


def test_the_first_firing_opens_and_tells_at_once() -> None:
    state, commands, reason = reduce(None, seen(0), START + 1, POLICY)

    assert reason is Reason.OPENED
    assert commands == (Tell("opened"), Hold(START - 4))
    assert state is not None
    assert (state.sequence, state.errors, state.paged) == (1, 9, True)


def test_errors_below_the_rule_do_nothing_and_say_so() -> None:
    decision = reduce(None, seen(0, severity=None), START + 1, POLICY)

    assert decision == (None, (), Reason.NOT_FIRING)


def test_edits_keep_ten_seconds_apart_and_lose_no_count() -> None:
    held = reduce(opened(), seen(5), START + 6, POLICY)
    told = reduce(held.state, seen(12), START + 12, POLICY)

    assert held.reason is Reason.HELD
    assert told.commands == (Tell("updated"),)
    assert told.state is not None
    assert told.state.errors == 27


def test_it_escalates_at_once_and_never_back_while_open() -> None:
    worse = reduce(opened(), seen(2, severity="critical"), START + 3, POLICY)
    again = reduce(worse.state, seen(3, severity="warning"), START + 30, POLICY)

    assert worse.commands == (Tell("escalated"),)
    assert again.state is not None
    assert again.state.severity == "critical"


def test_it_resolves_after_the_quiet_time_of_watermark_progress() -> None:
    calming = reduce(opened(), Progress(START + 60, QUIET), START + 60, POLICY)
    almost = reduce(calming.state, Progress(START + 179, QUIET), START + 179, POLICY)
    done = reduce(almost.state, Progress(START + 180, QUIET), START + 180, POLICY)

    assert calming.reason is Reason.CALMING
    assert almost.state is not None
    assert almost.state.is_open
    assert done.reason is Reason.RESOLVED
    assert done.commands == (Tell("resolved"), Release(START + 180))


def test_what_goes_on_for_over_an_hour_ends_as_the_new_normal() -> None:
    state: Incident | None = opened()
    for at in (3900, 4020):
        done = reduce(state, Progress(START + at, QUIET), START + at, POLICY)
        state = done.state

    assert done.reason is Reason.NEW_NORMAL
    assert done.commands == (Tell("resolved"), Release(START + 4020))


def test_noise_in_the_quiet_time_starts_it_anew() -> None:
    state = reduce(opened(), Progress(START + 60, QUIET), START + 60, POLICY).state
    state = reduce(state, Progress(START + 100, LOUD), START + 100, POLICY).state
    state = reduce(state, Progress(START + 101, QUIET), START + 101, POLICY).state

    decision = reduce(state, Progress(START + 200, QUIET), START + 200, POLICY)

    assert decision.state is not None
    assert decision.state.is_open


def test_silence_of_the_processor_is_stale_and_never_resolves() -> None:
    stale = reduce(opened(), Stalled(), START + 5000, POLICY)
    later = reduce(stale.state, Stalled(), START + 9000, POLICY)

    assert stale.state is not None
    assert stale.state.is_stale
    assert later.reason is Reason.STALE
    assert later.state is not None
    assert later.state.is_open


def test_it_comes_back_within_ten_minutes_without_a_new_page() -> None:
    before = resolved()

    again = reduce(before, seen(300), START + 300, POLICY)

    assert again.reason is Reason.REOPENED
    assert again.commands[0] == Tell("reopened")
    assert again.state is not None
    assert again.state.id == before.id


def test_after_ten_minutes_it_is_a_new_incident() -> None:
    before = resolved()

    again = reduce(before, seen(781), START + 781, POLICY)

    assert again.reason is Reason.OPENED
    assert again.state is not None
    assert again.state.id != before.id


def test_late_lines_of_a_resolved_time_do_not_reopen_it() -> None:
    decision = reduce(resolved(), seen(10), START + 300, POLICY)

    assert decision.reason is Reason.ALREADY_RESOLVED
    assert decision.commands == ()


def test_old_data_is_followed_silently_and_never_pages() -> None:
    now = START + 3600
    state, commands, reason = reduce(None, seen(0), now, POLICY)
    assert state is not None
    assert not state.paged

    for at in (60, 180):
        quiet = reduce(state, Progress(START + at, QUIET), now, POLICY)
        state = quiet.state

    assert reason is Reason.TOO_OLD
    assert commands == (Hold(START - 4),)
    assert quiet.reason is Reason.RESOLVED_SILENTLY
    assert quiet.commands == (Release(START + 180),)


def test_what_began_long_ago_pages_when_it_still_goes_on() -> None:
    old = reduce(None, seen(0), START + 3600, POLICY).state

    decision = reduce(old, seen(3599), START + 3600, POLICY)

    assert decision.commands[0] == Tell("opened")


def test_the_id_is_the_same_each_time_and_harmless() -> None:
    name = incident_id("burst", "Pay/ments <!channel>\u202e", START)

    assert name == incident_id("burst", "Pay/ments <!channel>\u202e", START)
    assert name.startswith("pay-ments-channel-")
    assert name.isascii()
    assert name != incident_id("burst", "Pay/ments <!channel>\u202e", START + 1)


def test_a_row_of_the_table_is_read_as_it_was_written() -> None:
    assert decode_incident(encode_incident(resolved())) == resolved()


EVENTS = st.one_of(
    st.builds(
        seen,
        st.integers(0, 3000),
        st.integers(1, 90),
        st.sampled_from(["warning", "critical", None]),
    ),
    st.builds(
        lambda at, calm: Progress(START + at, calm),
        st.integers(0, 3000),
        st.sampled_from([LOUD, QUIET]),
    ),
    st.just(Stalled()),
)


@pytest.mark.slow
@given(st.lists(st.tuples(EVENTS, st.integers(0, 40)), max_size=80))
def test_whatever_happens_the_story_that_people_see_makes_sense(
    events: list[tuple[Event, int]],
) -> None:
    state: Incident | None = None
    now = float(START)
    told: dict[str, list[str]] = {}
    edits: dict[str, float] = {}
    for event, passed_s in events:
        now += passed_s
        before = state
        state, commands, reason = reduce(state, event, now, POLICY)
        assert isinstance(reason, Reason)
        for command in commands:
            if not isinstance(command, Tell):
                continue
            assert state is not None
            told.setdefault(state.id, []).append(command.kind)
            assert state.sequence == len(told[state.id])
            if command.kind == "updated":
                assert now - edits[state.id] >= POLICY.edit_every_s
            edits[state.id] = now
        if before and state and before.id == state.id:
            assert state.sequence >= before.sequence
    for kinds in told.values():
        assert kinds[0] == "opened"
        assert kinds.count("opened") == 1
        assert kinds.count("resolved") <= 1 + kinds.count("reopened")


LASTING = Policy(for_s=30.0)


def test_what_must_last_is_pending_first_and_told_when_it_lasted() -> None:
    first = reduce(None, seen(0), START + 1, LASTING)
    second = reduce(first.state, seen(24), START + 25, LASTING)
    third = reduce(second.state, seen(26), START + 27, LASTING)

    assert (first.reason, second.reason) == (Reason.PENDING, Reason.PENDING)
    assert first.commands == (Hold(START - 4),)
    assert third.reason is Reason.OPENED
    assert third.commands == (Tell("opened"),)
    assert third.state is not None
    assert (third.state.phase, third.state.detected_at) == (Phase.OPEN, START + 27)
    assert third.state.errors == 27


def test_what_stops_before_it_lasted_is_told_to_nobody() -> None:
    state = reduce(None, seen(0), START + 1, LASTING).state
    for at in (60, 180):
        done = reduce(state, Progress(START + at, QUIET), START + at, LASTING)
        state = done.state

    assert done.reason is Reason.NOT_LONG_ENOUGH
    assert done.commands == (Release(START + 180),)
    assert done.state is not None
    assert (done.state.is_open, done.state.paged) == (False, False)


def came_back(times: int) -> Incident:
    """Opened, and resolved and reopened so often within an hour."""
    state: Incident | None = opened()
    at = 0
    for _ in range(times):
        assert state is not None
        while state.is_open:
            at += 30
            state = reduce(state, Progress(START + at, QUIET), START + at, POLICY).state
            assert state is not None
        at += 60
        state = reduce(state, seen(at), START + at, POLICY).state
    assert state is not None
    return state


@pytest.mark.parametrize(
    ("times", "wanted_s"), [(0, 120), (2, 120), (3, 240), (4, 480), (6, 1800)]
)
def test_flapping_doubles_the_quiet_time_up_to_half_an_hour(
    times: int, wanted_s: float
) -> None:
    state = came_back(times)

    assert quiet_s(state, POLICY) == wanted_s
    assert state.is_flapping is (times >= 3)


def test_reopenings_of_over_an_hour_ago_are_no_flapping() -> None:
    state = came_back(3)
    later = msgspec.structs.replace(
        state,
        phase=Phase.RESOLVED,
        resolved_at=START + 5000.0,
        quiet_since=START + 4800.0,
    )

    again = reduce(later, seen(5100), START + 5100, POLICY).state

    assert again is not None
    assert not again.is_flapping
    assert again.reopened == 4


def test_an_escalation_is_remembered_and_a_critical_start_is_none() -> None:
    worse = reduce(opened(), seen(2, severity="critical"), START + 3, POLICY).state
    start = reduce(None, seen(0, severity="critical"), START + 1, POLICY).state

    assert worse is not None
    assert start is not None
    assert (worse.has_escalated, start.has_escalated) == (True, False)


def test_the_words_of_a_rule_come_with_its_incident() -> None:
    said = dataclasses.replace(seen(0), headline="no lines for 5 m", why="since 13:04")

    state = reduce(None, said, START + 1, POLICY).state

    assert state is not None
    assert (state.headline, state.why) == ("no lines for 5 m", "since 13:04")
