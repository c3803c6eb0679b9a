"""Where tasks run: in this process, on its cores, or on a Ray cluster. The tasks and what comes of them are the same everywhere.

Only a bounded number of tasks is handed out at a time, so memory does not grow with their number.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import Pipe, connection, parent_process
from threading import Thread
from types import TracebackType
from typing import Any, Protocol, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True)
class FailedTask:
    """In place of a result: the task's worker died, again and again.

    Attributes:
        reason: One line.
    """

    reason: str


class Executor(AbstractContextManager["Executor"], Protocol):
    """Something that runs tasks: functions of a module with one argument; both argument and result can be pickled.

    Attributes:
        capacity: Tasks that it takes at a time.
    """

    capacity: int

    def submit(self, task: Callable[[Any], Any], job: Any) -> Any:
        """Hand out a task; returns a handle, which is hashable."""
        ...

    def wait(self, handles: Iterable[Any]) -> list[Any]:
        """Those of the handles whose tasks are done; waits for some, and may return none."""
        ...

    def result(self, handle: Any) -> Any:
        """What a task that is done returned, or `FailedTask`."""
        ...


def run(
    executor: Executor, task: Callable[[Job], Result], jobs: Iterable[Job]
) -> Iterator[tuple[Job, Result | FailedTask]]:
    """Jobs and what came of them, in the order in which they are done."""
    queue = iter(jobs)
    waiting: dict[Any, Job] = {}
    while True:
        for job in islice(queue, executor.capacity - len(waiting)):
            waiting[executor.submit(task, job)] = job
        if not waiting:
            return
        for handle in executor.wait(waiting):
            yield waiting.pop(handle), executor.result(handle)


class Cores(Executor):
    """Processes of this machine; with one, the tasks run in this very process.

    When a process dies, all tasks under way are lost with it. Each of them is then run again in a process of its own, so that one
    that kills whoever runs it is found out (`FailedTask`) and the others are done.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        # Nobody reads what is sent: it is there for all. An Event would wait for workers that died waiting.
        self._stopped, self._stop = Pipe(duplex=False)
        self._pool = self._new_pool(workers) if workers > 1 else None
        self._handed: dict[Future[Any], tuple[Callable[[Any], Any], Any]] = {}
        self.capacity = 4 * workers if workers > 1 else 1

    def _new_pool(self, workers: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(workers, initializer=_prepare_worker, initargs=(self._stopped,))

    def submit(self, task: Callable[[Any], Any], job: Any) -> Future[Any]:
        """Hand out a task, or run it."""
        if self._pool is None:
            done: Future[Any] = Future()
            done.set_result(task(job))
            return done
        try:
            handle = self._pool.submit(_call, task, job)
        except BrokenProcessPool:  # since a moment ago
            self._pool = self._new_pool(self._workers)
            handle = self._pool.submit(_call, task, job)
        self._handed[handle] = (task, job)
        return handle

    def wait(self, handles: Iterable[Future[Any]]) -> list[Future[Any]]:
        """Tasks that are done, at least one."""
        return list(wait(handles, return_when=FIRST_COMPLETED).done)

    def result(self, handle: Future[Any]) -> Any:
        """What it returned, or `FailedTask` if it killed its process."""
        task, job = self._handed.pop(handle, (None, None))
        try:
            return handle.result()
        except BrokenProcessPool:
            assert task is not None
        with self._new_pool(1) as pool:
            try:
                return pool.submit(_call, task, job).result()
            except BrokenProcessPool:
                return FailedTask("its worker process died (out of memory?)")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            if kind is not None:
                self._stop.send(None)
            self._pool.shutdown(wait=kind is None, cancel_futures=True)


_at_work = False


def _call(task: Callable[[Any], Any], job: Any) -> Any:
    """Run a task in a worker."""
    global _at_work
    _at_work = True
    try:
        return task(job)
    finally:
        _at_work = False


def _prepare_worker(stop: Any) -> None:
    """What a worker process does first.

    It ends when the one that made it is killed, instead of waiting for tasks for ever, and when something can be read from `stop`.
    Ctrl-C, which reaches every process of a terminal, ends a task as an exception, so that half-written files go, and an idle
    worker quietly.
    """

    def interrupt(*_: object) -> None:
        if _at_work:
            raise KeyboardInterrupt
        os._exit(1)

    def watch_parent() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    def watch_stop() -> None:
        connection.wait([stop])
        os.kill(os.getpid(), signal.SIGINT)

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for watch in (watch_parent, watch_stop):
        Thread(target=watch, daemon=True).start()
