"""The commands as a whole: light to start, helpful throughout."""

from __future__ import annotations

import subprocess
import sys
import time

import click
import pytest

from tests.tocsin.cli.commands import ALL
from tocsin.cli.root import COMMANDS, invoke

GENEROUS_S = 1.5
"""The aim is 0.3 s on a quiet machine; a test machine is none."""


def test_every_command_of_the_list_can_be_loaded_and_is_called_the_same() -> None:
    tops = {name: command for name, command in ALL.items() if " " not in name}

    assert list(tops) == list(COMMANDS)
    for name, command in tops.items():
        assert command.name == name
        assert command.get_short_help_str(100) == COMMANDS[name]


@pytest.mark.parametrize("name", ALL)
def test_every_command_and_option_says_what_it_is_for(name: str) -> None:
    command = ALL[name]

    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.name}"


@pytest.mark.parametrize("name", ["", *ALL])
def test_every_help_can_be_printed(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = invoke([*name.split(), "--help"])

    assert status == 0
    assert capsys.readouterr().out.startswith("Usage: tocsin")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["runn"], "no such command 'runn'; did you mean run?"),
        (["xyz"], "no such command 'xyz'"),
        (["run", "--bsu", "x"], "no such option"),
        (["schema"], "missing argument"),
        (["collect", "--start", "middle", "x"], "'middle' is not one of"),
        (["demo", "--duration", "5"], 'expected a duration such as "30s"'),
        (["tap", "alerts", "--from", "noon"], 'expected "beginning", "end"'),
        (["demo", "--http", "x"], "expected HOST:PORT"),
        (["run"], "nothing to read"),
        (["collect"], "nothing to read"),
        (["run", "--config", "/none.yaml", "x"], "cannot read the configuration"),
        (["run", "--http", "x", "y"], "--http: expected HOST:PORT"),
        (["healthcheck"], "no address to ask"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_told_without_a_traceback(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = invoke(words)

    out, err = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert told in err
    assert "tocsin: " in err
    assert "Traceback" not in err


def loaded_by(code: str) -> set[str]:
    """Which of the heavy packages a fresh interpreter has imported after `code`."""
    heavy = "{'pandas', 'pyarrow', 'numpy', 'pydantic', 'confluent_kafka'}"
    words = f"import sys\n{code}\nprint(*({heavy} & set(sys.modules)), file=sys.stderr)"
    ran = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, check=True
    )
    return set(ran.stderr.split())


@pytest.mark.slow
def test_help_imports_nothing_heavy() -> None:
    code = "from tocsin.cli.root import invoke\ninvoke(['--help'])"

    assert loaded_by(code) == set()


@pytest.mark.slow
def test_collect_imports_neither_pandas_nor_pyarrow() -> None:
    loaded = loaded_by("import tocsin.cli.commands.collect")

    assert not loaded & {"pandas", "pyarrow", "numpy"}
    assert "pydantic" in loaded


@pytest.mark.slow
def test_help_is_there_at_once() -> None:
    took: list[float] = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "tocsin", "--help"], capture_output=True, check=True
        )
        took.append(time.perf_counter() - began)

    assert min(took) < GENEROUS_S
