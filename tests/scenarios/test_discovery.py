"""Scenarios 1 to 12: which files are read, and how soon."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.scenarios.conftest import Shared, installed, tag_of
from tests.scenarios.program import eventually
from tests.scenarios.stage import Stage

IS_FULL = os.environ.get("TOCSIN_SOAK") == "1"
"""Whether 5,000 files are meant, not 1,000: `make soak`."""

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def globs(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Shared]:
    """A collector on two globs that overlap, with an exclusion."""
    with installed(tmp_path_factory.mktemp("globs"), "embedded", request) as home:
        home.exclude = ["**/never*"]
        with home.collector(
            f"{home.logs}/**/*.log",
            f"{home.logs}/**/app*",
            words=["--exclude", "**/never*"],
        ) as collector:
            home.wait_watching(f"{home.logs}/**/*.log")
            yield Shared(home, collector, [])


@pytest.fixture
def globbed(globs: Shared, request: pytest.FixtureRequest) -> Stage:
    """A folder of the collector that runs on globs."""
    tag = tag_of(request)
    (globs.home.logs / tag).mkdir()
    patterns = ("/**/*.log", "/**/app*")
    logs = globs.home.logs / tag
    return Stage(globs.home, logs, tag, service=tag, patterns=patterns)


def unprivileged() -> list[str]:
    """A wrapper under which root obeys a file's mode as everybody does."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root may read everything, and there is no setpriv to hinder it")
    gone = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={gone}", f"--inh-caps={gone}"]


def test_s01_a_new_file_s_first_line_is_read_within_a_quarter_of_a_second(
    running: Stage,
) -> None:
    waits = []
    for number in range(7):
        begun = time.time()
        running.write(running.logs / f"new-{number}.log")
        running.wait()
        waits.append(running.records()[-1].at_ms / 1000 - begun)

    print(f"read after {statistics.median(waits) * 1000:.0f} ms")
    assert statistics.median(waits) < 0.25
    running.expect_exactly_once()
    assert {r.key.offset for r in running.records()[:1]} == {0}


def test_s02_start_at_the_end_reads_only_what_is_new(stage: Stage) -> None:
    path = stage.logs / "old.log"
    path.write_bytes(b"was there before\n" * 100)
    with stage.home.collector(words=["--start", "end"]):
        stage.home.wait_watching()

        stage.write(path, 10)
        stage.write(stage.logs / "new.log", 10)

        stage.expect_exactly_once()
    assert min(r.key.offset for r in stage.records()) in {0, 1700}


def test_s03_excluded_files_are_never_read_and_others_once_where_globs_overlap(
    globbed: Stage,
) -> None:
    globbed.append(globbed.logs / "never.log", b"excluded\n")
    globbed.append(globbed.logs / "other.txt", b"matched by none\n")
    globbed.write(globbed.logs / "app.log")
    globbed.write(globbed.logs / "web.log")
    globbed.write(globbed.logs / "app")

    globbed.expect_exactly_once()
    assert len(globbed.file_ids()) == 3


def test_s04_directories_that_come_move_in_and_go_are_followed(
    globbed: Stage,
) -> None:
    globbed.write(globbed.logs / "made" / "deep" / "er" / "a.log")
    outside = globbed.home.folder / "moved-in"
    globbed.write(outside / "sub" / "b.log")
    outside.rename(globbed.logs / "moved-in")
    globbed.wait()
    globbed.write(globbed.logs / "moved-in" / "sub" / "b.log")
    globbed.wait()
    shutil.rmtree(globbed.logs / "made")
    globbed.write(globbed.logs / "made" / "deep" / "er" / "a.log")

    globbed.expect_exactly_once()


def test_s05_a_file_that_may_not_be_read_is_read_whole_once_it_may(
    stage: Stage,
) -> None:
    path = stage.logs / "app.log"
    stage.write(path, 5)
    path.chmod(0)
    with stage.home.collector(wrapper=unprivileged()) as collector:
        collector.wait_said("file_unreadable", str(path))

        path.chmod(0o644)

        stage.expect_exactly_once()
        assert len(collector.said("file_unreadable").splitlines()) == 1


def test_s06_what_is_no_file_is_left_out_and_told_once(
    globs: Shared, globbed: Stage
) -> None:
    (globbed.logs / "dir.log").mkdir()
    os.mkfifo(globbed.logs / "fifo.log")
    (globbed.logs / "dangling.log").symlink_to("nowhere")
    (globbed.logs / "loop.log").symlink_to("loop.log")
    (globbed.logs / "app-zero").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(globbed.logs / "socket.log"))
        globbed.write(globbed.logs / "good.log")

        globbed.expect_exactly_once()

    told = globs.collector.wait_said("left_out", "not_a_file").splitlines()
    time.sleep(0.5)  # two scans and more
    assert globs.collector.said("left_out", "not_a_file").splitlines() == told
    assert len(told) <= 3


def test_s07_an_old_file_that_is_written_again_is_picked_up_where_it_was(
    stage: Stage,
) -> None:
    path = stage.logs / "app.log"
    path.write_bytes(b"long ago\n" * 50)
    os.utime(path, (time.time() - 7200,) * 2)
    with stage.home.collector(words=["--ignore-older", "1h"]):
        stage.home.wait_watching()

        stage.write(path, 5)
        stage.write(stage.logs / "other.log", 5)

        stage.expect_exactly_once()


def test_s08_a_file_with_two_names_is_shipped_once(running: Stage) -> None:
    path = running.logs / "app.log"
    running.write(path)
    (running.logs / "hard.log").hardlink_to(path)
    (running.logs / "soft.log").symlink_to(path)
    running.wait()

    running.write(path)
    running.write(running.logs / "hard.log")

    running.expect_exactly_once()
    assert len(running.file_ids()) == 1


@pytest.mark.parametrize(
    "name",
    [b"with space.log", b"new\nline.log", b"no utf-8 \xff\xfe.log", "🔥é".encode()],
)
def test_s09_odd_names_are_read_and_come_back_as_they_are(
    running: Stage, name: bytes
) -> None:
    path = Path(os.fsdecode(os.fsencode(running.logs) + b"/" + name))
    running.write(path)

    running.expect_exactly_once()
    (file_id,) = running.file_ids()
    assert running.home.path_of(file_id) == str(path)


def test_s10_idle_files_cost_next_to_nothing_and_a_line_in_one_comes_at_once(
    stage: Stage,
) -> None:
    count = 5_000 if IS_FULL else 1_000
    paths = [stage.logs / f"{n % 20}" / f"{n}.log" for n in range(count)]
    for path in paths:
        stage.write(path, 1)
    with stage.home.collector() as collector:
        stage.wait()
        process = psutil.Process(collector.pid)
        time.sleep(0.5)
        before = process.cpu_times()
        time.sleep(2.0)
        after = process.cpu_times()
        begun = time.time()
        stage.write(paths[700], 1)
        stage.wait()

        took_s = stage.records()[-1].at_ms / 1000 - begun
        used = after.user + after.system - before.user - before.system
        print(f"{used / 2:.2%} of a core, a line after {took_s * 1000:.0f} ms")
        assert used <= 0.02 * 2
        assert took_s < 0.1
        assert len([*Path(f"/proc/{collector.pid}/fd").iterdir()]) < 256 + 64
        stage.expect_exactly_once()


def test_s11_more_files_than_descriptors(stage: Stage) -> None:
    paths = [stage.logs / f"{n % 10}" / f"{n}.log" for n in range(1_000)]
    for path in paths:
        stage.write(path, 2)
    with stage.home.collector(wrapper=["prlimit", "--nofile=300"]):
        stage.wait()

        for path in paths:
            stage.write(path, 1)

        stage.expect_exactly_once()


def test_s12_without_watches_a_scan_finds_everything(stage: Stage) -> None:
    limit = "echo 0 > /proc/sys/user/max_inotify_watches"
    wrapper = ["unshare", "--user", "--map-root-user"]
    wrapper += ["sh", "-c", f'{limit}; exec "$@"', "sh"]
    stage.write(stage.logs / "a.log")
    with stage.home.collector(wrapper=wrapper) as collector:
        stage.wait()
        collector.wait_said("watch")

        stage.write(stage.logs / "a.log", 20)
        stage.write(stage.logs / "sub" / "b.log", 20)

        stage.expect_exactly_once()


def test_s12_more_events_than_the_kernel_keeps(stage: Stage) -> None:
    paths = [stage.logs / "a.log", stage.logs / "b.log"]
    for path in paths:
        stage.write(path)
    with stage.home.collector() as collector:
        stage.wait()
        room = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())

        with collector.stopped():
            lines = stage.lines(room + 2_000, size=20)
            stage.expect(lines)
            files = [path.open("ab", buffering=0) for path in paths]
            for number, line in enumerate(lines):
                files[number % 2].write(line + b"\n")
            for file in files:
                file.close()
            stage.write(stage.logs / "c.log")

        stage.expect_exactly_once()


def test_the_log_tells_which_files_were_found_and_why_others_are_left_out(
    globs: Shared, globbed: Stage
) -> None:
    globbed.write(globbed.logs / "good.log")
    globbed.append(globbed.logs / "app.zst", b"\x28\xb5\x2f\xfd not read as text\n")

    globbed.wait()

    globs.collector.wait_said("file_found", str(globbed.logs / "good.log"))
    eventually(lambda: globs.collector.said("left_out", "compressed"), "left_out")
