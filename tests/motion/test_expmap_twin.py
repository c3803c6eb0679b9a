"""The vectorised codec against a plain pipeline: one rotation object per joint and frame."""

import importlib.util

import numpy as np

from farandole.motion import codecs
from farandole.motion import rotations as rot
from farandole.motion.files.bvh import read_bvh
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion


def test_expmap_cr_is_what_the_frame_by_frame_pipeline_gives(tmp_path, repository):
    spec = importlib.util.spec_from_file_location(
        "frame_by_frame", repository / "benchmarks" / "yardsticks" / "frame_by_frame.py"
    )
    plain = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plain)
    body, rng = house_skeleton(), np.random.default_rng(0)
    t = np.arange(80) / 20
    # Some joints turn more than half a circle, so that their vectors are unrolled.
    angles = rng.normal(size=(len(body), 3)) * np.sin(t[:, None, None] + rng.uniform(0, 6, (len(body), 1))) * 3.0
    path = np.stack((np.sin(t), 0.9 + 0.1 * np.cos(t), t), axis=1)
    file = Motion(body, rot.from_rotvec(angles), path, 20.0).save(tmp_path / "turns.bvh")
    motion = read_bvh(file, scale=0.01)
    found, wanted = codecs.codec("expmap_cr", motion).encode(motion), plain.expmap_cr(file.read_text())
    assert found.shape == wanted.shape == (80, 67)
    assert np.linalg.norm(wanted[:, :63].reshape(80, 21, 3), axis=2).max() > np.pi
    np.testing.assert_allclose(found, wanted, atol=1e-9)
