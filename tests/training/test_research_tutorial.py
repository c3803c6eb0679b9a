"""docs/tutorials/research.md, every command of it, at toy size."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the [train] extra")
pytest.importorskip("lightning", reason="training needs the [train] extra")
pytest.importorskip("librosa", reason="the features need the [train] extra")

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.cli.app import run
from farandole.data.feature_folder import FeatureFolder
from farandole.motion.files import load_motion

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorials" / "research.md"
STEPS, LONGER = 6, 8
MODEL = ("--config.encoder.dim=16", "--config.encoder.layers=1", "--config.flow.steps=[2]", "--config.flow.dim=16")
TRAINING = ("--training.batch_size=8", "--training.validate_every=3", "--training.schedule.warmup=1")
TOY = {
    "compose": ("--seconds", "9"),
    "prepare": ("--workers", "1"),
    "train": (
        *MODEL,
        *TRAINING,
        f"--training.steps={STEPS}",
        "--training.dances.seconds=1",
        "--trainer.accelerator=cpu",
    ),
    "resume": (f"--training.steps={LONGER}",),
    "dance": (),
    "generate": ("--seconds", "1"),
    "evaluate": ("--seconds", "1", "--seeds", "1"),
}
"""What is appended to the words of each command, so that it takes a second."""


def commands(text: str) -> list[list[str]]:
    """Words of every farandole command in the code of a page, loops run and variables filled in by a shell."""
    code = "\n".join(re.findall(r"^```\w*\n(.*?)^```", text, re.S | re.M))
    lines = [line for line in code.splitlines() if not line.startswith("pip ")]
    told = "farandole() { printf '%s\\0' \"$@\"; printf '\\n\\0'; }\n" + "\n".join(lines)
    out = subprocess.run(["bash", "-e", "-c", told], capture_output=True, text=True, check=True).stdout
    return [words.split("\0")[:-1] for words in out.split("\n\0") if words]


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    told = {}
    for words in commands(TUTORIAL.read_text(encoding="utf-8")):
        more = TOY.get("resume" if "--resume" in words else words[0], ())
        capsys.readouterr()
        assert run([*words, *more]) == 0, (shlex.join(words), capsys.readouterr().err)
        told[" ".join(words[:3])] = capsys.readouterr().out
    # Features
    folder = FeatureFolder(tmp_path / "data" / "mine")
    assert list(folder.features) == ["expmap_cr", "rotmat", "transflower"]
    assert (len(folder.split("train")), len(folder.split("val")), len(folder.split("test"))) == (10, 1, 1)
    assert "expmap_cr" in told["info data/mine"]
    assert "flow/tiny/transflower: transflower; needs expmap_cr (motion)" in told["recipes flow/tiny"]
    # Training
    first, second = (find_checkpoint(tmp_path / "runs" / name) for name in ("first", "second"))
    assert first.config.recipe["training"]["steps"] == LONGER
    assert first.config.recipe["training"]["keep"] == "dances"
    assert second.config.recipe["windows"]["augment"] == [{"noise": {"std": 0.2}}, {"mirror": {}}]
    pictures = sorted(p.name for p in (tmp_path / "runs" / "first" / "dances").glob("*.png"))
    assert pictures[:2] == [f"{step:07d}.png" for step in (STEPS // 2, STEPS)]
    assert len(list((tmp_path / "runs" / "first" / "logs").glob("version_*"))) == 2
    # Dances
    (test,) = folder.split("test")
    assert sorted(p.name for p in (tmp_path / "dances" / "test").iterdir()) == [f"{test}.bvh", f"{test}.html"]
    takes = [load_motion(tmp_path / "dances" / "song" / f"take_1-{k}.bvh") for k in (1, 2, 3)]
    assert [len(take) for take in takes] == [20, 20, 20]
    assert len({take.positions.tobytes() for take in takes}) == 3
    assert np.isfinite(load_motion(tmp_path / "dances" / "first.glb").positions).all()
    # Measured
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert {"runs/first", "runs/second"} <= set(json.dumps(report).replace('"', " ").split())
    assert first.exported == ("model",)
