"""Each command does its job on a real dancer, and says so in text and in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from farandole.data.starter.groove.dancer import groove
from farandole.motion import Motion
from farandole.motion.files import load_motion


@pytest.fixture(scope="module")
def dancer() -> Motion:
    """Four seconds of a made dance at 30 fps."""
    return groove(np.arange(240) / 30 * 110 / 60, seed=3, energy=0.5).slice(60, 180)


@pytest.fixture
def bvh(dancer: Motion, tmp_path: Path) -> Path:
    return dancer.save(tmp_path / "groove.bvh")


def test_info_of_a_motion(farandole, bvh: Path) -> None:
    facts = json.loads(farandole("info", bvh, "--json").out)
    assert (facts["kind"], facts["frames"], facts["fps"], facts["joints"]) == ("motion", 120, 30, 21)
    assert (facts["unit_m"], facts["up_axis"]) == (0.01, "y")
    assert facts["channels"] == {"ZXY rotation": 20, "XYZ position, ZXY rotation": 1}
    assert facts["height_m"] == pytest.approx(1.70, abs=0.01)
    assert "humanoid" in facts["naming"]
    text = farandole("info", bvh).out
    assert "20 x ZXY rotation" in text
    assert "LeftToeBase" in text


def test_convert_resamples_trims_and_mirrors(farandole, bvh: Path, dancer: Motion, tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    words = ("--fps", 60, "--begin", 1, "--end", 3, "--mirror", "--json")
    facts = json.loads(farandole("convert", bvh, out, *words).out)
    assert (facts["fps"], facts["seconds"]) == (60, pytest.approx(2, abs=0.05))
    left, right = dancer.skeleton.index("LeftHand"), dancer.skeleton.index("RightHand")
    made, real = load_motion(out), dancer.slice(30, 90)
    np.testing.assert_allclose(made.positions[0, left] * [-1, 1, 1], real.positions[0, right], atol=0.02)


def test_convert_moves_another_body(farandole, bvh: Path, dancer: Motion, tmp_path: Path) -> None:
    tall = Motion(dancer.skeleton.scaled(1.2), dancer.rotations, 1.2 * dancer.root_positions, dancer.fps)
    tall.save(tmp_path / "tall.bvh")
    assert farandole("convert", bvh, tmp_path / "moved.npz", "--retarget", tmp_path / "tall.bvh").code == 0
    moved = load_motion(tmp_path / "moved.npz")
    assert moved.skeleton.height == pytest.approx(1.2 * dancer.skeleton.height, rel=5e-3)
    np.testing.assert_allclose(moved.positions, tall.positions, atol=0.05)


def test_view_shows_takes_side_by_side(farandole, bvh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = farandole("view", bvh, bvh, "-q")
    assert (outcome.code, outcome.out, outcome.err) == (0, "groove.html\n", "")
    assert "groove (2)" in Path("groove.html").read_text()
    assert "exists already" in farandole("view", bvh).refused()


def test_render_writes_video_and_contact_sheet_together(farandole, bvh: Path, tmp_path: Path) -> None:
    farandole("convert", bvh, tmp_path / "short.bvh", "--end", 0.3)
    clip, sheet = tmp_path / "clip.mp4", tmp_path / "sheet.png"
    words = ("-o", clip, "--contact-sheet", sheet, "--size", "96x64", "--fps", 10)
    assert farandole("render", tmp_path / "short.bvh", *words, "-q").out == f"{sheet}\n{clip}\n"
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert b"ftyp" in clip.read_bytes()[:16]


def test_evaluate_judges_a_folder_and_writes_a_report(farandole, bvh: Path, tmp_path: Path) -> None:
    outcome = farandole("evaluate", bvh, "-o", tmp_path / "report", "--play", "--workers", 1, "-q")
    assert outcome.code == 0
    assert "Supporting foot" in outcome.out
    assert (tmp_path / "report" / "clips" / "0-0.html").is_file()
    assert json.loads((tmp_path / "report" / "report.json").read_text())["runs"][0]["clips"] == 1
    assert "exists already" in farandole("evaluate", bvh, "-o", tmp_path / "report").refused()
    assert "nowhere" in farandole("evaluate", tmp_path / "nowhere").refused()


def test_models_that_do_not_exist_and_recipes_that_do_not_fit(farandole, tmp_path: Path) -> None:
    assert "no model 'none'" in farandole("models", "none").refused()
    assert "no recipe 'none'" in farandole("train", "none", "--data", tmp_path).refused()
    pytest.importorskip("lightning", reason="recipes are read by the [train] extra")
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("sead: 1\n")
    assert "no key 'sead'" in farandole("train", recipe, "--data", tmp_path, "-o", tmp_path / "run").refused()
    assert not (tmp_path / "run").exists()
