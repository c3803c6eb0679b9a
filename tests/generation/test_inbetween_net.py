"""The shipped in-between model, in the core install: small, exact where frames are kept, nearer than curves where they are not."""

import numpy as np
import pytest

from farandole.data.salsa import salsa_takes
from farandole.generation.checkpoint import find_checkpoint, shipped_models
from farandole.generation.inbetween_net import SHIPPED, InbetweenNet
from farandole.motion import Motion
from farandole.motion.interpolation import hermite_between


@pytest.fixture(scope="module")
def net() -> InbetweenNet:
    return InbetweenNet()


@pytest.fixture(scope="module")
def take() -> Motion:
    return next(t.motion for t in salsa_takes() if t.held_out)


def test_it_is_shipped_and_small():
    assert SHIPPED in shipped_models()
    folder = find_checkpoint(SHIPPED).folder
    sizes = {f.suffix: f.stat().st_size / 1e6 for f in folder.iterdir()}
    assert sizes[".onnx"] + sizes[".safetensors"] < 6
    card = (folder / "card.md").read_text()
    assert "mocap.cs.cmu.edu" in card
    assert "may be used and shipped by anyone" in card


@pytest.mark.parametrize("every", [15, 30])
def test_missing_frames_of_a_take_it_never_saw_are_nearer_than_curves(net, take, every):
    frames = 3 * 30 + 1
    starts = np.arange(0, len(take) - frames, 60)
    clips = [take.slice(s, s + frames) for s in starts]
    keep = np.zeros(frames, bool)
    keep[::every] = True
    rotations, roots = (np.stack([getattr(c, n) for c in clips]) for n in ("rotations", "root_positions"))
    made = net.fill(rotations, roots, np.tile(keep, (len(clips), 1)))
    np.testing.assert_array_equal(made[0][:, keep], rotations[:, keep])
    np.testing.assert_array_equal(made[1][:, keep], roots[:, keep])

    def error(filled: list[Motion]) -> float:
        pairs = zip(filled, clips, strict=True)
        return float(np.mean([np.linalg.norm(f.positions - c.positions, axis=-1)[~keep].mean() for f, c in pairs]))

    by_model = [Motion(take.skeleton, q, p, take.fps) for q, p in zip(*made, strict=True)]
    assert error(by_model) < 0.97 * error([hermite_between(c, keep) for c in clips])


def test_one_sided_gaps_are_filled_without_breaking(net, take):
    clip = take.slice(0, 60)
    keep = np.zeros(60, bool)
    keep[20:30] = True
    rotations, roots = net.fill(clip.rotations, clip.root_positions, keep)
    np.testing.assert_allclose(np.linalg.norm(rotations, axis=-1), 1.0, atol=1e-6)
    steps = np.linalg.norm(np.diff(Motion(clip.skeleton, rotations, roots, 30.0).positions, axis=0), axis=-1) * 30
    assert steps.max() < 10  # m/s
