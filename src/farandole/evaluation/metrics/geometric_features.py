"""The 32 geometric features behind FID_g and Dist_g: yes-or-no tests of poses.

Definition: Müller et al., 2005, as implemented in fairmotion (Gopinath and Won, 2020) and used by AIST++ (Li et al., 2021,
arXiv:2101.08779, section 5) and by most later papers.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from farandole.errors import MotionError
from farandole.evaluation.metrics.kinetic_features import require_positions
from farandole.motion.rotations import Array, cross

SMPL_JOINTS = (
    "root", "lhip", "rhip", "belly", "lknee", "rknee", "spine", "lankle", "rankle", "chest", "ltoes", "rtoes",
    "neck", "linshoulder", "rinshoulder", "head", "lshoulder", "rshoulder", "lelbow", "relbow", "lwrist", "rwrist",
    "lhand", "rhand",
)  # fmt: skip
"""The 24 SMPL joints by the names the geometric features use, in SMPL order."""

_GEOMETRIC_FPS = 120.0  # the published code counts 1/120 s per frame of 60 fps data: speeds come out twice too large

BODY_CONSTANTS: dict[str, tuple[float, float, float]] = {
    "aist++": (0.256838, 0.390848, 0.119247),
    "bailando": (0.256838, 0.390848, 0.119247),
    "bailando-old": (0.249323, 0.485713, 0.424140),
}
"""Length of the upper arm, shoulder width, hip width, m. "bailando-old" took them from wrong joints, as the API did before
August 2021; numbers of that time (FACT's own FID_g of 12.40, for one) are not comparable with later ones."""

Flags = NDArray[np.bool_]

GeometricVariant = Literal["aist++", "bailando", "bailando-old"]


def geometric_features(positions: Array, *, variant: GeometricVariant = "aist++") -> Array:
    """Thirty-two yes-or-no tests of the pose and its change, each averaged over frames 1..T-1.

    Tests 4 and 5 are always equal (the published helper ignores its last joint), so their covariance is singular. Speeds assume
    120 frames per second whatever the clip has. Source of the tests: Müller et al., 2005, as implemented in fairmotion.

    Args:
        positions: World positions of the 24 SMPL joints, [..., T, 24, 3] m, y up, at 60 fps; T >= 2.
        variant: Whose body constants set the thresholds, see `BODY_CONSTANTS`.

    Returns:
        Shares of frames, [..., 32], each within [0, 1].
    """
    if variant not in BODY_CONSTANTS:
        raise ValueError(
            f"unknown variant {variant!r} of the geometric features: need one of {', '.join(BODY_CONSTANTS)}"
        )
    p = np.asarray(positions, dtype=float)
    require_positions(p, 2, "geometric features")
    if p.shape[-2] != len(SMPL_JOINTS):
        raise MotionError(f"geometric features need the {len(SMPL_JOINTS)} SMPL joints, got {p.shape[-2]} joints")
    return np.stack(_tests(p, *BODY_CONSTANTS[variant]), axis=-1).mean(axis=-2)


def _tests(p: Array, hl: float, sw: float, hw: float) -> list[Flags]:
    """The 32 tests, each [..., T-1] bool. Numbers in the comments are the features' indices."""
    j = {name: p[..., 1:, i, :] for i, name in enumerate(SMPL_JOINTS)}
    before = {name: p[..., :-1, i, :] for i, name in enumerate(SMPL_JOINTS)}
    lowest = p[..., 1:, :, 1].min(axis=-1)

    def along(direction: Array, vector: Array) -> Array:
        return (vector * direction).sum(axis=-1) / np.linalg.norm(direction, axis=-1)

    def rate(of: str, relative_to: str) -> Array:
        return (j[of] - j[relative_to] - before[of] + before[relative_to]) * _GEOMETRIC_FPS

    def normal(a: str, b: str, c: str) -> Array:
        return cross(j[c] - j[a], j[b] - j[a])

    def plane(a: str, b: str, c: str, point: str, threshold: float) -> Flags:
        return along(normal(a, b, c), j[point] - j[a]) > threshold

    def nplane(start: str, end: str, at: str, point: str, threshold: float) -> Flags:
        return along(j[end] - j[start], j[point] - j[at]) > threshold

    def nmove(a: str, b: str, c: str, point: str, threshold: float) -> Flags:
        return along(normal(a, b, c), rate(point, a)) > threshold

    def move(a: str, b: str, point: str, threshold: float) -> Flags:
        return along(j[b] - j[a], rate(point, a)) > threshold

    def angle(u: Array, v: Array, low: float, high: float) -> Flags:
        cosine = along(u, v) / np.linalg.norm(v, axis=-1)
        degrees = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
        return (degrees > low) & (degrees < high)

    def bent(corner: str, first: str, second: str) -> Flags:
        return angle(j[first] - j[corner], j[second] - j[corner], 0, 110)

    def fast(name: str, threshold: float) -> Flags:
        return np.linalg.norm(j[name] - before[name], axis=-1) * _GEOMETRIC_FPS > threshold

    down = j["root"] - j["neck"]
    up = np.broadcast_to(np.array([0.0, 1.0, 0.0]), down.shape)
    lifted = move("belly", "chest", "chest", 1.8 * hl)
    return [
        nmove("neck", "rhip", "lhip", "rwrist", 1.8 * hl),  # 0
        nmove("neck", "lhip", "rhip", "lwrist", 1.8 * hl),
        nplane("chest", "neck", "neck", "rwrist", 0.2 * hl),
        nplane("chest", "neck", "neck", "lwrist", 0.2 * hl),
        lifted,  # 4
        lifted,
        bent("relbow", "rshoulder", "rwrist"),
        bent("lelbow", "lshoulder", "lwrist"),
        nplane("lshoulder", "rshoulder", "lwrist", "rwrist", 2.5 * sw),  # 8
        move("lwrist", "rwrist", "rwrist", 1.4 * hl),
        move("rwrist", "root", "lwrist", 1.4 * hl),
        move("lwrist", "root", "rwrist", 1.4 * hl),
        fast("rwrist", 2.5 * hl),  # 12
        fast("lwrist", 2.5 * hl),
        plane("root", "lhip", "ltoes", "rankle", 0.38 * hl),
        plane("root", "rhip", "rtoes", "lankle", 0.38 * hl),
        j["rankle"][..., 1] - lowest > 1.2 * hl,  # 16
        j["lankle"][..., 1] - lowest > 1.2 * hl,
        nplane("lhip", "rhip", "lankle", "rankle", 2.1 * hw),
        bent("rknee", "rhip", "rankle"),
        bent("lknee", "lhip", "lankle"),  # 20
        fast("rankle", 2.5 * hl),
        fast("lankle", 2.5 * hl),
        angle(down, j["relbow"] - j["rshoulder"], 25, 180),
        angle(down, j["lelbow"] - j["lshoulder"], 25, 180),  # 24
        angle(down, j["rknee"] - j["rhip"], 50, 180),
        angle(down, j["lknee"] - j["lhip"], 50, 180),
        plane("rankle", "neck", "lankle", "root", 0.5 * hl),
        angle(down, up, 70, 110),  # 28
        j["rwrist"][..., 1] - lowest < 1.2 * hl,
        j["lwrist"][..., 1] - lowest < 1.2 * hl,
        fast("root", 2.3 * hl),
    ]
