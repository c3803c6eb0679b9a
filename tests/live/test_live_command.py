"""`farandole live` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from farandole.cli.app import run
from farandole.motion.files import load_motion

from .live_music import RATE, drums


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("song") / "drums.wav"
    soundfile.write(path, drums(4), RATE)
    return path


def test_a_file_without_waiting_is_the_same_bytes_again(song: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        words = ["live", "--input", str(song), "--no-wait", "--seed", "1", "-q"]
        assert run([*words, "-o", str(tmp_path / f"{name}.bvh"), "--stats", str(tmp_path / f"{name}.json")]) == 0
    assert (tmp_path / "a.bvh").read_bytes() == (tmp_path / "b.bvh").read_bytes()
    stats = json.loads((tmp_path / "a.json").read_text())
    names = {"frames", "fps", "cpu_ms_mean", "cpu_ms_p99", "jitter_ms_p99", "late_frames", "lock_s", "peak_mb"}
    assert names <= set(stats)
    assert stats["frames"] == len(load_motion(tmp_path / "a.bvh")) == pytest.approx(120, abs=1)
    assert stats["fps"] == 30.0


def test_pcm_on_standard_input(song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import sys
    from types import SimpleNamespace

    pcm = (32767 * drums(2)).astype("<i2").tobytes()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(pcm)))
    out = tmp_path / "take.npz"
    assert run(["live", "-", "--rate", str(RATE), "--channels", "1", "--no-wait", "-q", "-o", str(out)]) == 0
    assert len(load_motion(out)) == pytest.approx(60, abs=1)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["live", "nothing.mp3", "--page"], "no such file"),
        (["live", "--input", "mic", "--no-wait", "-o", "x.bvh"], "--no-wait"),
        (["live", "song.mp3", "--input", "mic", "--page"], "twice"),
        (["live", "song.mp3"], "goes nowhere"),
        (["live", "SONG", "--vmc", "nowhere", "--no-wait"], "no address"),
        (["live", "SONG", "--style", "polka", "--no-wait", "-o", "x.bvh"], "no style"),
        (["live", "SONG", "--no-wait", "-o", "x.wav"], "x.wav"),
    ],
)
def test_mistakes_are_told_in_one_line(
    words: list[str], says: str, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run([str(song) if w == "SONG" else w for w in words]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert says in error[-1]
    assert not list(tmp_path.iterdir())
