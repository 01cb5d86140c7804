"""The errors that Tocsin raises and somebody catches.

TocsinError                 the message is for a person; `hint` says what to do
├── ConfigError             a mistake in configuration or usage: exit 2
├── BadRecord               a record that cannot be read: a dead letter
├── DeliveryFailed          a notification was not accepted
└── BusError                the bus failed, and going on would not help
    ├── BusUnavailable      the bus cannot be reached now: wait and try again
    ├── TransactionAborted  nothing of the transaction happened: redo it
    ├── RecordTooLarge      one record is over the bus's limit: a dead letter
    └── Fenced              another process took this identity over: exit 3
"""

from __future__ import annotations


class TocsinError(Exception):
    """A failure that a person can understand; `hint` is the cure, or empty."""

    exit_status = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(TocsinError):
    """A mistake in the configuration or on the command line."""

    exit_status = 2


class BadRecord(TocsinError):
    """A record from a topic, or a line, that cannot be read."""


class DeliveryFailed(TocsinError):
    """A receiver did not accept a notification.

    `retryable`: the same notification may be accepted later, not before
    `retry_after_s` seconds where the receiver named a time.
    """

    def __init__(
        self, message: str, *, retryable: bool, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class BusError(TocsinError):
    """The bus failed in a way that waiting does not mend."""


class BusUnavailable(BusError):
    """The bus cannot be reached, or cannot take data, at the moment."""


class TransactionAborted(BusError):
    """A transaction did not happen, wholly; go on from what was committed before.

    Consumers that acknowledged in it are already back at their committed offsets.
    """


class RecordTooLarge(BusError):
    """A record is larger than the bus accepts; nothing of its transaction happened."""

    def __init__(self, message: str, *, topic: str, max_bytes: int) -> None:
        super().__init__(message)
        self.topic = topic
        self.max_bytes = max_bytes


class Fenced(BusError):
    """Another process works under the same identity now; this one must stop."""

    exit_status = 3
