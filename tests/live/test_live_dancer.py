"""A live dancer on clocks of our own: on the beat, without jumps, feet on the floor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from farandole.errors import MotionError
from farandole.evaluation.humanoid_view import view_humanoid
from farandole.evaluation.metrics.supporting_foot import support_speed
from farandole.generation.completion import open_model
from farandole.generation.live import LiveControls, LiveDancer
from farandole.motion.motion import Motion
from farandole.music.dance_features import DYNAMICS

from .live_music import state

FPS = 30


@pytest.fixture(scope="module")
def model():
    return open_model("starter", threads=1)


def danced(
    dancer: LiveDancer,
    seconds: float,
    count: Callable[[float], float],
    tempo: Callable[[float], float] = lambda t: 120.0,
    *,
    idle: Callable[[float], bool] = lambda t: False,
    begin: float = 0.0,
    fps: float = FPS,
) -> tuple[Motion, np.ndarray, np.ndarray]:
    """The motion, by how many counts it is off the clock, and whether it stands."""
    turns, roots, off, standing = [], [], [], []
    for n in range(round(seconds * fps)):
        t = begin + n / fps
        pose = dancer.pose(state(t, count(t), tempo(t), idle=idle(t)), 1 / fps)
        turns.append(pose.rotations)
        roots.append(pose.root)
        off.append(pose.count - count(t))
        standing.append(pose.standing)
    motion = Motion(dancer.dancer.codec.skeleton, np.array(turns), np.array(roots), float(fps))
    return motion, np.array(off), np.array(standing)


def accelerations(motion: Motion) -> np.ndarray:
    return np.linalg.norm(np.diff(motion.positions, n=2, axis=0), axis=-1).max(axis=1) * motion.fps**2


def test_it_dances_on_an_even_beat_within_a_few_ms(model) -> None:
    _, off, standing = danced(LiveDancer(model), 8, lambda t: 2 * t)
    assert not standing[45:].any()
    settled = off[90:] - np.round(off[90:])
    assert np.abs(settled).max() < 0.03  # counts: 15 ms at 120 a minute


def test_phrases_begin_on_downbeats(model) -> None:
    _, off, _ = danced(LiveDancer(model), 6, lambda t: 2 * t)
    assert np.round(off[90:]) % 4 == pytest.approx(0.0)


def test_joins_are_no_jumps(model) -> None:
    motion, _, _ = danced(LiveDancer(model, LiveControls(seed=3)), 20, lambda t: 2 * t)
    values = accelerations(motion)
    assert values.max() < 100.0  # m/s^2; a pose that jumps by 10 cm has hundreds
    assert np.percentile(values, 99) < 60.0


def test_a_clock_that_jumps_and_changes_tempo_moves_no_joint_by_jumps(model) -> None:
    count = lambda t: 2 * t if t < 5 else 10.4 + 2.6 * (t - 5)  # noqa: E731
    tempo = lambda t: 120.0 if t < 5 else 156.0  # noqa: E731
    motion, _, _ = danced(LiveDancer(model), 12, count, tempo)
    assert accelerations(motion).max() < 110.0
    assert np.isfinite(motion.positions).all()


def test_slow_music_is_counted_double_where_that_suits_a_style(model) -> None:
    dancer = LiveDancer(model, LiveControls(style="salsa"))
    danced(dancer, 6, lambda t: 1.5 * t, lambda t: 90.0)
    pose = dancer.pose(state(6.0, 9.0, 90.0), 1 / FPS)
    later = dancer.pose(state(6.0 + 1 / FPS, 9.05, 90.0), 1 / FPS)
    assert later.count - pose.count == pytest.approx(0.1, abs=0.02)


def test_it_catches_up_with_a_beat_that_moves(model) -> None:
    count = lambda t: 2 * t + (0.3 if t > 5 else 0.0)  # noqa: E731
    _, off, _ = danced(LiveDancer(model), 9, count)
    late = off[round(6.8 * FPS) :]
    assert np.abs(late - np.round(late)).max() < 0.06


def test_standing_feet_stand_across_joins(model) -> None:
    motion, _, _ = danced(LiveDancer(model, LiveControls(seed=1)), 20, lambda t: 2 * t)
    speed = support_speed(view_humanoid(motion.slice(60, None)))
    assert np.median(speed) < 0.05  # m/s
    assert motion.positions[60:, :, 1].min() > -0.03


def test_without_music_it_stands_breathes_and_wakes_again(model) -> None:
    dancer = LiveDancer(model)
    motion, _, standing = danced(dancer, 12, lambda t: 2 * t, idle=lambda t: 4 < t < 9)
    assert standing[round(4.2 * FPS) : 9 * FPS].all()
    assert not standing[-1]
    still = motion.positions[round(6.5 * FPS) : round(8.8 * FPS)]
    speed = np.linalg.norm(np.diff(still, axis=0), axis=-1) * FPS
    assert 0 < speed.max() < 0.1  # breath and sway
    feet = [motion.skeleton.index(f"{s}ToeBase") for s in ("Left", "Right")]
    assert speed[:, feet].max() < 0.01
    assert accelerations(motion).max() < 90.0


def test_style_energy_and_seed_change_while_it_runs(model) -> None:
    dancer = LiveDancer(model)
    danced(dancer, 4, lambda t: 2 * t)
    for change in ({"style": "salsa"}, {"energy": 2.0}, {"seed": 9}):
        dancer.change(LiveControls(**change))
        motion, _, _ = danced(dancer, 2, lambda t: 2 * t, begin=4)
        assert accelerations(motion).max() < 90.0
    dancer.change(LiveControls(dancing=False))
    assert danced(dancer, 2, lambda t: 2 * t, begin=6)[2][-1]


def test_an_unknown_style_changes_nothing(model) -> None:
    dancer = LiveDancer(model)
    with pytest.raises(MotionError, match="no style"):
        dancer.change(LiveControls(style="polka"))
    assert dancer.controls.style == "auto"


@pytest.mark.parametrize(
    "bad",
    [{"energy": 0.0}, {"temperature": 3.0}, {"seed": -1}, {"energy": float("nan")}, {"energy": "1"}, {"seed": 1.5},
     {"style": None}, {"dancing": 1}],
)  # fmt: skip
def test_controls_out_of_range_or_of_another_kind_are_refused(bad: dict) -> None:
    with pytest.raises(MotionError, match=next(iter(bad))):
        LiveControls(**bad)


def test_late_calls_still_give_poses(model) -> None:
    dancer = LiveDancer(model)
    for t in np.cumsum(np.random.default_rng(0).choice([0.033, 0.2, 0.9, 2.5], 40)):
        pose = dancer.pose(state(float(t), 2 * float(t)), 0.4)
        assert np.isfinite(pose.rotations).all()


def test_memory_of_the_dance_does_not_grow(model) -> None:
    dancer = LiveDancer(model)
    danced(dancer, 30, lambda t: 2 * t)
    assert len(dancer._track.rotations) < 300


def test_other_frame_rates_dance_at_the_same_speed(model) -> None:
    slow, _, _ = danced(LiveDancer(model), 8, lambda t: 2 * t)
    fast, off, _ = danced(LiveDancer(model), 8, lambda t: 2 * t, fps=60)
    speed = lambda m: np.linalg.norm(m.velocities[len(m) // 2 :], axis=-1).mean()  # noqa: E731
    assert speed(fast) == pytest.approx(speed(slow), rel=0.3)
    assert np.abs(off[240:] - np.round(off[240:])).max() < 0.03


def test_at_few_frames_a_second_no_frame_bears_a_whole_plan(model, monkeypatch) -> None:
    dancer, runs = LiveDancer(model), 0
    run = model.session.run

    def counted(name, inputs):
        nonlocal runs
        runs += name == "flow"
        return run(name, inputs)

    monkeypatch.setattr(model.session, "run", counted)
    most = off = 0.0
    for n in range(120):
        before = runs
        pose = dancer.pose(state(n / 10, n / 5), 0.1)
        most, off = max(most, runs - before), pose.count - n / 5
    assert runs > 48
    assert most <= 6  # of sixteen
    assert abs(off - round(off)) < 0.05


def test_live_dances_follow_dynamics_by_guidance(model, monkeypatch) -> None:
    """The network is asked with and without them, one after the other."""
    asked: list[tuple[int, bool]] = []
    run = model.session.run

    def noted(name, inputs):
        if name == "flow":
            asked.append((len(inputs["music"]), bool(inputs["music"][..., DYNAMICS].any())))
        return run(name, inputs)

    monkeypatch.setattr(model.session, "run", noted)
    dancer = LiveDancer(model)
    asked.clear()
    danced(dancer, 3, lambda t: 2 * t)
    assert asked[0::2] == len(asked[0::2]) * [(1, True)]
    assert asked[1::2] == len(asked[1::2]) * [(1, False)]


def test_a_phrase_keeps_its_dynamics_until_the_music_is_another(model) -> None:
    dancer, count = LiveDancer(model), np.arange(0.0, 24.0)
    first = dancer._phrase_energies(count, 0.2)
    assert dancer._phrase_energies(count, 0.5).tolist() == first.tolist()
    assert dancer._phrase_energies(count, 1.8).tolist() == [1.8] * 24


def test_soft_music_is_danced_and_fading_music_is_stood_through(model) -> None:
    """How loud it is against what went before decides how, not whether."""
    still = {}
    for sounding in (1.0, 0.0):
        dancer = LiveDancer(model)
        moments = [replace(state(k / 30, k / 15), energy=-2.5, sounding=sounding) for k in range(300)]
        poses = [dancer.pose(moment, 1 / 30) for moment in moments]
        still[sounding] = np.abs(np.diff([p.root for p in poses[150:]], axis=0)).mean()
    assert still[1.0] > 2 * still[0.0]
