"""Membership in a consumer group: a lease that is renewed, partitions that are held.

A member that has not renewed its lease for `LEASE_S` is dead to the others: they delete
it, and its partitions with it. Times are of the machine's monotonic clock, which all
its processes share; a lease that reaches further than `LEASE_S` is from before a
reboot. What a dead member still tries to commit is refused, because the commit looks
for its claims.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from tocsin.bus.embedded.balance import Member, hand_over
from tocsin.bus.embedded.database import Database
from tocsin.errors import Fenced
from tocsin.values import Clock

# With a renewal each second and a look each 0.2 s, a dead member's partitions move
# within 4.2 s, and a member may be held up for 3 s before it counts as dead.
LEASE_S = 4.0


class Membership:
    """One member of one group; belongs to its consumer's thread, but for `renewed`."""

    def __init__(  # noqa: PLR0913 - what it is, and by whom
        self,
        database: Database,
        *,
        group: str,
        name: str,
        topic_ids: Sequence[int],
        holder: str,
        clock: Clock,
    ) -> None:
        self.group = group
        self.token = 0  # none yet
        self.generation = 0
        self.held: frozenset[int] = frozenset()
        self.polled_at = clock()
        self._database = database
        self._name = name
        self._topic_ids = topic_ids
        self._holder = holder
        self._clock = clock
        self._renewed_at = self._promised_at = clock()

    def look(self, kept: AbstractSet[int]) -> bool:
        """Look after the group if it needs it; whether something may have changed.

        `kept`: partitions that this member must not give away now.

        Raises:
            Fenced: another process became the member of this name.
        """
        now = self.polled_at = self._clock()
        if self.token and not self._needs_care(now):
            if now - self._renewed_at > LEASE_S / 2:
                self._renew(now)
            return False
        with self._database.write() as connection:
            self._take_care(connection, now, kept)
        self._renewed_at = now
        return True

    @property
    def renewed_at(self) -> float:
        """When the lease was renewed last."""
        return self._renewed_at

    def renewed(self, at: float) -> None:
        """Take note that somebody renewed the lease; any thread."""
        self._renewed_at = at

    def renew_with(self, connection: sqlite3.Connection) -> None:
        """Renew the lease in a transaction that is written anyway."""
        self._promised_at = self._clock()
        renew(connection, [self.token], self._promised_at)

    def settle(self) -> None:
        """Take note that the transaction of `renew_with` was committed."""
        self._renewed_at = self._promised_at

    def leave(self) -> None:
        """Leave, and hand the partitions to the others at once."""
        if not self.token:
            return
        with self._database.write() as connection:
            connection.execute("DELETE FROM member WHERE token = ?", (self.token,))
            _hand_over(connection, self.group, giver=None, kept=frozenset())
            _next_generation(connection, self.group)
        self.token = 0

    def _needs_care(self, now: float) -> bool:
        found = self._database.row(
            "SELECT (SELECT generation FROM consumer_group WHERE name = ?), EXISTS "
            "(SELECT 1 FROM member WHERE consumer_group = ? AND token <> ? "
            "AND expires NOT BETWEEN ? AND ?)",
            (self.group, self.group, self.token, now, now + LEASE_S),
        )
        return found != (self.generation, 0)

    def _renew(self, now: float) -> None:
        with self._database.write() as connection:
            renew(connection, [self.token], now)
        self._renewed_at = now

    def _take_care(
        self, connection: sqlite3.Connection, now: float, kept: AbstractSet[int]
    ) -> None:
        changed = self._enter(connection, now)
        renew(connection, [self.token], now)
        changed |= _bury(connection, self.group, self.token, now)
        changed |= _hand_over(connection, self.group, giver=self.token, kept=kept)
        if changed:
            _next_generation(connection, self.group)
        [self.generation] = connection.execute(
            "SELECT generation FROM consumer_group WHERE name = ?", (self.group,)
        ).fetchone()
        held = connection.execute(
            "SELECT partition FROM claim WHERE token = ?", (self.token,)
        )
        self.held = frozenset(partition for (partition,) in held)

    def _enter(self, connection: sqlite3.Connection, now: float) -> bool:
        found = connection.execute(
            "SELECT token, holder FROM member WHERE consumer_group = ? AND name = ?",
            (self.group, self._name),
        ).fetchone()
        if found is not None and found[0] == self.token:
            return False
        if found is not None and self.token:
            raise Fenced(
                f"{found[1]} is the member {self._name} of the group {self.group} now",
                hint="stop one of the two, or give them different names with --id",
            )
        connection.execute(
            "DELETE FROM member WHERE consumer_group = ? AND name = ?",
            (self.group, self._name),
        )
        # A new token for each entry: claims of an earlier life are never mistaken.
        self.token = secrets.randbits(62) + 1
        connection.execute(
            "INSERT INTO member VALUES (?, ?, ?, ?, ?)",
            (self.token, self.group, self._name, self._holder, now + LEASE_S),
        )
        connection.executemany(
            "INSERT INTO wish VALUES (?, ?)",
            [(self.token, topic_id) for topic_id in self._topic_ids],
        )
        return True


def renew(connection: sqlite3.Connection, tokens: Sequence[int], now: float) -> None:
    """Make leases last for `LEASE_S` from now."""
    connection.executemany(
        "UPDATE member SET expires = ? WHERE token = ?",
        [(now + LEASE_S, token) for token in tokens],
    )


def _bury(connection: sqlite3.Connection, group: str, own: int, now: float) -> bool:
    done = connection.execute(
        "DELETE FROM member WHERE consumer_group = ? AND token <> ? "
        "AND expires NOT BETWEEN ? AND ?",
        (group, own, now, now + LEASE_S),
    )
    return done.rowcount > 0


def _hand_over(
    connection: sqlite3.Connection,
    group: str,
    *,
    giver: int | None,
    kept: AbstractSet[int],
) -> bool:
    moves = hand_over(
        _members(connection, group), _claims(connection, group), giver=giver, kept=kept
    )
    connection.executemany(
        "INSERT OR REPLACE INTO claim VALUES (?, ?, ?)",
        [(group, partition, token) for partition, token in moves.items()],
    )
    return bool(moves)


def _members(connection: sqlite3.Connection, group: str) -> dict[int, Member]:
    names: dict[int, str] = {}
    wanted: dict[int, set[int]] = {}
    for token, name, partition in connection.execute(
        "SELECT m.token, m.name, p.id FROM member m JOIN wish w USING (token) "
        "JOIN partition p USING (topic) WHERE m.consumer_group = ?",
        (group,),
    ):
        names[token] = name
        wanted.setdefault(token, set()).add(partition)
    return {t: Member(t, name, frozenset(wanted[t])) for t, name in names.items()}


def _claims(connection: sqlite3.Connection, group: str) -> dict[int, int]:
    return dict(
        connection.execute(
            "SELECT partition, token FROM claim WHERE consumer_group = ?", (group,)
        ).fetchall()
    )


def _next_generation(connection: sqlite3.Connection, group: str) -> None:
    connection.execute(
        "INSERT INTO consumer_group VALUES (?, 1) "
        "ON CONFLICT DO UPDATE SET generation = generation + 1",
        (group,),
    )
