"""`tocsin`: the commands, each imported only when it is called.

Importing pandas or pydantic to print `--help` would cost more than a second, so this
module knows the commands by name and one line alone.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from tocsin import __version__
from tocsin.errors import TocsinError

COMMANDS = {
    "run": "Read logs, count, alert: all in one, until Ctrl-C.",
    "demo": "Show it all on logs that are written on the spot.",
    "init": "Look at logs and write a configuration for them.",
    "collect": "Read log files and put their lines on the bus.",
    "process": "Turn lines on the bus into counts per service and second.",
    "alert": "Watch the counts, open incidents, send messages.",
    "check": "Tell every problem of the configuration and its surroundings.",
    "config": "Show the configuration in force, or its schema.",
    "test": "Run unit tests of rules on log lines.",
    "backtest": "Tell what the rules would have told about existing logs.",
    "parse": "Show how Tocsin reads your lines.",
    "incidents": "List incidents, show or acknowledge one.",
    "explain": "Say why a service was alerted on, or was not.",
    "silence": "Hear nothing of some incidents for a while.",
    "notify": "Send an example to every receiver.",
    "tap": "Print what a topic carries.",
    "sources": "Show which files are read, and how far.",
    "verify": "Prove that every byte of every file was shipped exactly once.",
    "schema": "Print the JSON Schema of a topic's records.",
    "healthcheck": "Ask a running component whether it is well.",
}


class LazyGroup(click.Group):
    """A group whose commands are modules of `tocsin.cli.commands`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"tocsin.cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; that nobody reads its output any more is no failure."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # As in `tocsin tap alerts | head`; click would make it a failure.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        return result

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for a slip of the pen tell which was meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            meant = difflib.get_close_matches(args[0], COMMANDS, n=1)
            advice = f"; did you mean {meant[0]}?" if meant else ""
            raise click.UsageError(f"no such command {args[0]!r}{advice}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def root() -> None:
    """Real-time log ingestion and alerting.

    Point it at log directories; within a second of an ERROR burst, the right Slack
    channel has one clear message.

    \b
        tocsin demo                     see it work
        tocsin run /var/log/myservice   watch your own logs
    """  # noqa: D301 - \b keeps click from filling the lines


def main() -> None:
    """Run the command that the arguments name, and exit."""
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: Sequence[str]) -> int:
    """Run a command; mistakes are told on stderr. The status to exit with."""
    try:
        status = root.main(
            args=list(arguments), prog_name="tocsin", standalone_mode=False
        )
    except click.ClickException as error:
        _tell(_click_message(error), _click_hint(error))
        return error.exit_code
    except TocsinError as error:
        tell(error)
        return error.exit_status
    except (KeyboardInterrupt, click.Abort):
        return 130
    return status if isinstance(status, int) else 0


def tell(error: TocsinError) -> None:
    """Say on stderr what went wrong and what to do about it."""
    for mistake in getattr(error, "mistakes", ()):
        click.echo(mistake, err=True)
    _tell(str(error), error.hint)


def _tell(message: str, hint: str) -> None:
    click.echo(f"tocsin: {message}", err=True)
    if hint:
        click.echo(f"        {hint}", err=True)


def _click_message(error: click.ClickException) -> str:
    message = error.format_message().rstrip(".")
    return message[:1].lower() + message[1:]


def _click_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"try `{context.command_path} --help`" if context else ""
