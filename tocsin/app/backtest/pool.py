"""The processes that read chunks: started once, each with a parser of its own."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.forkserver import ensure_running
from threading import Thread
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from tocsin.app.backtest.chunk import Chunk, Reading, encode_found

if TYPE_CHECKING:
    from tocsin.app.backtest.reading import ChunkReader

_P = ParamSpec("_P")
_T = TypeVar("_T")
_MAX_PROCESSES = 8  # more would wait for the one that decides
_READING = "tocsin.app.backtest.reading"
_reader: list[ChunkReader] = []  # of this process


def warm_up() -> None:
    """Let the server import what readers need, while this process does other things."""
    get_context("forkserver").set_forkserver_preload([_READING])
    ensure_running()


def default_processes() -> int:
    """As many as there are cores to use, within reason."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    return max(1, min(cores or os.cpu_count() or 1, _MAX_PROCESSES))


@contextmanager
def reading_pool(processes: int, reading: Reading) -> Iterator[Executor]:
    """An executor for `read`; with one process it is this one."""
    if processes == 1:
        _prepare(reading)
        yield _Here()
        return
    # The server imports once what all readers need, and forks without threads.
    context = get_context("forkserver")
    context.set_forkserver_preload([_READING])
    with ProcessPoolExecutor(
        processes,
        mp_context=context,
        initializer=_begin,
        initargs=(reading,),
    ) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def read(chunk: Chunk) -> bytes:
    """Read a chunk with this process's parser; an encoded `Found`."""
    return encode_found(_reader[0].read(chunk))


def _begin(reading: Reading) -> None:
    """Prepare a process of the pool; it ends with the one that it reads for."""
    parent = parent_process()
    if parent is not None:
        # A pool's process waits for work for ever, also after its parent was killed.
        Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()
    _prepare(reading)
    collect_rarely()


def collect_rarely() -> None:
    """Look for cycles rarely: there are few, and a chunk makes 200,000 objects."""
    gc.set_threshold(1_000_000)


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _prepare(reading: Reading) -> None:
    # Only here: the process that decides never needs it.
    from tocsin.app.backtest.reading import ChunkReader  # noqa: PLC0415

    _reader[:] = [ChunkReader(reading)]


class _Here(Executor):
    """Does the work where it is submitted."""

    def submit(
        self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> Future[_T]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except OSError as error:
            done.set_exception(error)
        return done
