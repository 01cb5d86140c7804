"""Who of a consumer group reads which partition: a pure decision.

There is no coordinator. Each member, when it looks after the group, hands out the
partitions that nobody holds, and gives away its own where it has two more than another.
Nobody takes a partition from a living member, so what a member read between two polls
stays its own until it has committed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """A member that lives: its token, its name, and the partitions it may read."""

    token: int
    name: str
    wanted: AbstractSet[int]


def hand_over(
    members: Mapping[int, Member],
    held: Mapping[int, int],
    *,
    giver: int | None,
    kept: AbstractSet[int] = frozenset(),
) -> dict[int, int]:
    """The new holders, by partition; both the result and `held` map to tokens.

    `held`: the holders now; one that is no member any more holds nothing. `giver`: the
    member that acts; only its own partitions may move on, and of them not the `kept`.
    """
    holders = {p: t for p, t in held.items() if t in members and _may(members[t], p)}
    moves = _adopt(members, holders)
    if giver is not None and giver in members:
        moves |= _give(members, holders | moves, giver, kept)
    return {p: t for p, t in moves.items() if held.get(p) != t}


def _adopt(members: Mapping[int, Member], holders: dict[int, int]) -> dict[int, int]:
    wanted = {p for member in members.values() for p in member.wanted}
    load = _loads(members, holders)
    moves = {}
    for partition in sorted(wanted - holders.keys()):
        moves[partition] = _idlest(members, load, partition)
        load[moves[partition]] += 1
    return moves


def _give(
    members: Mapping[int, Member],
    holders: dict[int, int],
    giver: int,
    kept: AbstractSet[int],
) -> dict[int, int]:
    load = _loads(members, holders)
    moves = {}
    own = {partition for partition, token in holders.items() if token == giver}
    for partition in sorted(own - kept, reverse=True):
        taker = _idlest(members, load, partition)
        if load[taker] + 1 < load[giver]:
            moves[partition] = taker
            load[taker] += 1
            load[giver] -= 1
    return moves


def _loads(members: Mapping[int, Member], holders: dict[int, int]) -> dict[int, int]:
    load = dict.fromkeys(members, 0)
    for token in holders.values():
        load[token] += 1
    return load


def _idlest(
    members: Mapping[int, Member], load: Mapping[int, int], partition: int
) -> int:
    able = [m for m in members.values() if _may(m, partition)]
    return min(able, key=lambda m: (load[m.token], m.name)).token


def _may(member: Member, partition: int) -> bool:
    return partition in member.wanted
