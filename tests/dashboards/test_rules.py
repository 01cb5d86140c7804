"""Prometheus's own tool checks its configuration and the rules' behaviour."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dashboards.prometheus import promtool
from tests.dashboards.stack import ROOT, load_yaml

FOLDER = ROOT / "dashboards" / "prometheus"


def rules() -> list[Any]:
    groups = load_yaml(FOLDER / "rules.yml")["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.slow
def test_the_configuration_is_valid() -> None:
    said = promtool("check", "config", FOLDER / "prometheus.yml")

    assert "SUCCESS: 1 rule files found" in said


@pytest.mark.slow
def test_the_rules_fire_when_they_should_and_only_then() -> None:
    promtool("test", "rules", FOLDER / "rules_test.yml")


def test_every_rule_is_seen_to_fire_and_to_be_silent() -> None:
    cases = [
        case
        for test in load_yaml(FOLDER / "rules_test.yml")["tests"]
        for case in test["alert_rule_test"]
    ]
    fires = {case["alertname"] for case in cases if case["exp_alerts"]}
    silent = {case["alertname"] for case in cases if not case["exp_alerts"]}

    names = {rule["alert"] for rule in rules()}
    assert fires == names
    assert silent == names


def test_every_rule_says_what_is_wrong_and_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert set(rule["annotations"]) == {"summary", "description"}, rule["alert"]
