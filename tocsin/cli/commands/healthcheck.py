"""`tocsin healthcheck`: for Docker and for people."""

from __future__ import annotations

import click

from tocsin.app.healthcheck import ask
from tocsin.cli import options
from tocsin.errors import ConfigError


@click.command("healthcheck", short_help="Ask a running component whether it is well.")
@options.config_file
@options.http
@click.option(
    "--ready", is_flag=True, help="Ask whether it can do its job, not if it is alive."
)
@click.pass_context
def command(context: click.Context, *, ready: bool) -> int:
    """Ask a running component whether it is well; exit status 1 when it is not.

    It asks at the address that the component serves at: the same --http, TOCSIN_HTTP
    or `http:` in the file.
    """
    address = options.given(context).load().config.http
    if address is None:
        raise ConfigError(
            "no address to ask", hint="give --http HOST:PORT, or set TOCSIN_HTTP"
        )
    answer = ask(address, "/readyz" if ready else "/healthz")
    click.echo(answer.text)
    return 0 if answer.is_well else 1
