"""Small motions whose figures are known: the tests' own dancer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from farandole.motion import Motion, Skeleton
from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton


def still(seconds: float = 4.0, fps: float = 30.0) -> Motion:
    """A body that stands in its rest pose on the floor."""
    body = house_skeleton()
    frames = round(seconds * fps)
    root = np.tile([0.0, body.offsets[0, 1], 0.0], (frames, 1))
    return Motion(body, rot.identity(frames, len(body)), root, fps, name="still")


def sliding(speed: float, seconds: float = 4.0, fps: float = 30.0) -> Motion:
    """The same, carried along x at `speed` m/s."""
    motion = still(seconds, fps)
    root = motion.root_positions.copy()
    root[:, 0] += speed * np.arange(len(motion)) / fps
    return replace(motion, root_positions=root)


def turned(motion: Motion, joint: str, axis: tuple[float, float, float], angle: np.ndarray | float) -> Motion:
    """One joint turned by `angle` rad (one, or one per frame) about a local axis."""
    local = motion.rotations.copy()
    angles = np.broadcast_to(np.asarray(angle, dtype=float), (len(motion),))
    j = motion.skeleton.index(joint)
    local[:, j] = rot.multiply(local[:, j], rot.from_axis_angle(np.asarray(axis), angles))
    return replace(motion, rotations=local)


def stepping(bpm: float = 120.0, seconds: float = 20.0, fps: float = 30.0, *, sway: float = 0.3) -> Motion:
    """Left and right leg swing by turns, one step a beat, while arms sway; feet do not keep to the floor."""
    motion = still(seconds, fps)
    beat = np.arange(len(motion)) / fps * bpm / 60.0
    swing = np.sin(np.pi * beat)
    motion = turned(motion, "LeftUpLeg", (1, 0, 0), -0.5 * np.maximum(swing, 0))
    motion = turned(motion, "RightUpLeg", (1, 0, 0), -0.5 * np.maximum(-swing, 0))
    motion = turned(motion, "LeftLeg", (1, 0, 0), 0.3 + 0.3 * np.maximum(swing, 0))
    motion = turned(motion, "RightLeg", (1, 0, 0), 0.3 + 0.3 * np.maximum(-swing, 0))
    motion = turned(motion, "LeftArm", (0, 1, 0), sway * np.sin(0.7 * beat))
    return turned(motion, "RightForeArm", (0, 1, 0), sway * (1 + np.sin(0.9 * beat)))


def count(motion: Motion, bpm: float) -> np.ndarray:
    """Beat count of every frame, [T]."""
    return np.arange(len(motion)) / motion.fps * bpm / 60.0


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SMPL = _words(
    "pelvis left_hip right_hip spine1 left_knee right_knee spine2 left_ankle right_ankle spine3 left_foot right_foot neck "
    "left_collar right_collar head left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist left_hand "
    "right_hand"
)
LAFAN1 = _words(
    "Hips LeftUpLeg LeftLeg LeftFoot LeftToe RightUpLeg RightLeg RightFoot RightToe Spine Spine1 Spine2 Neck Head "
    "LeftShoulder LeftArm LeftForeArm LeftHand RightShoulder RightArm RightForeArm RightHand"
)
LAFAN1_PARENTS = (-1, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 12, 11, 14, 15, 16, 11, 18, 19, 20)
_SMPL_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
_SMPL_OFFSETS = np.array(
    [
        [0, 0, 0], [6, -9, -2], [-6, -9, -2], [0, 12, -4], [4, -39, 0], [-4, -39, 0], [0, 14, 3], [-1, -42, -4], [1, -42, -4],
        [0, 6, 0], [4, -6, 13], [-4, -6, 13], [0, 21, -3], [8, 11, -2], [-8, 11, -2], [0, 9, 5], [12, 5, -2], [-12, 5, -2],
        [26, -2, -3], [-26, -2, -3], [27, 1, -1], [-27, 1, -1], [9, -1, -1], [-9, -1, -1],
    ]
) / 100  # fmt: skip


def smpl_skeleton(names: tuple[str, ...]) -> Skeleton:
    """The 24-joint SMPL rest pose in rounded centimetres under the names given."""
    return Skeleton(names, _SMPL_PARENTS, _SMPL_OFFSETS)


def toy(frames: int, fps: float) -> np.ndarray:
    """The sine-wave body of the golden numbers, [T, 24, 3] m: every joint swings on its own."""
    rest = smpl_skeleton(tuple(map(str, range(24)))).rest_positions
    tau, j, c = np.arange(frames) / fps, np.arange(24)[:, None], np.arange(3)
    phase = 2 * np.pi * (0.5 + 0.05 * j + 0.25 * c) * tau[:, None, None] + 0.3 * j + 0.7 * c
    p = rest + 0.15 * np.sin(phase)
    p[..., 0] += 0.2 * np.sin(2 * np.pi * 0.25 * tau)[:, None]
    p[..., 1] += 1.0
    return p


def groove_dance(seed: int, bpm: float = 120.0, seconds: float = 20.0) -> tuple[Motion, np.ndarray]:
    """A dance of the package's own choreographer, whose feet stand on the floor, with its beat count [T]."""
    from farandole.data.starter.groove.dancer import groove

    beats = np.arange(round(seconds * 30)) / 30 * bpm / 60
    return groove(beats, seed=seed, energy=0.5), beats


def paced(speeds: np.ndarray, fps: float = 30.0) -> Motion:
    """A body carried along x at the given speed in every frame, [T] m/s."""
    motion = still(len(speeds) / fps, fps)
    root = motion.root_positions.copy()
    root[:, 0] += np.concatenate(([0.0], np.cumsum(speeds[:-1]))) / fps
    return replace(motion, root_positions=root)
