"""`tocsin test`: unit tests of rules, on log lines with a clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from alerting.group import Group
from tocsin.app.ruletest.document import Expected, read_tests
from tocsin.app.ruletest.running import Told, Verdict, fits, run
from tocsin.cli.lines import visible
from tocsin.config.mistake import ConfigMistakes


@click.command("test", short_help="Run unit tests of rules on log lines.")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a test.")
def command(*, files: tuple[Path, ...], as_json: bool) -> int:
    """Run unit tests of rules on log lines.

    A FILE has the rules, lines with their times, and what is to be told when. Exit
    status 1 if a test fails: then it shows what was expected beside what was told.
    """
    failed = total = 0
    for path in files:
        try:
            tests = read_tests(path)
        except ConfigMistakes as error:
            for mistake in error.mistakes:
                click.echo(str(mistake))
            click.echo(f"tocsin: {error}", err=True)
            return error.exit_status
        for verdict in run(tests):
            total += 1
            failed += not verdict.is_ok
            _show(path, verdict, as_json=as_json)
    click.echo(f"tocsin: {total - failed} of {total} tests passed", err=True)
    return 1 if failed else 0


def _show(path: Path, verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        shown = {
            "file": str(path),
            "test": verdict.name,
            "ok": verdict.is_ok,
            "expected": [_wanted(want) for want, _ in verdict.pairs if want],
            "told": [_told(got) for _, got in verdict.pairs if got],
        }
        click.echo(json.dumps(shown, ensure_ascii=False))
        return
    click.echo(f"{'ok    ' if verdict.is_ok else 'FAILED'} {visible(verdict.name)}")
    if not verdict.is_ok:
        for line in _side_by_side(verdict):
            click.echo(visible(line))


def _side_by_side(verdict: Verdict) -> Iterator[str]:
    yield f"         {'expected':<52}  told"
    for want, got in verdict.pairs:
        left = _wanted(want) if want else "nothing"
        right = _told(got) if got else "nothing of the kind"
        mark = " " if want and got and fits(want, got) else "✗"
        yield f"       {mark} {left:<52}  {right}"


def _wanted(want: Expected) -> str:
    severity = f" {want.severity}" if want.severity else ""
    says = f' says "{want.says}"' if want.says else ""
    time = f"{want.at:g} s ± {want.within:g}"
    of = Group(want.service, tuple(want.group.items()))
    return f"{time} {want.event} {of} {want.rule}{severity}{says}"


def _told(got: Told) -> str:
    of = Group(got.service, tuple(got.group.items()))
    what = f"{got.event} {of} {got.rule} {got.severity}"
    return f"{got.at:g} s {what}: {got.text.splitlines()[1]}"
