"""The in-betweening protocol on folders of any BVH files, by the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dancers import groove_dance

from farandole.cli.app import run
from farandole.errors import DataError
from farandole.evaluation.gaps.benchmark_windows import Clips
from farandole.evaluation.gaps.gap_folder import BASELINES, hermite, load_gap_folder, run_gaps, run_keyframes
from farandole.evaluation.gaps.gap_scores import baselines
from farandole.evaluation.gaps.lafan1_protocol import Lafan1
from farandole.generation.completion import open_model
from farandole.generation.curve_correction.curve_filler import CurveFiller
from farandole.generation.window_fills import window_fill
from farandole.models.abilities import CurveCorrection
from farandole.motion import rotations as rot
from farandole.motion.interpolation import hermite_between
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four dances at 30 and 60 fps, one in a subfolder."""
    root = tmp_path_factory.mktemp("dances")
    for i in range(4):
        piece = groove_dance(i, 96 + 8 * i, 5)[0]
        path = root / ("more" if i == 3 else "") / f"take_{i}.bvh"
        path.parent.mkdir(exist_ok=True)
        (piece.resample(60.0) if i == 2 else piece).save(path)
    return root


@pytest.fixture(scope="module")
def data(folder: Path) -> Lafan1:
    return load_gap_folder(folder, "take_[23].bvh")[0]


def test_windows_of_any_folder_face_one_way_at_one_rate(data: Lafan1, folder: Path) -> None:
    assert len(data.windows) == 2 * 3  # 150 frames each give windows at 0, 40 and 80
    assert not data.published
    positions, _ = data.windows.frames(9, 10).forward(data.skeleton)
    left, right = (data.skeleton.index(f"{side}UpLeg") for side in ("Left", "Right"))
    across = positions[:, 0, left] - positions[:, 0, right]
    np.testing.assert_allclose(across[:, 0], 0, atol=1e-6)  # the hips' front points along +x
    assert (across[:, 2] < 0).all()
    same, warnings = load_gap_folder(folder)
    assert len(same.windows) == 4 * 3
    assert "--test" in warnings[0]


def test_fills_see_nothing_but_what_is_given_and_the_published_baselines_agree(data: Lafan1) -> None:
    scores = run_gaps(data, BASELINES)
    published = baselines(data.windows, data.skeleton, data.deviation)
    for name, gaps in published.items():
        for gap, score in gaps.items():
            assert scores[name][gap].l2p == pytest.approx(score.l2p, rel=1e-9)
            assert scores[name][gap].l2q == pytest.approx(score.l2q, rel=1e-9)
            assert scores[name][gap].npss == pytest.approx(score.npss, rel=1e-9)
    assert scores["hermite"][5].l2p < scores["interpolation"][5].l2p < scores["zero velocity"][5].l2p

    def peeking(clips, given):
        shown = clips.rotations[:, ~given]
        np.testing.assert_array_equal(shown, np.broadcast_to(clips.rotations[:, 9:10], shown.shape))
        return BASELINES["interpolation"](clips, given)

    run_gaps(data, {"peeking": peeking})


def test_key_frames_and_batches_of_curves(data: Lafan1) -> None:
    scores = run_keyframes(data, BASELINES, (5, 15))
    for name in BASELINES:
        assert scores[name][5].l2p < scores[name][15].l2p
    given = np.arange(65) % 16 == 0
    made = hermite(data.windows, given)
    window = Motion(data.skeleton, data.windows.rotations[1], data.windows.root_positions[1], 30.0)
    one = hermite_between(window, given)
    np.testing.assert_allclose(made.root_positions[1], one.root_positions, atol=1e-12)
    np.testing.assert_allclose(np.abs((made.rotations[1] * one.rotations).sum(-1)), 1, atol=1e-12)


def lifting(model: CurveFiller, skeleton: Skeleton) -> CurveFiller:
    """The shipped model with another body, made to lift the middle of what is missing by 10 cm."""

    class Lifting(CurveFiller):
        def __init__(self) -> None:
            self.__dict__.update(model.__dict__)

        @property
        def facts(self) -> CurveCorrection:
            return replace(model.facts, trust=None)  # believed whatever it says

        @property
        def skeleton(self) -> Skeleton:
            return skeleton

        def fill_gaps(self, rotations, root_positions, known, *, first=0):
            bump = 0.1 * np.sin(np.pi * (np.arange(known.shape[-1]) + first - 9) / 22) ** 2  # 0.1 at frame 20
            lift = np.where(known, 0.0, bump)[..., None] * np.array([0.0, 1.0, 0.0])
            return np.array(rotations), root_positions + lift

    return Lifting()


def test_models_fill_windows_of_their_own_body_at_once_and_of_others_one_by_one(data: Lafan1) -> None:
    given = np.ones(31, bool)
    given[10:30] = False
    part = data.windows.frames(0, 31)
    shipped = open_model("inbetween")
    assert isinstance(shipped, CurveFiller)
    other = replace(data, skeleton=Skeleton(data.skeleton.names, data.skeleton.parents, data.skeleton.offsets * 1.3))
    for own in (data.skeleton, other.skeleton):
        fill = window_fill(lifting(shipped, own))
        q, p = fill(data.skeleton, 30.0, part.rotations, part.root_positions, given)
        assert q.shape == part.rotations.shape
        np.testing.assert_allclose(p[:, given], part.root_positions[:, given], atol=1e-9)
        base = part.root_positions[:, 20] if own is data.skeleton else hermite(part, given).root_positions[:, 20]
        lifted = 0.1 if own is data.skeleton else 0.1 / 1.3
        np.testing.assert_allclose(p[:, 20, 1] - base[:, 1], lifted, atol=0.01)
        assert rot.angle_between(q[:, given], part.rotations[:, given]).max() < 1e-6


def test_the_shipped_model_is_measured_beside_the_baselines(data: Lafan1) -> None:
    fill = window_fill("inbetween")
    many = lambda clips, given: Clips(*fill(data.skeleton, 30.0, clips.rotations, clips.root_positions, given))  # noqa: E731
    scores = run_gaps(data, {**BASELINES, "model": many})
    assert set(scores["model"]) == {5, 15, 30, 45}
    assert scores["model"][30].l2p < scores["zero velocity"][30].l2p


def test_the_command_writes_one_report_of_everything(folder: Path, tmp_path: Path, capsys) -> None:
    words = ["evaluate", str(folder), "--protocol", "lafan1", "--test", "take_2*", "--every", "15", "--every", "5"]
    assert run([*words, "-o", str(tmp_path / "report")]) == 0
    said = capsys.readouterr()
    assert "hermite, 45 frames: L2Q" in said.out
    assert "interpolation, every 5: L2Q" in said.out
    assert "not the LAFAN1 data set" in said.err
    content = json.loads((tmp_path / "report" / "report.json").read_text())
    assert set(content["methods"]) == {"zero velocity", "interpolation", "hermite"}
    assert set(content["keyframes"]["hermite"]) == {"5", "15"}
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    for text in ("every 15", "Two-stage 2022, as published on LAFAN1", "arXiv:2102.04942"):
        assert text in page


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--test", "walk*"], "no file is called walk*"),
        (["--test", "*"], "all files are called *"),
        (["--every", "1"], "needs 2 to 64"),
        (["--model", "nowhere"], "no model 'nowhere'"),
    ],
)
def test_what_cannot_be_tested_is_said(folder: Path, capsys, words: list[str], says: str) -> None:
    assert run(["evaluate", str(folder), "--protocol", "lafan1", *words]) == 2
    assert says in capsys.readouterr().err


def test_folders_that_do_not_do(folder: Path, tmp_path: Path, capsys) -> None:
    with pytest.raises(DataError, match="holds no BVH files"):
        load_gap_folder(tmp_path)
    take = groove_dance(7, 120, 5)[0]
    take.slice(0, 40).save(tmp_path / "short.bvh")
    with pytest.raises(DataError, match="longer than 50 frames"):
        load_gap_folder(tmp_path)
    take.slice(0, 90).save(tmp_path / "a.bvh")
    pole = Skeleton(["a", "b"], [-1, 0], np.ones((2, 3)))
    Motion(pole, rot.identity(90, 2), np.zeros((90, 3)), 30.0).save(tmp_path / "b.bvh")
    with pytest.raises(DataError, match=r"b.bvh: joints differ from those of the other files: 2, not 21"):
        load_gap_folder(tmp_path)
    assert run(["evaluate", str(folder), "--every", "5"]) == 2
    assert "needs --protocol lafan1" in capsys.readouterr().err
    assert run(["evaluate", "--protocol", "lafan1"]) == 2
    assert "name one folder of BVH files" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--play"], ["--absolute"], ["--seconds", "5"], ["--cut", "5"], ["--nearest"], ["--workers", "1"]]
)
def test_options_of_dances_are_refused_and_not_ignored(folder: Path, capsys, words: list[str]) -> None:
    assert run(["evaluate", str(folder), "--protocol", "lafan1", *words]) == 2
    err = capsys.readouterr().err
    assert words[0] in err
    assert "means nothing with --protocol lafan1" in err
    assert err.count("error:") == 1
