"""A configuration that changes: taken, or told to be wrong, and the old one goes on."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from prometheus_client import CollectorRegistry

from tocsin.app.component import Setting
from tocsin.app.reloading import Reloads
from tocsin.config.loading import load
from tocsin.config.model import Config
from tocsin.errors import ConfigError
from tocsin.telemetry.health import Health
from tocsin.telemetry.log import Log


class Site:
    """A file and what follows it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.write("/a")
        self.registry = CollectorRegistry()
        self.reloads = Reloads(
            self.load(),
            self.load,
            path,
            log=Log("test"),
            registry=self.registry,
            part=lambda config: config.collector,
            check=self.check,
        )

    def check(self, config: Config) -> None:
        if config.collector.paths == ["/none"]:
            raise ConfigError("nothing to be read there")

    def load(self) -> Config:
        return load(file=self._path, environ={}).config

    def write(self, *paths: str, more: str = "") -> None:
        listed = "".join(f"\n    - {path}" for path in paths)
        self._path.write_text(f"id: it\ncollector:\n  paths:{listed}\n{more}")

    @property
    def is_successful(self) -> bool:
        name = "tocsin_config_last_reload_successful"
        return self.registry.get_sample_value(name) == 1


def test_a_changed_file_is_taken(tmp_path: Path) -> None:
    site = Site(tmp_path / "tocsin.yaml")
    site.write("/a", "/b")

    site.reloads.look()

    assert site.reloads.due.is_set()
    assert site.reloads.take().collector.paths == ["/a", "/b"]
    assert not site.reloads.due.is_set()


def test_what_a_worker_leaves_by_is_set_also_when_it_begins_late(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path / "tocsin.yaml")
    early, late = threading.Event(), threading.Event()
    site.reloads.leave_by(early)
    site.write("/a", "/b")

    site.reloads.look()
    site.reloads.leave_by(late)

    assert early.is_set()
    assert late.is_set()


def test_a_worker_runs_anew_with_what_changed_until_it_is_to_stop(
    tmp_path: Path,
) -> None:
    site, stop = Site(tmp_path / "tocsin.yaml"), threading.Event()
    setting = Setting(
        site.load(), "it", Health(), stop, time.time, reloads=site.reloads
    )
    seen = []
    for config, to_stop in setting.runs():
        seen.append((config.collector.paths, to_stop.is_set()))
        if len(seen) == 1:
            site.write("/a", "/b")
            site.reloads.look()
            assert to_stop.is_set()
        else:
            stop.set()

    assert seen == [(["/a"], False), (["/a", "/b"], False)]


def test_another_part_is_of_no_interest(tmp_path: Path) -> None:
    site = Site(tmp_path / "tocsin.yaml")
    site.write("/a", more="alerting: {storm: 7}\n")

    site.reloads.look()

    assert not site.reloads.due.is_set()
    assert site.is_successful


def test_what_cannot_be_worked_by_is_not_taken(tmp_path: Path) -> None:
    site = Site(tmp_path / "tocsin.yaml")
    site.write("/none")

    site.reloads.look()

    assert not site.is_successful
    assert site.reloads.take().collector.paths == ["/a"]


def test_a_file_that_is_as_it_was_is_not_read_again(tmp_path: Path) -> None:
    site = Site(tmp_path / "tocsin.yaml")

    site.reloads.look()

    assert not site.reloads.due.is_set()


def test_a_wrong_file_is_told_and_the_old_configuration_goes_on(tmp_path: Path) -> None:
    site = Site(tmp_path / "tocsin.yaml")
    site.write("/a", more="colector: {}\n")
    site.reloads.look()
    was_told = not site.is_successful

    kept = site.reloads.take().collector.paths
    site.write("/c")
    site.reloads.look()

    assert was_told
    assert kept == ["/a"]
    assert site.is_successful
    assert site.reloads.take().collector.paths == ["/c"]
