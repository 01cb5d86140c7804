"""One file per mistake: each says in its last line what a person is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.config.loading import load
from tocsin.config.mistake import ConfigMistakes

BAD = Path(__file__).parents[2] / "config" / "bad"
FILES = sorted(BAD.glob("*.yaml"))


def test_there_are_bad_files() -> None:
    assert len(FILES) > 35


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_mistake_is_told_with_its_place_and_cure(path: Path) -> None:
    wanted = path.read_text("utf-8").rpartition("# expect: ")[2].strip()

    with pytest.raises(ConfigMistakes) as caught:
        load(file=path, environ={})

    assert [str(mistake) for mistake in caught.value.mistakes] == [f"{path}:{wanted}"]
