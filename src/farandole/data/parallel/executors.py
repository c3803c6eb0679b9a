"""Where tasks run: in this process, on its cores, or on a Ray cluster. The tasks and what comes of them are the same everywhere.

Only a bounded number of tasks is handed out at a time, so memory does not grow with their number.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import parent_process
from threading import Thread
from types import TracebackType
from typing import Any, Protocol, TypeVar

from farandole.errors import DataError

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
    """Processes of this machine; with one, the tasks run in this very process."""

    def __init__(self, workers: int) -> None:
        self._pool = ProcessPoolExecutor(workers, initializer=_end_with_parent) if workers > 1 else None
        self.capacity = 4 * workers if workers > 1 else 1

    def submit(self, task: Callable[[Any], Any], job: Any) -> Future[Any]:
        """Hand out a task, or run it."""
        if self._pool is None:
            done: Future[Any] = Future()
            done.set_result(task(job))
            return done
        try:
            return self._pool.submit(task, job)
        except BrokenProcessPool as error:
            raise _dead() from error

    def wait(self, handles: Iterable[Future[Any]]) -> list[Future[Any]]:
        """Tasks that are done, at least one."""
        return list(wait(handles, return_when=FIRST_COMPLETED).done)

    def result(self, handle: Future[Any]) -> Any:
        """What it returned.

        Raises:
            DataError: If its process died: the pool cannot go on.
        """
        try:
            return handle.result()
        except BrokenProcessPool as error:
            raise _dead() from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=kind is None, cancel_futures=True)


def _end_with_parent() -> None:
    """Let this process end when the one that made it is killed, instead of waiting for tasks for ever."""

    def watch() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def _dead() -> DataError:
    return DataError(
        "a worker process died (out of memory?): run the same command again to go on, with fewer --workers"
    )
