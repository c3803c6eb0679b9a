"""Foot figures: recorded values, golden numbers, laws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dancers import toy

from farandole.errors import MotionError
from farandole.evaluation.metrics.foot_skating import skating_ratio, step_contacts
from farandole.evaluation.metrics.physical_foot_contact import physical_foot_contact

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("which", ["reference", "generated"])
def test_foot_contact_equals_the_recorded_score(which: str) -> None:
    parity = np.load(DATA / "metrics.npz")
    score = physical_foot_contact(parity[f"positions_{which}"][:, ::2])
    each = parity[f"pfc_{which}_each"]
    np.testing.assert_allclose(score, each[: len(score)], rtol=1e-6)
    assert each.mean() == pytest.approx(float(parity[f"pfc_{which}"]), rel=1e-6)


def test_steps_touch_where_they_were_recorded_to() -> None:
    recorded = np.load(DATA / "lafan1.npz")
    points = recorded["global_positions_0"].astype(float)
    np.testing.assert_array_equal(step_contacts(points[:, [3, 4]], 5.0), recorded["contacts_left"])
    np.testing.assert_array_equal(step_contacts(points[:, [7, 8]], 5.0), recorded["contacts_right"])
    assert recorded["contacts_left"].any() != recorded["contacts_left"].all() or recorded["contacts_right"].any()


def test_golden_numbers() -> None:
    assert physical_foot_contact(toy(150, 30)) == pytest.approx(5.038028, abs=5e-7)
    assert physical_foot_contact(toy(300, 60), 60) == pytest.approx(1.270757, abs=5e-7)


def test_planted_feet_score_zero_however_the_root_moves_and_a_motionless_clip_is_no_nan() -> None:
    clip = toy(90, 30)
    clip[:, [7, 10]] = clip[:1, [7, 10]]
    assert physical_foot_contact(clip) == 0
    assert physical_foot_contact(np.zeros((30, 24, 3))) == 0


def planted(speed: tuple[float, float], frames: int = 60) -> np.ndarray:
    """Feet on the floor that move at `speed` m/s in x and z, 30 fps."""
    clip = np.zeros((frames, 24, 3))
    clip[:, (7, 8), 1] = 0.06
    clip[..., (0, 2)] += np.arange(frames)[:, None, None] / 30 * np.array(speed)
    return clip


def test_skating_counts_contact_frames_that_slide() -> None:
    assert skating_ratio(planted((0, 0))) == 0
    assert skating_ratio(planted((0.7, 0))) == 1
    half = planted((0, 0))
    half[31:, :, 0] += np.arange(29)[:, None] / 30
    assert skating_ratio(half) == pytest.approx(28 / 59, abs=0.02)


def test_a_diagonal_slide_cancels_as_published_and_not_by_its_norm() -> None:
    clip = planted((0.7, -0.7))
    assert skating_ratio(clip) == 0
    assert skating_ratio(clip, variant="norm") == 1
    assert skating_ratio(clip, variant="height") == 1


def test_feet_in_the_air_have_no_contact() -> None:
    clip = planted((1, 0))
    clip[1:, :, 1] += 0.5
    assert skating_ratio(clip) == pytest.approx(1)  # frame 0 alone touches and slides
    clip[0, (7, 8), 1] = 9
    assert np.isnan(skating_ratio(clip))


def test_too_few_frames_are_refused() -> None:
    with pytest.raises(MotionError):
        physical_foot_contact(np.zeros((2, 24, 3)))
    with pytest.raises(MotionError):
        skating_ratio(np.zeros((1, 24, 3)))
    with pytest.raises(ValueError, match="lodge"):
        skating_ratio(np.zeros((5, 24, 3)), variant="other")
