"""What a long evening brings: songs without a gap, tempo doubled, silence, clocks that jitter and drift, memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import farandole as fa

from .live_music import RATE, drums, silence


def off_beat(frames: list, begin: float, bpm: float, end: float) -> np.ndarray:
    """Seconds between the danced count and beats that began at `begin`, danced at any octave, [T]."""
    count = np.array([f.count for f in frames if begin <= f.time < end])
    true = (np.array([f.time for f in frames if begin <= f.time < end]) - begin) * bpm / 60
    slope = np.clip(np.gradient(count) / np.gradient(true), 0.25, 4.0)  # a phrase that begins anew is a jump
    factor = 2.0 ** np.round(np.log2(slope))
    gap, unit = count - factor * true, np.minimum(factor, 1.0)
    return np.abs(gap - unit * np.round(gap / unit)) / factor * 60 / bpm


def pushed(*sounds: np.ndarray, **options) -> list:
    live = fa.Live(RATE, seed=1, **options)
    return [frame for sound in sounds for at in range(0, len(sound), 512) for frame in live.push(sound[at : at + 512])]


@pytest.mark.parametrize(("before", "after"), [(120.0, 150.0), (80.0, 160.0)], ids=["another song", "tempo doubled"])
def test_the_next_song_is_danced_to_soon(before: float, after: float) -> None:
    frames = pushed(drums(12, before), drums(12, after, seed=4))
    assert np.median(off_beat(frames, 12.0, after, 24.0)[(5 * 30) :]) < 0.03
    assert all(np.isfinite(f.rotations).all() and np.isfinite(f.root).all() for f in frames)
    assert not any(f.standing for f in frames if f.time > 4)


def test_sound_cards_that_drift_and_blocks_that_jitter_do_not_take_the_dance_off_the_beat() -> None:
    """A card 200 ppm fast, in blocks up to 4 ms late; frames are asked for up to 5 ms late."""
    random, live, frames = np.random.default_rng(3), fa.Live(RATE, seed=1), []
    sound, rate = drums(50, 120.0), RATE * 1.0002
    at, due = 0, 0.0
    while at < len(sound):
        size = int(random.integers(200, 900))
        while due < (at + size) / rate:  # the block comes when its last sample has sounded
            frames.append(live.frame(due + float(random.uniform(0.0, 0.005))))
            due += 1 / 30
        live.hear(sound[at : at + size], at / rate + float(random.uniform(0.0, 0.004)))
        at += size
    off = off_beat(frames, 0.0, 120.0 * 1.0002, 49.0)
    assert off[8 * 30 :].mean() < 0.012
    assert off[-10 * 30 :].mean() < 0.012


@pytest.mark.slow
def test_five_minutes_of_silence_are_stood_through() -> None:
    frames = pushed(drums(8), silence(300), drums(6))
    quiet = [f.standing for f in frames if 11 < f.time < 308]
    assert all(quiet)
    assert not frames[-1].standing
    assert all(np.isfinite(f.rotations).all() for f in frames)


@pytest.mark.slow
def test_memory_does_not_grow_with_time() -> None:
    """Five minutes of songs, styles and silences: not 3 MB between the second minute and the fifth."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("this system does not tell")
    live, used = fa.Live(RATE), []
    for minute in range(5):
        sound = np.concatenate((drums(50, 90.0 + 12 * minute), silence(10)))
        live.change(style=("auto", "salsa", "street")[minute % 3], seed=minute)
        for at in range(0, len(sound), 512):
            live.push(sound[at : at + 512])
        used.append(int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20)
    assert used[-1] - used[1] < 3.0
