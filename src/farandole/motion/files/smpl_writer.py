"""Motions as SMPL poses: AIST++ pickles (.pkl) and archives with the fields of AMASS (.smpl.npz)."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np

from farandole._io import atomic_path
from farandole.motion import rotations as rot
from farandole.motion.files.smpl import AIST_FPS, PELVIS, smpl_skeleton
from farandole.motion.interpolation import resample_smoothly
from farandole.motion.motion import Motion
from farandole.motion.retarget import retarget
from farandole.motion.rotations import Array

_SMPLH_JOINTS = 52  # 22 of the body, 15 of each hand
_TO_Z_UP = rot.from_axis_angle(np.array([1.0, 0.0, 0.0]), 0.5 * np.pi)


def write_aist(motion: Motion, path: str | Path, *, force: bool = False) -> Path:
    """Write an AIST++ .pkl, at 60 fps as all of them are: `smpl_poses` float64 [T, 72] rad, `smpl_trans` [T, 3] m, `smpl_scaling`.

    Raises:
        RetargetError: If the body is no human.
        OutputError: If the file exists and not `force`, or cannot be written.
    """
    poses, trans = _poses(resample_smoothly(motion, AIST_FPS))
    data = {"smpl_poses": poses, "smpl_trans": trans, "smpl_scaling": np.ones(1), "smpl_loss": 0.0}
    with atomic_path(path, force=force) as temporary:
        temporary.write_bytes(pickle.dumps(data, protocol=4))
    return Path(path)


def write_amass(motion: Motion, path: str | Path, *, force: bool = False) -> Path:
    """Write an archive as AMASS has them: `poses` [T, 156] rad (SMPL-H, hands at rest), `trans` [T, 3] m, z up, `mocap_framerate`.

    Raises:
        RetargetError: If the body is no human.
        OutputError: If the file exists and not `force`, or cannot be written.
    """
    poses, trans = _poses(motion, turn=_TO_Z_UP)
    whole = np.zeros((len(poses), 3 * _SMPLH_JOINTS))
    whole[:, :66] = poses[:, :66]
    fields = {"gender": np.array("neutral"), "betas": np.zeros(16), "dmpls": np.zeros((len(poses), 8))}
    with atomic_path(path, force=force) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, poses=whole, trans=trans, mocap_framerate=np.array(float(motion.fps)), **fields)
    return Path(path)


def _poses(motion: Motion, *, turn: Array | None = None) -> tuple[Array, Array]:
    """Rotation vectors [T, 72] in rad and `trans` [T, 3] m, in a world turned by `turn`."""
    body = smpl_skeleton()
    posed = motion if motion.skeleton == body else retarget(motion, body)
    rotations, path = posed.rotations.copy(), posed.root_positions
    if turn is not None:
        rotations[:, 0] = rot.multiply(np.broadcast_to(turn, rotations[:, 0].shape), rotations[:, 0])
        path = rot.rotate(turn, path)
    return rot.to_rotvec(rotations).reshape(len(rotations), -1), path - PELVIS
