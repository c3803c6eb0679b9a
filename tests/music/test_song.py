"""Songs: from files and from memory, in bounded memory, on a light import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sounds import RATE, clicks, f_measure, write_sound

from farandole.errors import AudioError
from farandole.music import Song, load_song


def test_a_file_and_its_samples_are_the_same_song(tmp_path: Path) -> None:
    true = np.arange(0.3, 8, 0.5)
    path = write_sound(tmp_path / "my song.flac", clicks(true, 8.0, 44100), 44100, "stereo")
    song = load_song(path)
    assert song.name == "my song"
    assert song.path == path
    assert song.seconds == pytest.approx(8.0, abs=0.01)
    assert song.sample_rate == RATE
    assert song.samples.dtype == np.float32
    assert len(song.samples) == round(song.seconds * RATE)
    again = Song.from_samples(song.samples, RATE)
    np.testing.assert_allclose(again.frames.mel, song.frames.mel, rtol=1e-4, atol=1e-10)
    np.testing.assert_allclose(again.beats.times, song.beats.times, atol=1e-6)
    assert f_measure(song.beats.folded(90, 150).times, true) > 0.9


@pytest.mark.parametrize("rate", [8000, 44100, 96000])
def test_samples_of_any_rate_and_channels_give_the_same_beats(rate: int) -> None:
    true = np.arange(0.3, 12, 0.5)
    mono = clicks(true, 12.0, rate)
    song = Song.from_samples(np.stack([mono, mono], axis=1), rate)
    assert song.seconds == pytest.approx(12, abs=0.001)
    found = song.beats_within(90, 150).times
    assert f_measure(found, true) > 0.95
    assert np.abs(found[:, None] - true).min(axis=1)[2:-2].max() < 0.015


@pytest.mark.parametrize(
    ("samples", "rate", "words"),
    [
        (np.zeros(4410), RATE, "0.20 s of sound; at least 1 s"),
        (np.zeros((10, 2, 2)), RATE, "needed is float"),
        (np.zeros(RATE * 2, np.int16), RATE, "needed is float"),
        (np.full(RATE * 2, np.nan), RATE, "NaN"),
        (np.zeros(RATE * 2), 10, "sample rate 10"),
    ],
)
def test_unusable_samples_are_refused(samples: np.ndarray, rate: int, words: str) -> None:
    with pytest.raises(AudioError, match=words):
        Song.from_samples(samples, rate, name="take")


def test_the_way_of_dance_loads_no_heavy_library() -> None:
    code = (
        "import sys, numpy as np; from farandole.music import Song; from farandole.music.conditioning import conditions\n"
        "conditions(Song.from_samples(np.random.default_rng(0).standard_normal(70000) * 0.1, 22050), 30)\n"
        "print([m for m in ('librosa', 'torch', 'numba', 'scipy', 'matplotlib') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.slow
def test_an_hour_is_analysed_in_bounded_memory(tmp_path: Path) -> None:
    import soundfile

    path = tmp_path / "set.flac"
    minute = clicks(np.arange(0.0, 60.0, 0.5), 60.0)
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        for _ in range(60):
            file.write(minute)
    code = (
        "import resource, sys; from farandole.music import load_song\n"
        "song = load_song(sys.argv[1]); beats = song.beats\n"
        "print(song.seconds, beats.tempo, beats.times[-1], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    result = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    seconds, tempo, last, megabytes = map(float, result.stdout.split())
    assert seconds == pytest.approx(3600, abs=0.01)
    assert min(abs(tempo - 120 * octave) for octave in (0.5, 1)) < 0.1
    assert last > 3597
    assert megabytes < 700


@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
def test_a_song_with_one_channel_inverted_is_heard(tmp_path: Path, suffix: str) -> None:
    import av

    rate, samples = 44100, clicks(np.arange(0.2, 6.0, 0.5), 6.0, 44100)
    path = tmp_path / f"inverted{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream({".wav": "pcm_s16le", ".mp3": "libmp3lame"}[suffix], rate=rate, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.stack([samples, -samples]), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = rate, 0
        convert = av.AudioResampler(format=stream.codec_context.format.name, layout="stereo", rate=rate)
        for piece in [*convert.resample(frame), *convert.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    song = load_song(path, rates=(16000,))
    assert song.side
    assert np.abs(song.samples).max() > 0.4
    assert np.abs(song.samples_at(16000)).max() > 0.4
    assert song.beats_within(90, 150).tempo == pytest.approx(120, rel=0.01)
