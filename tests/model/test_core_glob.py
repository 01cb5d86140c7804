"""The model on files of a glob: what is renamed out of it may still be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.model.machine import Machine, play


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("quiet")
def test_s69_whatever_happens_to_files_of_a_glob_each_reachable_byte_comes_once(
    tmp_path: Path,
) -> None:
    play(Machine, tmp_path, glob=True)
