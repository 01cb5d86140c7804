"""docs/formats.md is what the registry says."""

from __future__ import annotations

from pathlib import Path

from tocsin.formats.reference import markdown

DOCUMENT = Path(__file__).parents[3] / "docs" / "formats.md"


def test_the_document_is_written_from_the_registry() -> None:
    assert DOCUMENT.read_text("utf-8") == markdown(), (
        "run: .venv/bin/python -m tocsin.formats.reference > docs/formats.md"
    )
