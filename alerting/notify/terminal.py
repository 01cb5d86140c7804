"""Messages on the terminal: what Slack would show, as plain text or in colour."""

from __future__ import annotations

import textwrap
import threading
from typing import TextIO

from alerting.message import Message
from alerting.notify.blocks import delays
from alerting.notify.port import PostOnly
from tocsin.errors import DeliveryFailed
from tocsin.values import Clock

_STDOUT = threading.Lock()
_INDENT = "    "


class TerminalNotifier(PostOnly):
    """Writes to a stream; colour and a frame only where it is a terminal."""

    channel = "terminal"
    kind = "terminal"

    def __init__(self, stream: TextIO, *, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock

    def post(self, message: Message, *, thread: str | None = None) -> str:
        """Print a message.

        Raises:
            DeliveryFailed: the stream is closed.
        """
        del thread
        try:
            with _STDOUT:
                self._write(message)
                self._stream.flush()
        except (OSError, ValueError) as error:  # ValueError: a closed stream
            raise DeliveryFailed(f"stdout: {error}", retryable=False) from error
        return message.incident

    def _write(self, message: Message) -> None:
        text = render(message, sent_at=self._clock())
        if not self._stream.isatty():
            self._stream.write(_encodable(text + "\n\n", self._stream))
            return
        # Only here: rich takes its time to load, and a pipe wants none of it.
        from rich.console import Console  # noqa: PLC0415
        from rich.panel import Panel  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        header, _, rest = text.partition("\n")
        colour = "red" if message.is_open else "green"
        panel = Panel(Text(rest), title=Text(header), border_style=colour)
        Console(file=self._stream, highlight=False, markup=False).print(panel)


def render(message: Message, *, sent_at: float) -> str:
    """The message as plain text. Pure."""
    lines = [message.header, "  " + message.why]
    lines += [f"  {name + ':':<10} {value}" for name, value in message.fields]
    lines += [f"  {x}" for x in message.table]
    if message.templates:
        lines.append(f"  Top {message.noun}:")
        lines += [
            f"  {x.count:>7,} × {'NEW ' if x.is_new else ''}{x.text}"
            for x in message.templates
        ]
    if message.more_errors:
        lines.append(f"  {message.more_errors:>7,} × others")
    if message.samples:
        lines.append("  Samples:")
    for sample in message.samples:
        lines += textwrap.wrap(
            sample.text, 96, initial_indent=_INDENT, subsequent_indent=_INDENT
        )
        lines.append(f"      {sample.place}")
    if message.spark:
        lines.append(f"  {message.spark} last 60 s, peak {message.spark_peak:,}/s")
    lines += [f"  {name}: {address}" for name, address in message.links]
    if not message.table:
        lines.append(f"  {delays(message, sent_at)}")
    return "\n".join(lines)


def _encodable(text: str, stream: TextIO) -> str:
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding, "replace")
