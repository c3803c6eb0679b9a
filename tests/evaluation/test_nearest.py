"""Nearest windows find a replay whatever its place, heading and phase; two takes have a distance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dancers import stepping, still, turned

from farandole.errors import MotionError
from farandole.evaluation.humanoid_view import view_humanoid
from farandole.evaluation.metrics.nearest_window import WindowCorpus, motion_distance, nearest_distance
from farandole.motion import rotations as rot


def test_a_replay_elsewhere_and_facing_elsewhere_is_found() -> None:
    motion = stepping(seconds=8)
    corpus = WindowCorpus([still(), motion])
    part = motion.slice(37, 150)
    around = rot.from_yaw(np.full(len(part), 1.1))
    local = part.rotations.copy()
    local[:, 0] = rot.multiply(around, local[:, 0])
    moved = replace(
        part, rotations=local, root_positions=rot.rotate(around, part.root_positions) + np.array([3, 0, -2])
    )
    assert nearest_distance(moved, corpus) < 1e-3
    assert nearest_distance(stepping(bpm=75, sway=1.0), corpus) > 1


def test_the_shortlist_by_squares_holds_the_nearest_by_mean_distance() -> None:
    corpus = WindowCorpus([stepping(seconds=10, sway=s) for s in (0.2, 0.7)])
    query = stepping(bpm=100, seconds=5, sway=0.5)
    fast = corpus.distances(query)
    windows = corpus._windows(view_humanoid(query), 8)
    every = [
        100 * np.linalg.norm((corpus.windows - w).reshape(len(corpus.windows), -1, 3), axis=-1).mean(-1).min()
        for w in windows
    ]
    assert fast == pytest.approx(every, rel=0.02)
    assert (fast >= np.array(every) - 1e-4).all()


def test_distance_between_takes_is_zero_for_one_and_the_same_and_ignores_place() -> None:
    motion = stepping(seconds=5)
    assert motion_distance(
        motion, replace(motion, root_positions=motion.root_positions + np.array([1, 0, 2]))
    ) == pytest.approx(0)
    lifted = turned(motion, "LeftArm", (0, 0, 1), 0.5)
    forearm, hand = 0.3136, 0.2515
    assert 100 * (forearm + hand) * 0.3 / 21 < motion_distance(motion, lifted) < 100 * (forearm + 2 * hand) * 0.6 / 21


def test_a_corpus_without_a_whole_window_is_refused() -> None:
    with pytest.raises(MotionError, match="1 s long"):
        WindowCorpus([still(seconds=0.5)])
