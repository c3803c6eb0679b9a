"""Hands and elbows out of the body: how thick a character's trunk is, and arms that go around it."""

from __future__ import annotations

import numpy as np

from farandole.motion import names
from farandole.motion import rotations as rot
from farandole.motion.characters.body import Body
from farandole.motion.characters.solve import NodePose, Solver
from farandole.motion.humanoid import tree
from farandole.motion.humanoid.fingers import twist_bones
from farandole.motion.ik import two_bone
from farandole.motion.rotations import Array

_LEVELS, _AROUND = 24, 32
_MARGIN = {"ForeArm": 0.05, "Hand": 0.035}  # half the thickness of what is kept out, as a share of the leg
_HOLD = 0.06  # s over which a push comes and goes


class Torso:
    """The surface of a trunk in the bind pose: its distance from the spine by height and direction."""

    def __init__(self, body: Body) -> None:
        self.body = body
        roles, at = body.roles, body.positions
        self._low, self._high = roles["Hips"], roles["Spine1"]
        arms = [tree.descendants(body.skeleton, roles[s + p]) for s in names.SIDES for p in ("Arm", "UpLeg")]
        limbs = {j for a in arms for j in a}
        if "Neck" in roles:
            limbs |= set(tree.descendants(body.skeleton, roles["Neck"]))
        trunk = [j for j in tree.descendants(body.skeleton, self._low) if j not in limbs]
        self.top = float(np.mean([at[roles[s + "Arm"]][1] for s in names.SIDES]))
        self.radius = np.zeros((_LEVELS, _AROUND))
        self.axis = np.zeros((_LEVELS, 2))
        if body.vertices is None:
            self.bottom = self.top
            return
        v = body.vertices
        inside = (np.isin(v.joints, np.array(body.nodes)[trunk]) * v.weights).sum(1) > 0.6
        points = v.positions[inside & (v.positions[:, 1] < self.top)]
        self.bottom = float(points[:, 1].min()) if len(points) else self.top
        levels = np.linspace(self.bottom, self.top, _LEVELS)
        step = (self.top - self.bottom) / _LEVELS
        for k, level in enumerate(levels):
            here = points[np.abs(points[:, 1] - level) < 1.5 * step][:, [0, 2]]
            if len(here) < 6:
                continue
            self.axis[k] = 0.5 * (here.min(0) + here.max(0))
            away = here - self.axis[k]
            sector = ((np.arctan2(away[:, 0], away[:, 1]) / (2.0 * np.pi) + 1.0) * _AROUND).round().astype(
                int
            ) % _AROUND
            reach = np.zeros(_AROUND)
            np.maximum.at(reach, sector, np.linalg.norm(away, axis=-1))
            known = np.flatnonzero(reach)
            self.radius[k] = np.interp(np.arange(_AROUND), known, reach[known], period=_AROUND)

    def push(self, poses: dict[int, NodePose], turns: dict[int, Array], points: Array, margin: float) -> Array:
        """What world points [T, 3] must be moved by to lie `margin` outside the trunk, [T, 3]."""
        at = self.body.positions
        own, chest = (
            rot.rotate(rot.inverse(turns[j]), points - poses[j].position) + at[j] for j in (self._low, self._high)
        )
        span = max(float(at[self._high][1] - at[self._low][1]), 1e-9)
        share = np.clip((own[:, 1] - at[self._low][1]) / span, 0.0, 1.0)
        p = own + share[:, None] * (chest - own)
        height = (p[:, 1] - self.bottom) / max(self.top - self.bottom, 1e-9)
        level = np.clip(height * (_LEVELS - 1), 0.0, _LEVELS - 1.001)
        k, f = level.astype(int), level % 1.0
        axis = self.axis[k] * (1.0 - f)[:, None] + self.axis[k + 1] * f[:, None]
        away = p[:, [0, 2]] - axis
        angle = (np.arctan2(away[:, 0], away[:, 1]) / (2.0 * np.pi) + 1.0) * _AROUND
        a, g = angle.astype(int) % _AROUND, angle % 1.0
        b = (a + 1) % _AROUND
        ring = lambda row: self.radius[row, a] * (1.0 - g) + self.radius[row, b] * g  # noqa: E731
        radius = ring(k) * (1.0 - f) + ring(k + 1) * f
        distance = np.linalg.norm(away, axis=-1)
        fade = np.clip((1.0 - height) / 0.15, 0.0, 1.0) * (height > 0.0) * (radius > 0.0)
        depth = np.maximum(radius + margin - distance, 0.0) * fade
        out = away / np.maximum(distance, 1e-9)[:, None] * depth[:, None]
        move = np.stack((out[:, 0], np.zeros(len(out)), out[:, 1]), -1)
        return rot.rotate(rot.slerp(turns[self._low], turns[self._high], share), move)


def clear_arms(
    torso: Torso,
    solver: Solver,
    turns: dict[int, Array],
    places: dict[int, Array],
    poses: dict[int, NodePose],
    fps: float,
) -> dict[int, NodePose]:
    """Node poses with elbows, wrists and palms outside the trunk; `turns` of the arms are changed. Hands keep their turn."""
    body, leg = torso.body, torso.body.leg_length
    for part in ("ForeArm", "Hand", "Hand"):
        pushes = {
            side: _pushes(torso, poses, turns, side, part, fps) for side in names.SIDES if side + part in body.roles
        }
        if not pushes or max(np.abs(p).max() for p in pushes.values()) < 2e-3 * leg:
            continue
        for side, push in pushes.items():
            upper, lower = body.roles[side + "Arm"], body.roles[side + "ForeArm"]
            shoulder, elbow = poses[upper].position, poses[lower].position
            if part == "ForeArm":
                first = rot.between(elbow - shoulder, elbow + push - shoulder)
                _turn(body, turns, upper, lower, first)
            else:
                hand = body.roles[side + "Hand"]
                wrist = poses[hand].position
                first, second = two_bone(shoulder, elbow, wrist, wrist + push, soft=0.99)
                _turn(body, turns, upper, lower, first)
                _turn(body, turns, lower, hand, second)
        poses = solver.solve(turns, places)
    return poses


def _pushes(
    torso: Torso, poses: dict[int, NodePose], turns: dict[int, Array], side: str, part: str, fps: float
) -> Array:
    """Smooth pushes [T, 3] for an elbow, or for a wrist with the palm beyond it."""
    from farandole.motion.filters import gaussian_filter1d

    body = torso.body
    joint = body.roles[side + part]
    here = poses[joint].position
    points = [here]
    if part == "Hand":
        forearm = body.positions[joint] - body.positions[body.roles[side + "ForeArm"]]
        points.append(here + rot.rotate(turns[joint], 0.35 * forearm))
    margin = _MARGIN[part] * body.leg_length
    pushes = np.stack([torso.push(poses, turns, p, margin) for p in points])
    deepest = np.argmax(np.linalg.norm(pushes, axis=-1), axis=0)
    return gaussian_filter1d(pushes[deepest, np.arange(len(here))], _HOLD * fps, axis=0, mode="nearest")


def _turn(body: Body, turns: dict[int, Array], upper: int, lower: int, by: Array) -> None:
    between, beside = twist_bones(body.skeleton, upper, lower)
    for joint in (upper, *between, *(j for j, _ in beside)):
        if joint in turns:
            turns[joint] = rot.normalize(rot.multiply(by, turns[joint]))
