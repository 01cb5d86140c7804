"""All records of raw-logs, booked to the accounts of their files. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter, methodcaller

from tocsin.app.verify.account import Account
from tocsin.app.verify.written import Read
from tocsin.errors import BadRecord
from tocsin.records.keys import parse_key
from tocsin.records.text import Text

_split = methodcaller("rpartition", b":")
_first, _last = itemgetter(0), itemgetter(2)
_SHOWN = 10


class Ledger:
    """Accounts by the part of the key that a file's records share.

    `reading(prefix)` gives what reads the file of an account, and what text it is.
    `unreadable` counts keys
    that are none; `unreadable_keys` holds the first of them.
    """

    def __init__(self, reading: Callable[[bytes], tuple[Read, Text]]) -> None:
        self._reading = reading
        self.accounts: dict[bytes, Account] = {}
        self.records = 0
        self.unreadable = 0
        self.unreadable_keys: list[bytes] = []

    def take(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """Book records of one partition, in their order."""
        self.records += len(keys)
        parts = list(map(_split, keys))
        prefixes = list(map(_first, parts))
        positions = list(map(_last, parts))
        if prefixes.count(prefixes[0]) == len(prefixes):
            self._book(prefixes[0], positions, values)
            return
        groups: dict[bytes, list[int]] = {}
        for i, prefix in enumerate(prefixes):
            groups.setdefault(prefix, []).append(i)
        for prefix, chosen in groups.items():
            self._book(
                prefix, [positions[i] for i in chosen], [values[i] for i in chosen]
            )

    def take_dead(self, key: bytes, size: int) -> None:
        """Book a dead letter of the collector."""
        try:
            offset = parse_key(key).offset
        except BadRecord:
            self._refuse(key)
            return
        prefix = _first(_split(key))
        self._account(prefix, self._reading(prefix)[1]).take_dead(offset, size)

    def _book(
        self, prefix: bytes, positions: Sequence[bytes], values: Sequence[bytes]
    ) -> None:
        read, text = self._reading(prefix)
        account = self._account(prefix, text)
        try:
            plain = list(map(int, positions))
        except ValueError:  # some have a mark, or are no keys
            self._book_marked(prefix, positions, values, read)
            if not account.records:
                del self.accounts[prefix]
        else:
            account.take(plain, values, None, read)

    def _book_marked(
        self,
        prefix: bytes,
        positions: Sequence[bytes],
        values: Sequence[bytes],
        read: Read,
    ) -> None:
        offsets, marks, kept = [], [], []
        for position, value in zip(positions, values, strict=True):
            try:
                key = parse_key(b"%s:%s" % (prefix, position))
            except BadRecord:
                self._refuse(b":".join(filter(None, (prefix, position))))
                continue
            offsets.append(key.offset)
            marks.append(key.mark)
            kept.append(value)
        if kept:
            self.accounts[prefix].take(offsets, kept, marks, read)

    def _refuse(self, key: bytes) -> None:
        self.unreadable += 1
        if len(self.unreadable_keys) < _SHOWN:
            self.unreadable_keys.append(key)

    def _account(self, prefix: bytes, text: Text) -> Account:
        account = self.accounts.get(prefix)
        if account is None:
            account = self.accounts[prefix] = Account(text=text)
        return account
