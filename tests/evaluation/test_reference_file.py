"""Figures of real takes in a file: they come back as they were, and there is no motion among them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dancers import groove_dance

from farandole.errors import DataError, OutputError
from farandole.evaluation.clip_figures import Settings, measure_motion
from farandole.evaluation.dance_clips import steady_beats
from farandole.evaluation.real_range import RealRange
from farandole.evaluation.real_takes import read_real_takes
from farandole.evaluation.reference_file import find_reference, read_reference, starter_reference, write_reference
from farandole.evaluation.reporting.dance_report import evaluate
from farandole.evaluation.scorecard import score


@pytest.fixture(scope="module")
def takes() -> RealRange:
    clips = []
    for seed in range(3):
        motion, _ = groove_dance(seed, 120, 15)
        beats = steady_beats(120, 0, motion.seconds)
        clips += measure_motion(motion, beats, Settings(poses=False), name=f"take {seed}", style="groove")
    return RealRange("takes", tuple(clips))


def test_figures_come_back(takes: RealRange, tmp_path: Path) -> None:
    path = write_reference(takes, tmp_path / "takes.npz", sources="made here")
    again = read_reference(path)
    motion, beats = groove_dance(9, 120, 15)
    first, second = (score([motion], [beats], real) for real in (takes, again))
    for line in (*first.lines, *first.danced):
        assert second[line.figure].range.high == pytest.approx(line.range.high, rel=1e-4), line.figure
        assert second[line.figure].value == pytest.approx(line.value, rel=1e-3, nan_ok=True), line.figure
    assert again.clips[1].name == "take 1"
    assert again.clips[1].style == "groove"
    with pytest.raises(OutputError):
        write_reference(takes, path, sources="made here")


def test_real_takes_are_read_from_figures_and_from_motion(takes: RealRange, tmp_path: Path) -> None:
    path = write_reference(takes, tmp_path / "takes.npz", sources="made here")
    for seed in range(3):
        (tmp_path / "real" / "groove").mkdir(parents=True, exist_ok=True)
        groove_dance(seed, 120, 15)[0].save(tmp_path / f"real/groove/take {seed}.npz")
        (tmp_path / f"real/groove/take {seed}.beats.json").write_text('{"bpm": 120}')
    figures, motion = read_real_takes(path), read_real_takes(tmp_path / "real")
    assert motion.styles == figures.styles == ("groove",)
    for figure, bound in motion.ranges.items():
        assert figures.ranges[figure].high == pytest.approx(bound.high, rel=1e-3), figure
    assert find_reference(tmp_path / "real/groove/take 0.npz") is None
    assert read_real_takes("starter") is starter_reference()
    report = evaluate(tmp_path / "real", path, workers=1)
    assert report.reference.name == "takes"
    with pytest.raises(DataError, match="no such folder"):
        read_real_takes(tmp_path / "nowhere")


def test_the_file_holds_no_motion() -> None:
    path = Path(__file__).parents[2] / "src/farandole/evaluation/starter_reference.npz"
    with np.load(path) as arrays:
        kinds = {name.partition("/")[2] for name in arrays.files if "/" in name}
        assert kinds == {"kinetic", "geometric", "window_kinetic", "window_geometric", "speed", "beats"}
        assert all(arrays[name].shape[-1] in (72, 32) for name in arrays.files if "metric" in name or "kinetic" in name)
    assert path.stat().st_size < 600_000


def test_the_package_comes_with_the_figures_of_real_takes_by_style() -> None:
    real = starter_reference()
    salsa = real.of_style("salsa")
    mean = lambda name: np.mean([clip.all_numbers()[name] for clip in salsa.clips])  # noqa: E731
    assert len(salsa.clips) == 4
    assert mean("joint_speed") == pytest.approx(0.65, abs=0.03)
    assert mean("support_median") == pytest.approx(13.5, abs=1.5)
    assert mean("coherence") == pytest.approx(0.205, abs=0.015)
    assert mean("bas_bailando") > 0
    assert all(bound.known for bound in salsa.ranges.values())
    assert {"breaking", "martial", "modern", "party", "slow", "street"} <= {clip.style for clip in real.clips}


def test_other_files_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no zip")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    for name in ("text.npz", "other.npz", "nowhere.npz"):
        with pytest.raises(DataError, match="is no file of reference figures"):
            read_reference(tmp_path / name)
