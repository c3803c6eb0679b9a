"""Work on many cores or machines that may stop at any moment and be taken up again."""

from __future__ import annotations

import os

from farandole.parallel.executors import Cores, Executor


def open_executor(workers: int | None, cluster: str | None) -> Executor:
    """Where tasks are to run.

    Args:
        workers: Tasks at a time; None for one per core.
        cluster: Address of a Ray cluster, see `ray_cluster.RayCluster`; None for this machine's cores.

    Raises:
        DataError: If there is no such cluster.
        MissingExtraError: If Ray is asked for and not installed.
    """
    if cluster is None:
        return Cores(workers or os.cpu_count() or 1)
    from farandole.parallel.ray_cluster import RayCluster

    return RayCluster(cluster, workers)
