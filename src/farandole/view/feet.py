"""Which joints are feet, and when they stand."""

from __future__ import annotations

import numpy as np

from farandole.motion import kinematics
from farandole.motion.motion import Motion
from farandole.motion.names import SIDES, find_roles
from farandole.motion.skeleton import Skeleton


def foot_joints(skeleton: Skeleton) -> dict[str, list[int]]:
    """Ankles and toes of the left and the right side by name; the two lowest leaf joints where no name tells."""
    roles = find_roles(skeleton)
    found = {s.lower(): [roles[s + p] for p in ("Foot", "ToeBase") if s + p in roles] for s in SIDES}
    if all(found.values()):
        return found
    leaves = [j for j in range(len(skeleton)) if not skeleton.children[j]]
    lowest = sorted(leaves, key=lambda j: skeleton.rest_positions[j, 1])[:2]
    lowest.sort(key=lambda j: -skeleton.rest_positions[j, 0])
    return {"left": lowest[:1], "right": lowest[1:]}


def foot_contacts(motion: Motion) -> np.ndarray:
    """Whether the left and the right foot stand on the floor (y = 0): some point of it low and slow, bool [T, 2]."""
    skeleton = motion.skeleton
    tips = [skeleton.rest_positions[skeleton.index(n), 1] + o[1] for n, o in skeleton.end_sites.items()]
    floor = min([float(skeleton.rest_positions[:, 1].min()), *map(float, tips)])
    result = np.zeros((len(motion), 2), bool)
    for column, joints in enumerate(foot_joints(skeleton).values()):
        if joints:
            points = motion.positions[:, joints] - [[0.0, 1.0, 0.0]] * (skeleton.rest_positions[joints, 1:2] - floor)
            result[:, column] = kinematics.contacts(points, motion.fps).any(1)
    return result
