"""Laws of the groove style: feet stand still, steps land on the beat, joints bend like a body's, for any seed and tempo."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from farandole.data.starter.groove.arms import ARMS
from farandole.data.starter.groove.dancer import groove, rig
from farandole.data.starter.groove.ease import arch, ease
from farandole.data.starter.groove.feet import WIDEST_STEP
from farandole.data.starter.groove.moves import MOVES, Move
from farandole.errors import MotionError
from farandole.motion import Motion
from farandole.motion import rotations as rot
from farandole.motion.kinematics import velocity

FPS = 30.0
CASES = [(seed, bpm) for seed in range(3) for bpm in (75.0, 110.0, 145.0)]


def counts(bpm: float, seconds: float) -> np.ndarray:
    return np.arange(round(seconds * FPS)) / FPS * bpm / 60.0


@cache
def dance(seed: int, bpm: float, seconds: float = 30.0, energy: float = 0.0) -> Motion:
    return groove(counts(bpm, seconds), seed=seed, energy=energy)


def joint(motion: Motion, name: str) -> np.ndarray:
    return motion.positions[:, motion.skeleton.index(name)]


def toe_tips(motion: Motion) -> np.ndarray:
    at = [motion.skeleton.index(f"{side}ToeBase") for side in ("Left", "Right")]
    tips = np.stack([motion.skeleton.end_sites[motion.skeleton.names[i]] for i in at])
    return motion.positions[:, at] + rot.rotate(motion.global_rotations[:, at], tips)


@pytest.mark.parametrize(("seed", "bpm"), CASES)
def test_planted_feet_stand_still_on_the_floor(seed: int, bpm: float) -> None:
    motion = dance(seed, bpm)
    feet = rig(counts(bpm, 30.0), seed=seed)[1]
    balls = np.stack([joint(motion, "LeftToeBase"), joint(motion, "RightToeBase")], axis=1)
    step = np.linalg.norm(np.diff(balls, axis=0), axis=-1) * FPS
    standing = feet.planted[1:] & feet.planted[:-1]
    assert standing.any(axis=1).mean() > 0.9
    assert step[standing].max() < 0.01
    lowest = min(motion.positions[..., 1].min(), toe_tips(motion)[..., 1].min())
    assert -0.002 < lowest < 0.002


@pytest.mark.parametrize(("seed", "bpm"), CASES)
def test_the_legs_reach_what_the_rig_asks_for(seed: int, bpm: float) -> None:
    feet = rig(counts(bpm, 30.0), seed=seed)[1]
    motion = dance(seed, bpm)
    for side, name in enumerate(("LeftToeBase", "RightToeBase")):
        assert np.abs(joint(motion, name) - feet.balls[:, side]).max() < 1e-6
    apart = np.linalg.norm(np.diff(feet.balls[..., [0, 2]], axis=1), axis=-1)
    assert apart[feet.planted.all(axis=1)].max() <= WIDEST_STEP + 1e-9
    hips = joint(motion, "Hips")[:, 1]
    assert hips.min() > 0.70
    assert hips.max() < 0.93


@pytest.mark.parametrize(("seed", "bpm"), CASES)
def test_knees_and_elbows_bend_like_hinges_the_human_way(seed: int, bpm: float) -> None:
    motion = dance(seed, bpm)
    skeleton = motion.skeleton
    for side in ("Left", "Right"):
        for middle, end, sign, bend in (("Leg", "Foot", 1, (0.1, 2.4)), ("ForeArm", "Hand", 1, (0.0, 2.7))):
            a, b = skeleton.offsets[skeleton.index(side + middle)], skeleton.offsets[skeleton.index(side + end)]
            turn = rot.to_rotvec(motion.rotations[:, skeleton.index(side + middle)])
            hinge = rot.normalize(rot.cross(a, b))
            sideways = turn - (turn @ hinge)[:, None] * hinge
            assert np.abs(sideways).max() < 1e-6
            rest = np.arccos(rot.normalize(a) @ rot.normalize(b))
            flexion = sign * (turn @ hinge) + rest
            assert flexion.min() > bend[0]
            assert flexion.max() < bend[1]


@pytest.mark.parametrize(("seed", "bpm"), CASES)
def test_it_moves_smoothly(seed: int, bpm: float) -> None:
    p = dance(seed, bpm).positions
    acceleration = np.linalg.norm(np.diff(p, 2, axis=0), axis=-1) * FPS**2
    assert np.percentile(acceleration, 99.9) < 60.0


@pytest.mark.parametrize("bpm", [80.0, 110.0, 140.0])
def test_steps_land_on_the_beat(bpm: float) -> None:
    landed, best = [], []
    for seed in range(4):
        c = counts(bpm, 45.0)
        feet = rig(c, seed=seed)[1]
        first = np.argwhere(np.diff(feet.planted.astype(int), axis=0) == 1)[:, 0]
        landed.append(c[first + 1])
        motion = dance(seed, bpm, 45.0)
        left, right = (np.linalg.norm(velocity(joint(motion, f"{s}Foot"), FPS), axis=-1) for s in ("Left", "Right"))
        signals = np.stack((left + right, left - right))
        signals = (signals - signals.mean(1, keepdims=True)) / signals.std(1, keepdims=True)
        best.append(max(np.abs((signals * np.exp(2j * np.pi * m * c)).mean(1)).max() for m in (0.125, 0.25, 0.5, 1, 2)))
    # A landing shows in the frame after it: at most one frame and 15 ms away from a half beat.
    off = np.concatenate(landed) * 2.0
    late = (off - np.round(off)) * 30.0 / bpm
    assert np.percentile(np.abs(late), 99) < 1.0 / FPS + 0.016
    assert np.mean(best) > 0.4
    assert min(best) > 0.25


def test_the_same_seed_dances_the_same_and_another_differs() -> None:
    c = counts(100.0, 10.0)
    one, again, other = groove(c, seed=7), groove(c, seed=7), groove(c, seed=8)
    assert np.array_equal(one.rotations, again.rotations)
    assert np.array_equal(one.root_positions, again.root_positions)
    assert np.linalg.norm(one.positions - other.positions, axis=-1).mean() > 0.10


def test_louder_is_larger() -> None:
    speeds = [
        np.mean([np.linalg.norm(dance(s, 110.0, 30.0, e).velocities, axis=-1).mean() for s in range(4)])
        for e in (-1.5, 0.0, 1.5)
    ]
    assert speeds[0] < 0.85 * speeds[1]
    assert speeds[1] < 0.95 * speeds[2]
    assert 0.5 < speeds[1] < 0.75


@pytest.mark.parametrize("seed", range(2))
def test_it_stays_near_the_origin_for_five_minutes(seed: int) -> None:
    c = counts(118.0, 300.0)
    root = groove(c, seed=seed, energy=1.5 * np.sin(c / 40.0)).root_positions
    assert np.hypot(root[:, 0], root[:, 2]).max() < 1.7
    assert np.hypot(*root[:, [0, 2]].mean(0)) < 0.3


def test_drifting_tempo_jittered_beats_and_any_start_are_danced() -> None:
    rng = np.random.default_rng(1)
    beats = np.cumsum(rng.normal(0.55, 0.02, 60))
    count = np.interp(np.arange(0.0, 30.0, 1 / 60), beats, np.arange(60) - 13.0)
    count += 1e-6 * np.arange(len(count))
    motion = groove(count, seed=0, energy=rng.normal(size=len(count)), fps=60.0)
    assert len(motion) == len(count)
    assert motion.fps == 60.0
    acceleration = np.linalg.norm(np.diff(motion.positions[::2], 2, axis=0), axis=-1) * 900.0
    assert np.percentile(acceleration, 99.9) < 65.0


def test_tiny_pieces_are_danced() -> None:
    for frames in (1, 2, 5):
        assert len(groove(counts(120.0, 1.0)[:frames], seed=0)) == frames


@pytest.mark.parametrize(
    ("count", "energy", "words"),
    [
        (np.zeros(5), 0.0, "increasing"),
        (np.array([0.0, np.nan, 1.0]), 0.0, "increasing"),
        (np.zeros((3, 2)), 0.0, "increasing"),
        (np.arange(4.0), np.zeros(3), "energy"),
        (np.arange(4.0), np.nan, "energy"),
    ],
)
def test_unusable_input_is_named(count: np.ndarray, energy: object, words: str) -> None:
    with pytest.raises(MotionError, match=words):
        groove(count, seed=0, energy=energy)  # type: ignore[arg-type]


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.name)
@pytest.mark.parametrize("variation", [0.0, 0.5, 1.0])
def test_every_move_is_well_formed(move: Move, variation: float) -> None:
    steps = move.steps(variation)
    lands = [s.at for s in steps]
    assert lands == sorted(lands)
    assert lands[0] >= 0.0
    assert lands[-1] < move.counts
    assert move.counts in (4, 8)
    assert set(move.arms) <= set(ARMS)
    # A foot that bears the body may not leave the floor: whoever steps, the weight was on the other foot or on both.
    bearing = -1
    for s in steps:
        assert s.weight == 0.5 or bearing != s.foot or s.weight == 0.0 or bearing == 0
        bearing = 0 if 0.2 < s.weight < 0.8 else s.foot if s.weight >= 0.8 else bearing


def test_at_least_fourteen_moves_appear_and_none_prevails() -> None:
    seen: dict[str, int] = {}
    for seed in range(6):
        for segment in rig(counts(110.0, 60.0), seed=seed)[2]:
            seen[segment.move.name] = seen.get(segment.move.name, 0) + segment.move.counts
    assert len(seen) >= 14
    assert max(seen.values()) < 0.2 * sum(seen.values())


@pytest.mark.parametrize("name", ARMS)
def test_arm_patterns_keep_bent_elbows_and_continuous_wrists(name: str) -> None:
    c = np.linspace(0.0, 16.0, 961)
    for variation in (0.1, 0.55, 0.9):
        wrists, flare = ARMS[name](c, variation)
        assert wrists.shape == (len(c), 2, 3)
        assert len(flare) == 2
        assert np.linalg.norm(wrists, axis=-1).max() < 0.56  # arms are 0.58 m long
        assert np.linalg.norm(np.diff(wrists, axis=0), axis=-1).max() * 60.0 < 2.5  # m per count


def test_easing_starts_and_ends_at_rest() -> None:
    u = np.linspace(-0.5, 1.5, 2001)
    for curve, ends in ((ease, (0.0, 1.0)), (arch, (0.0, 0.0))):
        x = curve(u)
        assert x[0] == ends[0]
        assert x[-1] == ends[1]
        assert np.abs(np.diff(x, 2)).max() < 5e-5  # no corner anywhere
