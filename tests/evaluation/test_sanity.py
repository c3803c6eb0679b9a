"""Metrics on dances: each must move the right way when the dances are spoilt.

The dances are those of the package's own choreographer, and real ballroom dances where they lie beside the checkout.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dancers import groove_dance

from farandole.evaluation.clip_figures import pose_features
from farandole.evaluation.dance_clips import steady_beats
from farandole.evaluation.metrics.beat_alignment import beat_alignment
from farandole.evaluation.metrics.diversity import diversity
from farandole.evaluation.metrics.foot_skating import skating_ratio
from farandole.evaluation.metrics.frechet_distance import frechet_distance, pose_distance, standardise
from farandole.evaluation.metrics.geometric_features import geometric_features
from farandole.evaluation.metrics.kinetic_features import from_first_root, kinetic_features
from farandole.evaluation.metrics.physical_foot_contact import physical_foot_contact
from farandole.evaluation.metrics.smpl_joints import smpl_positions
from farandole.evaluation.quality import DanceQuality, measure_dance
from farandole.motion import Motion
from farandole.motion import rotations as rot

SECONDS = 20


class Dances:
    """Motion of one corpus: clips of 20 s, each with its beats."""

    def __init__(self, clips: list[tuple[Motion, float, float]]) -> None:
        self.motions = [motion for motion, _, _ in clips]
        self.grids = [steady_beats(bpm, start, m.seconds) for m, bpm, start in clips]
        self.counts = [g.count_at(np.arange(len(m)) / m.fps) for m, g in zip(self.motions, self.grids, strict=True)]

        self._known: dict[str, list[DanceQuality]] = {}

    def mean(self, name: str, change: Callable[[Motion], Motion] = lambda m: m) -> float:
        """Mean over clips of one figure of the changed motion."""
        if change.__name__ not in self._known:
            pairs = zip(self.motions, self.counts, strict=True)
            self._known[change.__name__] = [measure_dance(change(m), c) for m, c in pairs]
        return float(np.mean([getattr(quality, name) for quality in self._known[change.__name__]]))


@pytest.fixture(scope="module", params=["groove", pytest.param("ballroom", marks=pytest.mark.recordings)])
def dances(request: pytest.FixtureRequest) -> Dances:
    clips = []
    if request.param == "groove":
        return Dances([(groove_dance(seed, 84 + 3 * seed, SECONDS)[0], 84 + 3 * seed, 0.0) for seed in range(12)])
    from farandole.motion.files import load_motion

    folder: Path = request.getfixturevalue("shared") / "data/ballroom"
    for name, facts in json.loads((folder / "manifest.json").read_text()).items():
        if facts["sync"] == "beat" and "rumba" in name:
            motion = load_motion(folder / f"{name}.bvh")
            for start in (10, 35, 60):
                part = motion.slice(start * 25, (start + SECONDS) * 25)
                clips.append((part, facts["bpm"], start * facts["bpm"] / 60))
    return Dances(clips)


def shuffled(motion: Motion) -> Motion:
    order = np.random.default_rng(0).permutation(len(motion))
    return replace(motion, rotations=motion.rotations[order], root_positions=motion.root_positions[order])


def frozen(motion: Motion) -> Motion:
    still = np.zeros(len(motion), dtype=int)
    return replace(motion, rotations=motion.rotations[still], root_positions=motion.root_positions[still])


def jittered(motion: Motion, angle: float = 0.03) -> Motion:
    rng = np.random.default_rng(1)
    noise = rot.from_rotvec(angle * rng.normal(size=(*motion.rotations.shape[:2], 3)))
    return replace(motion, rotations=rot.multiply(motion.rotations, noise))


def slid(motion: Motion, speed: float = 0.5) -> Motion:
    drift = speed * np.arange(len(motion))[:, None] / motion.fps * np.array([1.0, 0.0, 0.0])
    return replace(motion, root_positions=motion.root_positions + drift)


def test_steps_follow_their_own_tempo_and_not_a_wrong_one(dances: Dances) -> None:
    own, chance = dances.mean("coherence"), dances.mean("coherence_chance")
    assert own > 0.18
    assert own > chance + 0.05
    pairs = list(zip(dances.motions, dances.counts, strict=True))
    wrong = np.mean([measure_dance(m, c * 1.31).coherence for m, c in pairs])
    assert wrong < own - 0.05


def test_frames_in_random_order_have_no_step_no_smoothness_and_no_footing(dances: Dances) -> None:
    assert dances.mean("coherence", shuffled) < 0.15
    assert dances.mean("peak_acceleration", shuffled) > 10 * dances.mean("peak_acceleration")
    assert dances.mean("support_median", shuffled) > 5 * dances.mean("support_median")


def test_frozen_poses_stand_still_and_have_no_coherence(dances: Dances) -> None:
    assert dances.mean("freeze", frozen) == 1
    assert dances.mean("coherence", frozen) == 0
    assert dances.mean("freeze") < 0.2


def test_jitter_shows_as_twitch_pops_and_slipping_and_hides_the_step(dances: Dances) -> None:
    for name, factor in (("twitch", 1.2), ("peak_acceleration", 2), ("jerk", 4), ("support_median", 2)):
        assert dances.mean(name, jittered) > factor * dances.mean(name), name
    assert dances.mean("coherence", jittered) < dances.mean("coherence")


def test_a_slide_shows_in_the_feet_and_the_drift_only(dances: Dances) -> None:
    assert dances.mean("support_median", slid) > dances.mean("support_median") + 20
    assert dances.mean("root_drift", slid) > 6
    assert dances.mean("twitch", slid) == pytest.approx(dances.mean("twitch"), rel=1e-6)


def test_published_foot_metrics_rise_with_slides_and_jitter(dances: Dances) -> None:
    joints = lambda change: [smpl_positions(change(m).resample(30)) for m in dances.motions]  # noqa: E731
    real, sliding, noisy = joints(lambda m: m), joints(slid), joints(jittered)
    for score in (physical_foot_contact, skating_ratio, lambda p: skating_ratio(p, variant="norm")):
        value = lambda clips: np.nanmean([score(p) for p in clips])  # noqa: B023, E731
        assert value(sliding) > 1.3 * value(real)
        assert value(noisy) > 1.3 * value(real)


def test_every_spoilt_set_is_farther_from_real_than_other_real_clips_are(dances: Dances) -> None:
    positions = [smpl_positions(m.resample(60)) for m in dances.motions]
    real = np.stack([p[:1150] for p in positions])
    features = {
        "kinetic": lambda clips: np.log(kinetic_features(from_first_root(clips), variant="fixed") + 1e-9),
        "geometric": geometric_features,
    }
    spoilt = {
        "shuffled": real[:, np.random.default_rng(0).permutation(1150)],
        "frozen": np.repeat(real[:, :1], 1150, axis=1),
        "jittered": real + np.random.default_rng(1).normal(size=real.shape) * 0.02,
    }
    for kind, extract in features.items():
        x = extract(real)
        varying = x.std(axis=0) > 1e-6
        x = x[:, varying]
        assert frechet_distance(x, x) == pytest.approx(0, abs=1e-6)
        halves = frechet_distance(x[::2], x[1::2], variant="raw")
        for name, clips in spoilt.items():
            assert frechet_distance(x, extract(clips)[:, varying], variant="raw") > halves, (kind, name)
    still = standardise(kinetic_features(spoilt["frozen"], variant="fixed"), kinetic_features(real, variant="fixed"))
    assert diversity(still) < 1e-6 * diversity(
        standardise(kinetic_features(real, variant="fixed"), kinetic_features(real, variant="fixed"))
    )


def test_movement_distance_sees_shuffling_and_pose_distance_does_not(dances: Dances) -> None:
    real = np.concatenate([pose_features(m)[:, :-3] for m in dances.motions])
    order = np.random.default_rng(0).permutation(len(real))
    assert pose_distance(real, real[order]) == pytest.approx(0, abs=1e-6)
    assert pose_distance(real, real[order], frames=3) > 0.5


SHIFTS = np.arange(0, 1, 0.125)
"""Of the music against the dance, beats."""


def shifted_scores(motion: Motion, beats: np.ndarray, period: float, variant) -> list[float]:
    """Beat alignment with the music moved by every one of `SHIFTS`."""
    joints = smpl_positions(motion.resample(60))
    return [beat_alignment(joints, 60, beats + shift * period, variant=variant).alignment for shift in SHIFTS]


@pytest.mark.recordings
def test_waltz_aligns_best_with_its_own_music_unshifted(shared: Path) -> None:
    from farandole.motion.files import load_motion

    folder = shared / "data/ballroom"
    facts = json.loads((folder / "manifest.json").read_text())
    curves = []
    for number in ("03", "06", "11", "16", "20", "24"):
        name = f"ballroom_waltz_{number}"
        motion, period = load_motion(folder / f"{name}.bvh"), 60 / facts[name]["bpm"]
        curves.append(shifted_scores(motion, np.arange(0, motion.seconds - period, period), period, "bailando"))
    mean = np.mean(curves, axis=0)
    assert mean.argmax() == 0
    assert mean[0] > 1.3 * mean[2:7].mean()
