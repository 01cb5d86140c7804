"""What delivery needs of a way to tell people."""

from __future__ import annotations

import socket
from collections.abc import Collection, Mapping
from math import inf
from typing import NamedTuple, Protocol

from alerting.message import Message
from tocsin.errors import DeliveryFailed


class OutcomeUnknown(DeliveryFailed):
    """No answer, or one that does not tell: the message may be shown or not."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


def no_answer(whom: str, error: BaseException) -> DeliveryFailed:
    """What an error of the network means: certainly not sent, or nobody knows."""
    reason = getattr(error, "reason", error)
    text = f"{whom} ({type(reason).__name__})"
    if isinstance(reason, ConnectionRefusedError | socket.gaierror):
        return DeliveryFailed(text, retryable=True)
    return OutcomeUnknown(text)


class MessageGone(DeliveryFailed):
    """The message to be edited is not there any more: post it anew."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


class Found(NamedTuple):
    """A message that the channel shows: how to find it again, and its sequence."""

    reference: str
    sequence: int


class Search(NamedTuple):
    """What a look-up found by incident; `is_whole`: what is missing is not there."""

    found: Mapping[str, Found]
    is_whole: bool


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
        """What metrics call it: its kind, or the name of its receiver."""

    @property
    def can_edit(self) -> bool:
        """Whether a message can be changed, and found again."""

    @property
    def post_every_s(self) -> float:
        """The least time between two new messages."""

    @property
    def edit_every_s(self) -> float:
        """The least time between two edits or look-ups."""

    @property
    def renew_every_s(self) -> float:
        """How often it must be told again of what is open; usually never."""

    def check(self) -> None:
        """Ask whether it would accept messages, without sending one."""

    def post(self, message: Message, *, thread: str | None = None) -> str:
        """Show a new message, below another one or not; a reference to it."""

    def edit(self, reference: str, message: Message) -> None:
        """Change a message that was posted."""

    def note(self, reference: str, message: Message) -> None:
        """Say the message's note below it, so that people notice."""

    def find(
        self, incidents: Collection[str], since: float, *, thread: str | None = None
    ) -> Search:
        """Look up messages about incidents, below another message or not."""

    def has_note(self, reference: str, message: Message) -> bool:
        """Whether the message's note is said below it already."""


class PostOnly:
    """The rest of a notifier that can do nothing but post."""

    can_edit = False
    post_every_s = edit_every_s = 0.0
    renew_every_s = inf

    def check(self) -> None:
        """Nothing: only a message would tell."""

    def edit(self, reference: str, message: Message) -> None:
        """Cannot be done; delivery does not ask for it.

        Raises:
            DeliveryFailed: always.
        """
        text = f"cannot edit {reference} of {message.incident}"
        raise DeliveryFailed(text, retryable=False)

    def note(self, reference: str, message: Message) -> None:
        """Cannot be done; delivery does not ask for it.

        Raises:
            DeliveryFailed: always.
        """
        self.edit(reference, message)

    def find(
        self, incidents: Collection[str], since: float, *, thread: str | None = None
    ) -> Search:
        """Nothing: it cannot read."""
        del incidents, since, thread
        return Search({}, is_whole=False)

    def has_note(self, reference: str, message: Message) -> bool:
        """No: it cannot read."""
        del reference, message
        return False
