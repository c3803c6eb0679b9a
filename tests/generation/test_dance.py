"""What a person who types `farandole dance` may count on."""

from __future__ import annotations

import numpy as np
import pytest

from farandole.data.starter.songs import compose
from farandole.errors import AbilityError, CheckpointError, FarandoleError, MotionError
from farandole.evaluation.metrics.nearest_window import motion_distance
from farandole.generation.completion import frames_at, open_model
from farandole.generation.dance import dance, dances
from farandole.motion.motion import Motion
from farandole.music.song import Song


def song(genre: str, bpm: float, seconds: float = 6.0, seed: int = 3) -> Song:
    made = compose(bpm, seconds, genre=genre, seed=seed)
    return Song.from_samples(made.samples, made.sample_rate, name=genre)


def test_takes_of_one_call_differ_and_are_as_long_as_the_song() -> None:
    takes = dances(song("funk", 110.0, 12.0), takes=2, seed=1)
    assert [len(t) for t in takes] == [360, 360]
    assert [t.name for t in takes] == ["funk take 1", "funk take 2"]
    assert motion_distance(*takes) > 5.0


def test_length_and_frame_rate_are_what_was_asked() -> None:
    heard = song("house", 120.0, 8.0)
    made = dance(heard, seconds=11.0, fps=60.0)
    assert made.fps == 60.0
    assert len(made) == 660
    plain = made.resample(30.0)  # every second frame: as the model made it
    usual = dance(heard, seconds=11.0)
    np.testing.assert_allclose(plain.positions[:300], usual.positions[:300], atol=1e-6)
    # It comes to rest with its last frame, which is half a frame later: a hand at 1 m/s is up to 1.7 cm behind.
    np.testing.assert_allclose(plain.positions, usual.positions, atol=0.02)
    roughness = lambda m: np.square(np.diff(m.positions, n=2, axis=0)).mean()  # noqa: E731
    assert roughness(made) < 0.75 * roughness(plain.resample(60.0))


@pytest.mark.parametrize(
    ("model", "fps", "frames"), [(30.0, 60.0, 120), (30.0, 24.0, 48), (20.0, 60.0, 7), (20.0, 23.976, 100)]
)
def test_frames_at_another_rate_reach_as_far(model: float, fps: float, frames: int) -> None:
    made = frames_at(model, frames, fps)
    assert (made - 1) / model >= (frames - 1) / fps - 1e-6
    assert (made - 2) / model < (frames - 1) / fps
    assert frames_at(fps, frames, fps) == frames


def test_an_opened_model_dances_as_the_named_one_does() -> None:
    heard = song("pop", 104.0)
    named, opened = dance(heard, seed=2), dance(heard, seed=2, model=open_model("starter"))
    assert named.rotations.tobytes() == opened.rotations.tobytes()


@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0])
def test_a_dance_after_a_motion_is_as_long_as_it_would_be_without(take: Motion, fps: float) -> None:
    made = dance(song("pop", 110.0), start=take, fps=fps)
    assert (len(made), made.fps) == (round(6.0 * fps), fps)
    assert np.linalg.norm(made.root_positions[0] - take.root_positions[-1]) < 0.2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"seconds": -1}, "a dance of -1 s: need a positive length"),
        ({"seconds": float("nan")}, "a dance of nan s: need a positive length"),
        ({"seconds": float("inf")}, "a dance of inf s: need a positive length"),
        ({"fps": float("nan")}, "nan fps: need a positive frame rate"),
        ({"fps": 0}, "0 fps: need a positive frame rate"),
        ({"temperature": float("nan")}, "temperature nan"),
        ({"energy": float("nan")}, "energy nan"),
        ({"style": "polka"}, "no style 'polka': there are auto, breaking, groove"),
        ({"takes": 0}, "0 takes: need at least 1"),
        ({"engine": "steam"}, "no engine 'steam'"),
        ({"model": "none"}, "no model 'none'"),
        ({"start": "nowhere.bvh"}, "nowhere.bvh"),
    ],
)
def test_what_cannot_be_done_is_said(options: dict, says: str) -> None:
    with pytest.raises(FarandoleError, match=says):
        dances(song("pop", 100.0, 4.0), **options)


def test_with_a_start_lengths_are_checked_too(take: Motion) -> None:
    with pytest.raises(MotionError, match="nan s: need a positive length"):
        dance(song("pop", 100.0, 4.0), start=take, seconds=float("nan"))


def test_a_model_that_fills_gaps_does_not_dance() -> None:
    with pytest.raises(
        AbilityError,
        match=r"dancing to a song: the model inbetween \(inbetweener\) lacks .* listens to music; .*; these can: starter",
    ):
        dance(song("pop", 100.0, 4.0), model="inbetween")
    assert issubclass(AbilityError, CheckpointError)
