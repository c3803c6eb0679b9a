"""Hands and elbows out of trunk and head: arms that go around them."""

from __future__ import annotations

import numpy as np

from farandole.motion import names
from farandole.motion import rotations as rot
from farandole.motion.characters.body import Body
from farandole.motion.characters.hull import Hull, find_hulls
from farandole.motion.characters.pose import relaxed_fingers
from farandole.motion.characters.solve import NodePose, Solver
from farandole.motion.humanoid import tree
from farandole.motion.humanoid.fingers import twist_bones
from farandole.motion.ik import two_bone
from farandole.motion.rotations import Array

_MARGIN = {"ForeArm": 0.05, "Hand": 0.035, "skin": 0.005}  # what is kept between at least, as a share of the leg
_SOFT = 0.45  # share of a thick forearm's radius that its elbow keeps away: flesh gives way
_HOLD = 0.06  # s over which a push comes and goes
_DIRECTIONS = 12  # in which the outermost points of a hand are looked for


class Arms:
    """What a body's arms must go around, and the points of its hands that tell.

    Attributes:
        hulls: Trunk and head.
        elbow: How far elbows stay away.
        hands: Points of the skin of each hand about its joint, fingers relaxed, in the bind pose's world, [P, 3].
    """

    def __init__(self, body: Body) -> None:
        self.body = body
        self.hulls: list[Hull] = find_hulls(body)
        self.elbow = max(_MARGIN["ForeArm"] * body.leg_length, _SOFT * _forearm_radius(body))
        self.hands = {side: _hand_points(body, side) for side in names.SIDES if side + "Hand" in body.roles}


def _forearm_radius(body: Body) -> float:
    """Median distance of the forearms' skin from their bones; 0 without a skin."""
    v, found = body.vertices, [0.0]
    for side in names.SIDES:
        elbow, hand = body.roles[side + "ForeArm"], body.roles.get(side + "Hand")
        if v is None or hand is None:
            continue
        a, b = body.positions[[elbow, hand]]
        bone = rot.normalize(b - a)
        main = v.joints[np.arange(len(v.joints)), v.weights.argmax(axis=1)] == body.nodes[elbow]
        away = v.positions[main] - a
        if len(away):
            away = away - (away @ bone)[:, None] * bone
            found.append(float(np.median(np.linalg.norm(away, axis=-1))))
    return max(found)


def _hand_points(body: Body, side: str) -> Array:
    """The outermost points of a hand; without a skin the middle of the palm."""
    hand = body.roles[side + "Hand"]
    at, v = body.positions, body.vertices
    palm = 0.35 * (at[hand] - at[body.roles[side + "ForeArm"]])[None]
    if v is None:
        return palm
    bend = relaxed_fingers(body)
    place, turn = {hand: at[hand]}, {hand: rot.identity()}
    points = []
    main = v.joints[np.arange(len(v.joints)), v.weights.argmax(axis=1)]
    for joint in tree.descendants(body.skeleton, hand):
        if joint != hand:
            above = int(body.skeleton.parents[joint])
            place[joint] = place[above] + rot.rotate(turn[above], at[joint] - at[above])
            turn[joint] = bend.get(joint, turn[above])
        points.append(place[joint] + rot.rotate(turn[joint], v.positions[main == body.nodes[joint]] - at[joint]))
    skin = np.concatenate(points) - at[hand]
    # A prop in the hand is none of it.
    skin = skin[np.linalg.norm(skin, axis=-1) < 3.0 * np.linalg.norm(palm)]
    if not len(skin):
        return palm
    index = np.arange(_DIRECTIONS) + 0.5
    y, around = 1.0 - 2.0 * index / _DIRECTIONS, index * np.pi * (3.0 - np.sqrt(5.0))
    ring = np.sqrt(1.0 - y * y)
    outermost = np.argmax(skin @ np.stack((ring * np.cos(around), y, ring * np.sin(around))), axis=0)
    return skin[np.unique(outermost)]


def clear_arms(
    arms: Arms,
    solver: Solver,
    turns: dict[int, Array],
    places: dict[int, Array],
    poses: dict[int, NodePose],
    fps: float,
) -> dict[int, NodePose]:
    """Node poses with elbows, forearms and hands outside trunk and head; `turns` of the arms are changed. Hands keep their turn."""
    body, leg = arms.body, arms.body.leg_length
    for part in ("ForeArm", "Hand", "Hand"):
        pushes = {
            side: _pushes(arms, poses, turns, side, part, fps) for side in names.SIDES if side + part in body.roles
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


def _pushes(arms: Arms, poses: dict[int, NodePose], turns: dict[int, Array], side: str, part: str, fps: float) -> Array:
    """Smooth pushes [T, 3] for an elbow, or for a wrist with the hand beyond it."""
    from farandole.motion.filters import gaussian_filter1d

    body = arms.body
    joint, leg = body.roles[side + part], body.leg_length
    here = poses[joint].position
    points = [(here, arms.elbow if part == "ForeArm" else _MARGIN["Hand"] * leg)]
    if part == "Hand":
        points += [(here + rot.rotate(turns[joint], p), _MARGIN["skin"] * leg) for p in arms.hands[side]]
    pushes = np.stack([hull.push(poses, turns, p, margin) for hull in arms.hulls for p, margin in points])
    deepest = np.argmax(np.linalg.norm(pushes, axis=-1), axis=0)
    return gaussian_filter1d(pushes[deepest, np.arange(len(here))], _HOLD * fps, axis=0, mode="nearest")


def _turn(body: Body, turns: dict[int, Array], upper: int, lower: int, by: Array) -> None:
    between, beside = twist_bones(body.skeleton, upper, lower)
    for joint in (upper, *between, *(j for j, _ in beside)):
        if joint in turns:
            turns[joint] = rot.normalize(rot.multiply(by, turns[joint]))
