"""What this run's random lives are drawn from; printed at its end, whatever that is.

`TOCSIN_TEST_SEED` brings those of an earlier run again. Set here, it reaches all
processes of a run.
"""

from __future__ import annotations

import os
import random

_NAME = "TOCSIN_TEST_SEED"

SEED = int(os.environ.get(_NAME, "0")) or random.SystemRandom().randrange(1, 10**6)
os.environ[_NAME] = str(SEED)
HOW_TO_REPEAT = f"{_NAME}={SEED} repeats what was played at random"
