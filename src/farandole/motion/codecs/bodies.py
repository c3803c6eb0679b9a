"""Bodies as codecs need them: one moving root and bones of fixed length."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton


def plain_body(motion: Motion) -> Motion:
    """The motion with its travel on joint 0 and bones of fixed length.

    A joint that only carries the hips (a still "scene root" above them) is taken out, which changes nothing else. Bones that still
    change length get their median one.
    """
    while motion.translations is not None and len(motion.skeleton.children[0]) == 1 and len(motion.skeleton) > 1:
        motion = _without_root(motion)
    if motion.translations is None:
        return motion
    skeleton = motion.skeleton
    offsets = np.median(motion.translations, axis=0)
    offsets[0] = skeleton.offsets[0]
    fixed = Skeleton(skeleton.names, skeleton.parents, offsets, dict(skeleton.end_sites))
    return replace(motion, skeleton=fixed, translations=None)


def _without_root(motion: Motion) -> Motion:
    skeleton = motion.skeleton
    assert motion.translations is not None
    rotations = motion.rotations[:, 1:].copy()
    rotations[:, 0] = rot.multiply(motion.rotations[:, 0], rotations[:, 0])
    moving = motion.translations[:, 1:]
    ends = {n: v for n, v in skeleton.end_sites.items() if n != skeleton.names[0]}
    offsets = skeleton.offsets[1:].copy()
    offsets[0] += skeleton.offsets[0]
    body = Skeleton(skeleton.names[1:], skeleton.parents[1:] - 1, offsets, ends)
    still = bool(np.ptp(moving[:, 1:], axis=0).max(initial=0.0) < 1e-6 * max(body.height, 1e-9))
    return replace(
        motion,
        skeleton=body,
        rotations=rotations,
        root_positions=motion.positions[:, 1],
        translations=None if still else moving,
        layout=None,
    )
