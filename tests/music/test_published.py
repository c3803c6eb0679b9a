"""Published music features: columns, clock, and what cannot be had."""

import numpy as np
import pytest

from farandole.errors import AudioError
from farandole.music import features
from farandole.music.features.published import tempo_in_name
from farandole.music.song import Song, load_song

librosa = pytest.importorskip("librosa", reason="published music features need the [train] extra")

RATE = 22050


def clicks(seconds, times, rate=RATE):
    """Short bursts of noise at the given times over faint noise."""
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 1e-4, int(seconds * rate)).astype(np.float32)
    burst = (rng.normal(0, 0.3, 400) * np.exp(-np.arange(400) / 80)).astype(np.float32)
    for t in times:
        at = round(t * rate)
        sound[at : at + 400] += burst[: len(sound) - at]
    return Song.from_samples(sound, rate)


@pytest.fixture(scope="module")
def song():
    return clicks(8.0, np.arange(0.5, 8, 0.5))


def test_aistpp35_has_its_columns(song):
    values = features.features(song, "aistpp35", 60.0)
    assert values.shape == (480, 35)
    names = features.feature("aistpp35").columns
    assert names[0] == "envelope"
    assert names[21] == "chroma_0"
    assert names[-2:] == ("peak", "beat")
    assert set(np.unique(values[:, 33:])) == {0.0, 1.0}
    sound = np.pad(librosa.resample(song.samples, orig_sr=RATE, target_sr=30720), (0, 512))
    mfcc = librosa.feature.mfcc(y=sound, sr=30720, n_mfcc=20, hop_length=512).T[:480]
    inner = slice(10, 470)
    assert np.corrcoef(values[inner, 1], mfcc[inner, 0])[0, 1] > 0.98  # another resampler, so not equal
    beats = np.flatnonzero(values[:, 34]) / 60
    assert np.abs((beats + 0.25) % 0.5 - 0.25).max() < 0.06


def loudest_near(values, times, fps):
    """Frames from each time to the loudest frame near it."""
    reach = round(0.3 * fps)
    starts = np.round(times * fps).astype(int) - reach
    return starts + np.array([np.argmax(values[s : s + 2 * reach + 1]) for s in starts]) - times * fps


def test_frames_keep_time_for_ten_minutes():
    times = np.arange(1.0, 599, 1.37)
    song = clicks(600.0, times)
    for fps, largest in ((50.0, 0.55), (29.97, 1.1)):  # at 29.97 fps rows lie between two of librosa's frames
        loudness = features.features(song, "transflower_mel", fps).mean(axis=1)
        assert len(loudness) == round(600 * fps)
        offset = loudest_near(loudness, times + 0.004, fps)
        assert np.abs(offset).max() <= largest
        assert np.abs(np.median(offset)) <= 0.5
        assert abs(offset[:100].mean() - offset[-100:].mean()) < 0.1  # no drift


def test_aistpp35_frames_are_centred_on_their_instant():
    times = np.arange(1.0, 59, 0.73)
    values = features.features(clicks(60.0, times), "aistpp35", 60.0)
    offset = loudest_near(values[:, 1], times + 0.003, 60.0)  # the bursts' energy lies 3 ms after their start
    assert np.abs(offset).max() <= 0.55
    marks = np.flatnonzero(values[:, 33])
    lag = np.array([marks[np.argmin(np.abs(marks - 60 * t))] - 60 * t for t in times])
    assert np.median(lag) == pytest.approx(0.6, abs=0.2)  # librosa's peaks follow an attack by this much
    assert np.mean(np.abs(lag - np.median(lag)) <= 0.5) > 0.9


@pytest.mark.parametrize(("suffix", "channels"), [("wav", 2), ("ogg", 1), ("mp3", 2), ("flac", 3)])
def test_all_features_come_from_one_pass_of_decoding(tmp_path, monkeypatch, suffix, channels):
    import av
    import soundfile

    rng = np.random.default_rng(2)
    path, sound = tmp_path / f"mBR0.{suffix}", rng.normal(0, 0.1, (5 * 44100 + 1234, channels))
    soundfile.write(path, sound * (np.arange(len(sound)) % 22050 < 3000)[:, None], 44100)
    names = ("aistpp35", "transflower", "transflower_mel+beats", "mel")
    alone = {name: features.features(load_song(path), name, 20.0) for name in names}
    opened, really_open = [], av.open
    monkeypatch.setattr(av, "open", lambda *told, **more: opened.append(told[0]) or really_open(*told, **more))
    together = features.file_features(path, names, 20.0)
    assert opened == [str(path)]
    for name in names:
        np.testing.assert_array_equal(together[name], alone[name])


def test_transflower_has_85_columns_made_of_its_groups(song):
    whole = features.features(song, "transflower", 20.0)
    assert whole.shape == (160, 85)
    groups = "transflower_mel+transflower_envelope+transflower_beats+transflower_onsets"
    np.testing.assert_array_equal(whole, features.features(song, groups, 20.0))
    assert whole[:, :80].max() == 0
    assert whole[:, :80].min() >= -80
    assert len(features.feature("transflower").columns) == 85
    beats = whole[:, 81]
    assert beats[np.round(song.beats.times[2:8] * 20).astype(int)].min() > 0.8


def test_mel_is_librosas_on_the_published_grid():
    rng = np.random.default_rng(1)
    song = Song.from_samples(rng.normal(0, 0.1, 3 * RATE).astype(np.float32), RATE)
    from farandole.music.decode import resample

    sound = resample(song.samples, RATE, 96000)
    power = librosa.feature.melspectrogram(y=sound, sr=96000, n_fft=2048, hop_length=4800, n_mels=80)
    wanted = librosa.power_to_db(power, ref=np.max).T[:60]
    np.testing.assert_allclose(features.features(song, "transflower_mel", 20.0), wanted, atol=1e-4)


def test_chroma_hears_the_note():
    t = np.arange(4 * RATE) / RATE
    song = Song.from_samples((0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32), RATE)
    values = features.features(song, "transflower_chroma", 20.0)
    assert values.shape == (80, 24)
    assert (values[20:60, 12:].argmax(axis=1) == 9).all()  # A


@pytest.mark.parametrize("name", ["transflower_madmombeats", "transflower_ddcpca", "transflower_spectralflux"])
def test_what_nobody_can_ship_is_said_with_what_to_use_instead(song, name):
    with pytest.raises(AudioError, match=rf"{name}' cannot be had: .*use (transflower_)?(beats|onsets)"):
        features.features(song, name, 20.0)
    assert name not in features.names()


def test_aistpp35_says_which_frame_rates_it_takes(song):
    with pytest.raises(AudioError, match="at least 17 frames per second"):
        features.features(song, "aistpp35", 10.0)


@pytest.mark.parametrize(
    ("name", "tempo"), [("mBR0", 80), ("mHO5", 135), ("gJB_sBM_cAll_d07_mJB3_ch05", 110), ("mXX1", None)]
)
def test_tempo_is_in_the_names_of_aist_music(name, tempo):
    assert tempo_in_name(name) == tempo
