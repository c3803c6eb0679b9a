"""One body's motion on another body.

Every part of either body gets an anatomical frame (left, up, front of the T-pose), fixed in its joint. A pose is carried over
as the world rotations of these frames, so rest poses (T, A, all bones along x) do not matter; limbs keep their directions.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from farandole.errors import RetargetError
from farandole.motion import kinematics, names
from farandole.motion import rotations as rot
from farandole.motion.motion import Motion
from farandole.motion.names import SIDES
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

_X, _Y, _Z = np.eye(3)
_TRUNK = ("Hips", "Spine", "Spine1", "Neck", "Head")
# Limb: the joint its bone leads to, and the bone's direction in a T-pose (of the left side).
_LIMBS = {
    "Arm": ("ForeArm", _X), "ForeArm": ("Hand", _X), "Hand": ("", _X), "UpLeg": ("Leg", -_Y), "Leg": ("Foot", -_Y),
}  # fmt: skip
# Parts a body may lack, and those whose frames stand in: one, or two to go between.
_SUBSTITUTES = {
    "Spine": ("Hips", "Spine1"), "Neck": ("Spine1", "Head"), "Shoulder": ("Spine1",), "ToeBase": ("Foot",), "Hand": ("ForeArm",),
}  # fmt: skip


def retarget(motion: Motion, skeleton: Skeleton | Motion, *, roles: dict[str, int] | None = None) -> Motion:
    """The same movement on another human skeleton.

    The hips' path is scaled by the ratio of leg lengths, and each frame's height is set so that the lower ankle is as far above the
    floor as before, in that scale. Spines of different numbers of bones share the bend. Fingers and faces stay at rest, unless the
    two skeletons differ in size only.

    Where a body at rest does not stand (all bones along one axis), its joints' axes are learnt from how it moves: give such a
    target as a motion.

    Args:
        skeleton: The other body, or a motion of it, in whose file layout the result is written then.
        roles: Which of its joints plays which part; by default as recognised.

    Raises:
        RetargetError: If either skeleton lacks essential parts of a body (names them), or a target that does not rest standing is
            given as a bare skeleton.
    """
    example = skeleton if isinstance(skeleton, Motion) else None
    skeleton = skeleton.skeleton if isinstance(skeleton, Motion) else skeleton
    source = source_roles(motion)
    target = _roles(skeleton, "the target skeleton") if roles is None else roles
    ratio = leg_length(skeleton, target) / leg_length(motion.skeleton, source)
    if _same_shape(motion.skeleton, skeleton):
        local = motion.rotations
    else:
        anatomy = anatomy_frames(motion.skeleton, source, motion)
        turns = {r: rot.multiply(motion.global_rotations[:, j], anatomy[r]) for r, j in source.items() if r in anatomy}
        if example is None and not rests_standing(skeleton, target):
            raise RetargetError(
                "cannot retarget: the target skeleton does not rest standing up: give a motion of it instead"
            )
        local = pose_from_frames(skeleton, target, turns, anatomy_frames(skeleton, target, example), len(motion))
    hips = motion.positions[:, source["Hips"]] * ratio
    positions, _ = kinematics.forward(skeleton, local, np.zeros((len(motion), 3)))
    root = hips - positions[:, target["Hips"]]
    ankles = lambda p, roles: np.minimum(p[:, roles["LeftFoot"], 1], p[:, roles["RightFoot"], 1])  # noqa: E731
    before = ankles(motion.positions, source)
    above = (before - ankle_height(motion.skeleton, source, before)) * ratio
    standing = ankle_height(skeleton, target, None if example is None else ankles(example.positions, target))
    root[:, 1] = above + standing - ankles(positions, target)
    layout = None if example is None else example.layout
    return Motion(skeleton, local, root, motion.fps, layout=layout, name=motion.name)


def source_roles(motion: Motion) -> dict[str, int]:
    """Parts of the body that a motion moves. Raises RetargetError if it lacks essential ones."""
    return _roles(motion.skeleton, motion.name)


def _roles(skeleton: Skeleton, what: str) -> dict[str, int]:
    try:
        roles = names.humanoid_roles(skeleton)
    except RetargetError as error:
        raise RetargetError(f"cannot retarget: {what}: {error}") from None
    if "Spine1" not in roles:
        raise RetargetError(f"cannot retarget: {what} has no chest that carries both arms and the head")
    return roles


def pose_from_frames(
    skeleton: Skeleton, roles: dict[str, int], turns: dict[str, Array], anatomy: dict[str, Array], frames: int
) -> Array:
    """Local rotations [T, J, 4] that give the parts of a body the world rotations `turns` ([T, 4] each) of their frames."""
    turns = with_substitutes(turns)
    world = np.empty((frames, len(skeleton), 4))
    part_of = {joint: role for role, joint in roles.items()}
    between = trunk_shares(skeleton, roles)
    for joint in range(len(skeleton)):
        role = part_of.get(joint)
        if role in turns and role in anatomy:
            world[:, joint] = rot.multiply(turns[role], rot.inverse(anatomy[role]))
        elif joint in between:
            low, high, share = between[joint]
            frame = rot.slerp(turns[low], turns[high], np.full(frames, share))
            world[:, joint] = rot.multiply(frame, rot.inverse(anatomy["Hips"]))
        elif joint == 0:
            world[:, 0] = rot.identity()
        else:
            world[:, joint] = world[:, skeleton.parents[joint]]
    return rot.normalize(kinematics.to_local(skeleton, world))


def with_substitutes(turns: dict[str, Array]) -> dict[str, Array]:
    """World rotations [T, 4] of parts, with those of neighbours for the parts a body lacks."""
    turns = dict(turns)
    for side in ("", *SIDES):
        for part, stand_ins in _SUBSTITUTES.items():
            source = side + stand_ins[0] if side + stand_ins[0] in turns else stand_ins[0]
            if len(stand_ins) == 1 and side + part not in turns and source in turns:
                turns[side + part] = turns[source]
    for part, stand_ins in _SUBSTITUTES.items():
        if part not in turns and len(stand_ins) == 2:
            turns[part] = rot.slerp(turns[stand_ins[0]], turns[stand_ins[1]], 0.5)
    return turns


def trunk_shares(skeleton: Skeleton, roles: dict[str, int]) -> dict[int, tuple[str, str, float]]:
    """Joints of spine and neck that play no role: the roles below and above them, and how far between they sit."""
    result = {}
    present = [r for r in _TRUNK if r in roles]
    for low, high in pairwise(present):
        chain = names.path(skeleton, roles[low], roles[high])
        for k, joint in enumerate(chain[1:-1], 1):
            result[joint] = (low, high, k / (len(chain) - 1))
    return result


# Anatomical frames ---------------------------------------------------------------------------------------------------------


def anatomy_frames(skeleton: Skeleton, roles: dict[str, int], motion: Motion | None) -> dict[str, Array]:
    """Per role the rotation [4] from T-pose axes (x left, y up, z front) to the joint's own axes.

    Args:
        motion: A motion of that skeleton; needed only where it does not rest standing.
    """
    if motion is None or rests_standing(skeleton, roles):
        return _anatomy_of_standing(skeleton, roles)
    return _anatomy_of_any(skeleton, roles, motion)


def rests_standing(skeleton: Skeleton, roles: dict[str, int]) -> bool:
    """Whether the rest pose is that of somebody standing, not just bones in a row."""
    rest = skeleton.rest_positions
    feet = 0.5 * (rest[roles["LeftFoot"]] + rest[roles["RightFoot"]])
    return bool(rot.normalize(rest[roles["Head"]] - feet)[1] > 0.8)


def _anatomy_of_standing(skeleton: Skeleton, roles: dict[str, int]) -> dict[str, Array]:
    rest = skeleton.rest_positions
    left = rest[roles["LeftUpLeg"]] - rest[roles["RightUpLeg"]]
    if np.hypot(left[0], left[2]) < 1e-6:
        left = rest[roles["LeftArm"]] - rest[roles["RightArm"]]
    front = rot.normalize(rot.cross(left, _Y))
    body = _frame(_Z, front, _Y, _Y)
    frames = dict.fromkeys((r for r in roles if r in _TRUNK), body)
    for side in SIDES:
        frames[side + "Shoulder"] = body
        for part, (_, straight) in _LIMBS.items():
            bone = _bone(skeleton, roles, side, part)
            if bone is not None:
                frames[side + part] = _frame(_mirrored(straight, side), bone, _Z, front)
        # Both feet stand flat at rest, whatever the slope of the bone: only its heading counts.
        frames[side + "Foot"] = frames[side + "ToeBase"] = body
        if side + "ToeBase" in roles:
            ahead = rest[roles[side + "ToeBase"]] - rest[roles[side + "Foot"]]
            if np.hypot(ahead[0], ahead[2]) > 0.3 * np.linalg.norm(ahead) > 0.0:
                frames[side + "Foot"] = frames[side + "ToeBase"] = _frame(_Y, _Y, _Z, ahead)
    return frames


def _anatomy_of_any(skeleton: Skeleton, roles: dict[str, int], motion: Motion) -> dict[str, Array]:
    """From offsets within each joint's own axes; what they leave open (twist) from the motion's means over time."""
    offset = lambda a, b: skeleton.rest_positions[roles[b]] - skeleton.rest_positions[roles[a]]  # noqa: E731
    hips_left = offset("RightUpLeg", "LeftUpLeg")
    hips_up = skeleton.offsets[names.path(skeleton, roles["Hips"], roles["Head"])[1]]
    frames = {"Hips": _frame(_X, hips_left, _Y, hips_up)}

    def seen(part: str, world: Array, weight: Array | None = None) -> Array:
        """Mean over time of world directions [T, 3] in a part's axes."""
        own = rot.rotate(rot.inverse(motion.global_rotations[:, roles[part]]), world)
        return np.average(own, axis=0, weights=weight)

    hips = rot.multiply(motion.global_rotations[:, roles["Hips"]], frames["Hips"])
    towards = lambda part, axis: seen(part, rot.rotate(hips, axis))  # noqa: E731
    trunk = [part for part in _TRUNK if part in roles]
    for below, part in pairwise(trunk):
        left = offset("RightArm", "LeftArm") if part == "Spine1" else np.zeros(3)
        left = left if np.linalg.norm(left) > 1e-6 else towards(part, _X)
        if part != "Head":
            up = skeleton.offsets[names.path(skeleton, roles[part], roles["Head"])[1]]
        else:  # a head has no bone above it: on average it is held as the part below
            up = seen(part, rot.rotate(rot.multiply(motion.global_rotations[:, roles[below]], frames[below]), _Y))
        frames[part] = _frame(_Y, up, _X, left)
    for side in SIDES:
        chest = rot.multiply(motion.global_rotations[:, roles["Spine1"]], frames["Spine1"])
        above = {"Shoulder": chest, "Arm": chest, "UpLeg": hips}
        for part in ("Shoulder", *_LIMBS, "Foot", "ToeBase"):
            if side + part not in roles:
                continue
            bone = _bone(skeleton, roles, side, part) if part in _LIMBS else None
            base = above[part]
            front = seen(side + part, rot.rotate(base, _Z))
            if part == "Shoulder":
                frame = _frame(_Y, seen(side + part, rot.rotate(base, _Y)), _Z, front)
            elif bone is not None:
                if part != "Hand":
                    front = _bend_front(motion, roles, side, part, bone, seen, front)
                frame = _frame(_mirrored(_LIMBS[part][1], side), bone, _Z, front)
            else:
                height = motion.positions[:, roles[side + part], 1]
                low = height <= np.quantile(height, 0.3)  # then it is flat on the floor
                up = seen(side + part, np.tile(_Y, (len(motion), 1)), low.astype(float))
                toes = part == "Foot" and side + "ToeBase" in roles
                frame = _frame(_Y, up, _Z, offset(side + "Foot", side + "ToeBase") if toes else front)
            frames[side + part] = frame
            turned = rot.multiply(motion.global_rotations[:, roles[side + part]], frame)
            above |= dict.fromkeys(
                {"Leg": ("Foot",), "Foot": ("ToeBase",)}.get(part, (_LIMBS.get(part, ("",))[0],)), turned
            )
    return frames


def _bend_front(
    motion: Motion,
    roles: dict[str, int],
    side: str,
    part: str,
    bone: Array,
    seen: Callable[[str, Array], Array],
    otherwise: Array,
) -> Array:
    """Front of an arm's or leg's bone in its own axes: elbows bend to the front of a T-pose, knees to the back."""
    chain = ("Arm", "ForeArm", "Hand") if part in ("Arm", "ForeArm") else ("UpLeg", "Leg", "Foot")
    if side + chain[2] not in roles:
        return otherwise
    a, b, c = (motion.positions[:, roles[side + name]] for name in chain)
    axis = seen(side + part, rot.cross(b - a, c - b))
    if np.linalg.norm(axis) < 1e-4:
        return otherwise
    front = rot.cross(axis, rot.normalize(bone))
    return front if chain[0] == "Arm" else -front


def _bone(skeleton: Skeleton, roles: dict[str, int], side: str, part: str) -> Array | None:
    """Rest direction of a limb's bone in its joint's axes, [3]; None if the body lacks the joint."""
    if side + part not in roles:
        return None
    joint = roles[side + part]
    follower = side + _LIMBS[part][0]
    if follower in roles:
        return skeleton.rest_positions[roles[follower]] - skeleton.rest_positions[joint]
    tip = skeleton.end_sites.get(skeleton.names[joint])
    if tip is not None and np.linalg.norm(tip) > 1e-4:
        return tip
    ends = [skeleton.offsets[c] for c in skeleton.children[joint]]
    if len(ends) >= 3:  # knuckles; one or two may be a thumb
        return np.mean(ends, axis=0)
    return skeleton.offsets[joint]  # as the bone above


def _mirrored(axis: Array, side: str) -> Array:
    return axis if side == "Left" else axis * np.array([-1.0, 1.0, 1.0])


def _frame(first: Array, first_to: Array, second: Array, second_to: Array) -> Array:
    """Rotation [4] that takes `first` exactly, and `second` as nearly as possible, to the directions beside them."""

    def basis(a: Array, b: Array) -> Array:
        a = rot.normalize(a)
        b = b - (b @ a) * a
        if np.linalg.norm(b) < 1e-6:
            b = np.eye(3)[int(np.argmin(np.abs(a)))]
            b = b - (b @ a) * a
        b = rot.normalize(b)
        return np.stack((a, b, rot.cross(a, b)), axis=-1)

    return rot.from_matrix(basis(first_to, second_to) @ basis(first, second).T)


# Sizes ---------------------------------------------------------------------------------------------------------------------


def leg_length(skeleton: Skeleton, roles: dict[str, int]) -> float:
    """Mean length of the legs from hip to ankle along their bones, m. Raises RetargetError if it is zero."""
    total = 0.0
    for side in SIDES:
        chain = names.path(skeleton, roles[side + "UpLeg"], roles[side + "Foot"])[1:]
        total += 0.5 * float(np.linalg.norm(skeleton.offsets[chain], axis=-1).sum())
    if total <= 0:
        raise RetargetError("cannot retarget: the legs have no length")
    return total


def ankle_height(skeleton: Skeleton, roles: dict[str, int], seen: Array | None) -> float:
    """Height of the ankles when the feet are on the floor, m.

    That above the lowest point of the rest pose if it stands; else nearly the lowest that is `seen` in motion ([T]).
    """
    if not rests_standing(skeleton, roles) and seen is not None:
        return float(np.quantile(seen, 0.05))
    rest = skeleton.rest_positions
    points = [rest[:, 1]] + [
        np.atleast_1d(rest[skeleton.index(n), 1] + tip[1]) for n, tip in skeleton.end_sites.items()
    ]
    ankle = min(rest[roles["LeftFoot"], 1], rest[roles["RightFoot"], 1])
    return float(ankle - np.concatenate(points).min())


def _same_shape(a: Skeleton, b: Skeleton) -> bool:
    """Whether two skeletons differ in bone lengths only, not in directions by more than 3 degrees."""
    if a.names != b.names or not np.array_equal(a.parents, b.parents):
        return False
    u, v = rot.normalize(a.offsets[1:]), rot.normalize(b.offsets[1:])
    return bool(((u * v).sum(-1) > np.cos(np.deg2rad(3.0)))[np.any(u, axis=-1) & np.any(v, axis=-1)].all())
