"""docs/configuration.md names every key with its default, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tocsin.config.loading import load
from tocsin.config.settings import SHORT, Setting, settings
from tocsin.config.showing import effective

TEXT = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| `([a-z_.0-9]+)` \| (.*?) *\|", TEXT, re.MULTILINE))
DEFAULTS = {s.setting.key: s.value for s in effective(load(file=None, environ={}))}


@pytest.mark.parametrize("setting", settings(), ids=lambda setting: setting.key)
def test_every_key_is_described_with_its_default(setting: Setting) -> None:
    assert setting.key in ROWS, "add a row to docs/configuration.md"

    default = DEFAULTS[setting.key]
    if setting.field.default_factory is None and default not in (None, "", []):
        text = ", ".join(default) if isinstance(default, list) else str(default)
        text = text.lower() if isinstance(default, bool) else text
        assert ROWS[setting.key] == f"`{text}`"


def test_no_key_is_described_that_is_none() -> None:
    assert set(ROWS) == {setting.key for setting in settings()}


def test_every_short_variable_is_described() -> None:
    for name, key in SHORT.items():
        assert re.search(rf"^\| .*`{name}`.* \| `{key}` \|", TEXT, re.MULTILINE), name


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL))
def test_an_example_is_a_valid_file(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in re.findall(r"env:([A-Z_]+)", example):
        monkeypatch.setenv(name, "https://somewhere.example/")
    (tmp_path / "tocsin.yaml").write_text(example)

    assert load(file=tmp_path / "tocsin.yaml", environ={}).warnings == ()
