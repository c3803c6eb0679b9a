"""Loops of the shipped dancer: the first frame follows the last, at every rate, and feet stand across the seam."""

from __future__ import annotations

import numpy as np
import pytest

from farandole.data.starter.songs import compose
from farandole.errors import AbilityError, MotionError
from farandole.evaluation.measuring import measure_for_lines
from farandole.generation.completion import open_model
from farandole.generation.dance import dance, dances
from farandole.generation.song_parts import whole_bars
from farandole.motion import rotations as rot
from farandole.motion.motion import Motion
from farandole.music.song import Song


@pytest.fixture(scope="module")
def part() -> Song:
    made = compose(104.0, 24.0, genre="pop", seed=4)
    return whole_bars(Song.from_samples(made.samples, made.sample_rate, name="pop"), 12.0)


def around(motion: Motion) -> np.ndarray:
    """Positions of the last and the first frames."""
    return np.concatenate((motion.positions[-3:], motion.positions[:3]))


@pytest.mark.parametrize(("style", "fps"), [("salsa", 30.0), ("street", 25.0), ("breaking", 60.0)])
def test_pose_and_velocity_run_on_and_the_length_is_the_songs(part: Song, style: str, fps: float) -> None:
    made, second = dances(part, style=style, loop=True, fps=fps, takes=2)
    assert made.fps == fps
    assert len(made) == round(part.seconds * fps)
    assert np.linalg.norm(made.positions - second.positions, axis=-1).mean() > 0.05
    speeds = np.linalg.norm(np.diff(made.positions, axis=0), axis=-1).mean(axis=1)
    changes = np.linalg.norm(np.diff(made.positions, n=2, axis=0), axis=-1).mean(axis=1)
    seam = around(made)
    assert np.linalg.norm(np.diff(seam, axis=0), axis=-1).mean(axis=1).max() <= 1.1 * speeds.max()
    assert np.linalg.norm(np.diff(seam, n=2, axis=0), axis=-1).mean(axis=1).max() <= 1.1 * changes.max()
    turn = np.unwrap(rot.yaw(np.concatenate((made.rotations[:, 0], made.rotations[:1, 0]))))
    assert (turn[-1] - turn[0]) / (2 * np.pi) == pytest.approx(round((turn[-1] - turn[0]) / (2 * np.pi)), abs=1e-6)


def test_feet_stand_in_a_loop_and_the_same_seed_gives_the_same(part: Song) -> None:
    made = dance(part, style="salsa", loop=True, seed=2)
    assert made.rotations.tobytes() == dance(part, style="salsa", loop=True, seed=2).rotations.tobytes()
    assert measure_for_lines(made).quality.support_median < 15.0  # cm/s; of real takes of this style 13
    stays = dance(part, style="salsa", loop=True, seed=2, stage=(2.0, 2.0))
    assert np.abs(stays.root_positions - stays.root_positions[0])[:, [0, 2]].max() < 1.1


def test_what_makes_no_loop_is_said(part: Song, take: Motion) -> None:
    with pytest.raises(MotionError, match=r"needs 5\.9 s or more"):
        dance(part, loop=True, seconds=2.3)
    with pytest.raises(MotionError, match="it has no start"):
        dance(part, loop=True, start=take)
    with pytest.raises(MotionError, match="give it as the start"):
        dance(part, keep_joints="legs")
    with pytest.raises(AbilityError):
        dance(part, loop=True, model=open_model("inbetween"))
