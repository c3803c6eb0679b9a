"""A part of a song: where it begins, to the sample, in what is analysed and in what is heard."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from farandole.errors import AudioError
from farandole.music import load_song
from farandole.music.excerpt import Excerpt
from farandole.view.sound import for_browser, stereo_frames

CLICKS = (0.5, 2.5, 4.25, 6.0, 7.75)


@pytest.fixture(params=[".wav", ".flac", ".ogg", ".mp3"])
def song(request: pytest.FixtureRequest, tmp_path: Path):
    """Ten seconds with clicks at known times."""
    rate, path = 44100, tmp_path / f"clicks{request.param}"
    sound = np.zeros((10 * rate, 2), np.float32)
    for at in CLICKS:
        sound[round(at * rate) : round(at * rate) + 32] = 0.8
    soundfile.write(path, sound, rate)
    return load_song(path)


def onsets(samples: np.ndarray, rate: int) -> np.ndarray:
    """Times of loud samples that follow silence, s."""
    loud = np.flatnonzero(np.abs(samples) > 0.3)
    return loud[np.diff(loud, prepend=-rate) > rate // 10] / rate


def test_clicks_are_heard_when_the_dance_has_them(song) -> None:
    part = Excerpt(song, 2.4, 5.0)
    expected = [t - 2.4 for t in CLICKS if 2.4 <= t < 7.4]
    heard = np.concatenate([f.to_ndarray().mean(axis=0) for f in stereo_frames(part, seconds=5.0)])
    assert len(heard) == 5 * 44100
    np.testing.assert_allclose(onsets(heard, 44100), expected, atol=0.001)
    np.testing.assert_allclose(onsets(part.samples, part.sample_rate), expected, atol=0.001)
    pieces, kind = for_browser(part, seconds=5.0)
    data = b"".join(pieces)
    assert kind == "audio/mp4"
    with av.open(io.BytesIO(data)) as container:
        played = np.concatenate([f.to_ndarray().mean(axis=0) for f in container.decode(audio=0)])
    assert abs(len(played) / 44100 - 5.0) < 0.05
    np.testing.assert_allclose(onsets(played, 44100), expected, atol=0.002)


def test_beats_are_the_whole_songs_and_too_little_sound_is_refused(tmp_path: Path) -> None:
    rate = 22050
    t = np.arange(12 * rate) / rate
    soundfile.write(tmp_path / "beeps.wav", np.sin(6283 * t) * np.exp(-30 * (t % 0.5)), rate)
    song = load_song(tmp_path / "beeps.wav")
    part = Excerpt(song, 3.1)
    assert part.seconds == pytest.approx(8.9)
    np.testing.assert_allclose(part.beats.times + 3.1, song.beats.times)
    assert (part.beats.downbeats == song.beats.downbeats).all()
    with pytest.raises(AudioError, match=r"lasts 12.00 s: an excerpt from 11.50 s on needs 1 s of sound"):
        Excerpt(song, 11.5)
