"""`farandole info` of songs: beats as text, sections, confidence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from farandole.music.beats.text import read_beats


@pytest.fixture
def song(tmp_path: Path) -> Path:
    rng, rate = np.random.default_rng(0), 22050
    out = 0.001 * rng.standard_normal(12 * rate)
    t = np.arange(2000) / rate
    for k in range(24):
        at = round((0.1 + 0.5 * k) * rate)
        hit = np.sin(2 * np.pi * 60 * t) if k % 2 == 0 else 0.5 * rng.standard_normal(len(t))
        out[at : at + len(t)] += 0.7 * hit[: len(out) - at] * np.exp(-t / 0.03)[: len(out) - at]
    soundfile.write(tmp_path / "song.wav", out, rate)
    return tmp_path / "song.wav"


def test_json_tells_tempo_bars_confidence_and_sections(farandole, song: Path) -> None:
    facts = json.loads(farandole("info", song, "--json").out)
    assert facts["tempo"] == pytest.approx(120, rel=0.01)
    assert facts["beats_per_bar"] in (2, 4)
    assert 0 <= facts["confidence"] <= 1
    assert facts["sections"][0]["begin"] == 0
    assert facts["sections"][-1]["end"] == pytest.approx(12)
    assert "A 0:00" in farandole("info", song).out


def test_beats_are_written_as_text_and_never_over_a_file(farandole, song: Path, tmp_path: Path) -> None:
    out = tmp_path / "beats.txt"
    farandole("info", song, "--beats", out)
    beats = read_beats(out)
    assert np.abs(beats.times - (0.1 + 0.5 * np.round((beats.times - 0.1) / 0.5))).max() < 0.02
    assert "exists already" in farandole("info", song, "--beats", out).refused()
    farandole("info", song, "--beats", out, "--force")


def test_a_motion_has_no_beats_to_write(farandole, tmp_path: Path) -> None:
    bvh = tmp_path / "m.bvh"
    bvh.write_text("HIERARCHY")
    assert "beats of a song" in farandole("info", bvh, "--beats", tmp_path / "b.txt").refused()
