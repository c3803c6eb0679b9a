"""`Live`: the same samples give the same frames, nothing of the future is known, odd sound breaks nothing."""

from __future__ import annotations

import numpy as np
import pytest

import farandole as fa
from farandole.errors import AudioError, MotionError

from .live_music import RATE, drums, silence


def frames_of(samples: np.ndarray, cuts: list[int] | int = 441, **options) -> list:
    live = fa.Live(options.pop("sample_rate", RATE), **options)
    frames, at = [], 0
    sizes = iter(cuts) if isinstance(cuts, list) else None
    while at < len(samples):
        size = cuts if sizes is None else next(sizes)
        frames += live.push(samples[at : at + size])
        at += size
    return frames


def same(a: list, b: list) -> bool:
    return len(a) == len(b) and all(
        np.array_equal(x.rotations, y.rotations) and np.array_equal(x.root, y.root) and x.count == y.count
        for x, y in zip(a, b, strict=True)
    )


@pytest.fixture(scope="module")
def song() -> np.ndarray:
    return drums(6)


@pytest.fixture(scope="module")
def dance(song: np.ndarray) -> list:
    return frames_of(song, seed=2)


def test_frames_come_at_their_times(dance: list) -> None:
    assert [f.time for f in dance] == pytest.approx(np.arange(len(dance)) / 30)
    assert len(dance) == pytest.approx(6 * 30, abs=1)


def test_it_starts_to_dance_to_drums(dance: list) -> None:
    assert dance[0].standing
    assert not dance[-1].standing
    assert dance[-1].tempo == pytest.approx(120, rel=0.03) or dance[-1].tempo == pytest.approx(60, rel=0.03)


@pytest.mark.parametrize("seed", [0, 1])
def test_frames_do_not_depend_on_how_samples_are_cut(song: np.ndarray, dance: list, seed: int) -> None:
    random = np.random.default_rng(seed)
    cuts = random.choice([1, 64, 441, 1024, 7000], 4000).tolist()
    assert same(frames_of(song, cuts, seed=2), dance)


def test_nothing_of_the_future_is_known(song: np.ndarray, dance: list) -> None:
    cut = frames_of(song[: 4 * RATE], seed=2)
    assert same(cut, dance[: len(cut)])


def test_another_seed_is_another_dance(song: np.ndarray, dance: list) -> None:
    assert not same(frames_of(song, seed=3), dance)


def test_silence_is_stood_through() -> None:
    frames = frames_of(np.concatenate((drums(5), silence(4))))
    assert not frames[140].standing
    assert frames[-1].standing


@pytest.mark.parametrize("rate", [8000, 96000])
def test_other_sample_rates(rate: int) -> None:
    frames = frames_of(drums(4, rate=rate), sample_rate=rate)
    assert len(frames) == pytest.approx(120, abs=1)
    assert all(np.isfinite(f.rotations).all() and np.isfinite(f.root).all() for f in frames)


def test_clipped_stereo_and_broken_samples_break_nothing() -> None:
    loud = np.clip(20 * drums(3), -1, 1)
    stereo = np.stack((loud, loud), axis=1)
    stereo[RATE : RATE + 50] = np.nan
    stereo[RATE + 50 : RATE + 60] = np.inf
    frames = frames_of(stereo)
    assert all(np.isfinite(f.rotations).all() for f in frames)


@pytest.mark.parametrize("bad", [np.zeros(5, np.int16), np.zeros((2, 3, 4)), np.zeros((2, 512)), np.float32(0), "text"])
def test_samples_of_other_kinds_are_refused(bad) -> None:
    live = fa.Live(RATE)
    with pytest.raises(AudioError, match="live samples are"):
        live.push(bad)
    with pytest.raises(AudioError, match="live samples are"):
        live.hear(bad, 0.0)
    assert live.push(silence(0.1))


def test_arguments_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(MotionError, match="fps"):
        fa.Live(fps=500)
    with pytest.raises(MotionError, match="style"):
        fa.Live(style="polka")
    with pytest.raises(MotionError, match="control"):
        fa.Live().change(colour="red")


def test_times_that_are_no_numbers_are_refused_and_change_nothing() -> None:
    live, other = fa.Live(RATE), fa.Live(RATE)
    for bad in (float("nan"), float("inf")):
        with pytest.raises(AudioError, match="a time of"):
            live.frame(bad)
        with pytest.raises(AudioError, match="a time of"):
            live.hear(silence(0.1), bad)
    for each in (live, other):
        each.hear(drums(1), 0.0)
    assert same([live.frame(1.0)], [other.frame(1.0)])


def test_models_that_complete_otherwise_are_refused() -> None:
    with pytest.raises(fa.FarandoleError, match="live"):
        fa.Live(model="inbetween")
