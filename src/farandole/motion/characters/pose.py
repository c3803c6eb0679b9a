"""What every joint of a character does during a motion: rotations in the world, from the bind pose to each frame."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from farandole.errors import RetargetError
from farandole.motion import names, retarget
from farandole.motion import rotations as rot
from farandole.motion.characters.body import Body
from farandole.motion.humanoid import tree
from farandole.motion.humanoid.fingers import find_fingers, twist_bones
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

_TRUNK = ("Hips", "Spine", "Spine1", "Neck", "Head")
_LEAN = np.deg2rad(7.0)  # by which the hips' own bone may be off the motion's: the pelvis shall not tilt with it
_RAISE = 0.28  # rad a clavicle rises per rad that the arm is raised above the horizontal
_RELAXED = {"Index": (0.22, 0.38, 0.25), "Thumb": (0.0, 0.12, 0.15)}  # bend of finger joints, rad
_BENT = 0.5  # rad by which a finger may be bent in the bind pose and still count as stretched


def anatomical_parents(roles: dict[str, int]) -> dict[str, str]:
    """The part that each part hangs on, among those a body has."""
    above = {"Spine": ("Hips",), "Spine1": ("Spine", "Hips"), "Neck": ("Spine1",), "Head": ("Neck", "Spine1")}
    for side in names.SIDES:
        above |= {
            side + "Shoulder": ("Spine1",), side + "Arm": (side + "Shoulder", "Spine1"), side + "ForeArm": (side + "Arm",),
            side + "Hand": (side + "ForeArm",), side + "UpLeg": ("Hips",), side + "Leg": (side + "UpLeg",),
            side + "Foot": (side + "Leg",), side + "ToeBase": (side + "Foot",),
        }  # fmt: skip
    return {r: next(a for a in above[r] if a in roles) for r in roles if r != "Hips"}


def world_turns(motion: Motion, body: Body) -> dict[int, Array]:
    """Rotations [T, 4] in the world that take the bind pose to the motion, for every joint that moves on its own.

    Limbs and spine take the directions that they have in the motion, whatever the bind pose (T, A, arms down, legs apart, knees
    bent); hips, clavicles, head, hands and feet turn as much as they do in the motion. The body looks in the bind pose's direction
    where the motion looks along +z.

    Returns:
        By joint of `body.skeleton`: all roles, further spine and neck bones, twist bones.

    Raises:
        RetargetError: If the motion lacks essential parts.
    """
    source = retarget.source_roles(motion)
    before = retarget.anatomy_frames(motion.skeleton, source, motion)
    turns = {r: rot.multiply(motion.global_rotations[:, j], before[r]) for r, j in source.items() if r in before}
    turns = retarget.with_substitutes(turns)
    _raise_clavicles(turns)
    after = retarget.anatomy_frames(body.skeleton, body.roles, None)
    lean = _leans(motion, source, before, body, after)
    result: dict[int, Array] = {}
    world: dict[str, Array] = {}
    for role, joint in body.roles.items():
        if role not in turns or role not in after:
            raise RetargetError(f"{motion.name} does not tell what {role} does")
        turn = rot.multiply(turns[role], lean[role]) if role in lean else turns[role]
        world[role] = rot.multiply(rot.multiply(body.facing, turn), rot.inverse(after[role]))
        result[joint] = world[role]
    for low, high in pairwise(r for r in _TRUNK if r in body.roles):
        if tree.is_below(body.skeleton, body.roles[high], body.roles[low]):
            chain = [j for j in tree.path(body.skeleton, body.roles[low], body.roles[high]) if body.is_bone(j)]
            for k, joint in enumerate(chain[1:-1], 1):
                share = np.full(len(motion), k / (len(chain) - 1))
                result[joint] = rot.slerp(world[low], world[high], share)
    for side in names.SIDES:
        above = world[side + "Shoulder"] if side + "Shoulder" in world else world["Spine1"]
        _share_roll(result, body, side + "Arm", side + "ForeArm", above, own=True)
        if side + "Hand" in body.roles:
            _share_roll(result, body, side + "ForeArm", side + "Hand", world[side + "Hand"], own=False)
        _share_roll(result, body, side + "UpLeg", side + "Leg", world["Hips"], own=True)
        _share_roll(result, body, side + "Leg", side + "Foot", world[side + "Foot"], own=False)
    return {joint: rot.normalize(turn) for joint, turn in result.items()}


def _leans(
    motion: Motion, source: dict[str, int], before: dict[str, Array], body: Body, after: dict[str, Array]
) -> dict[str, Array]:
    """Rotations [4] that put the character's spine and neck bones onto the directions of the motion's body at rest."""
    result = {}
    for part, end in pairwise(_TRUNK):
        if not all(r in source and r in body.roles for r in (part, end)):
            continue
        rest, own = motion.skeleton.rest_positions, body.positions
        here = rot.rotate(rot.inverse(before[part]), rest[source[end]] - rest[source[part]])
        there = rot.rotate(rot.inverse(after[part]), own[body.roles[end]] - own[body.roles[part]])
        if min(np.linalg.norm(here), np.linalg.norm(there)) < 1e-9:
            continue
        turn = rot.between(there, here)
        angle = float(rot.angle_between(turn, rot.identity()))
        share = 1.0 if part != "Hips" else max(angle - _LEAN, 0.0) / max(angle, 1e-9)
        result[part] = rot.slerp(rot.identity(), turn, share)
    return result


def _raise_clavicles(turns: dict[str, Array]) -> None:
    """Let clavicles follow arms that are raised above the shoulders, as far as the motion does not do so."""
    chest = turns["Spine1"]
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        outward = np.array([sign, 0.0, 0.0])
        height = lambda turn: rot.rotate(rot.inverse(chest), rot.rotate(turn, outward))[..., 1]  # noqa: E731, B023
        arm = np.arcsin(np.clip(height(turns[side + "Arm"]), -1.0, 1.0))
        raised = np.arcsin(np.clip(height(turns[side + "Shoulder"]), -1.0, 1.0))
        wanted = _RAISE * 0.1 * np.logaddexp(0.0, arm / 0.1)
        more = np.maximum(wanted - np.maximum(raised, 0.0), 0.0)
        lift = rot.from_axis_angle(np.array([0.0, 0.0, sign]), more)
        local = rot.multiply(rot.inverse(chest), turns[side + "Shoulder"])
        turns[side + "Shoulder"] = rot.multiply(chest, rot.multiply(lift, local))


def _share_roll(result: dict[int, Array], body: Body, start: str, end: str, other: Array, *, own: bool) -> None:
    """Spread the roll of a limb's bone, against the part it hangs on (`own`) or of the part at its end, over its twist bones."""
    upper, lower = body.roles[start], body.roles[end]
    between, beside = twist_bones(body.skeleton, upper, lower)
    between, beside = [j for j in between if body.is_bone(j)], [(j, s) for j, s in beside if body.is_bone(j)]
    if not between and not beside:
        return
    bone = rot.normalize(body.positions[lower] - body.positions[upper])
    turn = result[upper]
    local = rot.multiply(rot.inverse(other), turn) if own else rot.multiply(rot.inverse(turn), other)
    angle = 2.0 * np.arctan2(local[..., 1:] @ bone, local[..., 0])
    angle = np.unwrap((angle + np.pi) % (2.0 * np.pi) - np.pi)
    rolled = lambda share: rot.multiply(turn, rot.from_axis_angle(bone, share * angle))  # noqa: E731
    count = len(between) + 1
    for k, joint in enumerate(between, 1):
        result[joint] = rolled((k + 1) / count - 1.0) if own else rolled(k / count)
    if own and between:
        result[upper] = rolled(1.0 / count - 1.0)
    for joint, share in beside:
        if joint not in body.owned:
            result[joint] = rolled(share - 1.0) if own else rolled(share)


def relaxed_fingers(body: Body) -> dict[int, Array]:
    """Rotations [4] in the bind pose's world by which finger joints bend, with all that hangs on them.

    Stretched fingers curl a little towards the palm, thumbs less; fingers that are bent in the bind pose stay.
    """
    result: dict[int, Array] = {}
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        hand = body.roles.get(side + "Hand")
        if hand is None:
            continue
        fingers = find_fingers(body.skeleton, hand)
        bases = [body.positions[f.joints[0]] for f in fingers if not f.thumb]
        thumbs = [body.positions[f.joints[0]] for f in fingers if f.thumb]
        if not bases:
            continue
        ahead = np.mean(bases, axis=0) - body.positions[hand]
        across = _across(bases, thumbs, ahead)
        if across is None:
            continue
        palm = sign * rot.normalize(rot.cross(ahead, across))
        for finger in fingers:
            joints = list(finger.joints)
            tips = list(body.skeleton.children[joints[-1]])
            points = body.positions[joints + tips[:1]]
            bones = rot.normalize(np.diff(points, axis=0))
            if len(bones) > 1 and np.arccos(np.clip((bones[:-1] * bones[1:]).sum(-1), -1.0, 1.0)).sum() > _BENT:
                continue
            total = rot.identity()
            for k, joint in enumerate(joints):
                bone = bones[min(k, len(bones) - 1)] if len(bones) else rot.normalize(ahead)
                axis = rot.normalize(rot.cross(bone, palm))
                bend = _RELAXED["Thumb" if finger.thumb else "Index"][k]
                if finger.thumb:
                    axis = rot.normalize(rot.cross(bone, rot.normalize(ahead) + palm))
                total = rot.multiply(total, rot.from_axis_angle(axis, bend))
                result[joint] = total
    return result


def _across(bases: list[Array], thumbs: list[Array], ahead: Array) -> Array | None:
    """Direction from the little finger's side to the thumb's, square to the hand; None if the hand does not tell."""
    if thumbs:
        side = thumbs[0] - np.mean(bases, axis=0)
    elif len(bases) > 1:
        return None
    else:
        return None
    if len(bases) > 1:  # the line of knuckles, turned to the thumb's side
        line = max((a - b for a in bases for b in bases), key=lambda v: float(np.linalg.norm(v)))
        side = line if line @ side > 0 else -line
    side = side - (side @ rot.normalize(ahead)) * rot.normalize(ahead)
    return side if np.linalg.norm(side) > 1e-9 else None
