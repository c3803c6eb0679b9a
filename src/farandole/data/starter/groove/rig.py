"""From a dancer's rig (pelvis, feet, chest, hands, gaze) to joint rotations of the house skeleton: analytic, all frames at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.motion import Motion, Skeleton
from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton
from farandole.motion.kinematics import to_local
from farandole.motion.rotations import Array

STRETCH = 0.984
"""Greatest hip-to-ankle distance as a fraction of the leg: the knee never locks (20 degrees of flexion are left)."""

_HEAD = (-0.128, 0.19, 0.058)
"""Middle of the head seen from a shoulder joint in the chest's frame, x outwards, m."""

_LEFT, _FORWARD = np.eye(3)[0], np.eye(3)[2]


@dataclass
class Rig:
    """What a choreography says about T frames. World frame: y up, floor at 0; m and rad.

    Attributes:
        heading: Direction the dancer faces, yaw about +y, [T].
        pelvis: Wanted pelvis position, [T, 3]; lowered where the legs cannot reach.
        pelvis_turn: Pelvis relative to the heading, pitch-roll-yaw about x, z, y, [T, 3] as (x, y, z) components.
        chest_turn: Chest relative to the pelvis, likewise.
        head_turn: Head relative to the heading, likewise.
        shrug: Lift of left and right shoulder, rad, [T, 2].
        balls: Toe joints (balls of the feet), left and right, [T, 2, 3]; on the floor at its rest height.
        foot_yaw: Direction of the feet, [T, 2].
        foot_pitch: Heel lift about the ball, [T, 2].
        hands: Wrists relative to the shoulder joints in the chest's frame, x pointing outwards on both sides, [T, 2, 3].
        flare: How far the elbows point outwards instead of down and back, 0 to 1, [T, 2].
    """

    heading: Array
    pelvis: Array
    pelvis_turn: Array
    chest_turn: Array
    head_turn: Array
    shrug: Array
    balls: Array
    foot_yaw: Array
    foot_pitch: Array
    hands: Array
    flare: Array


def hinge_chain(a: Array, b: Array, root: Array, target: Array, pole: Array) -> tuple[Array, Array]:
    """Two bones and a hinge from `root` to `target`, bending towards `pole`.

    Args:
        a, b: Rest vectors of the upper and lower bone, [3]; their cross product is the hinge axis.
        root: Start of the upper bone, [T, 3] m.
        target: Wanted end of the lower bone, [T, 3] m; must be within reach.
        pole: Direction in which the middle joint points away from the line root-target, [T, 3].

    Returns:
        Global quaternions of both bones, [T, 4] each. Relative to each other they turn about the rest hinge axis only.
    """
    la, lb = np.linalg.norm(a), np.linalg.norm(b)
    line = target - root
    d = np.clip(np.linalg.norm(line, axis=-1, keepdims=True), abs(la - lb) + 1e-4, la + lb - 1e-6)
    along = rot.normalize(line)
    out = rot.normalize(pole - (pole * along).sum(-1, keepdims=True) * along)
    cos = np.clip((la * la + d * d - lb * lb) / (2.0 * la * d), -1.0, 1.0)
    middle = la * (cos * along + np.sqrt(1.0 - cos * cos) * out)
    axis = rot.normalize(rot.cross(out, along))
    rest_axis = rot.normalize(rot.cross(a, b))
    return _align(a, rest_axis, middle, axis), _align(b, rest_axis, d * along - middle, axis)


def _align(rest: Array, rest_axis: Array, bone: Array, axis: Array) -> Array:
    """Rotations that take direction `rest` to `bone` [T, 3] and `rest_axis` to `axis` [T, 3] (each pair at right angles)."""
    frame = lambda u, v: np.stack((u, v, rot.cross(u, v)), axis=-1)  # noqa: E731
    target = frame(rot.normalize(bone), axis)
    return rot.from_matrix(target @ frame(rot.normalize(rest), rest_axis).T)


def _turn(xyz: Array) -> Array:
    return rot.from_euler(xyz[..., [1, 2, 0]], "YZX")


def ankles(skeleton: Skeleton, rig: Rig) -> tuple[Array, Array]:
    """Ankle positions [T, 2, 3] and foot rotations [T, 2, 4] of a rig."""
    feet = rot.multiply(rot.from_yaw(rig.foot_yaw), rot.from_axis_angle(_LEFT, rig.foot_pitch))
    toes = skeleton.offsets[[skeleton.index("LeftToeBase"), skeleton.index("RightToeBase")]]
    return rig.balls - rot.rotate(feet, toes), feet


def reachable_pelvis(skeleton: Skeleton, rig: Rig, pelvis_global: Array, ankle: Array) -> Array:
    """The rig's pelvis, lowered smoothly until both ankles are within reach, [T, 3]."""
    hips = skeleton.offsets[[skeleton.index("LeftUpLeg"), skeleton.index("RightUpLeg")]]
    arm = rot.rotate(pelvis_global[:, None], hips)
    flat = ankle - rig.pelvis[:, None] - arm
    reach = STRETCH * _leg_length(skeleton)
    room = np.sqrt(np.maximum(reach**2 - flat[..., 0] ** 2 - flat[..., 2] ** 2, 0.01))
    limits = np.concatenate((rig.pelvis[:, 1:2], ankle[..., 1] + room - arm[..., 1]), axis=1)
    soft = 0.010  # m; a smooth minimum, so that reaching the limit makes no kink
    low = limits.min(1, keepdims=True)
    height = low[:, 0] - soft * np.log(np.exp((low - limits) / soft).sum(1))
    return np.stack((rig.pelvis[:, 0], height, rig.pelvis[:, 2]), axis=1)


def _leg_length(skeleton: Skeleton) -> float:
    return float(sum(np.linalg.norm(skeleton.offsets[skeleton.index(n)]) for n in ("LeftLeg", "LeftFoot")))


def solve(rig: Rig, fps: float, name: str) -> Motion:
    """The motion of a rig on the house skeleton."""
    skeleton = house_skeleton()
    index = skeleton.index
    count = len(rig.heading)
    turns = np.empty((count, len(skeleton), 4))
    heading = rot.from_yaw(rig.heading)
    pelvis = rot.multiply(heading, _turn(rig.pelvis_turn))
    ankle, feet = ankles(skeleton, rig)
    root = reachable_pelvis(skeleton, rig, pelvis, ankle)
    turns[:, 0] = pelvis
    # The spine bends in two places; the lower one carries a little less.
    turns[:, index("Spine")] = rot.multiply(pelvis, _turn(0.45 * rig.chest_turn))
    chest = rot.multiply(turns[:, index("Spine")], _turn(0.55 * rig.chest_turn))
    turns[:, index("Spine1")] = chest
    # The eyes stay on the room while the torso works: the neck undoes most of its movement.
    gaze = rot.multiply(rot.slerp(chest, heading, np.full(count, 0.55)), _turn(rig.head_turn))
    turns[:, index("Neck")] = rot.slerp(chest, gaze, np.full(count, 0.45))
    turns[:, index("Head")] = gaze
    for side, prefix in enumerate(("Left", "Right")):
        out = 1.0 if prefix == "Left" else -1.0
        _solve_leg(skeleton, turns, rig, root, ankle[:, side], feet[:, side], side, prefix)
        _solve_arm(skeleton, turns, rig, chest, side, prefix, out, fps)
    local = rot.unroll(rot.normalize(to_local(skeleton, turns)))
    return Motion(skeleton, local, root, fps, name=name)


def _solve_leg(
    skeleton: Skeleton, turns: Array, rig: Rig, root: Array, ankle: Array, foot: Array, side: int, prefix: str
) -> None:
    index = skeleton.index
    hip = root + rot.rotate(turns[:, 0], skeleton.offsets[index(f"{prefix}UpLeg")])
    # The knee tracks between the toes and the pelvis' front.
    toward = rot.rotate(rot.from_yaw(rig.foot_yaw[:, side]), _FORWARD)
    pole = toward + 0.5 * rot.rotate(turns[:, 0], _FORWARD)
    upper, lower = skeleton.offsets[index(f"{prefix}Leg")], skeleton.offsets[index(f"{prefix}Foot")]
    thigh, shank = hinge_chain(upper, lower, hip, ankle, pole)
    turns[:, index(f"{prefix}UpLeg")], turns[:, index(f"{prefix}Leg")] = thigh, shank
    turns[:, index(f"{prefix}Foot")] = foot
    # On the floor the toes stay flat while the heel lifts; in the air they follow the foot.
    height = rig.balls[:, side, 1] - rest_ball_height(skeleton)
    flat = np.clip(1.0 - height / 0.06, 0.0, 1.0)
    bend = -np.maximum(rig.foot_pitch[:, side], 0.0) * flat * flat * (3.0 - 2.0 * flat)
    turns[:, index(f"{prefix}ToeBase")] = rot.multiply(foot, rot.from_axis_angle(_LEFT, bend))


def rest_ball_height(skeleton: Skeleton) -> float:
    """Height of the toe joint over the floor when the foot stands flat, m."""
    return float(-skeleton.end_sites["LeftToeBase"][1])


def _solve_arm(
    skeleton: Skeleton, turns: Array, rig: Rig, chest: Array, side: int, prefix: str, out: float, fps: float
) -> None:
    index = skeleton.index
    clavicle = rot.multiply(chest, rot.from_axis_angle(_FORWARD, out * rig.shrug[:, side]))
    turns[:, index(f"{prefix}Shoulder")] = clavicle
    upper, lower = skeleton.offsets[index(f"{prefix}ForeArm")], skeleton.offsets[index(f"{prefix}Hand")]
    length = float(np.linalg.norm(upper) + np.linalg.norm(lower))
    hand = rig.hands[:, side] * (out, 1.0, 1.0)
    # A wrist on its way from low to high passes in front of the shoulder, not through it.
    hand = hand + np.array([0.08 * out, 0.0, 0.24]) * np.exp(-((hand / 0.20) ** 2).sum(-1, keepdims=True))
    # Nor does a hand pass through the face.
    away = hand - np.array(_HEAD) * (out, 1.0, 1.0)
    near = np.exp(-((away / 0.17) ** 2).sum(-1, keepdims=True))
    hand = hand + 0.17 * near * rot.normalize(away + np.array([0.05 * out, 0.0, 0.12]))
    distance = np.linalg.norm(hand, axis=-1, keepdims=True)
    # Smooth limits: never quite straight, never folded beyond what an elbow can.
    wanted = (distance**8 + (0.36 * length) ** 8) ** 0.125
    wanted = wanted * (1.0 + (wanted / (0.975 * length)) ** 12) ** (-1.0 / 12.0)
    hand = hand / distance * wanted
    pole = _elbow_pole(hand * (out, 1.0, 1.0), rig.flare[:, side, None]) * (out, 1.0, 1.0)
    arm, forearm = hinge_chain(upper, lower, np.zeros_like(hand), hand, pole)
    turns[:, index(f"{prefix}Arm")] = rot.multiply(chest, arm)
    turns[:, index(f"{prefix}ForeArm")] = rot.multiply(chest, forearm)
    turns[:, index(f"{prefix}Hand")] = rot.multiply(
        turns[:, index(f"{prefix}ForeArm")], _relaxed_wrist(forearm, out, fps)
    )


def _elbow_pole(hand: Array, flare: Array) -> Array:
    """Where the elbow points for a wrist at `hand` [T, 3] (x outwards): down and back when low, outwards when high."""
    high = np.clip((hand[:, 1:2] + 0.30) / 0.65, 0.0, 1.0)
    high = high * high * (3.0 - 2.0 * high)
    low_pole, high_pole = np.array([0.10, -0.50, -0.86]), np.array([0.75, -0.65, 0.05])
    pole = low_pole + high * (high_pole - low_pole)
    return rot.normalize(pole + flare * (np.array([1.0, 0.0, -0.15]) - pole))


def _relaxed_wrist(forearm: Array, out: float, fps: float) -> Array:
    """Hand relative to the forearm [T, 4]: hangs a little and trails the forearm's turning."""
    from farandole.data.starter.groove.ease import smooth

    spin = np.zeros((len(forearm), 3))
    if len(forearm) > 1:
        step = rot.to_rotvec(rot.multiply(rot.inverse(forearm[:-1]), forearm[1:])) * fps
        spin[1:] += 0.5 * step
        spin[:-1] += 0.5 * step
    drag = -0.07 * smooth(spin, 0.06 * fps) * (0.2, 1.0, 1.0)  # s: the hand is where the forearm was 70 ms ago
    drag = 0.6 * np.tanh(drag / 0.6) + np.array([0.0, 0.0, -0.22 * out])
    return rot.from_rotvec(drag)
