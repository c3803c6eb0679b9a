"""The songs a network is trained on, as mel levels and beats: made once, kept in a folder, varied each time they are heard."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from band import RATE
from invented import invented_kind
from songs import make, training_kinds

from farandole.music.activation.network import TEMPI
from farandole.music.activation.spectrum import spectrum_input
from farandole.music.onsets import HOP, analyse

FPS = RATE / HOP
PEAK = np.array([0.1, 0.5, 1.0, 0.5, 0.1], np.float32)
"""How a beat is spread over the frames about it."""


@dataclass(frozen=True, eq=False)
class HeardSong:
    """Levels of the mel bands as the network sees them, float16 [T, B]; beats and which of them begin a bar, [K] s."""

    level: np.ndarray
    beats: np.ndarray
    downbeats: np.ndarray


class SongStream:
    """Ever new songs: every third of a kind of kinds.yaml that may be trained on, the others each of a kind drawn by rule.

    Args:
        cache: Folder in which each song is kept once it is made.
        seconds: Length of each.
        seed: Of the songs, and (with `rule_seed`) of their kinds.
    """

    def __init__(self, cache: Path, seconds: float, seed: int, rule_seed: int = 41) -> None:
        cache.mkdir(parents=True, exist_ok=True)
        self._cache, self._seconds, self._seed, self._rule_seed = cache, seconds, seed, rule_seed
        self._known = training_kinds()

    def __getitem__(self, index: int) -> HeardSong:
        path = self._cache / f"{self._rule_seed}_{self._seed}_{index}.npz"
        if not path.exists():
            known = self._known[index // 3 % len(self._known)]
            kind = known if index % 3 == 0 else invented_kind(index, self._rule_seed)
            song = make(kind, self._seed + index, self._seconds)
            x = spectrum_input(analyse([song.samples], RATE).mel, FPS)
            part = path.with_suffix(f".{os.getpid()}.part.npz")
            level = x[:, : x.shape[1] // 2].astype(np.float16)
            np.savez(part, level=level, beats=song.beats, downbeats=song.downbeats)
            part.rename(path)
        with np.load(path) as stored:
            return HeardSong(*(stored[name] for name in ("level", "beats", "downbeats")))


def targets(beats: np.ndarray, downbeats: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """What the network should say: P(beat), P(downbeat) by frame, [T, 2]; shares of the tempi by pair of frames, [T / 2, N].

    Where no beat is within three quarters of a beat, the shares are all 0: no tempo is asked there.
    """
    marks = np.zeros((count + 8, 2), np.float32)
    for chosen, column in ((np.ones_like(downbeats), 0), (downbeats, 1)):
        for frame in np.round(beats[chosen] * FPS).astype(int):
            if 0 <= frame < count + 5:
                at = slice(max(0, frame - 2), frame + 3)
                marks[at, column] = np.maximum(marks[at, column], PEAK[max(0, 2 - frame) :])
    shares = np.zeros((count // 2, len(TEMPI)), np.float32)
    if len(beats) > 3:
        gaps = np.diff(beats)
        gaps = np.array([np.median(gaps[max(0, k - 1) : k + 2]) for k in range(len(gaps))])
        times = (2 * np.arange(count // 2) + 0.5) / FPS
        period = np.interp(times, (beats[1:] + beats[:-1]) / 2, gaps)
        after = np.clip(np.searchsorted(beats, times), 1, len(beats) - 1)
        near = np.minimum(np.abs(times - beats[after - 1]), np.abs(times - beats[after])) < 0.75 * period
        place = np.log(60 / period / TEMPI[0]) / np.log(TEMPI[1] / TEMPI[0])
        shares = np.exp(-0.5 * ((np.arange(len(TEMPI)) - place[:, None]) / 0.7) ** 2).astype(np.float32)
        shares *= near[:, None] / (shares.sum(axis=1, keepdims=True) + 1e-9)
    return marks[:count], shares


def varied(song: HeardSong, other: HeardSong, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A song as other ears would have it: levels float32 [T, B], its beats [K] s, and which of them begin a bar [K].

    Played up to 15 % faster or slower; from a beat on up to 40 % faster or slower than before; followed by another song; another
    song or noise softly beside; attacks made soft; a drawn gain per band, bands cut off; short holes.
    """
    level, beats, downbeats = song.level.astype(np.float32), song.beats, song.downbeats
    count, bands = level.shape
    chance = rng.random(9)
    if chance[0] < 0.6:
        level, beats = _played(level, beats, float(np.exp(rng.uniform(-0.15, 0.15))))
    if chance[7] < 0.2 and len(beats) > 12:
        turn = beats[rng.integers(len(beats) // 4, 3 * len(beats) // 4)]
        factor = float(np.exp(rng.uniform(0.08, 0.36) * rng.choice([-1, 1])))
        at, before = round(turn * FPS), beats < turn - 1e-6
        faster, later = _played(level[at:], beats[~before] - at / FPS, factor)
        level, beats = np.concatenate([level[:at], faster]), np.concatenate([beats[before], later + at / FPS])
    if chance[8] < 0.12:
        at = int(rng.integers(count // 4, 3 * count // 4))
        begin = int(rng.integers(0, max(1, len(other.level) - (count - at))))
        level = np.concatenate([level[:at], other.level[begin : begin + count - at].astype(np.float32)])
        level = np.pad(level, ((0, count - len(level)), (0, 0)))
        old, new = beats < at / FPS - 0.02, other.beats >= begin / FPS
        downbeats = np.concatenate([downbeats[old], other.downbeats[new]])
        beats = np.concatenate([beats[old], other.beats[new] + (at - begin) / FPS])
    if chance[1] < 0.3:
        level = _sum(level, other.level.astype(np.float32), rng.uniform(0.01, 0.15))
    if chance[2] < 0.2:
        tilt = np.interp(np.arange(bands), np.linspace(0, bands - 1, 4), rng.normal(0, 1.0, 4))
        noise = rng.exponential(1.0, level.shape) * np.exp(tilt) * 10 ** rng.uniform(-3.0, -1.0)
        level = np.log1p(30 * np.sqrt((np.expm1(level) / 30) ** 2 + noise)).astype(np.float32)
    if chance[3] < 0.3:
        width = int(rng.integers(2, 8))
        total = np.cumsum(np.pad(level, ((width, 0), (0, 0))), axis=0)
        level = (total[width:] - total[:-width]) / width
        late = (width - 1) // 2  # the mean lags by half its width
        level = np.concatenate([level[late:], np.repeat(level[-1:], late, axis=0)])
    if chance[4] < 0.6:
        gain = np.interp(np.arange(bands), np.linspace(0, bands - 1, 6), rng.normal(1.0, 0.25, 6)).clip(0.3, 1.7)
        level = level * gain.astype(np.float32)
    if chance[5] < 0.12:
        edge = int(rng.integers(3, 20))
        level = level.copy()
        level[:, slice(0, edge) if rng.random() < 0.5 else slice(bands - edge, bands)] *= 0.1
    if chance[6] < 0.12:
        level = level.copy()
        for begin in rng.integers(0, count, int(rng.integers(1, 6))):
            level[begin : begin + int(rng.integers(4, 30))] = 0
    return level, beats, downbeats


def _played(level: np.ndarray, beats: np.ndarray, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Levels [T, B] and beats [K] s played `factor` times as fast; what is missing at the end is silence."""
    count = len(level)
    place = np.arange(count) * factor
    lower = np.minimum(place.astype(int), count - 2)
    part = (place - lower).clip(0, 1)[:, None].astype(np.float32)
    level = ((1 - part) * level[lower] + part * level[lower + 1]) * (place < count - 1)[:, None]
    return level, beats / factor


def _sum(level: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """Levels log(1 + 30 amplitude) of two sounds together, the other with a share of its power."""
    count = min(len(level), len(other))
    power = (np.expm1(level) / 30) ** 2
    power[:count] += share * (np.expm1(other[:count]) / 30) ** 2
    return np.log1p(30 * np.sqrt(power))
