"""Importing the package and the main jobs want no torch: it is hidden, and neither it nor what needs it is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from farandole.data.starter.groove.dancer import groove
from farandole.data.starter.songs import compose

HIDE = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "lightning", "safetensors", "onnx", "onnxscript", "librosa", "transformers"):
            raise ImportError(f"{name} is hidden")

sys.meta_path.insert(0, Hidden())
"""
RUN = HIDE + "from farandole.cli.app import run\nsys.exit(run(sys.argv[1:]))"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("core")
    made = compose(120, 4.0, genre="house", seed=1)
    soundfile.write(place / "song.wav", made.samples, made.sample_rate)
    groove(np.arange(60) / 15, seed=3).save(place / "clip.bvh")
    return place


def hidden(code: str, *words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, cwd=cwd, timeout=250
    )


def test_the_package_and_all_its_names_are_imported(tmp_path: Path) -> None:
    done = hidden(
        HIDE + "import farandole as fa\nfor name in fa.__all__: getattr(fa, name)\nprint(fa.__version__)", cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (("dance", "song.wav", "--seconds", 2, "-o", "dance.npz"), ["dance.npz"]),
        (("inbetween", "clip.bvh", "--every", 10, "-o", "filled.bvh"), ["filled.bvh"]),
        (("inbetween", "clip.bvh", "--gap", "20:40", "--method", "dance", "-o", "danced.npz"), ["danced.npz"]),
        (("extend", "clip.bvh", "song.wav", "--seconds", 2, "-o", "longer.bvh"), ["longer.bvh"]),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_the_main_jobs_are_done(place: Path, words: tuple, files: list[str]) -> None:
    done = hidden(RUN, *words, "-q", cwd=place)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout.splitlines() == files
    assert all((place / file).stat().st_size > 1000 for file in files)


def test_what_needs_torch_says_what_to_install(place: Path) -> None:
    for words in (
        ("dance", "song.wav", "--engine", "torch", "-o", "x.npz"),
        ("train", "flow/tiny/moglow", "--data", "."),
    ):
        done = hidden(RUN, *words, "-q", cwd=place)
        (line,) = done.stderr.splitlines()
        assert done.returncode == 2, line
        assert "pip install 'farandole[train]'" in line
    listed = hidden(RUN, "models", cwd=place)
    assert (listed.returncode, len(listed.stdout.splitlines())) == (0, 2)
