"""Quiet: thousands of lives would write a log of their own."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture
def quiet() -> Iterator[None]:
    """The program says nothing meanwhile."""
    log = logging.getLogger("tocsin")
    was, log.disabled = log.disabled, True
    yield
    log.disabled = was
