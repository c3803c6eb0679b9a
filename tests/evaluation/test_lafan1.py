"""The LAFAN1 protocol from BVH files to the table, on small files of the same shape."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from dancers import LAFAN1, LAFAN1_PARENTS

from farandole.errors import DataError, FrameRateError, MotionError
from farandole.evaluation.gaps.benchmark_windows import Clips, interpolate
from farandole.evaluation.gaps.lafan1_protocol import (
    Lafan1,
    lafan1_dict,
    load_lafan1,
    read_predictions,
    run_lafan1,
    write_lafan1,
)
from farandole.motion import Motion, Skeleton
from farandole.motion import rotations as rot


def _actor(seed: int, frames: int, fps: float = 30.0) -> Motion:
    rng = np.random.default_rng(seed)
    offsets = np.random.default_rng(0).normal(size=(22, 3)) * 0.2
    t = np.arange(frames)[:, None, None] / fps
    turns = rot.from_rotvec(0.5 * rng.normal(size=(22, 3)) * np.sin(2 * t + rng.uniform(0, 6, size=(22, 1))))
    # Like the real files: hips whose y axis lies on the floor and points forward.
    turns[:, 0] = rot.multiply(turns[:, 0], rot.from_axis_angle(np.array([1.0, 0, 0]), np.pi / 2)[None])
    roots = np.concatenate((t[:, :, 0] * 0.7, 0.9 + 0.02 * np.sin(t[:, :, 0]), t[:, :, 0] * -0.2), axis=1)
    return Motion(Skeleton(LAFAN1, LAFAN1_PARENTS, offsets), turns, roots, fps)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lafan1")
    _actor(1, 130).save(root / "walk1_subject1.bvh")
    _actor(2, 90).save(root / "dance2_subject4.bvh")
    _actor(3, 186).save(root / "walk1_subject5.bvh")
    _actor(4, 70).save(root / "aiming1_subject5.bvh")
    return root


@pytest.fixture(scope="module")
def data(folder: Path) -> Lafan1:
    return load_lafan1(folder)


def test_windows_are_those_of_the_test_subject_in_name_order(data: Lafan1) -> None:
    assert len(data.windows) == 1 + 4  # 70 frames give one window of 65, 186 give those at 0, 40, 80, 120
    assert data.deviation.shape == (22, 3)
    past, turns, roots = data.gap(15)
    assert past.rotations.shape == (5, 10, 22, 4)
    np.testing.assert_array_equal(turns, data.windows.rotations[:, 25])
    np.testing.assert_array_equal(roots, data.windows.root_positions[:, 25])


def test_models_stand_beside_the_baselines(data: Lafan1, tmp_path: Path) -> None:
    for gap in (5, 30):
        truth, lines = data.windows.frames(10, 10 + gap), interpolate(data.windows, gap)
        for name, clips in (("oracle", truth), ("lines", lines)):
            (tmp_path / name).mkdir(exist_ok=True)
            np.savez(tmp_path / name / f"gap_{gap}.npz", rotations=clips.rotations, root_positions=clips.root_positions)
    scores = run_lafan1(data, {name: read_predictions(tmp_path / name) for name in ("oracle", "lines")})
    assert set(scores["zero velocity"]) == {5, 15, 30, 45}
    assert set(scores["oracle"]) == {5, 30}
    assert scores["oracle"][30].l2p == pytest.approx(0, abs=1e-9)
    assert scores["lines"][30].l2q == pytest.approx(scores["interpolation"][30].l2q)
    page = write_lafan1(lafan1_dict(data, scores), tmp_path / "out")
    written = json.loads((tmp_path / "out/report.json").read_text())
    assert written["schema"] == "farandole.evaluation.lafan1"
    assert written["methods"]["lines"]["30"]["l2q"]["value"] == pytest.approx(scores["lines"][30].l2q, rel=1e-5)
    assert "2232" in written["warnings"][0]
    text = page.read_text(encoding="utf-8")
    assert "Two-stage 2022, as published on LAFAN1" in text
    assert "oracle" in text


def test_broken_input_is_refused_by_name(data: Lafan1, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="subject1"):
        load_lafan1(tmp_path)
    with pytest.raises(DataError, match="gap_"):
        read_predictions(tmp_path)
    np.savez(tmp_path / "gap_5.npz", rotations=np.zeros((1, 5, 22, 4)))
    with pytest.raises(DataError, match="root_positions"):
        read_predictions(tmp_path)
    wrong = Clips(data.windows.rotations[:2, :5], data.windows.root_positions[:2, :5])
    with pytest.raises(MotionError, match="2 windows of 5"):
        run_lafan1(data, {"wrong": {5: wrong}})
    (tmp_path / "fast").mkdir()
    for path in folder.glob("*.bvh"):
        _actor(7, 130, fps=60.0).save(tmp_path / "fast" / path.name)
    with pytest.raises(FrameRateError, match="60 fps"):
        load_lafan1(tmp_path / "fast")
