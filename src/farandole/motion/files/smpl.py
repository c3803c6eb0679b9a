"""SMPL body motions: AIST++ pickles, AMASS and plain SMPL archives. Only joint rotations and the path are read, no body model.

The skeleton is a fixed one of 24 joints: the mean rest joints of the public body model, made symmetric and rounded to centimetres.
Forward kinematics with it stays within about 1 cm of the model's own joints on average.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from farandole.errors import FileFormatError, MotionError
from farandole.motion import rotations as rot
from farandole.motion.files.plain_pickle import load_plain_pickle
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

AIST_FPS = 60.0
"""Frame rate of AIST++ motions, which their files do not tell."""

PELVIS = np.array([0.0, -0.22, 0.03])
"""Where the body model has its root joint when `trans` is zero, m."""
# Name: parent, offset in m.
_JOINTS: dict[str, tuple[str | None, float, float, float]] = {
    "pelvis": (None, 0.0, 0.0, 0.0),
    "left_hip": ("pelvis", 0.06, -0.09, -0.02),
    "right_hip": ("pelvis", -0.06, -0.09, -0.02),
    "spine1": ("pelvis", 0.0, 0.12, -0.04),
    "left_knee": ("left_hip", 0.04, -0.39, 0.0),
    "right_knee": ("right_hip", -0.04, -0.39, 0.0),
    "spine2": ("spine1", 0.0, 0.14, 0.03),
    "left_ankle": ("left_knee", -0.01, -0.42, -0.04),
    "right_ankle": ("right_knee", 0.01, -0.42, -0.04),
    "spine3": ("spine2", 0.0, 0.06, 0.0),
    "left_foot": ("left_ankle", 0.04, -0.06, 0.13),
    "right_foot": ("right_ankle", -0.04, -0.06, 0.13),
    "neck": ("spine3", 0.0, 0.21, -0.03),
    "left_collar": ("spine3", 0.08, 0.11, -0.02),
    "right_collar": ("spine3", -0.08, 0.11, -0.02),
    "head": ("neck", 0.0, 0.09, 0.05),
    "left_shoulder": ("left_collar", 0.12, 0.05, -0.02),
    "right_shoulder": ("right_collar", -0.12, 0.05, -0.02),
    "left_elbow": ("left_shoulder", 0.26, -0.02, -0.03),
    "right_elbow": ("right_shoulder", -0.26, -0.02, -0.03),
    "left_wrist": ("left_elbow", 0.27, 0.01, -0.01),
    "right_wrist": ("right_elbow", -0.27, 0.01, -0.01),
    "left_hand": ("left_wrist", 0.09, -0.01, -0.01),
    "right_hand": ("right_wrist", -0.09, -0.01, -0.01),
}
_ENDS = {
    "head": (0.0, 0.15, 0.01),
    "left_hand": (0.08, 0.0, 0.0),
    "right_hand": (-0.08, 0.0, 0.0),
    "left_foot": (0.0, -0.03, 0.07),
    "right_foot": (0.0, -0.03, 0.07),
}
_AMASS = frozenset({"poses", "trans", "gender", "betas"})
_ROOTS = {"pose_body": "root_orient", "body_pose": "global_orient"}
"""Where the root's rotation is, for poses that lack it."""
_PATHS = {"smpl_poses": "smpl_trans", "body_pose": "transl"}
"""Where the path is, for poses whose path is not `trans`."""
_BODY = 22  # joints that all members of the SMPL family share, in this order; hands differ


def smpl_skeleton() -> Skeleton:
    """The 24 joints of SMPL in its T-pose, y up, facing +z."""
    names = list(_JOINTS)
    parents = [-1 if p is None else names.index(p) for p, *_ in _JOINTS.values()]
    offsets = [xyz for _, *xyz in _JOINTS.values()]
    offsets[0] = [0.0, 1.21 + float(PELVIS[1]), 0.0]
    return Skeleton(names, parents, offsets, _ENDS)


def parse_smpl(data: bytes, *, name: str = "motion", source: str = "SMPL pickle") -> Motion:
    """A motion from the bytes of an AIST++ .pkl or any pickled dictionary with SMPL poses.

    Pickles are opened by an unpickler that can build arrays, numbers, strings and containers of them, and nothing else.

    Raises:
        FileFormatError: If the file holds anything else, or no SMPL poses.
    """
    content = load_plain_pickle(data, source)
    if not isinstance(content, dict):
        raise FileFormatError(f"{source} holds a {type(content).__name__}, not a dictionary with SMPL poses")
    return motion_from_smpl(content, name=name, source=source)


def motion_from_smpl(
    data: dict[str, Any], *, fps: float | None = None, name: str = "motion", source: str = "SMPL data"
) -> Motion:
    """A motion from SMPL arrays.

    Args:
        data: `smpl_poses` [T, 72] with `smpl_trans` [T, 3] and `smpl_scaling` (AIST++: metres are trans / scaling); or `poses`
            [T, 66 or more], or `root_orient` and `pose_body`, with `trans` [T, 3] m and `mocap_framerate` (AMASS: SMPL, SMPL-H,
            SMPL-X); or `global_orient` and `body_pose` with `transl` (the names of the smplx library). Rotation vectors in rad.
        source: What messages call it.

    Returns:
        Motion of `smpl_skeleton`, turned to y up where the recording is z up: what has AMASS's fields is, unless its bodies stand
        along y; of others, those whose bodies stand along z.

    Raises:
        FileFormatError: If arrays are missing or of the wrong shape.
    """
    key = next((k for k in ("smpl_poses", "poses", "pose_body", "body_pose") if k in data), None)
    if key is None:
        have = ", ".join(sorted(map(str, data))[:8]) or "nothing"
        raise FileFormatError(f"{source} holds no SMPL poses: need smpl_poses or poses, has {have}")
    try:
        poses = _rows(data[key])
        if key in _ROOTS:
            poses = np.concatenate((_rows(data[_ROOTS[key]]), poses), axis=1)
        if not len(poses):
            raise FileFormatError(f"{source} has no frames")
        trans = np.asarray(data[_PATHS.get(key, "trans")], dtype=float).reshape(-1, 3)
        scaling = float(np.asarray(data.get("smpl_scaling", 1.0), dtype=float).reshape(-1)[0])
        rate = fps or _frame_rate(data) or (AIST_FPS if key == "smpl_poses" else None)
    except FileFormatError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise FileFormatError(f"{source}: SMPL arrays are missing or damaged ({error})") from error
    if poses.shape[1] < 3 * _BODY or poses.shape[1] % 3:
        raise FileFormatError(f"{source}: {key} has {poses.shape[1]} columns; SMPL poses have 72, AMASS 156 or 165")
    if len(trans) != len(poses):
        raise FileFormatError(f"{source}: {len(poses)} poses but {len(trans)} positions")
    if not (np.isfinite(scaling) and scaling > 0):
        raise FileFormatError(f"{source}: smpl_scaling {scaling} is not positive")
    if rate is None:
        raise FileFormatError(f"{source} does not tell its frame rate (mocap_framerate): give one")
    skeleton = smpl_skeleton()
    joints = len(skeleton) if poses.shape[1] == 72 else _BODY
    if not (np.isfinite(poses).all() and np.abs(poses).max() < 1e6):
        raise FileFormatError(f"{source}: {key} hold NaN, infinite or absurd rotations")
    rotations = rot.identity(len(poses), len(skeleton))
    rotations[:, :joints] = rot.from_rotvec(poses[:, : 3 * joints].reshape(len(poses), joints, 3))
    path = trans / scaling + PELVIS
    # The model's own up is y; a recording in a z-up world turns the root by a quarter about x.
    up = rot.rotate(rotations[:, 0], np.array([0.0, 1.0, 0.0])).mean(axis=0)
    upright_along_y = up[1] > max(abs(up[2]), 0.3)
    if up[2] > max(abs(up[1]), 0.3) or (data.keys() >= _AMASS and not upright_along_y):
        turn = rot.from_axis_angle(np.array([1.0, 0.0, 0.0]), -0.5 * np.pi)
        rotations[:, 0] = rot.multiply(np.broadcast_to(turn, rotations[:, 0].shape), rotations[:, 0])
        path = rot.rotate(turn, path)
    try:
        return Motion(skeleton, rotations, path, float(rate), name=name)
    except MotionError as error:
        raise FileFormatError(f"{source}: {error}") from error


def _rows(values: Any) -> Array:
    values = np.asarray(values, dtype=float)
    return values.reshape(len(values), math.prod(values.shape[1:]))


def _frame_rate(data: dict[str, Any]) -> float | None:
    for key in ("mocap_framerate", "mocap_frame_rate", "fps"):
        if key in data:
            rate = float(np.asarray(data[key]).reshape(-1)[0])
            if not np.isfinite(rate) or rate <= 0:
                raise ValueError(f"{key} is {rate:g}")
            return rate
    return None
