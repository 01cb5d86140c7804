"""Every page in docs/rules has an example, and every example is a test that passes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from tocsin.app.ruletest.document import parse_tests
from tocsin.app.ruletest.running import run
from tocsin.config.alerting import RuleConfig

PAGES = sorted((Path(__file__).parents[3] / "docs" / "rules").glob("*.md"))
TYPES = set(get_args(RuleConfig.model_fields["type"].annotation)) | {"burst"}


def test_every_type_of_rule_has_a_page() -> None:
    assert {page.stem for page in PAGES} == TYPES | {"README", "grouping"}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*TYPES, "grouping"}))
def test_the_example_of_a_page_holds(name: str) -> None:
    page = next(x for x in PAGES if x.stem == name)
    examples = re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)

    verdicts = [x for text in examples for x in run(parse_tests(text, page.name))]

    assert verdicts
    assert [(x.name, x.pairs) for x in verdicts if not x.is_ok] == []
