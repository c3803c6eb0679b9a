"""Cutting-room work on motions: mirror, join, set on the floor, place, smooth. Every function returns a new motion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from farandole.errors import MotionError
from farandole.motion import kinematics, names
from farandole.motion import rotations as rot
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

_FLIP = np.array([-1.0, 1.0, 1.0])
_FLIP_TURN = np.array([1.0, 1.0, -1.0, -1.0])  # reflection at x = 0 keeps turns about x and reverses the others


def mirror(motion: Motion) -> Motion:
    """The movement seen in a mirror at x = 0: left and right change places, the skeleton stays.

    Joints are paired by name. Exact for skeletons whose rest pose is symmetric; for one that does not rest standing (all bones
    along one axis), parts of the body are mirrored by their anatomical frames and fingers go to rest.

    Raises:
        RetargetError: If a skeleton that does not rest standing shows no human.
    """
    skeleton = motion.skeleton
    from farandole.motion import retarget

    roles = names.find_roles(skeleton)
    human = all(role in roles for role in names.ESSENTIAL)
    if human and not retarget.rests_standing(skeleton, roles):
        return _mirror_by_frames(motion)
    pairs = names.counterpart(skeleton)
    partner = np.array([pairs.get(j, j) for j in range(len(skeleton))])
    return replace(
        motion,
        rotations=motion.rotations[:, partner] * _FLIP_TURN,
        root_positions=motion.root_positions * _FLIP,
        translations=None if motion.translations is None else motion.translations[:, partner] * _FLIP,
    )


def _mirror_by_frames(motion: Motion) -> Motion:
    from farandole.motion import retarget

    skeleton = motion.skeleton
    roles = names.humanoid_roles(skeleton)
    frames = retarget.anatomy_frames(skeleton, roles, motion)
    swap = lambda r: r.replace("Left", "R*").replace("Right", "Left").replace("R*", "Right")  # noqa: E731
    turns = {
        swap(r): rot.multiply(motion.global_rotations[:, j], frames[r]) * _FLIP_TURN
        for r, j in roles.items()
        if r in frames
    }
    local = retarget.pose_from_frames(skeleton, roles, turns, frames, len(motion))
    positions, _ = kinematics.forward(skeleton, local, np.zeros((len(motion), 3)))
    hips = roles["Hips"]
    root = motion.positions[:, hips] * _FLIP - positions[:, hips]
    return replace(motion, rotations=local, root_positions=root, translations=None)


def concatenate(motions: Sequence[Motion], blend: float = 0.3) -> Motion:
    """One motion after the other, each turned about the vertical and moved along the floor to go on where the one before ended.

    The jump in pose and speed that is left at each joint fades out over `blend` seconds of the later motion (inertialisation:
    D. Bollo, "Inertialization: high-performance animation transitions in Gears of War", GDC 2018), so no frame is lost.

    Args:
        motions: At least one; same skeleton, same frame rate.
        blend: Seconds; 0 for a hard cut.

    Raises:
        MotionError: If there is none, or skeletons differ.
        FrameRateError: If frame rates differ.
    """
    if not motions:
        raise MotionError("nothing to concatenate: need at least one motion")
    first = motions[0]
    for other in motions[1:]:
        other.require_fps(first.fps, f"joining it to {first.name}")
        if other.skeleton != first.skeleton:
            raise MotionError(f"{other.name} has another skeleton than {first.name}: retarget it first")
        if (other.translations is None) != (first.translations is None):
            raise MotionError(f"only one of {first.name} and {other.name} has bones that change length")
    result = first
    for other in motions[1:]:
        result = _join(result, other, blend)
    return result


def _join(a: Motion, b: Motion, blend: float) -> Motion:
    # Where A would be one frame after its end.
    before = a.slice(max(len(a) - 2, 0))
    root_speed = before.root_positions[-1] - before.root_positions[0]
    turn_speed = rot.to_rotvec(rot.multiply(rot.inverse(before.rotations[0]), before.rotations[-1]))
    next_root = before.root_positions[-1] + root_speed
    next_turns = rot.multiply(before.rotations[-1], rot.from_rotvec(turn_speed))
    b = turn(b, float(heading(a)[-1] - heading(b)[0]))
    b = move(b, (next_root - b.root_positions[0]) * np.array([1.0, 0.0, 1.0]))

    frames = min(round(blend * a.fps), len(b))
    rotations, path = b.rotations.copy(), b.root_positions.copy()
    if frames > 1:
        time = np.arange(frames, dtype=float)
        gap = rot.to_rotvec(rot.multiply(rot.inverse(rotations[0]), next_turns))
        own_speed = rot.to_rotvec(rot.multiply(rot.inverse(rotations[0]), rotations[min(1, len(b) - 1)]))
        fading = fade(gap, turn_speed - own_speed, frames)(time)
        rotations[:frames] = rot.multiply(rotations[:frames], rot.from_rotvec(fading))
        path[:frames] += fade(next_root - path[0], root_speed - (path[min(1, len(b) - 1)] - path[0]), frames)(time)
    translations = None
    if a.translations is not None and b.translations is not None:
        translations = np.concatenate((a.translations, b.translations))
    return replace(
        a,
        rotations=np.concatenate((a.rotations, rot.normalize(rotations))),
        root_positions=np.concatenate((a.root_positions, path)),
        translations=translations,
    )


def fade(gap: Array, speed: Array, frames: int) -> Callable[[Array], Array]:
    """Fifth-order curve from a gap and its speed (per frame) to nothing, with no acceleration at either end."""
    n = float(frames)
    # Hermite conditions x(0) = gap, x'(0) = speed, x''(0) = 0, x(n) = x'(n) = x''(n) = 0.
    a3, a4, a5 = (-10 * gap - 6 * speed * n, 15 * gap + 8 * speed * n, -6 * gap - 3 * speed * n)

    def curve(t: Array) -> Array:
        s = (np.asarray(t, dtype=float) / n).reshape(-1, *[1] * np.ndim(gap))
        return gap + speed * n * s + a3 * s**3 + a4 * s**4 + a5 * s**5

    return curve


def heading(motion: Motion) -> Array:
    """Where the hips face over time: angle about +y in rad, 0 along +z, growing towards +x, continuous, [T]."""
    roles = names.find_roles(motion.skeleton)
    if "LeftUpLeg" in roles and "RightUpLeg" in roles:
        left = motion.positions[:, roles["LeftUpLeg"]] - motion.positions[:, roles["RightUpLeg"]]
        return np.unwrap(np.arctan2(-left[:, 2], left[:, 0]))
    return np.unwrap(rot.yaw(motion.global_rotations[:, 0]))


def turn(motion: Motion, angle: float) -> Motion:
    """The whole scene turned about the vertical through the origin, rad."""
    q = rot.from_yaw(angle)
    rotations = motion.rotations.copy()
    rotations[:, 0] = rot.multiply(np.broadcast_to(q, rotations[:, 0].shape), rotations[:, 0])
    return replace(motion, rotations=rotations, root_positions=rot.rotate(q, motion.root_positions))


def move(motion: Motion, by: Sequence[float] | Array) -> Motion:
    """The whole scene moved by [3] m."""
    return replace(motion, root_positions=motion.root_positions + np.asarray(by, dtype=float))


def place(motion: Motion) -> Motion:
    """Turned and moved along the floor so that the first frame stands over the origin and faces +z."""
    motion = turn(motion, -float(heading(motion)[0]))
    hips = names.find_roles(motion.skeleton).get("Hips", 0)
    return move(motion, motion.positions[0, hips] * np.array([-1.0, 0.0, -1.0]))


def ground(motion: Motion) -> Motion:
    """Moved up or down so that the soles rest on y = 0.

    The floor is where the lower sole dwells: the median over the frames in which it is slow, so that jumps and single deep frames
    do not count. Without such frames, or without feet, it is nearly the lowest point of all.
    """
    soles = sole_heights(motion)
    low = soles.min(axis=1)
    speed = np.abs(kinematics.velocity(soles, motion.fps)).min(axis=1)
    resting = low[(speed < 0.1) & (low < np.quantile(low, 0.05) + 0.06)]
    floor = np.median(resting) if len(resting) >= 5 else np.quantile(low, 0.05)
    return move(motion, (0.0, -float(floor), 0.0))


def sole_heights(motion: Motion) -> Array:
    """Height over y = 0 of what is under each foot joint when it is flat, [T, P] m: the joint's less that in the rest pose.

    P counts ankles and toe joints; all joints of skeletons without feet.
    """
    skeleton = motion.skeleton
    roles = names.find_roles(skeleton)
    feet = [roles[s + p] for s in names.SIDES for p in ("Foot", "ToeBase") if s + p in roles]
    if not feet or not all(role in roles for role in names.ESSENTIAL):
        return motion.positions[:, :, 1]
    from farandole.motion.retarget import rests_standing

    if not rests_standing(skeleton, roles):
        toes = [roles[s + "ToeBase"] for s in names.SIDES if s + "ToeBase" in roles]
        return motion.positions[:, toes or feet, 1]
    return motion.positions[:, feet, 1] - (skeleton.rest_positions[feet, 1] - _lowest(skeleton))


def _lowest(skeleton: Skeleton) -> float:
    tips = [skeleton.rest_positions[skeleton.index(n), 1] + tip[1] for n, tip in skeleton.end_sites.items()]
    return float(min([*tips, skeleton.rest_positions[:, 1].min()]))


def after_rest_pose(motion: Motion) -> Motion:
    """One frame of the rest pose where the motion begins, a human's with the soles on y = 0, and then the motion."""
    skeleton = motion.skeleton
    root = motion.root_positions[:1].copy()
    if names.is_humanoid(skeleton):
        root[:, 1] = -_lowest(skeleton)
    both = lambda a, b: np.concatenate((a, b))  # noqa: E731
    translations = None
    if motion.translations is not None:
        translations = both(skeleton.offsets[None], motion.translations)
    return replace(
        motion,
        rotations=both(rot.identity(1, len(skeleton)), motion.rotations),
        root_positions=both(root, motion.root_positions),
        translations=translations,
    )


def smooth(motion: Motion, seconds: float) -> Motion:
    """Low-pass filtered over time by a Gaussian with this standard deviation in seconds; rotations and root path alike."""
    if seconds < 0:
        raise MotionError(f"cannot smooth {motion.name} over {seconds:g} s: need a positive time")
    if seconds * motion.fps < 1e-3 or len(motion) < 2:
        return motion
    from farandole.motion.filters import gaussian_filter1d

    blur = lambda x: gaussian_filter1d(x, seconds * motion.fps, axis=0, mode="nearest")  # noqa: E731
    return replace(
        motion,
        rotations=rot.normalize(blur(rot.unroll(motion.rotations))),
        root_positions=blur(motion.root_positions),
        translations=None if motion.translations is None else blur(motion.translations),
    )
