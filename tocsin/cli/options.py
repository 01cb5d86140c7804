"""Options that set a key of the configuration, shared by several commands.

Such an option also stands in the file under its key and in the environment as
`TOCSIN_` and its name. What was given is gathered in the context, because `run` hands
it on to its children word by word.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import click

from tocsin.config.environment import CONFIG_VARIABLE
from tocsin.config.loading import Loaded, Option, load
from tocsin.errors import ConfigError

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
HERE = Path("tocsin.yaml")
_META = "tocsin.given"
PATH = "PATH"


class _Spoken(NamedTuple):
    """An option as it was given; `words` are its arguments."""

    option: Option
    words: tuple[str, ...]


@dataclass(slots=True)
class Given:
    """What the command line sets."""

    file: Path | None = None
    spoken: list[_Spoken] = field(default_factory=list)

    def load(self, *, quiet: bool = False) -> Loaded:
        """The configuration as a whole; odd variables are told on stderr, or `quiet`.

        Raises:
            ConfigError: with every mistake.
        """
        options = tuple(spoken.option for spoken in self.spoken)
        loaded = load(file=self.file, environ=os.environ, options=options)
        for warning in () if quiet else loaded.warnings:
            click.echo(f"tocsin: {warning}", err=True)
        return loaded

    @property
    def config_file(self) -> Path | None:
        """The file that is read, if any."""
        named = os.environ.get(CONFIG_VARIABLE)
        return self.file or (Path(named) if named else None)

    def take_up_file(self) -> None:
        """Without a file, take the one that stands here; told on stderr."""
        named = self.file is not None or os.environ.get(CONFIG_VARIABLE)
        if not named and HERE.is_file():
            self.file = HERE
            click.echo(f"tocsin: configuration of ./{HERE}", err=True)

    def words(self, names: Sequence[str]) -> list[str]:
        """The arguments that say the same to a child that knows these options.

        PATHs come last, because nothing can follow them.
        """
        file = ["--config", str(self.file)] if self.file and "--config" in names else []
        chosen = [s for s in self.spoken if s.option.name in names]
        chosen.sort(key=lambda s: s.option.name == PATH)
        return file + [word for spoken in chosen for word in spoken.words]


def given(context: click.Context) -> Given:
    """What was gathered in a context so far."""
    gathered: Given = context.meta.setdefault(_META, Given())
    return gathered


def load_for_reading(context: click.Context, *, quiet: bool = False) -> Loaded:
    """The configuration of a command that reads PATHs.

    Raises:
        ConfigError: it is wrong, or names nothing to read.
    """
    loaded = given(context).load(quiet=quiet)
    if not loaded.config.collector.paths:
        raise ConfigError(
            "nothing to read: no PATH is given",
            hint="say what to watch, such as "
            f"`{context.command_path} /var/log/myservice`, or set collector.paths",
        )
    return loaded


def setting(
    name: str, key: str, *, words: str, flag: bool | None = None, **attributes: Any
) -> Decorator:
    """An option that sets `key`; or a `flag` that sets it to this."""
    path = tuple(key.split("."))

    def remember(context: click.Context, _: click.Parameter, got: Any) -> None:
        if got is None or got == () or got is False:
            return
        if flag is not None:
            said: tuple[str, ...] = (name,)
            option = Option(path, name, value=flag)
        elif isinstance(got, tuple):
            said = tuple(word for item in got for word in (name, str(item)))
            option = Option(path, name, list(got))
        else:
            said, option = (name, str(got)), Option(path, name, got)
        given(context).spoken.append(_Spoken(option, said))

    variable = f"TOCSIN_{name.removeprefix('--').replace('-', '_').upper()}"
    return click.option(
        name,
        expose_value=False,
        callback=remember,
        is_flag=flag is not None,
        help=f"{words}  [{variable}]",
        **attributes,
    )


def _remember_paths(
    context: click.Context, _: click.Parameter, got: tuple[str, ...]
) -> None:
    if got:
        option = Option(("collector", "paths"), PATH, list(got))
        given(context).spoken.append(_Spoken(option, ("--", *got)))


def _remember_file(
    context: click.Context, _: click.Parameter, got: Path | None
) -> None:
    given(context).file = got


config_file = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    expose_value=False,
    is_eager=True,
    callback=_remember_file,
    help="The configuration file (YAML).  [TOCSIN_CONFIG]",
)

paths = click.argument(
    "paths", nargs=-1, metavar="PATH...", expose_value=False, callback=_remember_paths
)

_BUS = (
    setting(
        "--bus",
        "bus.url",
        metavar="URL",
        words="Where the bus is: embedded:// (a file in the state directory) or "
        "kafka://host:port[,host:port].",
    ),
    setting(
        "--topic-prefix",
        "bus.topic_prefix",
        metavar="P",
        words="Begins the names of all topics.",
    ),
    setting(
        "--state-dir",
        "state_dir",
        metavar="DIR",
        words="Where all state is kept.",
    ),
)
_COMPONENT = (
    setting(
        "--id",
        "id",
        metavar="NAME",
        words="The name of this process, the same after a restart.",
    ),
    setting(
        "--no-create-topics",
        "bus.create_topics",
        flag=False,
        words="Wait for topics that do not exist instead of creating them.",
    ),
)
_COLLECT = (
    setting(
        "--start",
        "collector.start",
        type=click.Choice(["beginning", "end"]),
        words="Where to begin in files that were never read.",
    ),
    setting(
        "--no-multiline",
        "collector.multiline",
        flag=False,
        words="Ship every line as a record of its own.",
    ),
    setting(
        "--exclude",
        "collector.exclude",
        metavar="GLOB",
        multiple=True,
        words="Leave these files out; may be given several times.",
    ),
    setting(
        "--ignore-older",
        "collector.ignore_older",
        metavar="24h",
        words="Leave files out that were last written before that.",
    ),
    setting(
        "--encoding",
        "collector.encoding",
        metavar="NAME",
        words="The encoding of files without a byte order mark, such as latin-1; they "
        "travel in UTF-8.",
    ),
    setting(
        "--delimiter",
        "collector.delimiter",
        metavar="TEXT",
        words=r"What ends a record in a file: \n, \0, \r\n, <EOE>\n.",
    ),
    setting(
        "--pin",
        "collector.pin",
        flag=True,
        words="Hard-link files into the state directory until they are shipped.",
    ),
)
http = setting(
    "--http",
    "http",
    metavar="HOST:PORT",
    words="Serve /metrics, /healthz and /readyz there; port 0 takes a free one.",
)

COMMON_NAMES = (
    "--config",
    "--bus",
    "--topic-prefix",
    "--state-dir",
    "--id",
    "--no-create-topics",
)
COLLECT_NAMES = (
    "--start",
    "--no-multiline",
    "--exclude",
    "--ignore-older",
    "--encoding",
    "--delimiter",
    "--pin",
    PATH,
)

supervised = click.option(
    "--supervised",
    is_flag=True,
    hidden=True,
    help="Stop when standard input closes: `tocsin run` holds its other end.",
)


def _together(*parts: Decorator) -> Decorator:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for part in reversed(parts):
            function = part(function)
        return function

    return decorate


bus_options = _together(config_file, *_BUS)
"""For every command that opens the bus."""

component_options = _together(config_file, *_BUS, *_COMPONENT)
"""For every command that runs a component."""

backtest_options = _together(_COLLECT[1])
"""For `tocsin backtest`, which reads PATHs once and wholly."""

collect_options = _together(*_COLLECT)
"""For every command that reads PATHs."""
