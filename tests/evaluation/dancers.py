"""Small motions whose figures are known: the tests' own dancer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from farandole.motion import Motion
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
