"""Bending time: moments come to the beat, nothing else changes, and nothing is hurried more than it may be."""

from __future__ import annotations

import numpy as np
import pytest

from farandole.generation.completion import open_model
from farandole.generation.live import LiveControls, LiveDancer
from farandole.generation.live.on_beat import REACH, landings, shift_to_beats
from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.time_warp import values_at

from .live_music import state

FPS = 30.0
FRAMES = 80


def standing(frames: int = FRAMES) -> Motion:
    body = house_skeleton()
    turns = np.broadcast_to(rot.identity(len(body)), (frames, len(body), 4)).copy()
    return Motion(body, turns, np.tile([0.0, 0.95, 0.0], (frames, 1)), FPS)


def stepping(landing: list[float]) -> np.ndarray:
    """Balls of the feet, left and right in turn, each step 0.25 s long up to a frame at which it lands; [T, 2, 3]."""
    balls, t = np.zeros((FRAMES, 2, 3)), np.arange(FRAMES)
    for n, at in enumerate(landing):
        u = np.clip((t - at) / 7.5 + 1.0, 0.0, 1.0)
        balls[:, n % 2, 2] += 0.4 * u * u * (3 - 2 * u)
    return balls


def off_beat(times: np.ndarray, count: np.ndarray, parts: int = 1) -> np.ndarray:
    """Counts between moments (frames) and the nearest count, or part of one."""
    at = np.interp(times, np.arange(len(count)), count) * parts
    return np.abs(at - np.round(at)) / parts


@pytest.mark.parametrize("late", [-0.25, -0.1, 0.15, 0.3])
def test_steps_that_land_between_beats_come_to_them(late: float) -> None:
    count = np.arange(FRAMES) / 15.0  # 120 a minute
    balls = stepping([(n + 1 + late) * 15.0 for n in range(4)])
    shift = shift_to_beats(standing(), balls, count, 0.0)
    before, after = (np.array(landings(b, FPS)) for b in (balls, values_at(balls, np.arange(FRAMES) + shift)))
    assert len(after) == 4
    assert off_beat(before[1:], count).mean() > 2.5 * off_beat(after[1:], count).mean()
    assert off_beat(after[1:], count).mean() < 0.08


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("begin", [-7.0, 0.0, 4.0])
def test_bends_begin_softly_and_stay_in_reach(seed: int, begin: float) -> None:
    random = np.random.default_rng(seed)
    count = np.arange(FRAMES) * random.uniform(0.04, 0.12)
    balls = stepping(np.sort(random.uniform(5, 75, 6)).tolist())
    shift = shift_to_beats(standing(), balls, count, begin)
    assert shift[0] == pytest.approx(0.0)
    assert np.abs(shift + begin).max() <= REACH + 1.0
    pace = 1.0 + np.diff(shift)
    assert pace.min() > 0.4
    assert pace.max() < 1.6


@pytest.mark.parametrize("style", ["groove", "street"])
def test_feet_of_a_live_dance_land_with_the_beat(style: str) -> None:
    """On counts and half counts at 120 a minute: 62 ms from one is chance, which is what the model does by itself."""
    dancer = LiveDancer(open_model("starter", threads=1), LiveControls(style=style, seed=5))
    poses = [dancer.pose(state(n / FPS, 2 * n / FPS), 1 / FPS) for n in range(round(30 * FPS))]
    motion = Motion(
        dancer.dancer.codec.skeleton, np.array([p.rotations for p in poses]), np.array([p.root for p in poses]), FPS
    )
    feet = [motion.skeleton.index(f"{side}ToeBase") for side in ("Left", "Right")]
    times = np.array(landings(motion.positions[:, feet], FPS))
    times = times[times > 4 * FPS]
    assert len(times) > 15
    assert 500 * off_beat(times, np.arange(len(motion)) * 2 / FPS, 2).mean() < 42.0
