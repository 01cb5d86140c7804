"""docs/collector.md links every scenario, and to nothing that is none."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "collector.md").read_text("utf-8")
LINKS = re.findall(r"\[\w+\]\(\.\./(tests/\S+\.py) \"(test_\w+)\"\)", TEXT)
FOLDERS = ("tests/scenarios", "tests/model")


def claims() -> set[tuple[str, str]]:
    """All scenarios, by file and name."""
    return {
        (str(path.relative_to(ROOT)), name)
        for folder in FOLDERS
        for path in (ROOT / folder).glob("test_*.py")
        for name in re.findall(r"^def (test_s\d\d_\w+)", path.read_text(), re.MULTILINE)
    }


def test_every_link_leads_to_a_test() -> None:
    assert len(LINKS) > 50
    for path, name in LINKS:
        assert f"\ndef {name}(" in (ROOT / path).read_text(), (path, name)


def test_every_scenario_is_linked() -> None:
    linked = {(path, name) for path, name in LINKS if "kafka_side" not in path}
    mine = {claim for claim in claims() if "kafka_side" not in claim[0]}

    assert mine - linked == set()


def test_other_links_lead_to_pages() -> None:
    pages = re.findall(r"\]\(([a-z_]+\.md)\)", TEXT)

    assert pages
    assert [page for page in pages if not (ROOT / "docs" / page).exists()] == []
