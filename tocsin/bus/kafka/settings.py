"""The settings of each Kafka client, and which of them a user may not change."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from tocsin.errors import ConfigError

TRANSACTION_S = 10.0
"""An open transaction holds back every reader, so a dead one ends after this time."""

CALL_S = 5.0
"""How long a call may wait for the broker: a stop must be done within 10 s."""

MAX_RECORD_BYTES = 64 * 1024**2
"""The client's own limit; the topic's is the one that counts."""

Settings = dict[str, Any]

# What exactly-once rests on.
_OURS = frozenset(
    {
        "auto.offset.reset",
        "bootstrap.servers",
        "client.id",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.idempotence",
        "enable.partition.eof",
        "group.id",
        "group.instance.id",
        "isolation.level",
        "metadata.broker.list",
        "partition.assignment.strategy",
        "transactional.id",
    }
)

# Which settings hold a secret; that security.protocol is SASL_SSL is none.
_SECRET = re.compile(r"password|secret|token|\.pem$|jaas|oauthbearer\.config")

_CLIENT: Settings = {
    # A hung broker is given up after this; the default is a minute.
    "socket.timeout.ms": int(TRANSACTION_S * 1000),
    "socket.connection.setup.timeout.ms": 5_000,
    # Back within half a second of the broker.
    "reconnect.backoff.ms": 50,
    "reconnect.backoff.max.ms": 500,
    "socket.nagle.disable": True,
    "allow.auto.create.topics": False,
}

_PRODUCER: Settings = {
    "transaction.timeout.ms": int(TRANSACTION_S * 1000),
    # Sending offsets waits for it twice, whatever timeout the call is given.
    "socket.timeout.ms": int(CALL_S * 1000),
    "compression.type": "lz4",
    # A batch leaves when it is full or flushed, which every commit does. A short time
    # would not be sooner: near its end the client asks for it again and again, which
    # is a quarter of its CPU.
    "linger.ms": 200,
    "batch.size": 1_000_000,
    "message.max.bytes": MAX_RECORD_BYTES,
    # Some requests ahead; what waits longer waits in the files. A larger queue is no
    # faster, and 30,000 messages are 10 MB more of memory.
    "queue.buffering.max.messages": 10_000,
    "queue.buffering.max.kbytes": 8_192,
}

_READER: Settings = {
    "isolation.level": "read_committed",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    # Every position is set by us, so that a hole cannot pass unseen.
    "auto.offset.reset": "error",
    "enable.partition.eof": True,
    # The default of one second caps a consumer at 170,000 lines/s.
    "fetch.queue.backoff.ms": 10,
    "queued.min.messages": 500_000,
    # Some batches ahead. The client's own copy of what it queues counts besides.
    "queued.max.messages.kbytes": 32_768,
}

_GROUP: Settings = {
    "partition.assignment.strategy": "cooperative-sticky",
    # The least that a broker accepts by default: the partitions of a process that was
    # killed wait so long for their next owner.
    "session.timeout.ms": 6_000,
    "heartbeat.interval.ms": 1_500,
    "max.poll.interval.ms": 60_000,
    # New records are told at once; that there are none is told after this, and asking
    # more often is most of what an idle process costs: 50 ms take 0.4 % of a core more.
    "fetch.wait.max.ms": 500,
}


class ClientLog:
    """Takes the client's own log lines as DEBUG: what matters arrives as an error."""

    def __init__(self) -> None:
        self._logger = logging.getLogger("tocsin.bus.kafka")

    def log(self, level: int, text: str, *args: object) -> None:
        """Write one line; the client's level is of no use to an operator."""
        del level
        self._logger.debug(text, *args)


class ClientSettings:
    """Builds the settings of the clients; a secret shows only in what it builds."""

    def __init__(
        self, bootstrap: str, settings: Mapping[str, SecretStr], *, client_id: str
    ) -> None:
        if ours := sorted(_OURS & settings.keys()):
            raise ConfigError(
                f"bus.kafka: {', '.join(ours)} may not be set",
                hint="that every line counts exactly once rests on Tocsin's choice",
            )
        self.bootstrap = bootstrap
        self._user = dict(settings)
        self._client_id = client_id

    def __repr__(self) -> str:
        keys = ", ".join(f"{key}='***'" for key in sorted(self._user))
        return f"ClientSettings({self.bootstrap!r}, {keys})"

    def masked(self, text: str) -> str:
        """The text with every secret in it replaced."""
        for key, value in self._user.items():
            secret = value.get_secret_value()
            if secret and _SECRET.search(key):
                text = text.replace(secret, "***")
        return text

    def admin(self) -> Settings:
        """For the administration client."""
        return self._build({})

    def producer(self, transactional_id: str) -> Settings:
        """For the one writer under an identity."""
        return self._build({**_PRODUCER, "transactional.id": transactional_id})

    def member(self, group: str, member: str) -> Settings:
        """For a member of a consumer group.

        No `group.instance.id`: a static member does not leave the group when it
        closes, and others would wait for its session's end.
        """
        settings = self._build({**_READER, **_GROUP, "group.id": group})
        settings["client.id"] = f"{self._client_id}-{member}"
        return settings

    def reader(self) -> Settings:
        """For reading without a group; the client wants a name for one nevertheless."""
        # It reads to the end and is done, and only an empty answer tells the end.
        ours = {"group.id": f"{self._client_id}-reader", "fetch.wait.max.ms": 50}
        return self._build({**_READER, **ours})

    def table(self) -> Settings:
        """For reading tables to their end, which an empty fetch tells: at once here."""
        return {**self.reader(), "fetch.wait.max.ms": 5}

    def _build(self, ours: Settings) -> Settings:
        given = {key: value.get_secret_value() for key, value in self._user.items()}
        return {
            "bootstrap.servers": self.bootstrap,
            "client.id": self._client_id,
            "logger": ClientLog(),
            "log_level": 3,
            **_CLIENT,
            **ours,
            **given,
        }
