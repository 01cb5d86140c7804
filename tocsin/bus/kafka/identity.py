"""Who holds an identity: the last token that was committed for it.

The broker alone cannot tell. After a stall of more than the transaction's timeout it
ends the transaction by itself, and the producer is then told that it is fenced although
no second one exists. So whoever opens a producer commits a token into the table
`identities`, and a producer that is told so looks whose token stands there:

    another one's   it was replaced: Fenced, and the token says by whom
    its own         nobody took over: it begins anew, and looks once more, because its
                    new beginning may have fenced one that was just about to commit

If both act at the same time, the one whose token is committed last goes on.
"""

from __future__ import annotations

import os
import socket
import time
import uuid

import msgspec

from tocsin.bus.kafka.link import Link
from tocsin.bus.kafka.table import Tables
from tocsin.errors import Fenced
from tocsin.ports.bus import TopicSpec

IDENTITIES = TopicSpec("identities", compacted=True)


class Token(msgspec.Struct, frozen=True):
    """One holder of an identity."""

    token: str
    host: str
    pid: int
    since: float  # Unix seconds


def new_token() -> Token:
    """A token for this process, now."""
    return Token(uuid.uuid4().hex, socket.gethostname(), os.getpid(), time.time())


def encode(token: Token) -> bytes:
    """The token as JSON."""
    return msgspec.json.encode(token)


def check_holder(link: Link, tables: Tables, identity: str, ours: Token) -> None:
    """See that nobody else took the identity over.

    Raises:
        Fenced: another process did; the message says which.
    """
    rows, _ = tables.after(IDENTITIES.name, {})
    holder = dict(rows).get(identity.encode())
    if holder is None:
        return
    theirs = msgspec.json.decode(holder, type=Token)
    if theirs.token == ours.token:
        return
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(theirs.since))
    raise Fenced(
        f"another process works as {identity!r} on {link.where}: "
        f"pid {theirs.pid} on host {theirs.host}, since {since}",
        hint="stop one of the two, or give each an --id of its own",
    )
