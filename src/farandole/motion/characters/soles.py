"""The soles of a character's feet: the lowest points that its skin has there, and how high they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.motion import names
from farandole.motion import rotations as rot
from farandole.motion.characters.body import Body
from farandole.motion.humanoid import tree
from farandole.motion.rotations import Array

_DIRECTIONS, _PATCHES = 90, 12
_ANKLE = 0.085  # height of the ankle as a share of the leg, where no skin tells (as in `units`: 0.039 of stature)


@dataclass(frozen=True)
class Sole:
    """Points below one foot in the bind pose.

    Attributes:
        points: In the file's world, [P, 3].
        shares: How much each moves with the shin, the foot and the toe joint, [P, 3].
    """

    points: Array
    shares: Array


def find_soles(body: Body) -> tuple[tuple[Sole, Sole], float]:
    """Left and right sole, and the height of the floor below them in the bind pose."""
    soles = tuple(_from_skin(body, side) or _from_joints(body, side) for side in names.SIDES)
    floor = min(float(sole.points[:, 1].min()) for sole in soles)
    return (soles[0], soles[1]), floor


def _from_skin(body: Body, side: str) -> Sole | None:
    if body.vertices is None:
        return None
    foot, toe = body.roles[side + "Foot"], body.roles.get(side + "ToeBase")
    below = lambda joint: {body.nodes[j] for j in tree.descendants(body.skeleton, joint)}  # noqa: E731
    toes = below(toe) if toe is not None else set()
    whole = below(foot) | toes
    v = body.vertices
    share = lambda part: (np.isin(v.joints, sorted(part)) * v.weights).sum(1)  # noqa: E731
    near = share(whole) > 0.5
    if near.sum() < 4:
        return None
    points = v.positions[near]
    shin = below(body.roles[side + "Leg"]) - whole
    shares = np.stack((share(shin), share(whole - toes), share(toes)), 1)
    shares = shares[near]
    shares[:, 1] += 1.0 - shares.sum(1)
    # The outermost points downwards and sideways, and the lowest ones of each patch, stand for all of them.
    chosen: set[int] = set()
    for part in (np.flatnonzero(shares[:, 2] > 0.5), np.flatnonzero(shares[:, 2] <= 0.5)):
        if len(part):
            chosen.update(part[np.argmax(points[part] @ _downwards().T, axis=0)].tolist())
    flat = points[:, [0, 2]]
    cells = ((flat - flat.min(0)) / max(float(np.ptp(flat, axis=0).max()), 1e-9) * (_PATCHES - 1e-6)).astype(int)
    cells = cells[:, 0] * _PATCHES + cells[:, 1]
    order = np.lexsort((points[:, 1], cells))
    lowest = order[np.unique(cells[order], return_index=True)[1]]
    ankle = body.positions[foot][1]
    chosen.update(lowest[points[lowest, 1] < 0.5 * (ankle + points[:, 1].min())].tolist())
    keep = sorted(chosen)
    return Sole(points[keep], shares[keep])


def _downwards() -> Array:
    """Directions spread evenly from straight down to somewhat above the horizontal, [D, 3]."""
    index = np.arange(_DIRECTIONS) + 0.5
    y = -1.0 + 1.3 * index / _DIRECTIONS
    angle = index * np.pi * (3.0 - np.sqrt(5.0))
    around = np.sqrt(np.maximum(1.0 - y * y, 0.0))
    return np.stack((around * np.cos(angle), y, around * np.sin(angle)), -1)


def _from_joints(body: Body, side: str) -> Sole:
    """Heel, ball and tip of a foot of the usual height, for bodies without a skin; joints below it lower it."""
    ankle = body.positions[body.roles[side + "Foot"]]
    toe = body.roles.get(side + "ToeBase")
    leg = body.leg_length
    below = tree.descendants(body.skeleton, body.roles[side + "Foot"])
    level = min(ankle[1] - _ANKLE * leg, float(body.positions[below][:, 1].min()))
    front = rot.rotate(body.facing, np.array([0.0, 0.0, 1.0]))
    if toe is not None:
        ahead = (body.positions[toe] - ankle) * np.array([1.0, 0.0, 1.0])
        front = rot.normalize(ahead) if np.linalg.norm(ahead) > 0.03 * leg else front
    ball = body.positions[toe] if toe is not None else ankle + 0.13 * leg * front
    points = np.stack((ankle - 0.05 * leg * front, ball, ball + 0.07 * leg * front))
    points[:, 1] = level
    bent = np.array([0.0, 0.5, 1.0]) * (toe is not None)
    return Sole(points, np.stack((np.zeros(3), 1.0 - bent, bent), 1))
