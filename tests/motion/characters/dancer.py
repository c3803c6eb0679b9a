"""A dance by formula on the house skeleton: steps on the spot and to the side, turns, heels that lift, arms that go up."""

from __future__ import annotations

import numpy as np

from farandole.motion import kinematics
from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton
from farandole.motion.ik import reach
from farandole.motion.motion import Motion

HOUSE = house_skeleton()
_X, _Y, _Z = np.eye(3)


def dance(frames: int = 120, fps: float = 30.0) -> Motion:
    """Each foot stands for 0.6 s, then steps for 0.4 s; the body turns to and fro by 40 degrees."""
    t = np.arange(frames) / fps
    wave = lambda rate, phase=0.0: np.sin(2 * np.pi * rate * t + phase)  # noqa: E731
    turn = lambda axis, angle: rot.from_axis_angle(axis, angle)  # noqa: E731
    index = HOUSE.index
    local = np.array(np.tile(rot.identity(len(HOUSE)), (frames, 1, 1)))
    yaw = 0.35 * wave(0.25)
    local[:, index("Hips")] = rot.multiply(rot.from_yaw(yaw), turn(_Z, 0.12 * wave(1.0)))
    local[:, index("Spine")] = rot.multiply(turn(_Y, 0.25 * wave(0.5)), turn(_X, 0.15 + 0.1 * wave(1.0)))
    local[:, index("Spine1")] = turn(_Z, 0.15 * wave(0.5, 1.0))
    local[:, index("Neck")] = turn(_X, -0.1 + 0.1 * wave(2.0))
    local[:, index("Head")] = turn(_Y, 0.4 * wave(0.5, 2.0))
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        up = 0.2 + 1.0 * wave(0.3, 1.5 * sign)  # from hanging to above the head
        local[:, index(side + "Arm")] = rot.multiply(turn(_Z, sign * up), turn(_X, 0.5 * wave(0.4, sign)))
        local[:, index(side + "ForeArm")] = turn(_Y, -sign * (0.8 + 0.6 * wave(0.7)))
        local[:, index(side + "Hand")] = turn(_X, 0.5 * wave(0.6, sign))
    root = np.stack((0.10 * wave(0.5), 0.87 + 0.02 * wave(2.0), 0.08 * wave(0.25, 0.5)), -1)
    ankle = 0.0412
    for n, (side, sign) in enumerate((("Left", 1.0), ("Right", -1.0))):
        chain = tuple(index(side + part) for part in ("UpLeg", "Leg", "Foot"))
        phase = t - 0.5 * n
        beat = np.floor(phase)
        swing = np.clip((phase - beat - 0.6) / 0.4, 0.0, 1.0)
        ease = swing * swing * (3.0 - 2.0 * swing)
        here, there = (
            np.stack((0.11 * sign + 0.08 * np.sin(1.3 * k), 0 * k, 0.10 * np.sin(2.1 * k + sign)), -1)
            for k in (beat, beat + 1)
        )
        target = here * (1 - ease)[:, None] + there * ease[:, None]
        lift = 0.10 * np.sin(np.pi * swing) ** 2
        target[:, 1] = ankle + lift
        heading = lambda k, sign=sign: 0.15 * sign + 0.2 * np.sin(k)  # noqa: E731
        foot_yaw = heading(beat) * (1 - ease) + heading(beat + 1) * ease
        local = reach(HOUSE, local, root, chain, target, pole=_Z)
        _, turns = kinematics.forward(HOUSE, local, root)
        foot = rot.multiply(rot.from_yaw(foot_yaw), turn(_X, 0.5 * np.sin(np.pi * swing) ** 2))
        local[:, chain[2]] = rot.multiply(rot.inverse(turns[:, chain[1]]), foot)
        local[:, index(side + "ToeBase")] = turn(_X, -0.3 * np.sin(np.pi * swing) ** 2)
    return Motion(HOUSE, rot.normalize(local), root, fps, name="steps")
