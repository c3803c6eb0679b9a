"""The shipped in-between model, in the core install: small, exact where frames are kept, nearer than curves where they are not."""

from __future__ import annotations

import numpy as np
import pytest

from farandole.checkpoints.checkpoint import shipped_models
from farandole.data.starter.groove.dancer import groove
from farandole.errors import AbilityError, MotionError
from farandole.generation.completion import INBETWEENER, complete, completions, open_model
from farandole.generation.curve_correction.curve_filler import CurveFiller
from farandole.generation.partial import PartialMotion
from farandole.motion import Motion
from farandole.motion.interpolation import hermite_between


@pytest.fixture(scope="module")
def filler() -> CurveFiller:
    made = open_model(INBETWEENER)
    assert isinstance(made, CurveFiller)
    return made


@pytest.fixture(scope="module")
def strange() -> Motion:
    """A made dance of another choreography, tempo and loudness than any in the package's own corpus."""
    return groove(np.arange(600) / 30 * 97.3 / 60, seed=987_654, energy=0.3)


def test_it_is_shipped_and_small(filler: CurveFiller) -> None:
    assert INBETWEENER in shipped_models()
    sizes = {f.suffix: f.stat().st_size / 1e6 for f in filler.checkpoint.folder.iterdir()}
    assert sizes[".onnx"] + sizes[".safetensors"] < 6
    card = filler.checkpoint.card
    assert "What it can do: fills gaps, gaps of up to 94 frames." in card
    assert "## Terms" in card


@pytest.mark.parametrize("every", [15, 30])
def test_missing_frames_of_a_dance_it_never_saw_are_nearer_than_curves(filler, strange: Motion, every: int) -> None:
    frames = 3 * 30 + 1
    clips = [strange.slice(s, s + frames) for s in np.arange(0, len(strange) - frames, 60)]
    keep = np.zeros(frames, bool)
    keep[::every] = True
    rotations, roots = (np.stack([getattr(c, n) for c in clips]) for n in ("rotations", "root_positions"))
    made = filler.fill_gaps(rotations, roots, np.tile(keep, (len(clips), 1)))
    np.testing.assert_array_equal(made[0][:, keep], rotations[:, keep])
    np.testing.assert_array_equal(made[1][:, keep], roots[:, keep])

    def error(filled: list[Motion]) -> float:
        pairs = zip(filled, clips, strict=True)
        return float(np.mean([np.linalg.norm(f.positions - c.positions, axis=-1)[~keep].mean() for f, c in pairs]))

    by_model = [Motion(strange.skeleton, q, p, strange.fps) for q, p in zip(*made, strict=True)]
    assert error(by_model) < 0.97 * error([hermite_between(c, keep) for c in clips])


def test_many_windows_at_once_are_filled_as_one_by_one(filler, strange: Motion) -> None:
    clips = [strange.slice(s, s + 40) for s in (0, 50, 100)]
    keep = np.arange(40) % 13 == 0
    rotations, roots = (np.stack([getattr(c, n) for c in clips]) for n in ("rotations", "root_positions"))
    together = filler.fill_gaps(rotations, roots, np.tile(keep, (3, 1)))
    for k, clip in enumerate(clips):
        alone = filler.fill_gaps(clip.rotations, clip.root_positions, keep)
        np.testing.assert_allclose(alone[0], together[0][k], atol=1e-5)
        np.testing.assert_allclose(alone[1], together[1][k], atol=1e-5)


def test_one_sided_gaps_are_filled_without_breaking(filler, strange: Motion) -> None:
    clip = strange.slice(0, 60)
    keep = np.zeros(60, bool)
    keep[20:30] = True
    rotations, roots = filler.fill_gaps(clip.rotations, clip.root_positions, keep)
    np.testing.assert_allclose(np.linalg.norm(rotations, axis=-1), 1.0, atol=1e-6)
    steps = np.linalg.norm(np.diff(Motion(clip.skeleton, rotations, roots, 30.0).positions, axis=0), axis=-1) * 30
    assert steps.max() < 10  # m/s


def test_windows_that_do_not_fit_are_refused(filler, strange: Motion) -> None:
    clip = strange.slice(0, 20)
    with pytest.raises(MotionError, match="keeps no frame: there is nothing to go from"):
        filler.fill_gaps(clip.rotations, clip.root_positions, np.zeros(20, bool))
    with pytest.raises(MotionError, match="do not fit: need"):
        filler.fill_gaps(clip.rotations[:, :9], clip.root_positions, np.ones(20, bool))


def test_it_begins_nothing_and_has_no_choice(filler, strange: Motion) -> None:
    with pytest.raises(AbilityError, match="dancing from nothing: .* begins without a known frame"):
        complete(PartialMotion.unknown(2.0, 30.0), filler)
    with pytest.raises(AbilityError, match="going on from a motion: .*goes on from a past; it fills gaps; these can"):
        complete(PartialMotion.after(strange, 2.0), filler)
    known = np.arange(len(strange)) % 10 == 0
    with pytest.raises(AbilityError, match="2 takes: the model inbetween .* draws at random"):
        completions(PartialMotion(strange, known), filler, takes=2)
    with pytest.raises(MotionError, match=r"gap of 3.3 s is longer than the 3.1 s the model can fill"):
        known = np.ones(len(strange), bool)
        known[100:200] = False
        complete(PartialMotion(strange, known), filler)
