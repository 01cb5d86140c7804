"""Who reads which partition."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tocsin.bus.embedded.balance import Member, hand_over


def _members(*tokens: int, partitions: int = 6) -> dict[int, Member]:
    return {t: Member(t, f"m{t}", frozenset(range(partitions))) for t in tokens}


def test_the_first_member_takes_everything() -> None:
    assert hand_over(_members(1), {}, giver=1) == dict.fromkeys(range(6), 1)


def test_a_member_gives_its_surplus_to_a_newcomer() -> None:
    held = dict.fromkeys(range(6), 1)

    moves = hand_over(_members(1, 2), held, giver=1)

    assert moves == {5: 2, 4: 2, 3: 2}


def test_a_newcomer_takes_nothing_from_the_living() -> None:
    held = dict.fromkeys(range(6), 1)

    assert hand_over(_members(1, 2), held, giver=2) == {}


def test_what_is_kept_is_not_given() -> None:
    held = dict.fromkeys(range(6), 1)

    moves = hand_over(_members(1, 2), held, giver=1, kept={3, 4, 5})

    assert moves == {2: 2, 1: 2, 0: 2}


def test_what_the_dead_held_goes_to_the_idlest() -> None:
    held = {0: 1, 1: 1, 2: 1, 3: 9, 4: 9, 5: 2}

    moves = hand_over(_members(1, 2), held, giver=None)

    assert moves == {3: 2, 4: 2}


def test_a_member_gets_only_what_it_wants() -> None:
    members = {
        1: Member(1, "a", frozenset({0, 1})),
        2: Member(2, "b", frozenset({1, 2, 3})),
    }

    moves = hand_over(members, {}, giver=1)

    assert moves[0] == 1
    assert {moves[2], moves[3]} == {2}


@given(
    tokens=st.sets(st.integers(1, 6), min_size=1),
    held=st.dictionaries(st.integers(0, 11), st.integers(1, 9)),
)
def test_turns_of_all_members_end_in_balance(
    tokens: set[int], held: dict[int, int]
) -> None:
    members = _members(*tokens, partitions=12)

    for _ in range(3):
        for token in tokens:
            moves = hand_over(members, held, giver=token)
            assert all(held.get(p, token) not in tokens - {token} for p in moves)
            held = held | moves

    loads = Counter(dict.fromkeys(tokens, 0)) + Counter(held.values())
    assert held.keys() == set(range(12))
    assert max(loads[t] for t in tokens) - min(loads[t] for t in tokens) <= 1
    assert all(hand_over(members, held, giver=token) == {} for token in tokens)
