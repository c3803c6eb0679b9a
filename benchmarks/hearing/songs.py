"""Songs of known beats for the ear: kinds x tempo curves x what happens to sound on its way. Training and held-out sets."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from band import Band, Kind, kinds
from degrade import DEGRADATIONS, degrade, master

CURVES = ("steady", "drift", "ramp", "jump", "rubato")


@dataclass(frozen=True, eq=False)
class MadeSong:
    """Sound and truth: beats [K] s, which of them begin a bar [K], beats a bar, and how it was made."""

    name: str
    samples: np.ndarray
    beats: np.ndarray
    downbeats: np.ndarray
    meter: int
    curve: str
    degradation: str


def make(
    kind: Kind, seed: int, seconds: float, *, curve: str = "", degradation: str | None = None, bpm: float = 0.0
) -> MadeSong:
    """A song; what is not given is drawn from the seed. A curve "jump30" is a jump of 30 %."""
    rng = np.random.default_rng([seed, zlib.crc32(kind.name.encode())])
    bpm = bpm or float(np.exp(rng.uniform(*np.log(kind.bpm))))
    weights = (0.5, 0.15, 0.1, 0.1, 0.15) if kind.drums else (0.35, 0.2, 0.1, 0.05, 0.3)
    curve = curve or str(rng.choice(CURVES, p=weights))
    periods = 60.0 / bpm * _curve(curve, int(seconds * bpm / 60 * 1.8) + 16, kind.meter, rng)
    times = np.cumsum(np.concatenate([[-periods[:8].sum() - rng.uniform(0, 60 / bpm)], periods]))
    counts = np.arange(len(times)) - kind.meter * int(rng.integers(0, 4)) - int(rng.integers(0, kind.meter))
    keep = times < seconds + 4
    samples = master(Band(kind, times[keep], counts[keep], rng, seconds).play(), rng)
    inside = (times >= 0) & (times < seconds - 0.02)
    beats, downbeats = times[inside], counts[inside] % kind.meter == 0
    if degradation is None:
        degradation = str(rng.choice(DEGRADATIONS)) if rng.random() < 0.5 else "none"
    samples, audible = degrade(samples, degradation, rng)
    heard = np.array([audible(t) for t in beats], bool)
    return MadeSong(
        f"{kind.name} {bpm:.0f}", samples, beats[heard], downbeats[heard], kind.meter, curve, degradation
    )  # fmt: skip


def _curve(name: str, count: int, meter: int, rng: np.random.Generator) -> np.ndarray:
    """Relative periods of `count` beats."""
    k = np.arange(count)
    if name == "drift":
        walk = np.cumsum(rng.normal(0, 0.004, count))
        return np.exp(np.clip(walk - np.linspace(0, walk[-1], count), -0.08, 0.08))
    if name == "ramp":
        return np.exp(np.linspace(0, rng.uniform(0.12, 0.35) * rng.choice([-1, 1]), count))
    if name in ("jump", "jump30"):
        at = meter * int(rng.integers(max(2, count // 4 // meter), max(3, count // 2 // meter)))
        size = rng.uniform(0.08, 0.36) if name == "jump" else np.log(1.3)
        return np.where(k < at, 1.0, np.exp(size * rng.choice([-1, 1])))
    if name == "rubato":
        phrase = meter * int(rng.choice([2, 4]))
        depth, place = rng.uniform(0.04, 0.14), (k % phrase) / phrase
        swell = depth * (1.5 * place**3 - 0.6 * np.sin(np.pi * place))
        return np.exp(swell + rng.normal(0, rng.uniform(0.01, 0.035), count))
    return np.ones(count)


def training_kinds() -> list[Kind]:
    """Kinds that networks and constants may be fitted on."""
    return [kind for kind in kinds().values() if not kind.held]


def held_kinds() -> list[Kind]:
    """Kinds, with patterns of their own, that nothing was fitted on."""
    return [kind for kind in kinds().values() if kind.held]


def development(seconds: float = 40.0, seed: int = 70_000, rounds: int = 1) -> Iterator[MadeSong]:
    """Known kinds, new songs: for choosing constants."""
    for index in range(rounds):
        for kind in training_kinds():
            yield make(kind, seed + index, seconds)


def held_out(seconds: float = 45.0, seed: int = 950_000, rounds: int = 6) -> Iterator[MadeSong]:
    """Held-out kinds: looked at once, for the tables."""
    for index in range(rounds):
        for kind in held_kinds():
            yield make(kind, seed + index, seconds)
