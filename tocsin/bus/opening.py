"""Opens the bus that a URL names: the only place that knows the engines' names."""

from __future__ import annotations

import re
from pathlib import Path

from tocsin.config.model import BusConfig
from tocsin.errors import ConfigError
from tocsin.ports.bus import Bus

_FILE_NAME = "tocsin.db"
_CURE = (
    "write embedded:// (a file in the state directory), embedded:///path/to/file.db, "
    "or kafka://host:port[,host:port]"
)
_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")


def open_bus(config: BusConfig, *, state_dir: Path, client_id: str = "tocsin") -> Bus:
    """Open the bus of `config`; `client_id` names this process to a server's people.

    Does not wait for a server: that it cannot be reached shows in the first call.

    Raises:
        ConfigError: the URL names no bus, or the file's directory cannot be used.
        BusError: the file is there and cannot be used.
    """
    scheme, separator, rest = config.url.partition("://")
    if not separator:
        raise ConfigError(f"bus.url: {_shown(config.url)!r} is not a URL", hint=_CURE)
    if scheme == "embedded":
        return _embedded(rest, config, state_dir)
    if scheme == "kafka":
        return _kafka(rest, config, client_id)
    raise ConfigError(f"bus.url: there is no bus called {scheme!r}", hint=_CURE)


def _embedded(rest: str, config: BusConfig, state_dir: Path) -> Bus:
    from tocsin.bus.embedded.adapter import EmbeddedBus  # noqa: PLC0415 - one engine

    if rest and not rest.startswith("/"):
        raise ConfigError(
            f"bus.url: embedded://{rest} has no absolute path",
            hint=f"write embedded:///{rest} with three slashes, or embedded://",
        )
    path = Path(rest) if rest else state_dir / _FILE_NAME
    return EmbeddedBus(path, prefix=config.topic_prefix)


def _kafka(rest: str, config: BusConfig, client_id: str) -> Bus:
    servers = rest.rstrip("/").split(",")
    for server in servers:
        _check_server(server)
    # Imported late: the client library costs 40 ms of start-up and 10 MB.
    from tocsin.bus.kafka.adapter import KafkaBus  # noqa: PLC0415

    return KafkaBus(
        ",".join(servers),
        prefix=config.topic_prefix,
        replication=config.replication,
        settings=config.kafka,
        client_id=client_id,
    )


def _check_server(server: str) -> None:
    if "@" in server:
        raise ConfigError(
            "bus.url: a user name or password does not belong into the address",
            hint="set sasl.username and sasl.password under bus.kafka",
        )
    match = _SERVER.fullmatch(server)
    if match is None or not 0 < int(match[2]) < 65536:
        raise ConfigError(
            f"bus.url: expected host:port, got {server!r}",
            hint="write kafka://host:9092, several as kafka://one:9092,two:9092",
        )


def _shown(url: str) -> str:
    """The URL without what may be a password."""
    return re.sub(r"[^/@]*@", "***@", url)
