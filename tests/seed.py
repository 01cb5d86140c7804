"""What this run's random lives are drawn from; printed at its end, whatever that is.

Each commit plays other ones, and the same wherever it is tested. `TOCSIN_TEST_SEED`
brings those of an earlier run again; 0 draws new ones. Set here, it reaches all
processes of a run.
"""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

_NAME = "TOCSIN_TEST_SEED"
_SEEDS = 10**6


def _of_commit() -> int:
    """A number of the files of this commit; 0 where there is no repository."""
    command = ["git", "rev-parse", "--verify", "--quiet", "HEAD^{tree}"]
    try:
        asked = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, check=False
        )
    except FileNotFoundError:
        return 0
    return int(asked.stdout.strip() or b"0", 16) % _SEEDS


def _drawn() -> int:
    return random.SystemRandom().randrange(1, _SEEDS)


_given = os.environ.get(_NAME)
SEED = (int(_given) if _given else _of_commit()) or _drawn()
os.environ[_NAME] = str(SEED)
HOW_TO_REPEAT = f"{_NAME}={SEED} repeats what was played at random"
