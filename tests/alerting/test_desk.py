"""What people are told, where and when - and what keeps it from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import msgspec
import pytest

from alerting.acknowledgement import Acknowledgement
from alerting.bundle import Bundle, decode_row
from alerting.desk import Change, Desk, Orders, Rules
from alerting.incident import Incident, Kind, Phase
from alerting.inhibition import Inhibition
from alerting.intervals import MuteInterval
from alerting.matchers import Matcher, parse_matcher
from alerting.notice import Notice, Phrase, Standing, Verdict, encode_row, phrase
from alerting.outbox import Desired
from alerting.routing import Route, Routing
from alerting.silences import Silence
from tests.alerting.cases import incident
from tests.alerting.story import START

HOUR = 3600.0


class Play:
    """A desk, and the incidents as they are."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or given()
        self.desk = Desk(self.rules)
        self.now = float(START)
        self.orders = Orders()

    def tell(self, *incidents: Incident, kind: Kind = "opened") -> list[Desired]:
        changes = [Change(x, kind) for x in incidents]
        return self._take(incidents, changes)

    def pass_time(self, seconds: float) -> list[Desired]:
        self.now += seconds
        return self._take((), ())

    def restart(self) -> None:
        """Go on from what is stored, as another process would."""
        rows = [decode_row(encode_row(x)) for x in self.desk.notices.values()]
        rows += [decode_row(encode_row(x)) for x in self.desk.bundles.values()]
        self.desk = Desk(
            self.rules,
            incidents=self.desk.incidents.values(),
            notices=[x for x in rows if isinstance(x, Notice)],
            bundles=[x for x in rows if isinstance(x, Bundle)],
        )

    def standing(self, of: Incident) -> Standing:
        return Standing[self.desk.notices[of.id].standing]

    def _take(
        self, incidents: Sequence[Incident], changes: Sequence[Change]
    ) -> list[Desired]:
        return self.desk.take(
            incidents, changes, self.orders, now=self.now, is_caught_up=True
        )


def given(**values: object) -> Rules:
    base = Rules(
        routing=Routing((), ["ops"]),
        channels={"ops": "#ops", "pager": "pager"},
        renotify_s=(1800.0, 7200.0),
    )
    return dataclasses.replace(base, **values)  # type: ignore[arg-type]


def over(of: Incident, *, after_s: float = 100.0) -> Incident:
    return msgspec.structs.replace(
        of,
        phase=Phase.RESOLVED,
        resolved_at=of.opened_at + after_s,
        quiet_since=of.opened_at + after_s,
        sequence=of.sequence + 1,
    )


def silence(until: float) -> Silence:
    return Silence(
        id="s1",
        matchers=(parse_matcher("service=checkout"),),
        starts_at=0.0,
        ends_at=until,
        author="ann",
        comment="deploy",
        created_at=0.0,
    )


def acked(of: Incident, at: float) -> Orders:
    row = Acknowledgement(incident=of.id, by="bob", at=at, comment="on it")
    return Orders(acknowledgements={of.id: row})


def test_a_new_incident_is_told_once_and_then_brought_up_to_date() -> None:
    play, state = Play(), incident()

    first = play.tell(state)
    idle = play.pass_time(5)
    second = play.tell(over(state), kind="resolved")

    assert [(x.channel, x.message.kind) for x in first] == [("#ops", "opened")]
    assert idle == []
    assert [x.message.is_open for x in second] == [False]
    assert second[0].message.sequence > first[0].message.sequence


def test_an_escalation_is_noted_so_that_people_notice() -> None:
    play, state = Play(), incident()
    play.tell(state)
    worse = msgspec.structs.replace(state, severity="critical", has_escalated=True)

    [row] = play.tell(worse, kind="escalated")

    assert row.message.note_sequence == row.message.sequence
    assert "is critical now" in row.message.note
    assert play.desk.notices[state.id].verdict == Verdict.ESCALATED.name


def test_a_silenced_incident_is_told_when_the_silence_ends_and_not_before() -> None:
    play, state = Play(), incident()
    play.orders = Orders(silences=(silence(until=START + 60),))

    held = play.tell(state)
    standing = play.standing(state)
    almost = play.pass_time(59)
    told = play.pass_time(1)

    assert (held, almost) == ([], [])
    assert standing is Standing.SILENCED
    assert [x.message.kind for x in told] == ["opened"]


def test_an_incident_that_ends_in_its_silence_is_never_told() -> None:
    play, state = Play(), incident()
    play.orders = Orders(silences=(silence(until=START + 60),))
    play.tell(state)

    assert play.tell(over(state), kind="resolved") == []
    assert play.pass_time(100) == []


def test_a_silence_on_what_was_told_is_shown_and_stops_reminders() -> None:
    play, state = Play(), incident()
    play.tell(state)
    play.orders = Orders(silences=(silence(until=START + 3 * HOUR),))

    [shown] = play.pass_time(1)
    quiet = play.pass_time(2 * HOUR)

    assert ("State", "silenced by s1") in shown.message.fields
    assert shown.message.note_sequence == 0
    assert quiet == []


def test_an_explained_incident_is_told_once_its_explanation_is_over() -> None:
    rule = Inhibition(
        (Matcher("service", ("database",)),), (Matcher("service", ("checkout",)),)
    )
    play = Play(given(inhibitions=(rule,)))
    database, state = incident("database"), incident()

    first = play.tell(database, state)
    later = play.tell(over(database), kind="resolved")

    assert [x.message.incident for x in first] == [database.id]
    assert play.standing(state) is Standing.TOLD
    assert {x.message.incident for x in later} == {database.id, state.id}


def test_a_quiet_route_is_told_when_its_hours_are_over() -> None:
    night = MuteInterval("night", frozenset(range(7)), ((0, 60),))  # 00:00-01:00 UTC
    route = Route(receivers=("pager",), mute=("night",), goes_on=True)
    routing = Routing((route, Route(receivers=("ops",))), ["ops", "pager"])
    play = Play(given(routing=routing, intervals=(night,)))

    first = play.tell(incident())
    second = play.pass_time(HOUR)

    assert START % 86400 == 0
    assert [x.channel for x in first] == ["#ops"]
    assert [x.channel for x in second if x.message.kind == "updated"] == [
        "#ops",
        "pager",
    ]


def test_people_are_reminded_ever_less_often_until_somebody_acknowledges() -> None:
    play, state = Play(), incident()
    play.tell(state)
    noted = []
    for minute in range(1, 60 * 8):
        rows = play.pass_time(60)
        noted += [(minute, x.message.note_sequence) for x in rows]
        if minute == 400:
            play.orders = acked(state, play.now)

    minutes = [minute for minute, _ in noted]
    assert minutes == [30, 150, 270, 390, 401]
    assert len({sequence for _, sequence in noted}) == 4
    assert play.standing(state) is Standing.ACKED


def test_an_acknowledgement_is_shown_with_who_and_why() -> None:
    play, state = Play(), incident()
    play.tell(state)
    play.orders = acked(state, play.now)

    [shown] = play.pass_time(1)

    assert ("State", "acknowledged by bob: on it") in shown.message.fields
    assert play.pass_time(1) == []


def test_critical_news_is_heard_in_spite_of_an_acknowledgement() -> None:
    play, state = Play(), incident()
    play.tell(state)
    play.orders = acked(state, play.now)
    play.pass_time(1)

    [row] = play.tell(
        msgspec.structs.replace(state, severity="critical"), kind="escalated"
    )

    assert row.message.note_sequence == row.message.sequence


def test_where_an_incident_was_told_it_is_told_to_the_end() -> None:
    """It becomes critical, so that another route takes it."""
    critical = Route((Matcher("severity", ("critical",)),), ("pager",))
    play = Play(given(routing=Routing((critical, Route(receivers=("ops",))), [])))
    state = incident()
    play.tell(state)
    worse = msgspec.structs.replace(state, severity="critical")

    both = play.tell(worse, kind="escalated")
    last = play.tell(over(worse), kind="resolved")

    assert [x.channel for x in both] == ["#ops", "pager"]
    assert [x.channel for x in last] == ["#ops", "pager"]


def test_a_storm_is_one_message_with_everything_below_it() -> None:
    play = Play()
    states = [incident(f"s{x}") for x in range(200)]

    rows = play.tell(*states)

    storm = rows[0].message
    assert storm.title == "Storm: 200 incidents in 200 services"
    assert len(storm.table) == 200
    assert {x.message.parent for x in rows[1:]} == {storm.incident}
    assert len(rows) == 201


def test_ten_incidents_a_minute_are_no_storm_and_the_eleventh_begins_one() -> None:
    play = Play()
    first = play.tell(*(incident(f"s{x}") for x in range(10)))
    play.pass_time(59)
    second = play.tell(incident("s10"))

    assert {x.message.parent for x in first} == {""}
    storm, member = second
    assert len(storm.message.table) == 11
    assert member.message.parent == storm.message.incident


def test_ten_then_one_a_minute_later_is_no_storm() -> None:
    play = Play()
    play.tell(*(incident(f"s{x}") for x in range(10)))
    play.pass_time(61)

    assert len(play.tell(incident("s10"))) == 1


def test_a_storm_grows_stops_and_is_over_also_across_a_restart() -> None:
    play = Play()
    states = [incident(f"s{x}") for x in range(12)]
    [storm, *_] = play.tell(*states)
    play.restart()
    play.pass_time(30)
    [grown, more] = play.tell(incident("late"))
    settled = play.pass_time(61)
    play.restart()
    alone = play.tell(incident("alone"))
    ended = play.tell(*map(over, [*states, incident("late")]), kind="resolved")

    assert grown.message.incident == storm.message.incident == more.message.parent
    assert [x.message.note_sequence > 0 for x in settled] == [True]
    assert [x.message.parent for x in alone] == [""]
    last = [x.message for x in ended if x.message.incident == storm.message.incident]
    assert [x.icon for x in last] == ["✅"]


def test_a_storm_in_one_channel_is_none_in_another() -> None:
    pay = Route((Matcher("service", ("pay",)),), ("pager",))
    play = Play(given(routing=Routing((pay, Route(receivers=("ops",))), [])))

    rows = play.tell(*(incident(f"s{x}") for x in range(20)), incident("pay"))

    assert [x.message.parent for x in rows if x.channel == "pager"] == [""]


def test_what_was_found_too_late_is_told_in_one_digest() -> None:
    play = Play()
    old = [incident(f"s{x}", paged=False) for x in range(3)]
    at_once = play.tell(old[0], kind="updated")
    play._take(old[1:], ())  # noqa: SLF001 - no change is worth telling
    early = play.pass_time(9)
    [digest] = play.pass_time(2)
    play.restart()

    assert (at_once, early) == ([], [])
    assert digest.message.title == "Found late: 3 incidents in 3 services"
    assert not digest.message.is_open
    assert play.pass_time(100) == []


def test_a_restart_tells_nothing_again() -> None:
    play, state = Play(), incident()
    play.tell(state)
    play.restart()

    assert play.pass_time(1) == []
    assert play.tell(over(state), kind="resolved")[0].message.kind == "resolved"


def test_an_incident_that_opened_and_ended_in_one_batch_is_told() -> None:
    play, state = Play(), incident()
    done = over(state)

    rows = play.desk.take(
        [done],
        [Change(state, "opened"), Change(done, "resolved")],
        Orders(),
        now=play.now,
        is_caught_up=True,
    )

    assert [x.message.icon for x in rows] == ["✅"]


def test_what_is_forgotten_leaves_nothing_behind() -> None:
    play = Play()
    states = [incident(f"s{x}") for x in range(20)]
    play.tell(*states)
    done = [over(x) for x in states]
    play.tell(*done, kind="resolved")

    gone = play.desk.forget(done)

    assert len(gone) == 21
    left = (play.desk.incidents, play.desk.notices, play.desk.bundles)
    assert left == ({}, {}, {})


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, Phrase.OPEN),
        ({"reopened": 1}, Phrase.REOPENED),
        ({"has_escalated": True, "reopened": 1}, Phrase.ESCALATED),
        ({"quiet_since": 1.0}, Phrase.QUIET),
        ({"is_stale": True, "quiet_since": 1.0}, Phrase.STALE),
        ({"phase": Phase.PENDING}, Phrase.PENDING),
        ({"resolved_at": START - 599.0}, Phrase.RESOLVED),
        ({"resolved_at": START - 601.0}, Phrase.CLOSED),
    ],
)
def test_one_word_says_how_an_incident_is(
    changes: dict[str, object], word: Phrase
) -> None:
    state = msgspec.structs.replace(incident(), **changes)

    assert phrase(state, None, now=START) is word
