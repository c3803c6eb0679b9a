"""A motion as rounded cones: the body parts of every frame in the world, with a colour each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from farandole.motion import rotations as rot
from farandole.motion.body import Shape, body_shapes
from farandole.motion.motion import Motion
from farandole.motion.names import find_roles
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton
from farandole.view import palette

if TYPE_CHECKING:
    from farandole.view.raycast import Capsules

_HIPS = (("left", "LeftUpLeg"), ("right", "RightUpLeg"))


@dataclass(frozen=True, eq=False)
class Figure:
    """Rounded cones of T frames: ends [T, P, 3] m, radii [P] m, linear colours [P, 3]."""

    starts: Array
    ends: Array
    start_radii: Array
    end_radii: Array
    colours: Array

    def __len__(self) -> int:
        return len(self.starts)

    def frame(self, t: int) -> Capsules:
        """The body at frame `t`."""
        from farandole.view.raycast import Capsules  # pages draw none

        return Capsules(self.starts[t], self.ends[t], self.start_radii, self.end_radii, self.colours)

    def moved(self, shift: Array) -> Figure:
        """The figure elsewhere, by [3] m; in single precision, as drawing needs it."""
        single = lambda x: (x + shift).astype(np.float32)  # noqa: E731
        return Figure(single(self.starts), single(self.ends), self.start_radii, self.end_radii, self.colours)

    def painted(self, colour: Array) -> Figure:
        """The figure in one linear colour, [3]."""
        return Figure(self.starts, self.ends, self.start_radii, self.end_radii, np.tile(colour, (len(self.colours), 1)))

    def outline(self, t: NDArray[np.intp]) -> tuple[Array, Array]:
        """Points [N, P, 3] m that stand for the figure in frames `t` [N], and how far it reaches around each, [P] m."""
        return np.concatenate((self.starts[t], self.ends[t]), axis=1), np.concatenate(
            (self.start_radii, self.end_radii)
        )

    @staticmethod
    def together(figures: Sequence[Figure], t: int) -> Capsules:
        """All figures at frame `t`; one whose motion is over keeps its last pose."""
        from farandole.view.raycast import Capsules

        parts = [f.frame(min(t, len(f) - 1)) for f in figures]
        return Capsules(*(np.concatenate([getattr(p, name) for p in parts]) for name in Capsules.__dataclass_fields__))


def figure(motion: Motion) -> Figure:
    """The body that a viewer sees for `motion`: parts from `farandole.motion.body`, left teal, right coral."""
    shapes = body_shapes(motion.skeleton)
    joints = np.array([shape.joint for shape in shapes])
    base, turn = motion.positions[:, joints], motion.global_rotations[:, joints]
    return Figure(
        base + rot.rotate(turn, np.array([shape.start for shape in shapes], float)),
        base + rot.rotate(turn, np.array([shape.end for shape in shapes], float)),
        np.array([shape.start_radius for shape in shapes], float),
        np.array([shape.end_radius for shape in shapes], float),
        np.stack([palette.linear(palette.PARTS[part(motion.skeleton, shape)]) for shape in shapes]),
    )


def part(skeleton: Skeleton, shape: Shape) -> str:
    """Which colour of `palette.PARTS` a shape has."""
    if shape.region in ("chest", "waist", "hips"):
        return "trunk"
    if shape.region in ("head", "neck"):
        return "head"
    where = side(skeleton, shape.joint)
    if not where:
        return "trunk"
    return f"{where} {shape.region}" if shape.region in ("hand", "foot") else where


def side(skeleton: Skeleton, joint: int) -> str:
    """'left' or 'right' for a limb's joint, '' for the middle. A body at rest has its left at +x (see Skeleton)."""
    spread = np.ptp(skeleton.rest_positions[:, 0])
    x = skeleton.rest_positions[joint, 0] - skeleton.rest_positions[0, 0]
    if abs(x) < 0.015 * max(float(spread), 1e-6):
        return ""
    return "left" if x > 0 else "right"


def facing(motion: Motion) -> float:
    """Where the body looks on average, rad from +z towards +x; 0 where it has no two hips or turns all around."""
    hips = {where: roles[name] for where, name in _HIPS if name in (roles := find_roles(motion.skeleton))}
    if len(hips) < 2:
        return 0.0
    left = motion.places(hips["left"]) - motion.places(hips["right"])
    front = np.stack((-left[:, 2], left[:, 0]), -1)  # left x up, on the floor: x and z
    mean = rot.normalize(front).mean(0)
    return float(np.arctan2(*mean)) if np.linalg.norm(mean) > 0.2 else 0.0
