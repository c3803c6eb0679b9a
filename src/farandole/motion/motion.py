"""A moving body: skeleton, joint rotations, root path, frame rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from farandole import _late
from farandole.errors import FrameRateError, MotionError
from farandole.motion import kinematics
from farandole.motion import rotations as rot
from farandole.motion.joint_track import JointTrack
from farandole.motion.markers import Markers
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
        markers: Beats and bars of its song; None if it has none.

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
    markers: Markers | None = None

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

    def in_parts(self) -> Iterator[tuple[slice, Motion]]:
        """Frames and the motion of them, some thousand at a time: world poses of a long motion need not be held all at once.

        A short motion is one part, itself, and remembers its world poses.
        """
        if len(self) <= kinematics.PART or "_global" in self.__dict__:
            yield slice(0, len(self)), self
            return
        for part in kinematics.parts(len(self)):
            yield part, self.slice(part.start, part.stop)

    def places(self, joints: int | Sequence[int]) -> Array:
        """World positions of one joint, [T, 3] m, or of some, [T, N, 3] m: like `positions[:, joints]`, see `in_parts`."""
        return np.concatenate([part.positions[:, joints] for _, part in self.in_parts()])

    @property
    def velocities(self) -> Array:
        """World joint velocities, [T, J, 3] m/s."""
        return kinematics.velocity(self.positions, self.fps)

    @property
    def speeds(self) -> Array:
        """Speed of every joint in the world, [T, J] m/s; see `in_parts`."""
        result = np.empty((len(self), len(self.skeleton)))
        for part, seen in self.in_parts():
            # One frame on either side tells the speed.
            around = slice(max(0, part.start - 1), min(len(self), part.stop + 1))
            own = seen if around == part or len(seen) == len(self) else self.slice(around.start, around.stop)
            frames = slice(part.start - around.start, part.start - around.start + len(seen))
            result[part] = np.linalg.norm(own.velocities[frames], axis=-1)
        return result

    def slice(self, start: int | None = None, stop: int | None = None) -> Motion:
        """Frames start..stop-1, with Python's rules for negative and missing ends."""
        part = slice(start, stop)
        first, last, _ = part.indices(len(self))
        markers = self.markers
        if markers is not None and (first, last) != (0, len(self)):
            markers = markers.between(first / self.fps, last / self.fps, slack=0.5 / self.fps)
        return replace(
            self,
            markers=markers,
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

    # What a notebook asks for. These functions live in rooms above: `_late` finds them.

    def __getitem__(self, frames: slice | int) -> Motion:
        """`motion[10:60]`: some frames; `motion[5]`: one; `motion[::2]`: every second, at half the rate.

        Raises:
            IndexError: If there is no such frame.
            MotionError: If nothing is left, or the step is negative.
        """
        if not isinstance(frames, slice):
            first = range(len(self))[frames]
            return self.slice(first, first + 1)
        first, last, step = frames.indices(len(self))
        if step < 1:
            raise MotionError(f"{self.name}: a step of {step} frames: a motion goes forwards")
        part = self.slice(first, last)
        if step == 1:
            return part
        return replace(
            part,
            rotations=part.rotations[::step],
            root_positions=part.root_positions[::step],
            translations=None if part.translations is None else part.translations[::step],
            fps=self.fps / step,
        )

    def joint(self, name: str) -> JointTrack:
        """One joint by its name, or by farandole's name of the part of the body ("RightArm") that it plays.

        Raises:
            MotionError: If there is none; names the joints that exist.
        """
        j = _late.call("joint_number", self, name)
        tracks = (self.rotations, self.global_rotations, self.positions, self.velocities)
        return JointTrack(self.skeleton.names[j], j, *(track[:, j] for track in tracks))

    def with_pose(self, frame: int, pose: Mapping[str, ArrayLike], *, root_position: ArrayLike | None = None) -> Motion:
        """The motion with some joints turned otherwise in one frame.

        Args:
            frame: Which; negative ones count from the end.
            pose: Joint name -> local rotation: quaternion w x y z, [4], of any length but zero.
            root_position: Where the root is in that frame, [3] m; by default where it was.

        Raises:
            IndexError: If there is no such frame.
            MotionError: If a joint does not exist or a rotation is none.
        """
        t = range(len(self))[frame]
        rotations, path = self.rotations.copy(), self.root_positions.copy()
        for name, value in pose.items():
            turn = np.asarray(value, dtype=float)
            if turn.shape != (4,) or not np.isfinite(turn).all() or not np.linalg.norm(turn) > 1e-9:
                raise MotionError(f"{name}: {value} is no rotation: give a quaternion w x y z")
            rotations[t, self.skeleton.index(name)] = rot.normalize(turn)
        if root_position is not None:
            path[t] = np.asarray(root_position, dtype=float)
        return replace(self, rotations=rotations, root_positions=path)

    def retarget(self, body: Any) -> Motion:
        """The same movement on another body.

        Args:
            body: A `Skeleton`, a `Motion` of that body, a file that has it, a character, or "house" for farandole's own.

        Raises:
            RetargetError: If either body lacks essential parts.
        """
        return _late.call("retarget", self, body)

    def mirror(self) -> Motion:
        """Left and right exchanged."""
        return _late.call("mirror", self)

    def loop(self, *, seconds: float | None = None) -> Motion:
        """A motion that can be played again and again without a seam, see `motion.loop.loop`."""
        return _late.call("loop", self, seconds=seconds)

    def view(self, song: Any = None, **options: Any) -> Any:
        """A page that plays the motion; a notebook shows it in place, `.save(path)` writes it.

        Args:
            song: A `Song` or a sound file that plays with it.
            options: character (a file or object), title, height (CSS pixels).
        """
        return _late.call("view", self, song, **options)

    def render(self, path: str | Path, *, song: Any = None, overwrite: bool = False, **options: Any) -> Path:
        """Write a video; returns the path.

        Args:
            path: .mp4, .webm, .mov, .gif, or a folder for PNG pictures.
            song: A `Song` or a sound file.
            overwrite: Replace a file that exists.
            options: character, size, fps, camera, cuts, background, colour, title ..., see `view.video.write_video`.

        Raises:
            OutputError: If it exists and not `overwrite`, or cannot be written.
        """
        return _late.call("render", self, path, song=song, overwrite=overwrite, **options)

    def save(self, path: str | Path, *, force: bool = False, overwrite: bool = False, **options: Any) -> Path:
        """Write in the format of the suffix; returns the path.

        Args:
            path: What `files.save_motion` writes; .html (a page), .mp4 .webm .mov .gif (a video), .png (moments of it).
            force: Replace a file that exists.
            overwrite: The same, by the name that `render` gives it.
            options: song, character (whose file is written with the motion, if the suffix is its own), and those of the format.

        Raises:
            OutputError: If it exists and is not to be replaced, or cannot be written.
        """
        return _late.call("save", self, path, force=force or overwrite, **options)

    def _repr_html_(self) -> str:
        return _late.call("preview", self)
