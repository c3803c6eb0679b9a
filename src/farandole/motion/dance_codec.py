"""The features shipped models speak: heading-relative pose, root velocity, key points and foot contacts, per frame.

The heading frame has its origin on the floor under the hips and its z axis along the smoothed heading of the hips; what a
dancer does looks the same wherever they stand and wherever they face. Root motion is stored as velocities, so decoding
integrates them from a start that the caller chooses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from farandole.errors import MotionError
from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton
from farandole.motion.kinematics import contacts, parts
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

KEY_POINTS = ("LeftFoot", "LeftToeBase", "RightFoot", "RightToeBase", "LeftHand", "RightHand", "Head")
STILL_JOINTS = ("LeftShoulder", "RightShoulder", "LeftToeBase", "RightToeBase")
"""Joints of the house skeleton that shipped models leave at rest: the starter corpus does not record them."""

LONG = 36_000
"""Frames (20 minutes) from which on rotations of a dance are held in single precision, some 0.00001 degrees: half the memory."""

# Joint groups that can be kept or hidden on their own when a model fills in part of a body.
GROUPS = {
    "root": ("Hips",),
    "torso": ("Spine", "Spine1", "Neck", "Head"),
    "left arm": ("LeftArm", "LeftForeArm", "LeftHand"),
    "right arm": ("RightArm", "RightForeArm", "RightHand"),
    "left leg": ("LeftUpLeg", "LeftLeg", "LeftFoot"),
    "right leg": ("RightUpLeg", "RightLeg", "RightFoot"),
}


@dataclass(frozen=True)
class DanceCodec:
    """Map between `Motion` on the house skeleton and features [T, D], D = 129.

    Columns (see `columns`): root height (m); velocity of the root to the left and forward in the heading frame (m/s); turning
    rate of the heading (rad/s); 6D rotations of the moving joints (hips relative to the heading, others to their parent);
    key points in the heading frame (m); contacts of the left and the right foot (0..1).

    Lost: start position and heading (given back by `decode`'s arguments), the joints in STILL_JOINTS, changing bone lengths.

    Attributes:
        fps: Frame rate of features and motions.
        heading_smoothing: Standard deviation of the Gaussian that smooths the heading, s.
    """

    fps: float = 30.0
    heading_smoothing: float = 0.2
    skeleton: Skeleton = field(default_factory=house_skeleton)

    name = "dance129"

    @cached_property
    def joints(self) -> tuple[int, ...]:
        """Indices of the moving joints, root first."""
        return tuple(i for i, n in enumerate(self.skeleton.names) if n not in STILL_JOINTS)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Name of every feature column, with its unit."""
        names = ["root height m", "root velocity left m/s", "root velocity forward m/s", "turning rad/s"]
        names += [f"{self.skeleton.names[j]} 6d {k}" for j in self.joints for k in range(6)]
        names += [f"{p} {axis} m" for p in KEY_POINTS for axis in "xyz"]
        return (*names, "left contact", "right contact")

    @property
    def dim(self) -> int:
        """Number of columns D."""
        return 4 + 6 * len(self.joints) + 3 * len(KEY_POINTS) + 2

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Column ranges by kind: root, rotations, points, contacts."""
        r, p = 4 + 6 * len(self.joints), 4 + 6 * len(self.joints) + 3 * len(KEY_POINTS)
        return {"root": slice(0, 4), "rotations": slice(4, r), "points": slice(r, p), "contacts": slice(p, p + 2)}

    @cached_property
    def group_columns(self) -> dict[str, np.ndarray]:
        """Columns that belong to each joint group of GROUPS (every column belongs to exactly one)."""
        result: dict[str, list[int]] = {g: [] for g in GROUPS}
        of_joint = {j: g for g, members in GROUPS.items() for j in members}
        of_joint |= {"LeftToeBase": "left leg", "RightToeBase": "right leg"}
        result["root"] += [0, 1, 2, 3]
        for n, j in enumerate(self.joints):
            result[of_joint[self.skeleton.names[j]]] += range(4 + 6 * n, 10 + 6 * n)
        for n, p in enumerate(KEY_POINTS):
            start = self.slices["points"].start + 3 * n
            result[of_joint[p]] += range(start, start + 3)
        result["left leg"].append(self.dim - 2)
        result["right leg"].append(self.dim - 1)
        return {g: np.array(sorted(c)) for g, c in result.items()}

    def heading(self, motion: Motion) -> Array:
        """Smoothed heading of the hips, unwrapped, [T] rad."""
        from farandole.motion.filters import gaussian_filter1d

        raw = np.unwrap(rot.yaw(motion.rotations[:, 0]))
        return gaussian_filter1d(raw, self.heading_smoothing * self.fps, mode="nearest")

    def encode(self, motion: Motion) -> Array:
        """Features of a motion, [T, D] float32.

        Raises:
            MotionError: If the motion is not on the house skeleton or has fewer than 2 frames.
            FrameRateError: If its frame rate is not the codec's.
        """
        motion.require_fps(self.fps, f"the {self.name} codec")
        if motion.skeleton.names != self.skeleton.names:
            raise MotionError(f"{motion.name} is not on the house skeleton: retarget it first")
        if len(motion) < 2:
            raise MotionError(f"{motion.name} has {len(motion)} frame: the {self.name} codec needs at least 2")
        heading = self.heading(motion)
        to_heading = rot.from_yaw(-heading)
        step = np.diff(
            motion.root_positions, axis=0, prepend=2 * motion.root_positions[:1] - motion.root_positions[1:2]
        )
        velocity = rot.rotate(to_heading, step) * self.fps
        turning = np.diff(heading, prepend=2 * heading[0] - heading[1]) * self.fps
        local = motion.rotations[:, self.joints].copy()
        local[:, 0] = rot.multiply(to_heading, local[:, 0])
        under_hips = motion.root_positions * np.array([1.0, 0.0, 1.0])
        keys = motion.positions[:, [self.skeleton.index(p) for p in KEY_POINTS]] - under_hips[:, None]
        columns = (
            motion.root_positions[:, 1:2],
            velocity[:, [0, 2]],
            turning[:, None],
            rot.to_6d(local).reshape(len(motion), -1),
            rot.rotate(to_heading[:, None], keys).reshape(len(motion), -1),
            foot_contacts(motion).astype(float),
        )
        return np.concatenate(columns, axis=1).astype(np.float32)

    def decode(self, features: Array, *, position: Array | None = None, heading: float = 0.0) -> Motion:
        """A motion from features [T, D].

        Args:
            position: Floor position (x, z) of the root in the first frame, m; the origin by default.
            heading: Heading in the first frame, rad.
        """
        x = np.asarray(features)
        if x.ndim != 2 or x.shape[1] != self.dim:
            raise MotionError(f"features have shape {x.shape}, the {self.name} codec needs [T, {self.dim}]")
        frames = DecodedFrames(self, len(x))
        for part in parts(len(x)):
            frames.add(x[part])
        return frames.motion(position=position, heading=heading)


class DecodedFrames:
    """A motion of which features come piece by piece: those of a long dance need not be held all at once.

    Args:
        codec: Its features.
        frames: Number of frames T.

    Attributes:
        contacts: How likely each foot bears weight, as the features have it, float32 [T, 2].
    """

    def __init__(self, codec: DanceCodec, frames: int) -> None:
        self.contacts = np.empty((frames, 2), np.float32)
        self._codec, self._done, self._root = codec, 0, np.empty((frames, 4))
        self._local = np.zeros((frames, len(codec.skeleton), 4), np.float32 if frames > LONG else np.float64)
        self._local[..., 0] = 1.0

    def add(self, features: Array) -> None:
        """The next frames, [K, D]; those beyond the last are left out."""
        codec = self._codec
        features = features[: len(self._root) - self._done]
        at = slice(self._done, self._done + len(features))
        self._root[at] = features[:, codec.slices["root"]]
        self.contacts[at] = features[:, codec.slices["contacts"]]
        turns = features[:, codec.slices["rotations"]].astype(float)
        self._local[at, codec.joints] = rot.from_6d(turns.reshape(len(turns), -1, 6))
        self._done = at.stop

    def motion(self, *, position: Array | None = None, heading: float = 0.0) -> Motion:
        """The motion, once; arguments as for `DanceCodec.decode`."""
        moved, local, fps = self._root, self._local, self._codec.fps
        del self._root, self._local
        angle = heading + np.concatenate(([0.0], np.cumsum(moved[1:, 3]) / fps))
        facing = rot.from_yaw(angle)
        step = rot.rotate(facing, np.stack((moved[:, 1], np.zeros(len(moved)), moved[:, 2]), axis=1)) / fps
        step[0] = 0.0
        if position is not None:
            step[0, [0, 2]] = position
        root = np.cumsum(step, axis=0)
        root[:, 1] = moved[:, 0]
        local[:, 0] = rot.multiply(facing, local[:, 0])
        return Motion(self._codec.skeleton, local, root, fps, name="dance")


def foot_contacts(motion: Motion, *, max_height: float = 0.05, max_speed: float = 0.35) -> Array:
    """Which foot of a house-skeleton motion bears weight: its ball low and slow, [T, 2] bool (left, right).

    Args:
        max_height: Greatest height of the toe joint above its height when the sole lies on the floor, m.
        max_speed: Greatest speed of the toe joint, m/s.
    """
    toes = [motion.skeleton.index(n) for n in ("LeftToeBase", "RightToeBase")]
    sole = -motion.skeleton.end_sites["LeftToeBase"][1]
    return contacts(motion.positions[:, toes], motion.fps, max_height=sole + max_height, max_speed=max_speed)
