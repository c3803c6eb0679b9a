"""The pictures of a scene in order, drawn by several processes where that pays."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from typing import Any

import numpy as np

from farandole.view.png import encode_png
from farandole.view.scene import Scene

_BATCH = 12

Finish = Callable[[np.ndarray], Any]
"""What is made of each picture where it is drawn; a function of a module, so that processes find it."""


def draw(scene: Scene, finish: Finish, workers: int | None = None) -> Iterator[Any]:
    """What `finish` makes of the pictures of a scene, in order. Only a few batches are ever under way.

    Args:
        scene: What is drawn.
        finish: See `Finish`.
        workers: Processes that draw; by default one per processor up to 8, and none besides this for short clips.
    """
    count = min(os.cpu_count() or 1, 8) if workers is None else workers
    if count <= 1 or (workers is None and len(scene) < 8 * _BATCH):
        yield from (finish(scene.frame(t)) for t in range(len(scene)))
        return
    starts = iter(range(0, len(scene), _BATCH))
    with ProcessPoolExecutor(
        count, mp_context=get_context("spawn"), initializer=_receive, initargs=(scene, finish)
    ) as pool:
        waiting: deque[Future[list[Any]]] = deque()
        submit = lambda at: waiting.append(pool.submit(_draw_batch, at, min(at + _BATCH, len(scene))))  # noqa: E731
        for at in islice(starts, count + 2):
            submit(at)
        try:
            while waiting:
                batch = waiting.popleft().result()
                for at in islice(starts, 1):
                    submit(at)
                yield from batch
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


_job: list[tuple[Scene, Finish]] = []  # of a drawing process, sent once


def _receive(scene: Scene, finish: Finish) -> None:
    _job[:] = [(scene, finish)]


def _draw_batch(start: int, stop: int) -> list[Any]:
    ((scene, finish),) = _job
    return [finish(scene.frame(t)) for t in range(start, stop)]


def as_is(picture: np.ndarray) -> np.ndarray:
    """The picture itself."""
    return picture


def yuv420(picture: np.ndarray) -> np.ndarray:
    """A picture [H, W, 3] in the planes of H.264, BT.709, uint8 [H * 3 / 2, W]."""
    import av
    from av.video.reformatter import ColorRange, Colorspace, Interpolation

    frame = av.VideoFrame.from_numpy_buffer(picture, format="rgb24")
    frame = frame.reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation=Interpolation.FAST_BILINEAR,
    )
    return frame.to_ndarray()


def png(picture: np.ndarray) -> bytes:
    """The bytes of a .png."""
    return encode_png(picture)
