"""Feet that land on the beat."""

from __future__ import annotations

import numpy as np

from farandole.data.starter.groove_clips import groove_clip
from farandole.evaluation.humanoid_view import view_humanoid
from farandole.evaluation.metrics.landings_on_beat import landings_on_beat
from farandole.generation.latent_flow import beat_timing
from farandole.generation.latent_flow.beat_timing import on_the_beat, shifts, to_a_stop
from farandole.motion.time_warp import warped


def _late(seed: int = 0):
    """A groove that lands on its beat, and the same with its time pulled about by up to a fifth of a second."""
    clip = groove_clip(2)
    motion, count = clip.motion, np.asarray(clip.count, dtype=float)
    seconds = np.arange(len(motion)) / motion.fps
    random = np.random.default_rng(seed)
    knots = np.arange(0, seconds[-1], 1.5)
    moved = np.interp(seconds, knots, np.concatenate(([0.0], random.uniform(-0.2, 0.2, len(knots) - 1))))
    return motion, warped(motion, (seconds + moved) * motion.fps), count


def test_steps_that_were_pulled_off_the_beat_come_back():
    motion, late, count = _late()
    share = lambda m: landings_on_beat(view_humanoid(m), count)  # noqa: E731
    back = on_the_beat(late, count)
    assert share(motion)[0] > 0.8
    assert share(late)[0] < 0.4
    assert share(back)[0] > 0.65
    assert share(back)[1] < 0.15
    np.testing.assert_array_equal(back.root_positions[[0, -1]], late.root_positions[[0, -1]])


def test_no_part_is_hurried_by_much_and_nothing_moves_far():
    _, late, count = _late(1)
    shift = shifts(late, count)
    assert 0.02 < np.abs(shift).max() <= beat_timing.REACH + 1e-9
    # A smooth curve is at most half as steep again as the line between its points.
    assert np.abs(np.diff(shift) * late.fps).max() <= 1.5 * beat_timing.STRETCH + 1e-9


def test_a_beginning_is_kept():
    _, late, count = _late(2)
    back = on_the_beat(late, count, held=48)
    np.testing.assert_allclose(back.rotations[:48], late.rotations[:48], atol=1e-12)
    assert (shifts(late, count, held=48)[:49] == 0).all()
    assert np.abs(shifts(late, count, held=48)).max() > 0.02


def test_short_still_and_beatless_motions_stay_as_they_are():
    motion = groove_clip(0).motion
    still = warped(motion, np.zeros(90))
    assert on_the_beat(still, np.arange(90) / 15.0) is still
    short = motion.slice(0, 3)
    assert on_the_beat(short, np.arange(3) / 15.0) is short
    slow = motion.slice(0, 60)
    assert on_the_beat(slow, np.linspace(0.1, 0.4, 60)) is slow


def test_a_dance_comes_to_rest_smoothly():
    motion = groove_clip(2).motion
    end = len(motion) - 3
    stopped = to_a_stop(motion, end)
    begin = end - 1 - round(beat_timing.STOPPING * motion.fps)
    np.testing.assert_allclose(stopped.root_positions[:begin], motion.root_positions[:begin], atol=1e-12)
    speed = lambda m: np.linalg.norm(np.diff(m.positions, axis=0), axis=-1).mean(axis=1) * m.fps  # noqa: E731
    assert speed(stopped)[end - 2] < 0.1 * speed(motion)[-60:].mean()
    assert speed(stopped)[end - 15 : end - 1].mean() < 0.5 * speed(motion)[-60:].mean()
    np.testing.assert_array_equal(
        stopped.root_positions[end:], np.repeat(stopped.root_positions[end - 1 : end], 3, axis=0)
    )
