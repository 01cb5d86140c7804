"""`tocsin config`: what is in force, and what can be set."""

from __future__ import annotations

import json
from typing import Any

import click

from tocsin.cli import options
from tocsin.config.showing import as_yaml, effective, schema


@click.group("config", short_help="Show the configuration in force, or its schema.")
def command() -> None:
    """Show the configuration in force, or its schema."""


@command.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a setting.")
@options.paths
@options.component_options
@options.collect_options
@options.http
@click.pass_context
def show(context: click.Context, *, as_json: bool) -> None:
    """Print every setting with its value and where it was set; secrets are masked.

    The output is a configuration file. The same options as those of `run` can be
    given, to see what they would lead to.
    """
    loaded = options.given(context).load()
    if not as_json:
        click.echo("\n".join(as_yaml(loaded)))
        return
    for setting, value, origin in effective(loaded):
        shown: dict[str, Any] = {
            "key": setting.key,
            "value": value,
            "origin": origin,
            "variable": setting.variable,
        }
        click.echo(json.dumps(shown, ensure_ascii=False))


@command.command("schema")
def show_schema() -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))
