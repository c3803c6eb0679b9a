"""Motions made in the test: arms swing, knees lift in turn, the lowest joint is on the floor."""

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion


def step_in_place(seconds: float = 2.5, fps: float = 30.0, name: str = "steps") -> Motion:
    """Arms swing, knees lift in turn, lowest joint on the floor: enough to see a body move."""
    skeleton = house_skeleton()
    count = round(seconds * fps)
    phase = 2 * np.pi * np.arange(count) / fps
    q = rot.identity(count, len(skeleton))

    def turn(joint, axis, angle):
        q[:, skeleton.index(joint)] = rot.from_axis_angle(np.array(axis, float), angle)

    for side, sign in (("Left", 1), ("Right", -1)):
        turn(f"{side}Arm", (0, 0, 1), sign * (0.4 * np.sin(phase) - 1.2))
        turn(f"{side}ForeArm", (0, 1, 0), -sign * (1.0 + 0.5 * np.sin(phase)))
        lift = np.maximum(sign * np.sin(phase), 0.0)
        turn(f"{side}UpLeg", (1, 0, 0), -0.8 * lift)
        turn(f"{side}Leg", (1, 0, 0), 1.3 * lift)
    turn("Hips", (0, 1, 0), 0.2 * np.sin(phase / 2))
    path = np.stack((0.15 * np.sin(phase), np.full(count, 0.9), 0.1 * np.cos(phase / 2)), -1)
    free = Motion(skeleton, q, path, fps)
    path = path - [[0, 1, 0]] * (free.positions[..., 1].min(1, keepdims=True) - 0.01)
    return Motion(skeleton, q, path, fps, name=name)
