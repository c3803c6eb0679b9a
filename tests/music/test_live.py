"""Live hearing: nothing depends on how blocks are cut, nothing is heard ahead, the count never goes back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import RATE, clicks

from farandole.errors import AudioError
from farandole.music import Song
from farandole.music.activation import SpectrumInput, load_network, spectrum_input
from farandole.music.live import LiveEars, LiveState
from farandole.music.live.bar_filter import BarFilter
from farandole.music.live.beat_filter import BeatFilter
from farandole.music.live.dance_clock import FASTEST, SLOWEST
from farandole.music.live.live_frames import FPS, LiveFrames, Resampler
from farandole.music.live.sound_clock import SoundClock
from farandole.music.onsets import analyse


def beat_music(bpm: float, seconds: float, *, rate: int = RATE, first: float = 0.2, seed: int = 0) -> np.ndarray:
    """Kick on one and three, clap on two and four, hats between: float32 [N]."""
    rng = np.random.default_rng(seed)
    out = 0.001 * rng.standard_normal(round(seconds * rate))
    t = np.arange(round(0.15 * rate)) / rate
    kick = np.sin(2 * np.pi * (50 * t + 3 * (1 - np.exp(-t / 0.03)))) * np.exp(-t / 0.09)
    clap = rng.standard_normal(len(t)) * np.exp(-t / 0.03)
    hat = np.diff(rng.standard_normal(len(t) + 1)) * np.exp(-t / 0.015)
    period = 60 / bpm
    for k in range(int((seconds - first) / period * 2) + 1):
        at = round((first + k * period / 2) * rate)
        for sound, gain, on in ((kick, 0.8, k % 4 == 0), (clap, 0.4, k % 4 == 2), (hat, 0.1, True)):
            end = min(at + len(sound), len(out))
            if on and at < end:
                out[at:end] += gain * sound[: end - at]
    return out.astype(np.float32)


def listen(samples: np.ndarray, cuts: list[int], rate: int = RATE, every: int = 4410) -> list[LiveState]:
    """Push blocks of the given lengths again and again; the clock after each `every` samples (a common grid of moments)."""
    ears, states, at, index, asked = LiveEars(rate), [], 0, 0, every
    while at < len(samples):
        end = min(at + cuts[index % len(cuts)], asked, len(samples))
        ears.push(samples[at:end])
        at, index = end, index + 1
        if at == asked:
            states.append(ears.clock(at / rate))
            asked += every
    return states


def counted(states: list[LiveState], begin: float) -> tuple[np.ndarray, np.ndarray]:
    chosen = [s for s in states if s.time >= begin]
    return np.array([s.time for s in chosen]), np.array([s.count for s in chosen])


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    return beat_music(118, 8)


@pytest.fixture(scope="module")
def heard(music: np.ndarray) -> list[LiveState]:
    return listen(music, [256])


@pytest.mark.parametrize("cuts", [[64], [441], [1024], [5000, 1, 77, 300]])
def test_any_cut_of_blocks_gives_the_same_clock(music: np.ndarray, heard: list[LiveState], cuts: list[int]) -> None:
    assert listen(music, cuts) == heard


def test_nothing_is_heard_ahead(music: np.ndarray, heard: list[LiveState]) -> None:
    cut = music.copy()
    cut[5 * RATE :] = 0
    before = [s for s in heard if s.time <= 5]
    assert listen(cut, [256])[: len(before)] == before
    assert listen(music[: 5 * RATE], [256]) == before


def test_the_clock_is_on_the_beat_and_not_behind_it(heard: list[LiveState]) -> None:
    times, count = counted(heard, 4.0)
    true = (times - 0.2) * 118 / 60
    late = (true - count + 0.5) % 1.0 - 0.5
    assert np.abs(np.median(late)) * 60 / 118 < 0.025
    assert heard[-1].tempo == pytest.approx(118, rel=0.02)
    assert heard[-1].sure > 0.5
    assert not heard[-1].idle


def test_latency_reads_the_clock_ahead(music: np.ndarray) -> None:
    plain, early = LiveEars(RATE), LiveEars(RATE, latency=0.1)
    for at in range(0, len(music), 512):
        plain.push(music[at : at + 512])
        early.push(music[at : at + 512])
    now = len(music) / RATE
    ahead = (early.clock(now).count - plain.clock(now).count) % 1.0
    assert ahead == pytest.approx(0.1 * 118 / 60, abs=0.04)


def test_time_stamps_count_and_not_arrival() -> None:
    """Blocks arrive up to 80 ms late and one is lost: the clock still is where the stamps say."""
    music = beat_music(118, 9)
    ears, states, rng = LiveEars(RATE), [], np.random.default_rng(1)
    for at in range(0, len(music) - 441, 441):
        if at == 441 * 250:
            continue
        ears.push(music[at : at + 441], at=100.0 + at / RATE)
        states.append(ears.clock(100.0 + (at + 441) / RATE + rng.uniform(0, 0.08)))
    times, count = counted(states, 105.0)
    late = ((times - 100.2) * 118 / 60 - count + 0.5) % 1.0 - 0.5
    assert np.abs(np.median(late)) * 60 / 118 < 0.03
    order = np.argsort(times)
    assert (np.diff(count[order]) > -0.2).all()


def test_drift_of_the_sound_card_is_followed_for_half_an_hour() -> None:
    clock, block, rate = SoundClock(RATE), 2205, RATE * (1 + 200e-6)
    for k in range(30 * 60 * 10):
        assert clock.push(block, at=k * block / rate) == 0
    played = 30 * 60 * 10 * block
    assert clock.of_sample(played) == pytest.approx(played / rate, abs=0.004)


def test_a_lost_block_becomes_silence_of_its_length() -> None:
    clock = SoundClock(RATE)
    clock.push(1000, at=5.0)
    assert clock.push(1000, at=5.0 + 3000 / RATE) == 2000
    assert clock.of_sample(4000) == pytest.approx(5.0 + 4000 / RATE)


def test_memory_does_not_grow() -> None:
    import tracemalloc

    ears, block = LiveEars(RATE), beat_music(120, 2)
    ears.push(block)
    tracemalloc.start()
    for _ in range(3):
        ears.push(block)
    first = tracemalloc.get_traced_memory()[0]
    for _ in range(6):
        ears.push(block)
        ears.clock(0.0)
    assert tracemalloc.get_traced_memory()[0] - first < 20_000
    tracemalloc.stop()


def test_sure_falls_when_the_music_stops_or_turns_to_applause() -> None:
    rng = np.random.default_rng(3)
    music = beat_music(120, 7)
    for after in (np.zeros(4 * RATE), 0.2 * rng.standard_normal(4 * RATE)):
        states = listen(np.concatenate([music, after]).astype(np.float32), [512])
        at_end, before = states[-1], next(s for s in states if s.time >= 6.9)
        assert before.sure > 0.5
        assert next(s for s in states if s.time >= 10.0).sure < 0.35
        assert at_end.idle == (not after.any())


def test_soft_music_is_music_and_silence_is_none() -> None:
    loud, soft = beat_music(110, 14, seed=1), 10 ** (-24 / 20) * beat_music(110, 8, seed=2)
    states = listen(np.concatenate([loud, soft, np.zeros(4 * RATE, np.float32)]), [735])
    softly = [s for s in states if 17.0 < s.time < 21.5]
    assert np.mean([s.energy for s in softly]) < -1.5
    assert np.mean([s.sounding for s in softly]) > 0.5
    assert states[-1].sounding == 0.0


def test_punch_is_that_of_the_music_heard() -> None:
    hard = beat_music(110, 26, seed=1)
    gentle = np.convolve(hard, np.hanning(2000) / 1000.0, "same").astype(np.float32)
    hits = [listen(samples, [735])[-1].punch for samples in (hard, gentle)]
    whole = [Song.from_samples(samples, RATE).frames.punch for samples in (hard, gentle)]
    assert hits == pytest.approx(whole, rel=0.1)
    assert hits[0] > 2 * hits[1]
    assert listen(hard[: 3 * RATE], [735])[-1].punch is None


def test_it_wakes_again_after_silence() -> None:
    song = np.concatenate([beat_music(126, 6), np.zeros(4 * RATE), beat_music(104, 7, seed=2)]).astype(np.float32)
    states = listen(song, [700])
    assert next(s for s in states if s.time >= 9.0).idle
    assert next(s for s in states if s.time >= 9.0).energy < -1
    assert min(abs(states[-1].tempo / 104 - octave) for octave in (1, 2)) < 0.03
    assert not states[-1].idle


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1000), rate=st.sampled_from([8000, 22050]))
def test_the_count_never_goes_back_and_tempo_stays_in_range(seed: int, rate: int) -> None:
    rng = np.random.default_rng(seed)
    pieces = [
        rng.standard_normal(rate) * rng.choice([0.0, 1e-4, 0.3, 5.0]),
        clicks(np.sort(rng.uniform(0, 2, 20)), 2.0, rate),
        beat_music(float(rng.uniform(60, 200)), 2, rate=rate),
        np.full(rate // 2, np.nan),
    ]
    rng.shuffle(pieces)
    states = listen(np.concatenate(pieces).astype(np.float32), [333], rate, every=rate // 20)
    counts = np.array([s.count for s in states])
    assert (np.diff(counts) >= 0).all()
    assert np.isfinite([[s.count, s.tempo, s.sure, s.energy, *s.bands] for s in states]).all()
    assert all(SLOWEST <= s.tempo <= FASTEST and 0 <= s.bar < s.beats_per_bar for s in states)


@pytest.mark.parametrize("rate", [8000, 48000, 96000])
def test_other_sample_rates_are_resampled_alike_for_any_cut(rate: int) -> None:
    t = np.arange(rate) / rate
    sine = np.sin(2 * np.pi * 440 * t).astype(np.float32)
    whole = np.concatenate(list(Resampler(rate).push(sine)))
    cut, resampler = [], Resampler(rate)
    for piece in np.split(sine, [1, 2, 1000, 1001, rate // 2]):
        cut.extend(resampler.push(piece))
    np.testing.assert_array_equal(whole, np.concatenate(cut))
    expected = np.sin(2 * np.pi * 440 * np.arange(len(whole)) / RATE)
    np.testing.assert_allclose(whole[200:], expected[200:], atol=0.003)


def test_live_frames_are_those_of_a_whole_song(music: np.ndarray) -> None:
    live = [mel for mel, _ in LiveFrames(RATE).push(music)]
    np.testing.assert_allclose(live, analyse([music], RATE).mel[: len(live)], rtol=1e-4, atol=1e-9)


def test_the_network_heard_frame_by_frame_is_the_network_heard_at_once(music: np.ndarray) -> None:
    mel, network = analyse([music], RATE).mel[:301], load_network()
    source, listener = SpectrumInput(FPS, mel.shape[1]), network.listen()
    inputs = np.stack([source.step(row) for row in mel])
    np.testing.assert_allclose(inputs, spectrum_input(mel, FPS), atol=1e-4)
    marks, tempo = zip(*(listener.step(x) for x in inputs), strict=True)
    at_once = network.live(inputs)
    np.testing.assert_allclose(np.stack(marks), at_once.marks, atol=1e-4)
    np.testing.assert_allclose(np.stack(tempo), at_once.tempo, atol=1e-4)
    np.testing.assert_allclose(at_once.tempo.sum(axis=1), 1.0, atol=1e-5)


@given(period=st.integers(26, 100), phase=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_a_clear_beat_is_found_by_the_filter(period: int, phase: int) -> None:
    beats = BeatFilter(FPS)
    for t in range(11 * period + phase % period + period // 2):  # just before a beat it is open which frame it comes in
        beats.step(0.8 if (t - phase) % period == 0 else 0.01)
    found = beats.estimate()
    assert found.period == pytest.approx(period, rel=0.03)
    assert min((found.beat - phase) % period, -(found.beat - phase) % period) <= 1.5
    assert found.sure > 0.6


@pytest.mark.parametrize("meter", [2, 3, 4, 5, 6, 7])
def test_bars_of_two_to_seven_are_found(meter: int) -> None:
    bars = BarFilter()
    for k in range(12 * meter):
        bars.step(0.8 if k % meter == 1 else 0.05)
    assert bars.estimate()[:2] == (meter, (12 * meter - 2) % meter)


def test_wrong_use_gets_one_line() -> None:
    with pytest.raises(AudioError, match="4000 to 384000"):
        LiveEars(100)
    with pytest.raises(AudioError, match="latency"):
        LiveEars(RATE, latency=-1)
    with pytest.raises(AudioError, match="float"):
        LiveEars(RATE).push(np.zeros(10, np.int16))
