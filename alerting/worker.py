"""The worker of alerting: frames in; incidents, outbox and alerts out, exactly once.

Of several processes one is active: the one that the consumer group gave the partition
of log-metrics. It decides and delivers; the others are hot standbys. When the
assignment changes, and after an aborted transaction, state is loaded anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Self

from alerting.delivery import Delivery
from alerting.desk import Desk, Rules
from alerting.duty import Duty
from alerting.heartbeat import Heartbeat
from alerting.incident import SELF
from alerting.inhibition import inhibitions
from alerting.intervals import mute_intervals
from alerting.notify.port import Notifier
from alerting.orders import OrderBook
from alerting.receivers import notifiers
from alerting.recovery import rebuilt_engine, stored_incidents, stored_notices
from alerting.rollcall import CollectorTable
from alerting.routing import Routing, tree
from alerting.rules.rule import rule_of
from alerting.settings import burst_rule, policy
from alerting.silences import configured
from alerting.telemetry import AlertingTelemetry
from tocsin.config.alerting import AlertingConfig
from tocsin.errors import BusUnavailable, Fenced, TransactionAborted
from tocsin.ports.bus import Batch, Bus, Consumer, Producer, TopicPartition
from tocsin.records.topics import LOG_METRICS
from tocsin.telemetry.health import Health
from tocsin.values import Clock

GROUP = "tocsin-alerting"
_POLL_S = 0.5
_MAX_RECORDS = 500
_MAX_BACKOFF_S = 2.0


def run(  # noqa: PLR0913 - the signature that every worker has
    bus: Bus,
    config: AlertingConfig,
    *,
    identity: str,
    telemetry: AlertingTelemetry,
    health: Health,
    stop: threading.Event,
    clock: Clock = time.time,
) -> None:
    """Alert until `stop` is set; waits for the bus as long as it takes.

    Raises:
        Fenced: another process works under `identity`.
        ConfigError: a channel is not set up wholly.
    """
    worker = Worker(
        bus,
        config,
        notifiers(config, clock=clock),
        identity=identity,
        telemetry=telemetry,
        health=health,
        clock=clock,
    )
    failures = 0
    with closing(worker):
        while not stop.is_set():
            try:
                worker.until(stop)
            except BusUnavailable as error:
                failures = failures + 1 if worker.was_idle else 1
                health.beat()
                health.not_ready(f"the bus cannot be reached: {error}")
                if failures == 1 or failures % 30 == 0:
                    telemetry.waiting(error)
                stop.wait(min(_MAX_BACKOFF_S, 0.1 * 2.0 ** min(failures, 10)))


def rules(config: AlertingConfig, receivers: Mapping[str, Notifier]) -> Rules:
    """Who is told of what, as it is configured."""
    return Rules(
        routing=Routing(tree(config.routes), list(receivers)),
        channels={name: x.channel for name, x in receivers.items()},
        intervals=mute_intervals(config.mute_intervals),
        inhibitions=inhibitions(config.inhibit),
        silences=configured(config.silences),
        renotify_s=tuple(config.renotify),
        storm=config.storm,
        links=config.links,
    )


class Worker:
    """The loop; `until` may be called again after an error."""

    def __init__(  # noqa: PLR0913 - made in one place, from ready-made parts
        self,
        bus: Bus,
        config: AlertingConfig,
        receivers: Mapping[str, Notifier],
        *,
        identity: str,
        telemetry: AlertingTelemetry,
        health: Health,
        clock: Clock,
    ) -> None:
        self._bus = bus
        self._rule = burst_rule(config.burst)
        self._policy = policy(config.burst)
        self._own_rules = [rule_of(x) for x in config.rules]
        self._rules = rules(config, receivers)
        self._channels = list(receivers.values())
        self._heart = config.heartbeat
        self._identity = identity
        self._telemetry = telemetry
        self._health = health
        self._clock = clock
        # Claimed once, and kept while the bus is away: claiming it again would fence
        # the process that took over meanwhile.
        self._producer: Producer | None = None
        self.was_idle = True  # nothing worked since `until` was called

    def close(self) -> None:
        """Give the identity's producer up."""
        if self._producer is not None:
            self._producer.close()

    def until(self, stop: threading.Event) -> None:
        """Work until `stop` is set; all but the producer is closed at the end."""
        self.was_idle = True
        if self._producer is None:
            self._producer = self._bus.producer(self._identity)
        producer = self._producer
        with ExitStack() as opened:
            consumer = self._bus.consumer(
                [LOG_METRICS], group=GROUP, member=self._identity
            )
            opened.callback(consumer.close)
            shift = opened.enter_context(_Shift(self))
            while not stop.is_set():
                self._health.beat()
                batches = consumer.poll(max_records=_MAX_RECORDS, wait_s=_POLL_S)
                shift.turn(batches, producer, consumer)
                self.was_idle = False

    def new_duty(self) -> Duty:
        """Load what is committed, and begin to deliver; blocks some seconds."""
        partitions = self._bus.partitions(LOG_METRICS)
        if partitions > 1:
            self._telemetry.split(partitions)
        incidents = stored_incidents(self._bus, self._telemetry)
        engine, replayed = rebuilt_engine(
            self._bus,
            self._rule,
            self._policy,
            [x for x in incidents if x.rule != SELF],
            rules=self._own_rules,
            now=self._clock(),
            beat=self._health.beat,
        )
        notices, bundles = stored_notices(self._bus, self._telemetry)
        desk = Desk(self._rules, incidents=incidents, notices=notices, bundles=bundles)
        orders = OrderBook(self._bus, telemetry=self._telemetry)
        delivery = self.new_delivery()
        self._telemetry.started(replayed, sum(x.is_open for x in incidents))
        self._telemetry.incidents(engine.incidents)
        self._health.ready()
        return Duty(
            self._bus,
            engine,
            delivery,
            desk,
            orders,
            collectors=CollectorTable(self._bus, telemetry=self._telemetry),
            heartbeat=self._heartbeat(),
            telemetry=self._telemetry,
            clock=self._clock,
        )

    def _heartbeat(self) -> Heartbeat | None:
        config = self._heart
        if config.url is None:
            return None
        url = config.url.get_secret_value()
        return Heartbeat(url, every_s=config.every, telemetry=self._telemetry)

    def new_delivery(self) -> Delivery:
        """The threads of all channels, started."""
        delivery = Delivery(
            self._bus, self._channels, telemetry=self._telemetry, clock=self._clock
        )
        delivery.start()
        return delivery

    def off_duty(self, *, is_member: bool) -> None:
        """Another process is active, or the group is not settled yet."""
        if is_member:
            self._telemetry.standby()
            self._health.ready()

    def redo(self, error: TransactionAborted) -> None:
        """A transaction did not happen."""
        self._telemetry.redo(error)


class _Shift:
    """Goes on and off duty as the assignment and the offsets tell."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._duty: Duty | None = None
        self._generation: int | None = None
        self._expected: dict[TopicPartition, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def turn(
        self, batches: Sequence[Batch], producer: Producer, consumer: Consumer
    ) -> None:
        """Take what a poll gave."""
        assignment = consumer.assignment()
        is_mine = bool(assignment.positions)
        if self._duty is not None and not (is_mine and self._is_continued(batches)):
            self._end()
        if not is_mine:
            if assignment.generation != self._generation:
                self._generation = assignment.generation
                self._worker.off_duty(is_member=assignment.generation > 0)
            return
        self._generation = assignment.generation
        if self._duty is None:
            self._duty = self._worker.new_duty()
        self._check_delivery(self._duty)
        try:
            self._duty.turn(batches, producer, consumer)
        except TransactionAborted as error:
            self._worker.redo(error)
            self._end()
            return
        for batch in batches:
            self._expected[TopicPartition(batch.topic, batch.partition)] = batch.hi

    def _is_continued(self, batches: Sequence[Batch]) -> bool:
        """Whether the batches follow what is decided on; if not, others were active."""
        return all(
            self._expected.get(TopicPartition(x.topic, x.partition), x.lo) == x.lo
            for x in batches
        )

    def _check_delivery(self, duty: Duty) -> None:
        failure = duty.delivery.failure
        if failure is None:
            return
        if not isinstance(failure, Fenced):
            raise failure
        # Whoever fenced it was active; by the last poll the duty is ours again.
        duty.delivery.close()
        duty.delivery = self._worker.new_delivery()

    def _end(self) -> None:
        if self._duty is not None:
            self._duty.close()
        self._duty = None
        self._expected.clear()
