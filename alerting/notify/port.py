"""What delivery needs of a way to tell people."""

from __future__ import annotations

from typing import Protocol

from alerting.message import Message
from tocsin.errors import DeliveryFailed


class OutcomeUnknown(DeliveryFailed):
    """No answer, or one that does not tell: the message may be shown or not."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


class MessageGone(DeliveryFailed):
    """The message to be edited is not there any more: post it anew."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


class Notifier(Protocol):
    """One channel. All methods block until it answered, at most ~6 s.

    Raises (all methods):
        DeliveryFailed: it was not accepted; the error tells what to do.
    """

    @property
    def channel(self) -> str:
        """The channel's name, stable over restarts; part of the outbox's keys."""

    @property
    def kind(self) -> str:
        """The kind of channel; a metric's label."""

    @property
    def can_edit(self) -> bool:
        """Whether a message can be changed, and found again."""

    @property
    def post_every_s(self) -> float:
        """The least time between two new messages."""

    @property
    def edit_every_s(self) -> float:
        """The least time between two edits or look-ups."""

    def post(self, message: Message) -> str:
        """Show a new message; a reference to it, to edit it."""

    def edit(self, reference: str, message: Message) -> None:
        """Change a message that was posted."""

    def find(self, incident: str, since: float) -> tuple[str, int] | None:
        """Look up a message about an incident: its reference and its sequence."""
