"""Dancing on for a minute: alive, in bounds, on the level and the body of what came before."""

from dataclasses import replace

import numpy as np
import pytest
from other_bodies import BODIES

from farandole.data.starter.songs import compose
from farandole.errors import AudioError, FarandoleError, RetargetError
from farandole.generation.extend import extend
from farandole.motion import names
from farandole.motion.edit import move
from farandole.motion.files import load_motion
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.retarget import retarget
from farandole.motion.skeleton import Skeleton
from farandole.music.song import Song


@pytest.fixture(scope="session")
def clip(take: Motion) -> Motion:
    """Four seconds of dance at 30 fps."""
    return take.slice(60, 180)


@pytest.fixture(scope="module")
def song() -> Song:
    made = compose(110.0, 70.0, genre="pop", seed=2)
    return Song.from_samples(made.samples, made.sample_rate, name="pop")


def speed(motion: Motion) -> np.ndarray:
    """Mean joint speed of every frame, m/s."""
    return np.linalg.norm(motion.velocities, axis=-1).mean(axis=1)


def assert_alive_for_a_minute(made: Motion, given: int) -> None:
    new = made.slice(given, None)
    pace = speed(new)
    tenth = round(10 * made.fps)
    assert 0.5 < pace[-tenth:].mean() / pace[:tenth].mean() < 2.0
    half = round(0.5 * made.fps)
    seconds = [pace[i : i + half].mean() for i in range(0, len(pace) - half, half)]
    assert min(seconds) > 0.05  # m/s: never frozen
    middle = new.positions.mean(axis=1)[:, [0, 2]]
    assert np.linalg.norm(middle - middle[0], axis=1).max() < 4.0
    assert np.linalg.norm(new.velocities, axis=-1).max() < 12.0


@pytest.mark.parametrize("with_song", [True, False], ids=["song", "count"])
def test_a_minute_of_dance_after_four_seconds(clip: Motion, song: Song, with_song: bool) -> None:
    made = extend(clip, song if with_song else None, seconds=60.0, seed=3)
    assert len(made) == len(clip) + 60 * 30
    assert_alive_for_a_minute(made, len(clip))


@pytest.mark.parametrize("body", ["bones in a row", "fingers"])
def test_dancing_on_with_other_makers_bodies(clip: Motion, song: Song, body: str) -> None:
    given = BODIES[body](clip)
    assert_alive_for_a_minute(extend(given, song, seconds=25.0, seed=1), len(given))


@pytest.mark.recordings
@pytest.mark.parametrize(
    "recording",
    ["bandai/dataset-2_walk_normal_001.bvh", "bandai/dataset-1_kick_normal_001.bvh", "cmu-salsa/salsa_61_09.bvh"],
)
def test_a_minute_after_recordings_of_other_bodies(shared, song: Song, recording: str) -> None:
    whole = load_motion(shared / "data" / recording)
    given = whole.slice(max(0, len(whole) - round(4 * whole.fps)), None)
    assert_alive_for_a_minute(extend(given, song, seconds=60.0, seed=1), len(given))


def test_feet_go_on_standing_where_they_stood_and_fingers_stay(clip: Motion) -> None:
    house = house_skeleton()
    body = Skeleton(
        [*house.names, "LeftIndex"],
        [*house.parents, house.index("LeftHand")],
        np.vstack((house.offsets, [[0.08, 0, 0]])),
    )
    raised = move(retarget(clip, body), (0.0, 0.4, 0.0))
    rotations = raised.rotations.copy()
    rotations[:, -1] = [np.cos(0.4), 0.0, 0.0, np.sin(0.4)]
    raised = replace(raised, rotations=rotations)
    made = extend(raised, seconds=10.0, seed=1)
    roles = names.humanoid_roles(body)
    ankles = made.positions[:, [roles["LeftFoot"], roles["RightFoot"]], 1].min(axis=1)
    assert np.quantile(ankles[len(clip) :], 0.1) == pytest.approx(np.quantile(ankles[: len(clip)], 0.1), abs=0.02)
    np.testing.assert_allclose(made.rotations[:, -1], np.broadcast_to(rotations[0, -1], (len(made), 4)), atol=1e-6)


def test_at_a_higher_frame_rate_speeds_do_not_jump_at_the_models_frames(clip: Motion) -> None:
    fast = clip.resample(120.0)
    new = extend(fast, seconds=5.0, seed=1).slice(len(fast) + 60, None)
    bend = np.linalg.norm(np.diff(new.positions, n=2, axis=0), axis=-1).max(axis=1)
    on_frames = np.array([bend[phase::4].mean() for phase in range(4)])
    assert on_frames.max() < 1.5 * on_frames.min()


def test_it_goes_on_from_where_a_motion_ends(clip: Motion) -> None:
    fast = clip.resample(60.0)
    longer = extend(fast, seconds=5.0, seed=1)
    assert longer.fps == 60.0
    assert len(longer) == len(fast) + 300
    np.testing.assert_array_equal(longer.rotations[: len(fast)], fast.rotations)
    step = np.linalg.norm(np.diff(longer.positions, axis=0), axis=-1).max(axis=1)
    join = slice(len(fast) - 3, len(fast) + 20)
    assert step[join].max() < 1.5 * np.percentile(step, 99)


def test_the_song_is_heard_from_where_the_motion_ends(clip: Motion, song: Song) -> None:
    one = extend(clip, song, seconds=4.0, seed=2)
    again = extend(clip, song, seconds=4.0, seed=2)
    assert one.rotations.tobytes() == again.rotations.tobytes()
    other = extend(clip, seconds=4.0, seed=2)
    assert np.abs(one.positions - other.positions)[len(clip) :].max() > 0.05


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"seconds": 0}, "extending by 0 s: need a positive length"),
        ({"seconds": float("nan")}, "extending by nan s: need a positive length"),
        ({"seconds": float("inf")}, "extending by inf s: need a positive length"),
        ({"seconds": 2, "temperature": float("nan")}, "temperature nan"),
        ({"seconds": 2, "energy": float("inf")}, "energy inf"),
        ({"seconds": 2, "style": "polka"}, "no style 'polka'"),
        ({"seconds": 2, "model": "inbetween"}, "going on from a motion: the model inbetween .* these can: starter"),
        ({"seconds": 2, "model": "none"}, "no model 'none'"),
    ],
)
def test_what_cannot_be_done_is_said(clip: Motion, options: dict, says: str) -> None:
    with pytest.raises(FarandoleError, match=says):
        extend(clip, **options)


def test_a_song_must_outlast_the_motion_and_a_body_be_human(clip: Motion) -> None:
    made = compose(100.0, 3.0, genre="pop", seed=2)
    short = Song.from_samples(made.samples, made.sample_rate, name="pop")
    with pytest.raises(AudioError, match="pop ends after 3.0 s, before the motion does"):
        extend(clip, short, seconds=2)
    stick = Skeleton(["a", "b"], [-1, 0], np.zeros((2, 3)))
    pole = replace(clip, skeleton=stick, rotations=clip.rotations[:, :2])
    with pytest.raises(RetargetError):
        extend(pole, seconds=2)
