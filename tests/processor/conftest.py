"""The bus that processes are killed on: embedded, and a real Kafka."""

from __future__ import annotations

from tests.contract.conftest import site

__all__ = ["site"]
