"""Tasks on the machines of a Ray cluster. Ray runs a task again elsewhere when its worker or machine dies."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Iterable
from types import ModuleType, TracebackType
from typing import Any

from farandole.errors import DataError, MissingExtraError
from farandole.parallel.executors import Executor, FailedTask

RETRIES = 5
"""Times that a task is run again after its worker died."""
_IN_FLIGHT = 1000  # more than any cluster's cores, so that machines that join later find work; few enough to hold
_POLL = 0.1  # s
_REACH = 5.0  # s: Ray itself tries for minutes
_STORE = 80 * 2**20  # bytes; records are small


class RayCluster(Executor):
    """A Ray cluster.

    Args:
        address: "local": one of this machine's cores, started and ended with the work; "auto": the one that runs on this machine or
            that RAY_ADDRESS names; HOST:PORT or ray://HOST:PORT.
        workers: Tasks at a time; None for as many as there are cores.

    Raises:
        MissingExtraError: If Ray is not installed.
        DataError: If there is no cluster at the address.
    """

    def __init__(self, address: str, workers: int | None = None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
        self._ray = _import_ray()
        self._started = not self._ray.is_initialized()
        if self._started:
            _start(self._ray, address, workers)
        self.capacity = _IN_FLIGHT if address == "local" else workers or _IN_FLIGHT
        self._remote: dict[Callable[[Any], Any], Any] = {}

    def submit(self, task: Callable[[Any], Any], job: Any) -> Any:
        """Hand out a task for one core."""
        if task not in self._remote:
            self._remote[task] = self._ray.remote(num_cpus=1, max_retries=RETRIES)(task)
        return self._remote[task].remote(job)

    def wait(self, handles: Iterable[Any]) -> list[Any]:
        """Tasks that are done by now or in a moment."""
        waiting = list(handles)
        return self._ray.wait(waiting, num_returns=len(waiting), timeout=_POLL)[0]

    def result(self, handle: Any) -> Any:
        """What it returned, or `FailedTask` if its worker died every time."""
        try:
            return self._ray.get(handle)
        except self._ray.exceptions.RayTaskError:  # raised by the task itself
            raise
        except self._ray.exceptions.RayError as error:
            return FailedTask(
                f"its worker died {1 + RETRIES} times (out of memory?): {str(error).strip().splitlines()[0]}"
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._started:
            self._ray.shutdown()


def _import_ray() -> ModuleType:
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("--cluster", "cluster") from error
    return ray


def _start(ray: ModuleType, address: str, workers: int | None) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if address == "local":
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # else Ray keeps one in the home folder
        _start_here(ray, workers, quiet)
        return
    _check_reachable(address)
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise DataError(f"cannot join the Ray cluster '{address}': {str(error).strip().splitlines()[0]}") from error


def _start_here(ray: ModuleType, workers: int | None, quiet: dict[str, Any]) -> None:
    for last in (False, True):  # on a busy machine the first start, from a cold disk, may take more than Ray's 30 s
        try:
            ray.init(address="local", num_cpus=workers, include_dashboard=False, object_store_memory=_STORE, **quiet)
            return
        except Exception as error:  # Ray raises that very class
            ray.shutdown()
            if last:
                raise DataError(f"Ray cannot be started here: {str(error).strip().splitlines()[0]}") from error


def _check_reachable(address: str) -> None:
    """Raise DataError if nothing listens at HOST:PORT."""
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise DataError(f"cluster address '{address}': accepted are local, auto, HOST:PORT and ray://HOST:PORT")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH).close()
    except (OSError, OverflowError) as error:
        raise DataError(f"cannot join the Ray cluster '{address}': nothing answers there ({error})") from error
