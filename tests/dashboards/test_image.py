"""The Dockerfile holds what it needs and installs from that alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.dashboards.stack import (
    ROOT,
    Compose,
    copied_into_image,
    dockerfile,
    image_environment,
)


def test_what_is_copied_exists_and_is_sent_to_the_builder() -> None:
    sent = {
        line.removeprefix("!").rstrip("/")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {source for sources, _ in copied_into_image() for source in sources}

    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert copied == sent


def test_the_user_is_a_number_and_not_root() -> None:
    (user,) = [one.rest for one in dockerfile() if one.word == "USER"]

    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)


def test_the_user_owns_what_is_written_to() -> None:
    (user,) = [one.rest for one in dockerfile() if one.word == "USER"]
    (made,) = [one.rest.split() for one in dockerfile() if "install -d" in one.rest]
    written = {
        mount.target
        for service in Compose().ours
        for mount in service.mounts
        if not mount.read_only
    }

    assert f"{made[made.index('-o') + 1]}:{made[made.index('-g') + 1]}" == user
    assert written <= set(made)
    assert image_environment()["TOCSIN_STATE_DIR"] in made


def test_the_exposed_port_is_the_one_that_is_listened_on() -> None:
    (port,) = [one.rest for one in dockerfile() if one.word == "EXPOSE"]

    assert image_environment()["TOCSIN_HTTP"] == f"0.0.0.0:{port}"


def test_the_lock_allows_the_image_s_python() -> None:
    bases = {one.rest.split()[0] for one in dockerfile() if one.word == "FROM"}
    (base,) = bases
    version = re.match(r"python:3\.(\d+)-slim", base)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert version is not None
    assert int(version[1]) >= int(project["requires-python"].removeprefix(">=3."))


@pytest.mark.slow
def test_the_copied_files_alone_make_a_whole_wheel(tmp_path: Path) -> None:
    source = tmp_path / "src"
    for names, target in copied_into_image():
        for name in names:
            _copy(ROOT / name, source / target, keep_name=target.endswith("/"))

    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--disable-pip-version-check", "--no-build-isolation"),
            *("--no-index", "-w", tmp_path / "out", source),
        ],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "out").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names_in = set(archive.namelist())
    modules = {
        path.relative_to(ROOT).as_posix()
        for package in ("tocsin", "collector", "processor", "alerting", "dashboards")
        for path in (ROOT / package).rglob("*.py")
    }
    assert modules <= names_in


def _copy(source: Path, target: Path, *, keep_name: bool) -> None:
    if source.is_dir():
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, ignore=ignored)
        return
    into = target / source.name if keep_name else target
    into.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, into)
