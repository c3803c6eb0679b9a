"""The 72 kinetic features behind FID_k and Dist_k: energies of every joint.

Definition: fairmotion (Gopinath and Won, 2020) as used by AIST++ (Li et al., 2021, arXiv:2101.08779, section 5) and by most
later papers, whose code carries a slip into every published table. It is reproduced by default, so that numbers compare, and
mended on request.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from farandole.errors import MotionError
from farandole.motion.rotations import Array

FEATURE_FPS = 60.0
"""Frame rate the published features are made for; they never look at the clip's own."""

_HALF_WINDOW = 2


def kinetic_features(
    positions: Array, *, variant: Literal["published", "fixed"] = "published", fps: float = FEATURE_FPS
) -> Array:
    """Energies of every joint, averaged over frames 1..T-1.

    Per joint: |mean velocity in x, z|^2, (mean velocity in y)^2, |mean acceleration|; velocities and accelerations are averaged
    over a window of two frames either side, cut at the ends of the clip.

    Args:
        positions: World joint positions, [..., T, J, 3] m, y up, at `fps`; T >= 3. For published numbers J = 24 (SMPL).
        variant: "published" keeps the slip of all public implementations, which take p[t] - p[t-1] / dt for the earlier of the
            two velocities: a third of the features then measures the distance from the origin. "fixed" mends it.
        fps: Frame rate; the published features are made at 60.

    Returns:
        [..., 3 J]: horizontal, vertical, acceleration of joint 0, then of joint 1, and so on. Units m^2/s^2, m^2/s^2, m/s^2.
    """
    p = np.asarray(positions, dtype=float)
    require_positions(p, 3, "kinetic features")
    dt = 1.0 / fps
    frames = p.shape[-3]
    step = np.diff(p, axis=-3) / dt  # step k runs from frame k to k + 1
    if variant == "published":
        acceleration = (step[..., 1:, :, :] - (p[..., 1:-1, :, :] - p[..., :-2, :, :] / dt)) / dt
    elif variant == "fixed":
        acceleration = np.diff(step, axis=-3) / dt
    else:
        raise ValueError(f"unknown variant {variant!r} of the kinetic features: need 'published' or 'fixed'")
    at = np.arange(1, frames)
    v = _window_mean(step, at - 1)
    a = _window_mean(acceleration, at - 1)
    horizontal = v[..., 0] ** 2 + v[..., 2] ** 2
    energies = np.stack((horizontal, v[..., 1] ** 2, np.linalg.norm(a, axis=-1)), axis=-1).mean(axis=-3)
    return energies.reshape(*energies.shape[:-2], -1)


def _window_mean(x: Array, centres: NDArray[np.intp]) -> Array:
    """Mean of x [..., N, J, 3] over `_HALF_WINDOW` entries either side of each centre, as far as they exist."""
    low = np.clip(centres - _HALF_WINDOW, 0, None)
    high = np.clip(centres + _HALF_WINDOW, None, x.shape[-3] - 1)
    total = np.zeros((*x.shape[:-3], len(centres), *x.shape[-2:]))
    for offset in range(2 * _HALF_WINDOW + 1):
        here = low + offset
        inside = here <= high
        total[..., inside, :, :] += x[..., here[inside], :, :]
    return total / (high - low + 1)[:, None, None]


def from_first_root(positions: Array) -> Array:
    """Positions [..., T, J, 3] with the root of frame 0 subtracted: the convention of Bailando ("zero start").

    mint scores absolute positions. Published kinetic features depend on the choice, see `kinetic_features`.
    """
    return positions - positions[..., :1, :1, :]


def require_positions(p: Array, frames: int, what: str) -> None:
    """Raise MotionError unless `p` is [..., T, J, 3] with at least `frames` frames."""
    if p.ndim < 3 or p.shape[-1] != 3:
        raise MotionError(f"{what} need positions [..., T, J, 3], got shape {p.shape}")
    if p.shape[-3] < frames:
        raise MotionError(f"{what} need at least {frames} frames, got {p.shape[-3]}")
