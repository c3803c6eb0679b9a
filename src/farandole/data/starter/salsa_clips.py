"""Salsa takes as clips: planted feet, how strictly each moment keeps to the steps, mirrored and at several tempi."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from farandole.data.starter.clips import FPS, Clip
from farandole.data.starter.salsa import SalsaTake, salsa_takes
from farandole.motion.dance_codec import foot_contacts
from farandole.motion.feet import clean_feet
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

TEMPO_SCALES = (0.88, 0.94, 1.0, 1.07, 1.14)
"""Speeds at which every salsa take is danced: 143 to 217 counts per minute."""
SALSA_GENRES = ("salsa", "salsa", "pop", "latin", "house", "disco", "rock")


@dataclass(frozen=True)
class StepPattern:
    """How fast the feet of salsa dancers go at every point of the eight counts, and so how closely a moment keeps to it.

    People do not step equally strictly all the time. Telling a model how strictly each moment was danced lets it learn from all
    of them, and lets a person ask for steps on the beat.

    Attributes:
        curves: Mean scaled foot signals (sum and difference of the feet's speeds) over the eight counts, [2, BINS].
        mean, std: Of the raw match over the takes the pattern was made from.
    """

    curves: Array
    mean: float
    std: float

    BINS = 64
    SECONDS = 1.5
    """Standard deviation of the smoothing of the match, s."""

    @classmethod
    def of(cls, takes: list[SalsaTake]) -> StepPattern:
        """The pattern of some takes."""
        from scipy.ndimage import gaussian_filter1d

        total, times = np.zeros((2, cls.BINS)), np.zeros(cls.BINS)
        for take in takes:
            place = cls._place(take.count)
            times += np.bincount(place, minlength=cls.BINS)
            total += [np.bincount(place, signal, cls.BINS) for signal in _foot_signals(take.motion)]
        curves = gaussian_filter1d(total / np.maximum(times, 1), 1.0, axis=1, mode="wrap")
        plain = cls(curves, 0.0, 1.0)
        match = np.concatenate([plain.precision(t.motion, t.count) for t in takes])
        return cls(curves, float(match.mean()), float(match.std()))

    @classmethod
    def _place(cls, count: Array) -> NDArray[np.intp]:
        return (count % 8 / 8 * cls.BINS).astype(int) % cls.BINS

    def precision(self, motion: Motion, count: Array) -> Array:
        """How closely the feet keep to the pattern around every frame, standard deviations, [T]."""
        from scipy.ndimage import gaussian_filter1d

        match = (np.take(self.curves, self._place(count), axis=1) * _foot_signals(motion)).sum(axis=0)
        return (gaussian_filter1d(match, self.SECONDS * motion.fps, mode="nearest") - self.mean) / self.std


def _foot_signals(motion: Motion) -> Array:
    """Sum and difference of the speeds of left and right foot, each scaled to zero mean and unit deviation, [2, T]."""
    speed = np.linalg.norm(motion.velocities, axis=-1)
    feet = [
        speed[:, [motion.skeleton.index(f"{s}{p}") for p in ("Foot", "ToeBase")]].mean(axis=1)
        for s in ("Left", "Right")
    ]
    both = np.stack((feet[0] + feet[1], feet[0] - feet[1]))
    return (both - both.mean(axis=1, keepdims=True)) / both.std(axis=1, keepdims=True)


def salsa_clips(folder: Path, scales: Sequence[float] = TEMPO_SCALES) -> Iterator[Clip]:
    """Every salsa take with its feet planted, mirrored and at every tempo; held-out takes once each, as they were recorded.

    Raises:
        DataError: If the folder holds no salsa, see `salsa.find_salsa`.
    """
    takes = list(salsa_takes(folder))
    pattern = StepPattern.of([t for t in takes if not t.held_out])
    for take in takes:
        precision = pattern.precision(take.motion, take.count)
        if take.held_out:
            yield _salsa_clip(take, precision, 1.0, mirrored=False, split="test")
            continue
        # What the soles slip in the recordings (shoes, markers on skin, one skeleton for two bodies) is not worth learning.
        standing = replace(take, motion=clean_feet(take.motion, foot_contacts(take.motion).astype(float)))
        for scale in scales:
            for mirrored in (False, True):
                yield _salsa_clip(standing, precision, scale, mirrored=mirrored, split="train")


def _salsa_clip(take: SalsaTake, precision: Array, scale: float, *, mirrored: bool, split: str) -> Clip:
    from farandole.motion.edit import mirror

    motion = replace(take.motion.resample(take.motion.fps / scale), fps=FPS)
    # A mirrored dancer begins on the other foot: half a pattern later.
    start = take.count_at_0 + (4.0 if mirrored else 0.0)
    bpm = take.bpm * scale
    name = f"{take.name}_x{round(100 * scale):03d}{'_mirrored' if mirrored else ''}"
    seed = zlib.crc32(name.encode())
    return Clip(
        name,
        f"salsa {take.role}",
        split,
        mirror(motion) if mirrored else motion,
        start + np.arange(len(motion)) / FPS * bpm / 60.0,
        bpm,
        SALSA_GENRES[seed % len(SALSA_GENRES)],
        seed,
        np.interp(np.arange(len(motion)) * scale, np.arange(len(precision)), precision),
        song_follows=True,
    )
