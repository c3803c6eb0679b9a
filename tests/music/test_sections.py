"""Sections: boundaries where the sound changes, on bars; what returns bears its letter again."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sounds import RATE

from farandole.music import Song, load_song
from farandole.music import song as song_module
from farandole.music.sections import find_sections

BAR = 2.0  # s: four beats at 120 bpm


def part(kind: str, bars: int, rng: np.random.Generator) -> np.ndarray:
    """A verse (kick, low chords), a chorus (kick, clap, hats, high chords) or a break (held chord alone)."""
    out = np.zeros(round(bars * BAR * RATE))
    t = np.arange(round(0.25 * RATE)) / RATE
    kick = np.sin(2 * np.pi * (50 * t + 3 * (1 - np.exp(-t / 0.03)))) * np.exp(-t / 0.08)
    noise = rng.standard_normal(len(t)) * np.exp(-t / 0.03)
    roots = {"verse": (57, 53, 57, 55), "chorus": (60, 67, 65, 67), "break": (62, 62, 62, 62)}[kind]
    for bar in range(bars):
        held = np.arange(round(BAR * RATE)) / RATE
        octave = {"verse": -12, "chorus": 12, "break": 0}[kind]
        chord = sum(np.sin(2 * np.pi * 440 * 2 ** ((roots[bar % 4] + octave + k - 69) / 12) * held) for k in (0, 4, 7))
        at = round(bar * BAR * RATE)
        out[at : at + len(held)] += 0.06 * chord * np.minimum(1, held / 0.02) * np.exp(-held / 1.5)
        for beat in range(8):
            place = at + round(beat * BAR / 8 * RATE)
            for sound, gain, on in (
                (kick, 0.8, kind != "break" and beat % 2 == 0 and (kind == "chorus" or beat % 4 == 0)),
                (noise, 0.4, kind == "chorus" and beat % 4 == 2),
                (noise, 0.12, kind == "chorus"),
            ):
                if on:
                    end = min(place + len(sound), len(out))
                    out[place:end] += gain * sound[: end - place]
    return out


def test_verses_and_choruses_are_told_apart_and_found_again() -> None:
    rng = np.random.default_rng(0)
    form = [("verse", 8), ("chorus", 8), ("verse", 8), ("break", 4), ("chorus", 8)]
    samples = np.concatenate([part(kind, bars, rng) for kind, bars in form]).astype(np.float32)
    samples += 1e-4 * rng.standard_normal(len(samples)).astype(np.float32)
    sections = find_sections(Song.from_samples(samples, RATE))
    true = np.cumsum([0, *(bars for _, bars in form)]) * BAR
    assert len(sections) == len(form)
    np.testing.assert_allclose([s.begin for s in sections], true[:-1], atol=BAR / 4 + 0.05)
    a, b, a_again, c, b_again = (s.label for s in sections)
    assert a == a_again == "A"
    assert b == b_again == "B"
    assert c == "C"
    assert sections[1].energy > sections[0].energy > sections[3].energy


@pytest.mark.parametrize("seconds", [1.5, 7.0])
def test_short_and_silent_songs_are_one_section(seconds: float) -> None:
    for samples in (
        np.zeros(round(seconds * RATE)),
        0.1 * np.random.default_rng(0).standard_normal(round(seconds * RATE)),
    ):
        (only,) = find_sections(Song.from_samples(samples.astype(np.float32), RATE))
        assert (only.begin, only.label) == (0.0, "A")
        assert only.end == pytest.approx(seconds, abs=0.01)


@pytest.mark.parametrize("midi", [48, 57, 64, 71])
def test_chroma_names_the_note_in_any_octave(midi: int) -> None:
    t = np.arange(2 * RATE) / RATE
    note = np.sum([np.sin(2 * np.pi * 440 * 2 ** ((midi - 69) / 12) * h * t) / h for h in (1, 2, 4)], axis=0)
    values, fps = Song.from_samples(note.astype(np.float32), RATE).chroma
    assert len(values) == 2 * RATE // 2048 + 1
    assert fps == pytest.approx(RATE / 2048)
    assert (values[4:-4].argmax(axis=1) == midi % 12).all()


def test_chroma_does_not_depend_on_how_the_sound_is_cut_or_when_it_is_heard(tmp_path: Path) -> None:
    sound = np.random.default_rng(0).standard_normal(60 * RATE).astype(np.float32) * 0.1
    path = tmp_path / "noise.wav"
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    heard, later, in_memory = load_song(path, chroma=True), load_song(path), Song.from_samples(sound, RATE)
    assert np.array_equal(heard.chroma[0], later.chroma[0])
    assert np.array_equal(heard.chroma[0], in_memory.chroma[0])
    assert len(heard.chroma[0]) == 60 * RATE // 2048 + 1


def test_a_song_read_for_its_sections_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "noise.wav"
    soundfile.write(path, np.random.default_rng(0).standard_normal(30 * RATE) * 0.1, RATE)
    decoded, decode_blocks = [], song_module.decode_blocks
    monkeypatch.setattr(song_module, "decode_blocks", lambda *a, **k: decoded.append(a) or decode_blocks(*a, **k))
    song = load_song(path, chroma=True)
    assert find_sections(song) is find_sections(song)
    assert len(decoded) == 1


def test_a_long_song_is_not_held_to_find_its_sections(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * 0.1
    peaks = []
    for seconds in (300, 600):
        path = tmp_path / f"{seconds}.wav"
        soundfile.write(path, np.tile(noise, seconds), RATE)
        tracemalloc.start()
        try:
            assert len(load_song(path, chroma=True).chroma[0]) == seconds * RATE // 2048 + 1
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] - peaks[0] < 0.5 * 4 * 300 * RATE, peaks
