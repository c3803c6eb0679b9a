"""`farandole dance` with the shipped model: files, words, repeatability."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from farandole.motion.files import load_motion

SECONDS = 6.0
UNUSED = ("scipy", "torch", "librosa", "soundfile", "jinja2", "rich", "farandole.view.raycast", "farandole.view.video")
"""Modules that take long to import, and that a dance with its page does without."""


@pytest.fixture(scope="module")
def song(house_song, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return house_song(tmp_path_factory.mktemp("songs") / "my song.wav", SECONDS)


def test_a_folder_gets_a_motion_and_a_page_and_the_same_again(farandole, song: Path, tmp_path: Path) -> None:
    outcome = farandole("dance", song, "-o", tmp_path / "a", "--seed", 3)
    assert outcome.code == 0, outcome.err
    files = [tmp_path / "a" / f"my song.{kind}" for kind in ("html", "bvh")]
    assert outcome.out.splitlines() == [str(f) for f in files]
    assert sorted((tmp_path / "a").iterdir()) == sorted(files)
    for words in ("dancing: 100 %", "120 bpm", "of steps land on the beat", "times faster than it plays"):
        assert words in outcome.err

    motion = load_motion(files[1])
    assert (motion.fps, motion.seconds) == (30, pytest.approx(SECONDS, abs=0.1))
    assert motion.velocities[:, :, :].std() > 0.05

    assert farandole("dance", song, "-o", tmp_path / "b", "--seed", 3, "-q").err == ""
    assert (tmp_path / "b" / "my song.bvh").read_bytes() == files[1].read_bytes()
    assert (tmp_path / "b" / "my song.html").read_bytes() == files[0].read_bytes()
    assert farandole("dance", song, "-o", tmp_path / "c", "--seed", 4, "-q").code == 0
    assert (tmp_path / "c" / "my song.bvh").read_bytes() != files[1].read_bytes()


def test_a_dance_imports_nothing_that_it_does_not_need(song: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from farandole.cli.app import run; run(['dance', *sys.argv[1:], '--seconds', '2', '-q']);"
        f"print([m for m in {UNUSED!r} if m in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, str(song), "-o", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (tmp_path / "my song.html").is_file()
    assert done.stderr.strip() == "[]"


def test_takes_differ_and_share_a_page(farandole, song: Path, tmp_path: Path) -> None:
    words = ("--takes", 2, "--formats", "npz,html,glb", "--json", "--fps", 24, "--seconds", 4)
    facts = json.loads(farandole("dance", song, "-o", tmp_path, *words).out)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "my song-1.glb",
        "my song-1.npz",
        "my song-2.glb",
        "my song-2.npz",
        "my song.html",
    ]
    assert facts["page"] == str(tmp_path / "my song.html")
    assert [take["seconds"] for take in facts["takes"]] == [pytest.approx(4, abs=0.1)] * 2
    first, second = (load_motion(take["files"]["npz"]) for take in facts["takes"])
    assert first.fps == 24
    assert np.linalg.norm(first.positions - second.positions, axis=-1).mean() > 0.05


def test_a_dance_goes_on_from_another(farandole, song: Path, tmp_path: Path) -> None:
    assert farandole("dance", song, "-o", tmp_path / "one.npz", "-q").code == 0
    assert farandole("dance", song, "-o", tmp_path / "two.npz", "--start", tmp_path / "one.npz", "-q").code == 0
    one, two = load_motion(tmp_path / "one.npz"), load_motion(tmp_path / "two.npz")
    gap = np.linalg.norm(two.positions[0] - one.positions[-1], axis=-1)
    assert gap.mean() < 0.25


def test_a_motion_is_extended_on_its_own_body(farandole, song: Path, tmp_path: Path) -> None:
    assert farandole("dance", song, "-o", tmp_path / "one.npz", "-q").code == 0
    words = ("--seconds", 3, "-o", tmp_path / "two.npz", "--json", "-q")
    facts = json.loads(farandole("extend", tmp_path / "one.npz", *words).out)
    one, two = load_motion(tmp_path / "one.npz"), load_motion(tmp_path / "two.npz")
    assert facts["seconds"] == pytest.approx(one.seconds + 3, abs=0.1)
    assert two.skeleton == one.skeleton
    np.testing.assert_allclose(two.positions[: len(one)], one.positions, atol=1e-6)


def test_silence_is_danced_to_with_a_warning(farandole, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(5 * 22050), 22050)
    outcome = farandole("dance", tmp_path / "silence.wav", "-o", tmp_path / "calm.bvh", "-q")
    assert outcome.code == 0, outcome.err
    assert outcome.err.startswith("warning: ")
    assert load_motion(tmp_path / "calm.bvh").seconds == pytest.approx(5, abs=0.1)


def test_what_the_model_cannot_do_is_said_in_one_line(farandole, song: Path, tmp_path: Path) -> None:
    for words, says in (
        (("--style", "polka"), "no style 'polka'"),
        (("--model", "none"), "no model 'none'"),
        (("--engine", "steam"), "no engine 'steam'"),
        (("--start", tmp_path / "none.bvh"), "none.bvh: no such file"),
        (
            ("--model", "inbetween"),
            "the model inbetween (inbetweener) lacks what that needs: listens to music; it fills gaps; these can: starter",
        ),
        (("--seconds", "nan"), "nan s: need|'--seconds': Input should be greater than or equal to 1"),
        (("--fps", "nan"), "nan fps: need|'--fps'"),
        (("--temperature", "nan"), "temperature nan: need|'--temperature'"),
        (("--energy", "nan"), "energy nan: need|'--energy'"),
    ):
        told = farandole("dance", song, "-o", tmp_path / "out", "-q", *words).refused()
        assert any(text in told for text in says.split("|")), told  # older releases of typer let NaN through to us
    assert list(tmp_path.iterdir()) == []


def test_what_extend_cannot_do_is_said_in_one_line(farandole, song: Path, tmp_path: Path) -> None:
    assert farandole("dance", song, "--seconds", 3, "-o", tmp_path / "one.npz", "-q").code == 0
    for words, says in (
        (("--model", "inbetween"), "going on from a motion: the model inbetween (inbetweener) lacks"),
        (("--seconds", "nan"), "nan s: need|'--seconds': Input should be greater than or equal to 0.1"),
        (("--style", "polka"), "no style 'polka'"),
        ((tmp_path / "none.mp3",), "none.mp3"),
    ):
        told = farandole("extend", tmp_path / "one.npz", *words, "-o", tmp_path / "x.npz", "-q").refused()
        assert any(text in told for text in says.split("|")), told
    assert not (tmp_path / "x.npz").exists()
