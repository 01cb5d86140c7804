"""The bus for a command that looks at it: at once or not at all."""

from __future__ import annotations

from tocsin.bus.opening import open_bus
from tocsin.config.model import Config
from tocsin.errors import TocsinError
from tocsin.ports.bus import Bus


def open_for_reading(config: Config, name: str) -> Bus:
    """Open the bus; the caller closes it.

    Raises:
        BusUnavailable: it cannot be reached.
    """
    return open_bus(
        config.bus, state_dir=config.state_dir, client_id=f"{name}-{config.id}"
    )


def require_topic(bus: Bus, name: str) -> None:
    """Tell where a topic or table that is to be read does not exist.

    Raises:
        TocsinError: it does not.
    """
    if name not in {topic.name for topic in bus.topics()}:
        raise TocsinError(
            f"there is no topic {name} on {bus.describe()} yet",
            hint="start `tocsin run`, or check --bus, --state-dir and --topic-prefix",
        )
