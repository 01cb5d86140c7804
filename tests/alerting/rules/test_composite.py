"""composite: other rules together, whatever the order of lines, over restarts."""

from __future__ import annotations

import msgspec
import pytest

from alerting.incident import Incident
from alerting.rules.rule import rule_of
from tests.alerting.rules.at_work import Restarts, configured, engine, outcomes, told
from tests.alerting.story import START, Frames, pane
from tocsin.config.alerting import RuleConfig
from tocsin.config.expression import parse_expression
from tocsin.records.frames import Frame, Pane, TallyCount

A = configured(name="a", type="threshold", warning=5, window=10, quiet=5)
B = configured(
    name="b", type="threshold", critical=5, window=10, quiet=5, text="disk is full"
)


PAYMENT = A.model_copy(update={"text": "payment"})


def counted(made: Pane) -> Pane:
    """The pane with what the processor counts for rules with a text."""
    tallies = [
        TallyCount(key, found.count, found=found)
        for rule in (B, PAYMENT)
        for found in made.templates
        for key in rule_of(rule).needs
        if rule.text is not None and rule.text in found.text
    ]
    return msgspec.structs.replace(made, tallies=tuple(tallies))


def joined(when: str, **given: object) -> RuleConfig:
    return configured(**({"name": "both", "type": "composite", "when": when} | given))


def frames(*panes: Pane, until: int) -> list[Frame]:
    """A frame a second, with the panes of the second."""
    made = Frames()
    by_second: dict[int, list[Pane]] = {}
    for each in panes:
        by_second.setdefault(each.second - START, []).append(counted(each))
    ends = range(START + 1, START + until + 1)
    return [
        made.next(x, by_second.get(x - 1 - START, ()), processed_at=x) for x in ends
    ]


def of_both(made: list[Frame], *rules: RuleConfig) -> list[tuple[str, str, float, str]]:
    found = outcomes(engine(*rules), made)
    return told(x for x in found if x.incident.rule == "both")


ERRORS = pane(START + 5, 5)
FULL = pane(START + 40, 5, text="disk is full")


def test_both_within_the_window_are_told_as_bad_as_the_worst() -> None:
    made = frames(ERRORS, FULL, until=300)

    found = of_both(made, A, B, joined("a and b", window=60))

    assert found == [
        ("checkout", "opened", 41, "critical"),
        ("checkout", "resolved", 235, "critical"),
    ]


def test_what_was_over_longer_ago_than_the_window_does_not_count() -> None:
    """It fires at 5, and is over at 19."""
    late = pane(START + 90, 5, text="disk is full")
    only_b = joined("a and b", window=30), PAYMENT

    assert of_both(frames(ERRORS, late, until=99), only_b[1], B, only_b[0]) == []
    early = pane(START + 40, 5, text="disk is full")
    assert len(of_both(frames(ERRORS, early, until=99), only_b[1], B, only_b[0])) == 1


def test_without_another_waits_for_the_other_of_the_same_second() -> None:
    """B is heard after a, in another frame of the same second."""
    made = Frames()
    both = [
        made.next(START, [pane(START + 5, 5)]),
        made.next(START + 4, [counted(pane(START + 5, 5, text="disk is full"))]),
        made.next(START + 9),
    ]

    assert of_both(both, A, B, joined("a and not b")) == []
    assert len(of_both(both, A, B, joined("a and b"))) == 1
    alone = frames(ERRORS, until=20)
    assert len(of_both(alone, A, B, joined("a and not b"))) == 1


def test_levels_are_numbers_of_rules_that_hold() -> None:
    made = frames(ERRORS, FULL, until=60)

    found = of_both(made, A, B, joined("a or b", warning=1, critical=2, window=60))

    assert [(kind, how) for _, kind, _, how in found] == [
        ("opened", "warning"),
        ("escalated", "critical"),
    ]


def test_services_are_joined_each_by_itself_unless_it_says_otherwise() -> None:
    panes = pane(START + 5, 5), pane(START + 5, 5, service="cart", text="disk is full")
    made = frames(*panes, until=20)

    each = joined("a and b and not burst")
    assert [x[0] for x in of_both(made, A, B, each)] == ["cart"]
    elsewhere = joined("a and b", service=["check*"])
    assert of_both(made, A, B, elsewhere) == []
    whole = joined("a and b", by=[])
    assert [x[0] for x in of_both(made, A, B, whole)] == [""]


def test_a_rule_about_all_services_holds_for_each() -> None:
    whole = B.model_copy(update={"by": []})
    panes = pane(START + 5, 5), pane(START + 5, 5, service="cart", text="disk is full")

    found = of_both(frames(*panes, until=20), A, whole, joined("a and b"))

    assert sorted(x[0] for x in found) == ["cart", "checkout"]


@pytest.mark.parametrize("at", [7, 30, 41, 70, 120])
def test_a_restart_changes_nothing(at: int) -> None:
    rules = A, B, joined("a and b", window=60), joined("both or b", name="more")
    made = frames(ERRORS, FULL, pane(START + 150, 9), until=200)
    whole = told(outcomes(engine(*rules), made))

    run = Restarts(*rules)
    before = run.take(made[:at])
    run.restart()

    assert told(before + run.take(made[at:])) == whole
    assert len(whole) >= 9


def test_the_message_says_what_its_parts_say() -> None:
    found = outcomes(engine(A, B, joined("a and b")), frames(FULL, until=60))

    [incident] = [x.incident for x in found if x.incident.rule == "both"][:1]

    assert isinstance(incident, Incident)
    assert incident.why == (
        "a: 5 ERROR in 10 s, the limit is 5; "
        "b: 5 matching ERROR lines in 10 s, the limit is 5"
    )
    shown = incident.evidence.templates
    assert [(x.text, x.count) for x in shown] == [("disk is full", 5)]


@pytest.mark.parametrize(
    ("text", "true_of"),
    [
        ("a", "a ab ac abc"),
        ("not a", "- b c bc"),
        ("a or b and c", "a ab ac bc abc"),
        ("(a or b) and c", "ac bc abc"),
        ("a and not (b or c)", "a"),
        ("not not a", "a ab ac abc"),
        ("'a' and \"b\"", "ab abc"),
    ],
)
def test_an_expression_binds_as_people_read_it(text: str, true_of: str) -> None:
    found = parse_expression(text)

    every = ["-", "a", "b", "c", "ab", "ac", "bc", "abc"]

    assert [x for x in every if found.holds({*x})] == true_of.split()


@pytest.mark.parametrize(
    "text", ["", "a b", "and a", "a and", "a or or b", "(a", "a)", "a & b", "(" * 30]
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|too many"):
        parse_expression(text)
