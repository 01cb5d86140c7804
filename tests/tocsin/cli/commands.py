"""All commands of the program, as the tests go through them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from tocsin.cli.root import root


def every_command() -> Iterator[tuple[str, click.Command]]:
    """All commands and their subcommands, by their words."""
    context = click.Context(root)
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {n}", c) for n, c in command.commands.items())


def accepted(arguments: Sequence[str]) -> str:
    """The command that takes these arguments; it is not run.

    Raises:
        click.UsageError: there is no such command or option, or a value is wrong.
    """
    group = root.make_context("tocsin", list(arguments))
    name, command, rest = root.resolve_command(group, list(arguments))
    assert command is not None
    command.make_context(name, list(rest), parent=group)
    return str(name)


ALL = dict(every_command())
