"""A moving body: skeleton, joint rotations, root path, frame rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from farandole.errors import FrameRateError, MotionError
from farandole.motion import kinematics
from farandole.motion import rotations as rot
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

if TYPE_CHECKING:
    from farandole.motion.layout import FileLayout


@dataclass(frozen=True, eq=False)
class Motion:
    """An immutable piece of motion; operations return new ones.

    Attributes:
        skeleton: The body, J joints.
        rotations: Local (parent-relative) unit quaternions, w x y z, [T, J, 4].
        root_positions: World position of the root joint, [T, 3] m, y up.
        fps: Frames per second.
        translations: Local joint positions [T, J, 3] m for the rare files whose bones change length; None otherwise.
        layout: How the source file wrote it (channel order, unit), so that it can be written back alike; None if made here.
        name: Where it came from, for messages.
        source: The file it was read from; None if made here.

    Raises:
        MotionError: If shapes disagree, there are no frames, numbers are NaN, or fps is not positive.
    """

    skeleton: Skeleton
    rotations: Array
    root_positions: Array
    fps: float
    translations: Array | None = None
    layout: FileLayout | None = None
    name: str = "motion"
    source: Path | None = None
    saver: ClassVar[Callable[..., Path]]
    """What `save` calls; `motion.files` puts it here, so that a motion need not know of files."""

    def __post_init__(self) -> None:
        for field, tail in (
            ("rotations", (len(self.skeleton), 4)),
            ("root_positions", (3,)),
            ("translations", (len(self.skeleton), 3)),
        ):
            value = getattr(self, field)
            if value is None and field == "translations":
                continue
            value = np.asarray(value)
            if value.ndim != 1 + len(tail) or value.shape[1:] != tail:
                raise MotionError(
                    f"{self.name}: {field} have shape {value.shape}, need [T, {', '.join(map(str, tail))}]"
                )
            if len(value) != len(self.rotations):
                raise MotionError(
                    f"{self.name}: {len(value)} frames of {field}, but {len(self.rotations)} of rotations"
                )
            if not np.isfinite(value).all():
                frame = int(np.argwhere(~np.isfinite(value))[0, 0])
                raise MotionError(f"{self.name}: {field} hold NaN or infinite numbers, first in frame {frame}")
            if value.flags.writeable:
                value = value.view()
                value.setflags(write=False)
            object.__setattr__(self, field, value)
        if not len(self.rotations):
            raise MotionError(f"{self.name} has no frames")
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise MotionError(f"{self.name}: frame rate {self.fps} is not a positive number")

    def __len__(self) -> int:
        """Number of frames T."""
        return len(self.rotations)

    def __repr__(self) -> str:
        return f"Motion({self.name!r}, {len(self)} frames, {self.fps:g} fps, {self.seconds:.2f} s, {len(self.skeleton)} joints)"

    @property
    def seconds(self) -> float:
        """Duration, frames divided by fps."""
        return len(self) / self.fps

    @cached_property
    def _global(self) -> tuple[Array, Array]:
        return kinematics.forward(self.skeleton, self.rotations, self.root_positions, self.translations)

    @property
    def positions(self) -> Array:
        """World joint positions, [T, J, 3] m."""
        return self._global[0]

    @property
    def global_rotations(self) -> Array:
        """World joint rotations, [T, J, 4]."""
        return self._global[1]

    @property
    def velocities(self) -> Array:
        """World joint velocities, [T, J, 3] m/s."""
        return kinematics.velocity(self.positions, self.fps)

    def slice(self, start: int | None = None, stop: int | None = None) -> Motion:
        """Frames start..stop-1, with Python's rules for negative and missing ends."""
        part = slice(start, stop)
        return replace(
            self,
            rotations=self.rotations[part],
            root_positions=self.root_positions[part],
            translations=None if self.translations is None else self.translations[part],
        )

    def resample(self, fps: float) -> Motion:
        """The same movement at another frame rate: slerp for rotations, linear for positions.

        The last new frame does not lie beyond the last old one. Frame 0 is kept exactly.
        """
        if fps <= 0:
            raise MotionError(f"cannot resample {self.name} to {fps:g} fps: need a positive frame rate")
        if np.isclose(fps, self.fps, rtol=1e-9):
            return self
        count = int(np.floor((len(self) - 1) / self.fps * fps + 1e-6)) + 1
        where = np.minimum(np.arange(count) * (self.fps / fps), len(self) - 1)
        low = np.minimum(where.astype(int), max(len(self) - 2, 0))
        high = np.minimum(low + 1, len(self) - 1)
        t = where - low
        lerp = lambda x: x[low] + (x[high] - x[low]) * t.reshape(-1, *[1] * (x.ndim - 1))  # noqa: E731
        return replace(
            self,
            rotations=rot.slerp(
                self.rotations[low], self.rotations[high], np.broadcast_to(t[:, None], (count, len(self.skeleton)))
            ),
            root_positions=lerp(self.root_positions),
            translations=None if self.translations is None else lerp(self.translations),
            fps=float(fps),
        )

    def require_fps(self, fps: float, what: str) -> None:
        """Raise FrameRateError unless this motion runs at `fps`, which `what` needs."""
        if not np.isclose(self.fps, fps, rtol=1e-3):
            how = f"motion.resample({fps:g})"
            if self.source is not None:
                how = f"farandole convert {self.source} resampled.bvh --fps {fps:g}"
            raise FrameRateError(
                f"{self.source or self.name} is {self.fps:g} fps, but {what} needs {fps:g} fps. Resample it first: {how}"
            )

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write in the format of the suffix (see `files.save_motion`); returns the path.

        Raises:
            OutputError: If it exists and not `force`, or cannot be written.
        """
        return Motion.saver(self, path, force=force)
