"""How thick a character's trunk and head are: the distance of its skin from an upright axis, by height and direction."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from farandole.motion import names
from farandole.motion import rotations as rot
from farandole.motion.characters.body import Body
from farandole.motion.characters.solve import NodePose
from farandole.motion.humanoid import tree
from farandole.motion.rotations import Array

_LEVELS, _AROUND = 24, 32
_LONG = 0.35  # what sticks out further from trunk or head (wings, tails, ears, plaits), as a share of the leg, is none of them


class Hull:
    """The surface of a part of the body in the bind pose, carried by two joints.

    Attributes:
        bottom, top: Heights in the bind pose, in the rig's unit, between which it is known; the same where there is nothing.
    """

    def __init__(
        self,
        body: Body,
        low: int,
        high: int,
        shares: Mapping[int, float],
        *,
        over: float = -np.inf,
        top: float = np.inf,
        fade: float,
    ) -> None:
        """
        Args:
            body: Of the character; lengths are in its rig's unit.
            low, high: The joints that carry it.
            shares: The joints whose skin it is, and how much each goes with `high`.
            over: Height above which the skin of joints counts that do not go with `high` at all.
            top: Height at which it ends at the latest.
            fade: Share of its height over which it ends at the top.
        """
        self.body, self._low, self._high, self._fade = body, low, high, fade
        self.radius = np.zeros((_LEVELS, _AROUND))
        self.axis = np.zeros((_LEVELS, 2))
        self._share = np.ones(_LEVELS)  # of the upper joint, by height
        self.bottom = self.top = 0.0
        v = body.vertices
        if v is None:
            return
        weight, upper = np.zeros(len(body.world)), np.zeros(len(body.world))
        for joint, share in shares.items():
            weight[body.nodes[joint]], upper[body.nodes[joint]] = 1.0, share
        carried = (upper[v.joints] * v.weights).sum(1)
        inside = (weight[v.joints] * v.weights).sum(1) > 0.6
        inside &= (v.positions[:, 1] < top) & ((carried > 0.3) | (v.positions[:, 1] > over))
        points, carried = v.positions[inside], carried[inside]
        if not len(points):
            return
        self.bottom, self.top = float(points[:, 1].min()), min(top, float(points[:, 1].max()))
        step = (self.top - self.bottom) / _LEVELS
        levels = np.linspace(self.bottom, self.top, _LEVELS)
        for k, level in enumerate(levels):
            near = np.abs(points[:, 1] - level) < 1.5 * step
            here = points[near][:, [0, 2]]
            if len(here) < 6:
                continue
            self._share[k] = carried[near].mean()
            self.axis[k] = 0.5 * (here.min(0) + here.max(0))
            away = here - self.axis[k]
            angle = (np.arctan2(away[:, 0], away[:, 1]) / (2.0 * np.pi) + 1.0) * _AROUND
            sector = angle.round().astype(int) % _AROUND
            reach = np.zeros(_AROUND)
            np.maximum.at(reach, sector, np.linalg.norm(away, axis=-1))
            known = np.flatnonzero(reach)
            self.radius[k] = np.interp(np.arange(_AROUND), known, reach[known], period=_AROUND)

    def push(self, poses: dict[int, NodePose], turns: dict[int, Array], points: Array, margin: float) -> Array:
        """What world points [T, 3] must be moved by to lie `margin` outside of it, [T, 3]; all in the rig's unit."""
        if self.bottom == self.top:
            return np.zeros_like(points)
        at = self.body.positions
        own, other = (
            rot.rotate(rot.inverse(turns[j]), points - poses[j].position) + at[j] for j in (self._low, self._high)
        )
        span = max(self.top - self.bottom, 1e-9)
        share = np.interp((own[:, 1] - self.bottom) / span * (_LEVELS - 1), np.arange(_LEVELS), self._share)
        p = own + share[:, None] * (other - own)
        height = (p[:, 1] - self.bottom) / span
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
        fade = np.clip((1.0 - height) / self._fade, 0.0, 1.0) * (height > 0.0) * (radius > 0.0)
        depth = np.maximum(radius + margin - distance, 0.0) * fade
        out = away / np.maximum(distance, 1e-9)[:, None] * depth[:, None]
        move = np.stack((out[:, 0], np.zeros(len(out)), out[:, 1]), -1)
        return rot.rotate(rot.slerp(turns[self._low], turns[self._high], share), move)


def find_hulls(body: Body) -> list[Hull]:
    """Trunk and head of a body."""
    roles = body.roles
    limbs = _below(body, [roles[s + p] for s in names.SIDES for p in ("Arm", "UpLeg")])
    shoulders = float(np.mean([body.positions[roles[s + "Arm"]][1] for s in names.SIDES]))
    neck = roles.get("Neck", roles["Head"])
    trunk = _without_branches(body, roles["Hips"], limbs | _below(body, [neck]))
    head = _without_branches(body, neck, set())
    upper = _below(body, [roles["Spine1"]])
    skull = _below(body, [roles["Head"]])
    low, high = body.positions[[roles["Hips"], roles["Spine1"]], 1]
    rise = lambda j: float(np.clip((body.positions[j, 1] - low) / max(high - low, 1e-9), 0.0, 1.0))  # noqa: E731
    along = {j: 1.0 if j in upper else rise(j) for j in trunk}
    # Of the shoulders what is as high as the arms belongs to the head: a hand by the cheek may not enter them either.
    above = dict.fromkeys(trunk, 0.0) | {j: 1.0 if j in skull else 0.5 for j in head}
    return [
        Hull(body, roles["Hips"], roles["Spine1"], along, top=shoulders, fade=0.15),
        Hull(body, roles["Spine1"], roles["Head"], above, over=shoulders, fade=0.1),
    ]


def _below(body: Body, joints: Collection[int]) -> set[int]:
    return {j for joint in joints for j in tree.descendants(body.skeleton, joint)}


def _without_branches(body: Body, start: int, without: set[int]) -> set[int]:
    """Joints from `start` on, but for others and for branches that are no parts of the body and reach far."""
    parts, at = set(body.roles.values()), body.positions
    carry = {a for j in parts for a in tree.path(body.skeleton, 0, j)}
    result, waiting = set(), [start]
    while waiting:
        joint = waiting.pop()
        if joint in without:
            continue
        if joint not in carry:
            away = at[tree.descendants(body.skeleton, joint)] - at[int(body.skeleton.parents[joint])]
            if np.linalg.norm(away, axis=-1).max() > _LONG * body.leg_length:
                continue
        result.add(joint)
        waiting.extend(body.skeleton.children[joint])
    return result
