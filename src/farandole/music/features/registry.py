"""Named music features at any frame rate: a registry from name to `Song -> [T, D]`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from farandole.errors import AudioError
from farandole.music.conditioning import conditions, frame_times
from farandole.music.onsets import BAND_NAMES, MEL_BANDS
from farandole.music.song import Song, load_song

Rates = Callable[[float], Iterable[int]]


@dataclass(frozen=True)
class Feature:
    """A way to describe music.

    Attributes:
        name: Key in the registry.
        columns: Meaning of each column, [D].
        compute: (song, fps) -> float [T, D], T = round(seconds * fps), row t at t / fps seconds.
        rates: Frame rate -> sample rates (Hz) of the sound that `compute` looks at, beside the song's own analysis.
    """

    name: str
    columns: tuple[str, ...]
    compute: Callable[[Song, float], np.ndarray]
    rates: Rates


_REGISTRY: dict[str, Feature] = {}
_UNAVAILABLE: dict[str, str] = {}


def register(
    name: str, columns: tuple[str, ...], *, rates: Rates = lambda fps: ()
) -> Callable[[Callable[[Song, float], np.ndarray]], Callable[[Song, float], np.ndarray]]:
    """Decorator that adds a feature to the registry; a name is given once."""

    def add(compute: Callable[[Song, float], np.ndarray]) -> Callable[[Song, float], np.ndarray]:
        if name in _REGISTRY:
            raise ValueError(f"music feature '{name}' is registered already")
        _REGISTRY[name] = Feature(name, columns, compute, rates)
        return compute

    return add


def unavailable(name: str, reason: str) -> None:
    """Note why a published feature cannot be computed here, and what to use instead."""
    _UNAVAILABLE[name] = reason


def names() -> tuple[str, ...]:
    """Names of the registered features."""
    return tuple(sorted(_REGISTRY))


def feature(name: str) -> Feature:
    """A registered feature, or several side by side: "beats+bands".

    Raises:
        AudioError: If there is none of that name; the message lists those there are.
    """
    known = _REGISTRY
    if name in _UNAVAILABLE:
        raise AudioError(f"music feature '{name}' cannot be had: {_UNAVAILABLE[name]}")
    if "+" in name:
        return _side_by_side(name, [feature(part) for part in name.split("+")])
    if name not in known:
        raise AudioError(f"unknown music feature '{name}': known are {', '.join(names())}")
    return known[name]


def _side_by_side(name: str, parts: list[Feature]) -> Feature:
    columns = tuple(f"{p.name} {c}" for p in parts for c in p.columns)

    def compute(song: Song, fps: float) -> np.ndarray:
        return np.concatenate([np.reshape(p.compute(song, fps), (-1, len(p.columns))) for p in parts], axis=1)

    return Feature(name, columns, compute, lambda fps: {rate for p in parts for rate in p.rates(fps)})


def features(song: Song, name: str, fps: float) -> np.ndarray:
    """A song's feature as float32 [T, D], T = round(song.seconds * fps), row t at t / fps s.

    Raises:
        AudioError: If the feature is unknown or `fps` is not in 0 < fps <= 1000.
    """
    chosen = feature(name)
    if not 0 < fps <= 1000:
        raise AudioError(f"{fps:g} frames per second: accepted is more than 0 and at most 1000")
    return np.asarray(chosen.compute(song, fps), dtype=np.float32).reshape(-1, len(chosen.columns))


def file_features(path: str | Path, names: Sequence[str], fps: float) -> dict[str, np.ndarray]:
    """Several features of a sound file by name, as from `features`, from one pass of decoding.

    Raises:
        AudioError: As `features` and `song.load_song`.
    """
    song = load_song(path, rates={rate for name in names for rate in feature(name).rates(fps)})
    return {name: features(song, name, fps) for name in names}


@register("onsets", ("accents",))
def _onsets(song: Song, fps: float) -> np.ndarray:
    """Strength of accents, 0..3."""
    return conditions(song, fps).accents


@register("bands", BAND_NAMES)
def _bands(song: Song, fps: float) -> np.ndarray:
    """Onset strength in four bands, 0..3."""
    return conditions(song, fps).bands


@register("beats", ("beat_sin", "beat_cos", "bar_sin", "bar_cos", "tempo", "energy", "on_beat"))
def _beats(song: Song, fps: float) -> np.ndarray:
    """Phase of beat and bar, log2 of the tempo over 120 bpm, energy, and 1 on the frame nearest to each beat."""
    told = conditions(song, fps)
    beat, bar = 2 * np.pi * told.count, 2 * np.pi * told.count / told.beats_per_bar
    on_beat = np.zeros(len(told))
    nearest = np.round(song.beats.times * fps).astype(int)
    on_beat[nearest[(nearest >= 0) & (nearest < len(told))]] = 1.0
    return np.stack(
        [np.sin(beat), np.cos(beat), np.sin(bar), np.cos(bar), np.log2(told.tempo / 120.0), told.energy, on_beat],
        axis=1,
    )


@register("mel", tuple(f"mel_{band}" for band in range(MEL_BANDS)))
def _mel(song: Song, fps: float) -> np.ndarray:
    """Log mel energies in dB against the song's loudest band, -80..0, averaged over each frame's duration."""
    frames = song.frames
    times = frame_times(song.seconds, fps)
    total = np.concatenate([np.zeros((1, MEL_BANDS)), np.cumsum(frames.mel, axis=0, dtype=float)])
    centre, half = times * frames.fps, max(0.5 * frames.fps / fps, 0.5)
    grid = np.arange(len(total))
    upper, lower = np.clip(centre + 0.5 + half, 0, len(frames)), np.clip(centre + 0.5 - half, 0, len(frames))
    width = np.maximum(upper - lower, 1e-9)[:, None]
    power = np.stack([np.interp(upper, grid, c) - np.interp(lower, grid, c) for c in total.T], axis=1) / width
    loudest = max(float(frames.mel.max()), 1e-10)
    return np.clip(10 * np.log10(np.maximum(power / loudest, 1e-8)), -80, 0)
