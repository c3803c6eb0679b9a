"""Bodies whose hips move against a root above them, and how they go on."""

from __future__ import annotations

import numpy as np
import pytest

from farandole.generation.extend import extend
from farandole.motion import names
from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.root_travel import carried_by_root, travelling_like
from farandole.motion.skeleton import Skeleton

HOUSE = house_skeleton()
BELOW_A_ROOT = Skeleton(
    ("root", *HOUSE.names),
    [-1, *(p + 1 for p in HOUSE.parents)],
    np.vstack((np.zeros(3), HOUSE.offsets)),
    dict(HOUSE.end_sites),
)


def swaying(kind: str, frames: int = 40) -> Motion:
    """Somebody who sways and walks along x: a body under a still root, under one that travels, or with an arm that grows."""
    t = np.arange(frames)[:, None] / 30.0
    skeleton = HOUSE if kind == "growing arm" else BELOW_A_ROOT
    random = np.random.default_rng(0)
    turns = rot.from_rotvec(0.1 * np.sin(3.0 * t[..., None] + random.uniform(0, 6, (len(skeleton), 3))))
    path = np.concatenate((0.6 * t, 0.92 + 0.01 * np.sin(6 * t), 0.1 * np.sin(2 * t)), axis=1)
    translations = np.repeat(skeleton.offsets[None], frames, axis=0)
    if kind == "growing arm":
        translations[:, skeleton.index("LeftArm"), 0] += 0.05 * np.sin(3 * t[:, 0])
        return Motion(skeleton, turns, path, 30.0, translations)
    turns[:, 0] = rot.identity()
    floor = np.zeros((frames, 3))
    if kind == "travelling root":
        floor[:, 0] = path[:, 0]
        path = path - floor
    translations[:, 1] = path
    return Motion(skeleton, turns, floor, 30.0, translations)


KINDS = ("still root", "travelling root", "growing arm")


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(kind: str) -> None:
    motion = swaying(kind)
    hips = names.find_roles(motion.skeleton)["Hips"]
    plain = carried_by_root(motion)
    assert plain.translations is None
    for form in (plain, travelling_like(plain, motion)):
        np.testing.assert_allclose(form.positions[:, hips], motion.positions[:, hips], atol=1e-12)
        assert rot.angle_between(form.global_rotations, motion.global_rotations)[:, hips:].max() < 1e-6
    back = travelling_like(plain, motion)
    assert back.translations is not None
    np.testing.assert_allclose(
        np.ptp(back.positions[:, 0], axis=0)[1], 0.0 if hips else np.ptp(motion.positions[:, 0, 1])
    )
    if kind == "still root":
        np.testing.assert_array_equal(back.positions[:, 0], motion.positions[:, 0])
    if kind == "travelling root":
        assert np.abs(back.positions[:, 0, [0, 2]] - back.positions[:, hips][:, [0, 2]]).max() < 0.3


@pytest.mark.parametrize("frames", [7, 40])
@pytest.mark.parametrize("kind", KINDS)
def test_extending_keeps_every_given_frame(kind: str, frames: int) -> None:
    """Also clips shorter than what the dancer looks back at."""
    motion = swaying(kind, frames)
    longer = extend(motion, seconds=1.0)
    kept = longer.slice(0, frames)
    assert len(longer) == frames + 30
    np.testing.assert_array_equal(kept.rotations, motion.rotations)
    np.testing.assert_array_equal(kept.root_positions, motion.root_positions)
    np.testing.assert_array_equal(kept.translations, motion.translations)
    hips = names.find_roles(motion.skeleton)["Hips"]
    speed = np.linalg.norm(np.diff(longer.positions[:, hips], axis=0), axis=-1) * 30.0
    assert speed[frames - 2 :].max() < 2.0  # m/s: no jump
