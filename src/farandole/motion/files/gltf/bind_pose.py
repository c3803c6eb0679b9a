"""The rest pose of a glTF skeleton: the pose its skin is bound in, or that of its nodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from farandole.motion import names
from farandole.motion import rotations as rot
from farandole.motion.files.gltf.container import Container
from farandole.motion.retarget import rests_standing
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton


def rest_pose(
    file: Container,
    skin: dict[str, Any] | None,
    joints: list[int],
    labels: tuple[str, ...],
    tree: list[int],
    still: tuple[Array, Array],
) -> tuple[Array, Array]:
    """World positions [J, 3] and rotations [J, 4] of the joints in the rest pose.

    The pose the skin is bound in, where it is complete, as large as the nodes' own pose and, if that stands, standing too;
    otherwise the nodes' own pose.

    Args:
        joints: Nodes of the joints, [J].
        tree: Parent of each joint, -1 for the root, [J].
        still: Positions and rotations of the nodes' own pose.
    """
    if skin is None or "inverseBindMatrices" not in skin or set(skin["joints"]) != set(joints):
        return still
    matrices = file.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
    order = [skin["joints"].index(node) for node in joints]
    try:
        bound = np.linalg.inv(matrices[order])
    except np.linalg.LinAlgError:
        return still
    scale = np.linalg.norm(bound[:, :3, :3], axis=1)
    turns, positions = rot.from_matrix(bound[:, :3, :3] / np.maximum(scale[:, None, :], 1e-12)), bound[:, :3, 3]
    lengths = lambda p: float(np.linalg.norm(p[1:] - p[tree[1:]], axis=-1).sum())  # noqa: E731
    if lengths(positions) <= 0 or lengths(still[0]) <= 0:
        return still
    positions = positions * (lengths(still[0]) / lengths(positions))
    stands = [_stands(Skeleton(labels, tree, np.vstack((p[:1], p[1:] - p[tree[1:]])))) for p in (positions, still[0])]
    return still if stands[1] and not stands[0] else (positions, turns)


def _stands(skeleton: Skeleton) -> bool:
    roles = names.find_roles(skeleton)
    return all(role in roles for role in names.ESSENTIAL) and rests_standing(skeleton, roles)
