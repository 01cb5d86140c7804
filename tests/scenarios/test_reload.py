"""Scenario 65: what is read changes while it is read."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.scenarios.program import Collector, eventually
from tests.scenarios.stage import HOST, Stage
from tests.tocsin.cli.test_programs import program

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SUCCESSFUL = "tocsin_config_last_reload_successful"


def configure(collector: Collector, *paths: Path, **more: object) -> None:
    """Replace its file, as an editor does."""
    settings = {"host": HOST, "paths": [str(path) for path in paths], **more}
    new = collector.config.with_suffix(".new")
    new.write_text(json.dumps({"collector": settings}))
    new.rename(collector.config)


def test_s65_paths_that_come_and_go_lose_nothing_and_double_nothing(
    stage: Stage,
) -> None:
    home, a, b = stage.home, stage.logs / "a", stage.logs / "b"
    stage.write(a / "app.log", 1_000)
    stage.write(b / "app.log", 1_000)
    collector = Collector(home.folder, home.state, home.url, home.prefix, [])
    configure(collector, a)
    with collector:
        stage.wait(1_000)

        configure(collector, a, b)
        collector.wait_said("config_reloaded", "paths=2")
        stage.write(a / "app.log")
        stage.wait()

        configure(collector, b)
        collector.wait_said("config_reloaded", "paths=1")
        while_left_out = stage.lines(3)
        stage.append(a / "app.log", b"".join(line + b"\n" for line in while_left_out))
        stage.write(b / "app.log")
        stage.wait()
        stage.check()

        configure(collector, b, a)
        stage.expect(while_left_out)
        stage.expect_exactly_once()
        assert collector.lost_bytes == 0
        assert len(stage.file_ids()) == 2


def test_s65_a_wrong_file_is_told_and_the_old_one_goes_on(stage: Stage) -> None:
    path = stage.logs / "app.log"
    home = stage.home
    collector = Collector(home.folder, home.state, home.url, home.prefix, [])
    configure(collector, stage.logs)
    with collector:
        stage.write(path)
        stage.wait()
        configure(collector, stage.logs, pths=["a"])
        collector.wait_said("config_not_reloaded", "pths")
        assert collector.metric(SUCCESSFUL) == 0
        stage.write(path)
        stage.wait()

        configure(collector, stage.logs)
        collector.signal(signal.SIGHUP)
        eventually(lambda: collector.metric(SUCCESSFUL) == 1, "the reload")
        stage.write(path)
        stage.expect_exactly_once()


def test_s65_run_hands_sighup_on_and_takes_rules_over(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    config = tmp_path / "tocsin.yaml"
    config.write_text("id: it\n")
    words = ["--config", str(config), "--state-dir", str(tmp_path / "state")]
    with program(tmp_path, "run", *words, str(tmp_path / "logs")) as running:
        eventually(lambda: running.said().count("bus_open") == 3, "three components")

        running.process.send_signal(signal.SIGHUP)

        eventually(lambda: running.said().count("config_unchanged") == 3, "all three")
        rule = "{name: done, type: absence, text: done, service: [cron], window: 1s}"
        config.write_text(f"id: it\nalerting:\n  rules: [{rule}]\n")

        eventually(
            lambda: "cron: no lines with" in running.out.read_text("utf-8"),
            "the new rule",
        )
        assert running.said().count("config_reloaded") == 2
        assert running.stop() == 0
