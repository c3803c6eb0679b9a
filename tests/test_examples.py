"""The programs of examples/ run, and do what they say."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import farandole as fa
from farandole.models import registry
from farandole.motion.files import load_motion

FOLDER = Path(__file__).resolve().parent.parent / "examples"


def example(name: str) -> ModuleType:
    (path,) = FOLDER.glob(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for their module there
    spec.loader.exec_module(module)
    return module


def test_every_example_is_tried_here_and_listed() -> None:
    tried = Path(__file__).read_text(encoding="utf-8")
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    names = sorted(p.name for p in FOLDER.glob("[0-9]*"))
    assert len(names) == 9
    for name in names:
        assert f'"{name[:3]}*' in tried, name
        assert name in listed


def test_a_song_to_a_page(tmp_path: Path) -> None:
    page = example("01_*").main(tmp_path, seconds=6.0)
    assert "<html" in page.read_text(encoding="utf-8")[:1000]
    assert load_motion(tmp_path / "song.glb").seconds == pytest.approx(6, abs=0.1)


def test_many_songs_of_which_one_is_broken(tmp_path: Path) -> None:
    from farandole.cli.app import run

    songs = tmp_path / "songs"
    songs.mkdir()
    for name, seed in (("a", 1), ("b", 2)):
        assert run(["compose", "-o", str(songs / f"{name}.flac"), "--seconds", "4", "--seed", str(seed), "-q"]) == 0
    (songs / "broken.mp3").write_bytes(b"no song")
    batch = example("02_*")
    problems = batch.main(songs, tmp_path / "out", seconds=3.0)
    assert list(problems) == ["broken.mp3"]
    made = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "out").iterdir()}
    assert sorted(made) == ["a.bvh", "b.bvh"]
    batch.main(songs, tmp_path / "out", seconds=3.0)
    assert {p.name: p.stat().st_mtime_ns for p in (tmp_path / "out").iterdir()} == made  # done is done


def test_a_character_with_two_animations(tmp_path: Path) -> None:
    made = example("03_*").main(tmp_path, seconds=4.0)
    assert {"take 1", "take 2"} <= set(animations(made))


def animations(path: Path) -> list[str]:
    data = path.read_bytes()
    length = int.from_bytes(data[12:16], "little")
    return [a["name"] for a in json.loads(data[20 : 20 + length])["animations"]]


def test_gaps_are_filled_near_the_truth() -> None:
    distances = example("04_*").main()
    assert set(distances) == {"model", "curves", "partial motion"}
    assert all(0 < d < 25 for d in distances.values())
    assert distances["model"] == pytest.approx(distances["partial motion"])


def test_a_live_loop_hears_and_dances() -> None:
    frames = example("05_*").main(8.0)
    assert len(frames) == pytest.approx(8 * 30, abs=3)
    assert frames[0].standing
    assert not frames[-1].standing
    assert frames[-1].tempo == pytest.approx(124, rel=0.05)


def test_a_model_of_ones_own_learns_and_dances(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lightning", reason="training needs the [train] extra")
    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))  # other tests do not meet the example
    motion = example("06_*").main(tmp_path / "stepper", steps=4, seconds=6.0)
    assert isinstance(motion, fa.Motion)
    assert np.isfinite(motion.positions).all()


def test_a_feature_of_ones_own_stands_beside_the_beats() -> None:
    both = example("07_*").main(4.0, 20.0)
    assert both.shape == (80, 9)
    assert np.isfinite(both).all()
    assert both[:, 7].std() > 0.05  # it hears something


def test_two_sets_side_by_side(tmp_path: Path) -> None:
    report = example("08_*").main(tmp_path, songs=1, seconds=12.0)
    usual, timid = (run.scorecard for run in report.runs)
    assert usual is not None
    assert timid is not None
    assert usual["joint_speed"].value > timid["joint_speed"].value
    assert (tmp_path / "report/index.html").stat().st_size > 1000


def test_the_notebook_of_09_runs_cell_by_cell() -> None:
    (path,) = FOLDER.glob("09_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert all(not c.get("outputs") for c in cells)  # made anew by whoever opens it
    names: dict[str, object] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), path.name, "exec"), names)
    assert "<iframe" in names["shown"]._repr_html_()  # type: ignore[attr-defined]
