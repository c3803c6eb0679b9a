"""How far a dance is from others: the nearest second of a corpus (does it replay?), and another take (do seeds differ?)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from farandole.errors import MotionError
from farandole.evaluation.humanoid_view import HumanoidView, view_humanoid
from farandole.motion import Motion
from farandole.motion import rotations as rot
from farandole.motion.rotations import Array

_BLOCK = 512  # query windows per matrix product: 512 x 50 000 corpus windows of float32 are 100 MB
_SHORTLIST = 16


class WindowCorpus:
    """All one-second windows of a set of motions, ready for nearest-neighbour look-ups.

    A window is joint positions relative to the hips, turned so that the body faces +z in the middle of the window, sampled
    `rate` times per second. Windows begin at every frame of the corpus, so that a replayed clip is found at whatever phase.

    Args:
        motions: The corpus; mirrored copies are the caller's to add.
        seconds: Length of a window, s.
        rate: Samples per second within a window.
        fps: Frame rate at which windows begin; a whole multiple of `rate`.

    Raises:
        MotionError: If no motion is as long as one window.
    """

    def __init__(
        self, motions: Iterable[Motion], *, seconds: float = 1.0, rate: float = 10.0, fps: float = 30.0
    ) -> None:
        self.fps, self._step, self._samples = fps, round(fps / rate), round(seconds * rate)
        bodies = [view_humanoid(motion.resample(fps)) for motion in motions]
        roles = set.intersection(*(set(b.roles) for b in bodies)) if bodies else set()
        self.roles = tuple(r for r in bodies[0].roles if r in roles) if bodies else ()
        parts = [self._windows(body, 1) for body in bodies]
        self.windows = np.concatenate(parts) if parts else np.empty((0, 0), np.float32)
        if not len(self.windows):
            raise MotionError(f"no motion of the corpus is {seconds:g} s long: cannot look for the nearest window")
        self._square = (self.windows**2).sum(axis=1)

    def _windows(self, body: HumanoidView, stride: int) -> Array:
        """Windows [W, samples * R * 3] float32 that begin every `stride` frames."""
        length = (self._samples - 1) * self._step + 1
        starts = np.arange(0, len(body.positions) - length + 1, stride)
        take = starts[:, None] + np.arange(self._samples) * self._step
        relative = body.positions[:, [body.roles.index(r) for r in self.roles]] - body.role("Hips")[:, None]
        facing = body.heading[starts + length // 2]
        turned = rot.rotate(rot.from_yaw(-facing)[:, None, None].astype(np.float32), relative.astype(np.float32)[take])
        return turned.reshape(len(starts), self._samples * len(self.roles) * 3)

    def distances(self, motion: Motion, *, stride_s: float = 0.25) -> Array:
        """Mean joint distance in cm from windows of `motion`, one every `stride_s`, to their nearest corpus window, [W].

        The nearest is sought among the 16 windows of least squared distance, which matrix products find.
        """
        body = view_humanoid(motion.resample(self.fps))
        missing = [r for r in self.roles if r not in body.index]
        if missing:
            raise MotionError(f"{motion.name} has no {missing[0]}, which the corpus has: retarget one to the other")
        queries = self._windows(body, max(1, round(stride_s * self.fps)))
        found = [self._nearest(queries[i : i + _BLOCK]) for i in range(0, len(queries), _BLOCK)]
        return np.concatenate(found) if found else np.empty(0)

    def _nearest(self, queries: Array) -> Array:
        gap = self._square - 2.0 * (queries @ self.windows.T)  # the query's own square does not change the order
        few = min(_SHORTLIST, gap.shape[1])
        best = np.argpartition(gap, few - 1, axis=1)[:, :few]
        difference = (self.windows[best] - queries[:, None]).reshape(*best.shape, -1, 3)
        return 100.0 * np.linalg.norm(difference, axis=-1).mean(axis=-1).min(axis=1)


def nearest_distance(motion: Motion, corpus: WindowCorpus | Sequence[Motion]) -> float:
    """Mean over a motion of the distance to the nearest one-second window of the corpus, cm. Small means replaying."""
    corpus = corpus if isinstance(corpus, WindowCorpus) else WindowCorpus(corpus)
    return float(np.mean(corpus.distances(motion)))


def motion_distance(a: Motion, b: Motion, *, fps: float = 30.0) -> float:
    """Mean joint distance of two motions over their common time, cm; each body on its hips and facing +z in every frame.

    Position and heading in the room are taken out on purpose: a dance that only drifts elsewhere is the same dance.
    """
    x, y = view_humanoid(a.resample(fps)), view_humanoid(b.resample(fps))
    roles = [r for r in x.roles if r in y.index]
    frames = min(len(x.positions), len(y.positions))
    pick = lambda body: body.local[:frames, [body.roles.index(r) for r in roles]]  # noqa: E731
    return 100.0 * float(np.linalg.norm(pick(x) - pick(y), axis=-1).mean())
