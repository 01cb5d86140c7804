"""`tocsin test`: rules tried on lines with a clock."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tocsin.cli.root import invoke

RULES = """\
burst: {enabled: false}
rules:
  - {name: many, type: threshold, warning: 3, window: 10s}
tests:
  - name: three in ten seconds
    lines: [{at: 4s, times: 3, text: "ERROR boom"}]
    until: 30s
    expect: [{at: AT, rule: many, severity: warning, says: "3 ERROR in 10 s"}]
"""


def test_a_test_that_holds_is_ok(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES.replace("AT", "5s"))

    assert invoke(["test", str(path)]) == 0

    said = capsys.readouterr()
    assert said.out == "ok     three in ten seconds\n"
    assert said.err == "tocsin: 1 of 1 tests passed\n"


def test_a_test_that_fails_shows_both_sides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES.replace("AT", "9s"))

    assert invoke(["test", str(path)]) == 1

    said = capsys.readouterr().out
    assert "FAILED three in ten seconds" in said
    assert "9 s ± 2 opened app many warning" in said
    assert "nothing of the kind" in said
    assert "5 s opened app many warning: 3 ERROR in 10 s, the limit is 3" in said

    assert invoke(["test", "--json", str(path)]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert (shown["ok"], len(shown["expected"]), len(shown["told"])) == (False, 1, 1)


def test_what_nobody_expects_fails_a_test(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES.partition("    expect")[0] + "    expect: []\n")

    assert invoke(["test", str(path)]) == 1


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("AT", "soon", "8:15: tests[0].expect[0].at: expected a duration"),
        ("times: 3", "times: 0", "6:22: tests[0].lines[0].times: input should be"),
        ("until", "untill", "7:5: tests[0].untill: extra inputs"),
        ("burst:", "bursts:", "1:1: bursts: unknown key"),
        ("type: threshold", "type: count", "3:24: rules[0].type: expected"),
    ],
)
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    problem: str,
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES.replace(old, new).replace("AT", "5s"))

    assert invoke(["test", str(path)]) == 2
    assert f"{path}:{problem}" in capsys.readouterr().out
