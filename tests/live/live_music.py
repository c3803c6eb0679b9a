"""Sound and clocks that the tests of live dances make."""

from __future__ import annotations

import numpy as np

from farandole.music.live import LiveState

RATE = 22050


def drums(seconds: float, bpm: float = 120.0, *, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """Kick on every beat, snare on 2 and 4, hats on eighths; float32 [n]."""
    random = np.random.default_rng(seed)
    t = np.arange(round(0.15 * rate)) / rate
    kick = np.sin(2 * np.pi * (50 + 90 * np.exp(-30 * t)) * t) * np.exp(-18 * t)
    snare = random.normal(0, 0.5, len(t)) * np.exp(-25 * t)
    hat = random.normal(0, 0.2, len(t)) * np.exp(-90 * t)
    out = np.zeros(round(seconds * rate) + len(t))
    for n in range(int(seconds * bpm / 60 * 2)):
        at = round(n * 30 / bpm * rate)
        hit = hat + (kick if n % 2 == 0 else 0) + (snare if n % 4 == 2 else 0)
        out[at : at + len(t)] += 0.5 * hit
    return out[: round(seconds * rate)].astype(np.float32)


def silence(seconds: float, rate: int = RATE) -> np.ndarray:
    return np.zeros(round(seconds * rate), np.float32)


def state(
    time: float,
    count: float,
    tempo: float = 120.0,
    *,
    idle: bool = False,
    sure: float = 1.0,
    punch: float | None = None,
) -> LiveState:
    """What ears would say of an even beat."""
    still = (0.0, 0.0, 0.0, 0.0)
    return LiveState(time, count, tempo, sure, count % 4, 4, 1.0, idle, 0.0, still, 0.5, 0.5, punch=punch)
