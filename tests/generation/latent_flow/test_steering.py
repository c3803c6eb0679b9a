"""Dancers stay on a stage and face the audience again, and their feet stand no worse for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from farandole.errors import MotionError
from farandole.evaluation.measuring import measure_for_lines
from farandole.generation.latent_flow.steering import faced, freedom, on_stage, steered
from farandole.generation.stages import check_stage, stage_of
from farandole.motion import rotations as rot
from farandole.motion.dance_codec import foot_contacts
from farandole.motion.feet import CleanupConfig, clean_feet
from farandole.motion.motion import Motion


@pytest.fixture(scope="module")
def walk(take: Motion) -> Motion:
    """A dance that drifts away to the left and turns round and round slowly."""
    part = take
    turn = rot.from_yaw(np.linspace(0.0, 2.5, len(part)))
    path = rot.rotate(turn, part.root_positions) + np.linspace(0.0, 4.0, len(part))[:, None] * np.array([1.0, 0.0, 0.0])
    rotations = part.rotations.copy()
    rotations[:, 0] = rot.multiply(turn, rotations[:, 0])
    return Motion(part.skeleton, rotations, path, part.fps, name="walk")


def test_hips_never_leave_the_stage(walk: Motion) -> None:
    scores = foot_contacts(walk).astype(float)
    for stage in ((3.0, 3.0), (1.5, 4.0), (1.0, 1.0)):
        made = steered(walk, scores, stage)
        place = made.root_positions - made.root_positions[:1]
        assert np.abs(place[:, 0]).max() <= 0.5 * stage[0]
        assert np.abs(place[:, 2]).max() <= 0.5 * stage[1]
        np.testing.assert_allclose(made.root_positions[0, [0, 2]], walk.root_positions[0, [0, 2]], atol=0.02)


def test_a_dancer_who_has_turned_away_turns_back(walk: Motion) -> None:
    away = lambda m: np.abs(np.unwrap(rot.yaw(m.rotations[:, 0])))[-60:].mean()  # noqa: E731
    free = np.full(len(walk), 0.5)
    turned = faced(walk, free)
    assert away(turned) < 0.5 * away(walk)
    rotations = walk.rotations.copy()
    rotations[:, 0] = rot.from_yaw(0.4 * np.sin(np.arange(len(walk)) / 20.0))
    facing = replace(walk, rotations=rotations)
    np.testing.assert_allclose(faced(facing, np.ones(len(walk))).rotations, rotations, atol=1e-12)


def test_feet_stand_as_before(walk: Motion) -> None:
    scores = foot_contacts(walk).astype(float)
    plain, made = clean_feet(walk, scores, CleanupConfig(pull=0.0)), steered(walk, scores, (3.0, 3.0))
    slide = [measure_for_lines(m).quality.support_median for m in (plain, made)]
    assert slide[1] < 1.5 * slide[0] + 1.0


def test_nothing_is_added_while_both_feet_stand_or_before_the_begin(walk: Motion) -> None:
    standing = np.ones((len(walk), 2))
    assert not freedom(walk, standing).any()
    scores = foot_contacts(walk).astype(float)
    made, plain = steered(walk, scores, (2.0, 2.0), 120), clean_feet(walk, scores, CleanupConfig(pull=0.0))
    np.testing.assert_allclose(made.root_positions[:100], plain.root_positions[:100], atol=1e-9)
    still = on_stage(walk, np.zeros(len(walk)), (100.0, 100.0))
    np.testing.assert_allclose(still.root_positions, walk.root_positions, atol=1e-9)


def test_stages_in_words() -> None:
    assert stage_of("3x4") == (3.0, 4.0)
    assert stage_of(" 2.5 X 3 m ") == (2.5, 3.0)
    assert stage_of("free") is None
    for text, says in (("3", "write width and depth"), ("wide", "like 3x3, or free"), ("0.5x3", "must be 1 to 100")):
        with pytest.raises(MotionError, match=says):
            stage_of(text)
    with pytest.raises(MotionError, match="a stage of nanx3 m"):
        check_stage((float("nan"), 3.0))
