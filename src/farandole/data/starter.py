"""The starter corpus: salsa from motion capture and procedural groove, each danced to many synthesised songs.

Anyone may train and ship weights from it: the recordings are free to use (see `data.salsa`), the rest is made here. The corpus is
deterministic: the same version of the package writes the same features.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.data.feature_folder import FeatureFolderWriter
from farandole.data.salsa import ACKNOWLEDGEMENT, SalsaTake, salsa_takes
from farandole.motion.dance_codec import DanceCodec, foot_contacts
from farandole.motion.feet import clean_feet
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.music import dance_features

if TYPE_CHECKING:
    from collections.abc import Callable

FPS = 30.0
STYLES = ("salsa lead", "salsa follow", "groove")
"""Style tokens in the order in which models number them."""

TEMPO_SCALES = (0.88, 0.94, 1.0, 1.07, 1.14)
"""Speeds at which every salsa take is danced: 143 to 217 counts per minute."""

SALSA_GENRES = ("salsa", "salsa", "pop", "latin", "house", "disco", "rock")
GROOVE_TEMPI = (75.0, 145.0)
GROOVE_CLIPS = 64
GROOVE_HELD_OUT = 4
GROOVE_SECONDS = 30.0
LOUDNESS_PER_ENERGY = 3.0
"""How much louder a salsa song is made where its dancer moves one standard deviation faster, dB."""


@dataclass(frozen=True)
class Clip:
    """One sequence of the corpus: a motion, the grid it is danced on, and the recipe of its song."""

    name: str
    style: str
    split: str
    motion: Motion
    count: Array
    bpm: float
    genre: str
    seed: int
    precision: Array
    """How strictly the feet follow the count, standard deviations of the salsa takes, [T]."""
    song_follows: bool
    """Whether the song's loudness follows the dancer (recorded motion) or the other way round (groove)."""


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
    def _place(cls, count: Array) -> Array:
        return (count % 8 / 8 * cls.BINS).astype(int) % cls.BINS

    def precision(self, motion: Motion, count: Array) -> Array:
        """How closely the feet keep to the pattern around every frame, standard deviations, [T]."""
        from scipy.ndimage import gaussian_filter1d

        match = (self.curves[:, self._place(count)] * _foot_signals(motion)).sum(axis=0)
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


def salsa_clips(scales: Sequence[float] = TEMPO_SCALES) -> Iterator[Clip]:
    """Every salsa take with its feet planted, mirrored and at every tempo; held-out takes once each, as they were recorded."""
    takes = list(salsa_takes())
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


def groove_clip(number: int, *, mirrored: bool = False) -> Clip:
    """One clip of procedural groove: a song is composed first, then danced to."""
    from farandole.data.groove import groove
    from farandole.data.songs import genres
    from farandole.motion.edit import mirror

    rng = np.random.default_rng([20261, number])
    bpm = float(rng.uniform(*GROOVE_TEMPI))
    genre = genres()[number % len(genres())]
    frames = int(GROOVE_SECONDS * FPS)
    count = rng.integers(8) + np.arange(frames) / FPS * bpm / 60.0
    seed = 1000 + number
    strict = np.ones(frames)  # choreographed on the beat
    energy = _song_features(count, bpm, genre, seed, strict, None)[:, dance_features.ENERGY]
    motion = groove(count, seed=number, energy=energy, fps=FPS)
    split = "test" if number < GROOVE_HELD_OUT else "train"
    name = f"groove_{number:03d}{'_mirrored' if mirrored else ''}"
    count = count + (4.0 if mirrored else 0.0)
    return Clip(
        name,
        "groove",
        split,
        mirror(motion) if mirrored else motion,
        count,
        bpm,
        genre,
        seed,
        precision=strict,
        song_follows=False,
    )


def _song_features(count: Array, bpm: float, genre: str, seed: int, precision: Array, loudness: Array | None) -> Array:
    """Music features [T, 15] of a song composed on the grid `count` [T], as the analysis hears it.

    Loudness, accents and their normalisation come from the sound itself; the counts are the known ones, because which of eight
    counts is the first is a dancer's choice that no analysis could hear.
    """
    from farandole.data.songs import compose
    from farandole.music.conditioning import conditions
    from farandole.music.song import Song

    seconds = len(count) / FPS
    song = compose(bpm, seconds + 0.5, genre=genre, seed=seed, first_count=float(count[0]))
    samples = song.samples
    if loudness is not None:
        times = np.arange(len(samples)) / song.sample_rate
        decibels = LOUDNESS_PER_ENERGY * np.interp(times, np.arange(len(loudness)) / FPS, loudness)
        samples = samples * (10.0 ** (decibels / 20.0)).astype(np.float32)
        samples = samples / max(1.0, float(np.abs(samples).max()))
    heard = conditions(Song.from_samples(samples, song.sample_rate), FPS)
    frames = slice(0, len(count))
    tempo = np.full(len(count), bpm)
    return dance_features.dance_music_features(count, tempo, heard.energy[frames], heard.bands[frames], precision)


def body_energy(motion: Motion) -> Array:
    """How lively a dancer moves, smoothed over 1.5 s, in standard deviations of the clip, [T]."""
    from scipy.ndimage import gaussian_filter1d

    speed = np.linalg.norm(motion.velocities, axis=-1).mean(axis=1)
    smooth = gaussian_filter1d(speed, 0.75 * motion.fps, mode="nearest")
    return np.clip((smooth - smooth.mean()) / max(float(smooth.std()), 1e-6), -2.5, 2.5)


def _features(clip: Clip | tuple[int, bool]) -> tuple[Clip, Array, Array]:
    if not isinstance(clip, Clip):
        clip = groove_clip(clip[0], mirrored=clip[1])
    loudness = body_energy(clip.motion) if clip.song_follows else None
    return (
        clip,
        DanceCodec(FPS).encode(clip.motion),
        _song_features(clip.count, clip.bpm, clip.genre, clip.seed, clip.precision, loudness),
    )


def prepare_starter(
    target: Path, *, workers: int = 2, force: bool = False, progress: Callable[[int, int, str], None] | None = None
) -> None:
    """Write the starter corpus as a feature folder.

    Args:
        target: Folder to make.
        workers: Processes that compose and analyse songs.
        force: Replace an existing folder.
        progress: Called with (done, total, name) after every sequence.
    """
    codec = DanceCodec(FPS)
    jobs: list[Clip | tuple[int, bool]] = list(salsa_clips())
    jobs += [(n, m) for n in range(GROOVE_CLIPS) for m in (False, True) if not (m and n < GROOVE_HELD_OUT)]
    writer = FeatureFolderWriter(
        target,
        fps=FPS,
        skeleton=codec.skeleton,
        features={codec.name: codec.columns, dance_features.NAME: dance_features.COLUMNS},
        licence=f"{ACKNOWLEDGEMENT} Groove and songs are made by farandole (MIT).",
        codecs=[codec],
        force=force,
    )
    with writer, ProcessPoolExecutor(workers) as pool:
        for done, (clip, pose, music) in enumerate(pool.map(_features, jobs), 1):
            writer.add(
                clip.name,
                {codec.name: pose, dance_features.NAME: music},
                split=clip.split,
                style=clip.style,
                bpm=clip.bpm,
            )
            if progress:
                progress(done, len(jobs), clip.name)
