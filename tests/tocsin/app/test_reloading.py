"""A configuration that changes: taken, or told to be wrong, and the old one goes on."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry

from tocsin.app.reloading import Reloads
from tocsin.config.loading import load
from tocsin.config.model import Config
from tocsin.telemetry.log import Log


class Site:
    """A file and what follows it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.write("/a")
        self.registry = CollectorRegistry()
        self.reloads = Reloads(
            self.load(), self.load, path, log=Log("test"), registry=self.registry
        )

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
