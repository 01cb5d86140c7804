"""Where a test's bus is, for this process and for those that it starts."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import SecretStr

from tocsin.bus.opening import open_bus
from tocsin.config.model import BusConfig
from tocsin.ports.bus import Bus, TopicSpec

# A member that is killed is given up soon; the embedded bus does not ask.
_QUICK = {
    "session.timeout.ms": SecretStr("2000"),
    "heartbeat.interval.ms": SecretStr("400"),
}


@dataclass(frozen=True, slots=True)
class Site:
    """One installation; `takeover_s`: how soon a dead member's partitions move."""

    url: str
    prefix: str
    state_dir: str
    takeover_s: float

    def open(self, client_id: str = "contract") -> Bus:
        """A new connection to the bus."""
        config = BusConfig(url=self.url, topic_prefix=self.prefix, kafka=_QUICK)
        return open_bus(config, state_dir=Path(self.state_dir), client_id=client_id)

    def create(self, *specs: TopicSpec) -> None:
        """Create topics."""
        with self.open() as bus:
            assert bus.ensure_topics(specs, create=True) == []

    def child(self, *arguments: str) -> list[str]:
        """The command line of the child program on this bus."""
        site = json.dumps(asdict(self))
        return [sys.executable, "-m", "tests.contract.child", site, *arguments]
