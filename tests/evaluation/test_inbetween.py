"""In-betweening: recorded figures of the LAFAN1 benchmark functions, golden numbers, laws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from farandole.errors import MotionError
from farandole.evaluation.gaps.benchmark_windows import (
    GAPS,
    Clips,
    align,
    centre,
    cut_windows,
    face,
    hold,
    interpolate,
    interpolate_keyframes,
    keyframe_mask,
    position_deviation,
)
from farandole.evaluation.gaps.gap_scores import (
    SpectralSum,
    baselines,
    continue_signs,
    l2p,
    l2q,
    npss,
    score_gap,
    score_keyframes,
)
from farandole.motion import Skeleton, kinematics
from farandole.motion import rotations as rot

RECORDED = np.load(Path(__file__).parent / "data" / "lafan1.npz")
BODY = Skeleton(
    [f"joint{i}" for i in range(22)], RECORDED["parents"], np.concatenate((np.zeros((1, 3)), RECORDED["offsets"][0, 0]))
)
# Stored in 32 bits to keep the file small; the metrics average the rounding away.
CLIPS = Clips(rot.normalize(RECORDED["local_quaternions"].astype(float)), RECORDED["roots"])
DEVIATION = RECORDED["position_std"][0, :, 0].reshape(22, 3)


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize(("fill", "name"), [(hold, "zerov"), (interpolate, "interp")])
def test_baselines_score_as_recorded(gap: int, fill, name: str) -> None:
    score = score_gap(fill(CLIPS, gap), CLIPS, gap, BODY, DEVIATION)
    assert score.l2q == pytest.approx(float(RECORDED[f"{name}_quat_loss_{gap}"]), rel=1e-6)
    assert score.l2p == pytest.approx(float(RECORDED[f"{name}_pos_loss_{gap}"]), rel=1e-6)
    assert score.npss == pytest.approx(float(RECORDED[f"{name}_npss_loss_{gap}"]), rel=1e-6)
    assert score.windows == 4
    assert score.l2q_each.mean() == pytest.approx(score.l2q)


def test_npss_equals_the_recorded_value_and_adds_up_over_batches() -> None:
    made, true = RECORDED["npss_predicted"], RECORDED["npss_reference"]
    assert npss(made, true).value == pytest.approx(float(RECORDED["npss_value"]), rel=1e-6)
    parts = sum((npss(made[i : i + 1], true[i : i + 1]) for i in range(3)), SpectralSum())
    assert parts.value == pytest.approx(float(RECORDED["npss_value"]), rel=1e-6)


def test_golden_npss() -> None:
    b, t, d = np.arange(3)[:, None, None], np.arange(30)[None, :, None], np.arange(8)
    g = np.sin(0.2 * (d + 1) * t + 0.5 * b) + 0.1 * d
    h = np.sin(0.2 * (d + 1) * t + 0.5 * b + 0.3) + 0.1 * d + 0.05 * np.cos(0.7 * t)
    assert npss(h, g).value == pytest.approx(2.0279041, abs=5e-8)
    assert npss(g, g).value == 0
    h[..., 0] = 0  # a dead channel is NaN as published; here it is counted
    assert np.isfinite(npss(h, g).value)
    assert npss(h, g).empty == 3


def test_windows_turn_as_recorded() -> None:
    turned = face(CLIPS)
    np.testing.assert_allclose(turned.root_positions, RECORDED["rotated_roots"], atol=1e-5)
    np.testing.assert_allclose(turned.rotations[:, :, 0], RECORDED["rotated_hips"], atol=1e-6)


def test_bodies_and_curves_are_as_recorded() -> None:
    first = CLIPS.frames(0, 65)
    positions, turns = first.forward(BODY)
    np.testing.assert_allclose(positions[0], RECORDED["global_positions_0"], rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(turns[0, ::4], RECORDED["global_quaternions_0"], atol=1e-6)
    filled = interpolate(CLIPS, 30)
    inner = RECORDED["interpolated_quaternions_30_0"]  # every second frame, the known ones at both ends included
    np.testing.assert_allclose(filled.rotations[0, 1::2], inner[1:], atol=1e-6)
    roots = RECORDED["interpolated_roots_30"][:, 1:-1, 0]
    np.testing.assert_allclose(filled.root_positions, roots, atol=1e-5, rtol=1e-6)
    np.testing.assert_allclose(face(CLIPS).rotations[0, ::4], RECORDED["rotated_local_quaternions_0"], atol=1e-6)
    np.testing.assert_allclose(
        rot.from_euler(RECORDED["euler_zyx"], "ZYX"), RECORDED["euler_zyx_to_quaternion"], atol=1e-9
    )


def test_aligned_windows_are_centred_and_do_not_depend_on_place_and_heading() -> None:
    aligned = align(CLIPS)
    facing = rot.rotate(aligned.rotations[:, 9, 0], np.array([0.0, 1.0, 0.0]))
    assert np.abs(np.arctan2(facing[:, 2], facing[:, 0])).max() < 1e-9
    np.testing.assert_allclose(aligned.root_positions[..., (0, 2)].mean(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(aligned.root_positions[..., 1], CLIPS.root_positions[..., 1])
    around = rot.from_yaw(1.3)
    local = CLIPS.rotations.copy()
    local[:, :, 0] = rot.multiply(np.broadcast_to(around, local[:, :, 0].shape), local[:, :, 0])
    moved = Clips(local, rot.rotate(around, CLIPS.root_positions) + np.array([4.0, 0, -7]))
    np.testing.assert_allclose(align(moved).root_positions, aligned.root_positions, atol=1e-9)
    np.testing.assert_allclose(align(moved).forward(BODY)[0], aligned.forward(BODY)[0], atol=1e-9)
    assert np.abs(centre(CLIPS).root_positions[..., (0, 2)].mean(axis=1)).max() < 1e-9


def test_windows_are_cut_as_the_benchmark_cuts() -> None:
    turns, roots = rot.identity(145, 22), np.arange(145.0)[:, None] * np.ones(3)
    clips = cut_windows(turns, roots, 65, 40)
    assert clips.root_positions[:, 0, 0].tolist() == [0, 40]  # a third would end exactly at frame 145 and is left out
    assert len(cut_windows(turns[:60], roots[:60], 65, 40)) == 0


def test_signs_follow_the_last_known_frame_and_the_metric_punishes_those_that_do_not() -> None:
    clips = smooth_clips()
    truth = clips.frames(10, 20)
    flipped = truth.rotations.copy()
    flipped[:, 3:, ::2] *= -1
    assert l2q(flipped, truth.rotations).mean() == pytest.approx(0.7 * np.sqrt(11 * 4))
    np.testing.assert_array_equal(continue_signs(flipped, clips.rotations[:, 9]), truth.rotations)
    assert score_gap(Clips(flipped, truth.root_positions), clips, 10, BODY, DEVIATION).l2q == pytest.approx(0, abs=1e-9)


def smooth_clips(windows: int = 4, frames: int = 65) -> Clips:
    """Slow rotations, so that neighbouring frames keep their signs."""
    rng = np.random.default_rng(5)
    axis = rng.normal(size=(windows, 1, 22, 3))
    phase = rng.uniform(0, 6, size=(windows, 1, 22, 1))
    t = np.arange(frames)[None, :, None, None] / 30
    roots = np.repeat(t[:, :, 0] * np.array([1, 0.1, 0.5]), windows, axis=0) + 90
    return Clips(rot.unroll(rot.from_rotvec(0.4 * axis * np.sin(t + phase)), axis=1), roots)


def test_the_truth_scores_zero_and_interpolation_beats_holding_on_smooth_motion() -> None:
    clips = align(smooth_clips())
    deviation = position_deviation(clips, BODY)
    perfect = score_gap(clips.frames(10, 25), clips, 15, BODY, deviation)
    assert (perfect.l2q, perfect.l2p, perfect.npss) == pytest.approx((0, 0, 0), abs=1e-12)
    table = baselines(clips, BODY, deviation, (5, 15))
    for gap in (5, 15):
        assert table["interpolation"][gap].l2q < table["zero velocity"][gap].l2q
        assert table["interpolation"][gap].l2p < table["zero velocity"][gap].l2p


def test_key_frame_patterns() -> None:
    clips = smooth_clips()
    deviation = position_deviation(clips, BODY)
    given = keyframe_mask(65, 10)
    assert given.sum() == 8
    assert given[[0, 10, 60, 64]].all()
    filled = interpolate_keyframes(clips, given)
    np.testing.assert_array_equal(filled.rotations[:, given], clips.rotations[:, given])
    score = score_keyframes(filled, clips, given, BODY, deviation)
    denser = score_keyframes(
        interpolate_keyframes(clips, keyframe_mask(65, 5)), clips, keyframe_mask(65, 5), BODY, deviation
    )
    assert 0 < denser.l2q < score.l2q
    assert score_keyframes(clips, clips, given, BODY, deviation).l2p == pytest.approx(0, abs=1e-12)
    with pytest.raises(MotionError, match="first and the last"):
        interpolate_keyframes(clips, np.zeros(65, bool))
    with pytest.raises(MotionError, match="nothing to score"):
        score_keyframes(clips, clips, np.ones(65, bool), BODY, deviation)


def test_l2p_is_measured_in_deviations() -> None:
    truth = np.zeros((2, 5, 22, 3))
    moved = truth + np.array([2.0, 0, 0])
    assert l2p(moved, truth, np.full((22, 3), 4.0)) == pytest.approx(np.full(2, 0.5 * np.sqrt(22)))


def test_predictions_of_another_length_are_refused() -> None:
    with pytest.raises(MotionError, match="4 windows of 5 predicted frames for 4 gaps of 15"):
        score_gap(hold(CLIPS, 5), CLIPS, 15, BODY, DEVIATION)


def test_local_and_global_agree() -> None:
    _, turns = CLIPS.forward(BODY)
    np.testing.assert_allclose(kinematics.to_local(BODY, turns), CLIPS.rotations, atol=1e-9)
