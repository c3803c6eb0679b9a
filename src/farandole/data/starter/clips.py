"""A clip of the starter corpus: a motion, the grid it is danced on, and the song that is composed for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from farandole.motion.dance_codec import DanceCodec
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.music import dance_features

FPS = 30.0
LOUDNESS_PER_ENERGY = 3.0
"""How much louder a song is made where its dancer moves one standard deviation faster, dB."""
DYNAMICS_SECONDS, MOST_DYNAMICS = 0.06, 3.0
"""Standard deviation of the dynamics' smoothing, s; shares of the mean speed beyond which they say no more."""


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
    facts: Mapping[str, Any] = field(default_factory=dict)
    """More that corpus.json tells of it."""


def clip_features(clip: Clip) -> tuple[Array, Array]:
    """Motion features [T, 129] of a clip and music features [T, 17] of its song."""
    loudness = body_energy(clip.motion) if clip.song_follows else None
    music = song_features(clip.count, clip.bpm, clip.genre, clip.seed, clip.precision, loudness)
    music[:, dance_features.DYNAMICS] = np.stack((body_dynamics(clip.motion), np.ones(len(music))), axis=1)
    return DanceCodec(FPS).encode(clip.motion), music


def song_features(count: Array, bpm: float, genre: str, seed: int, precision: Array, loudness: Array | None) -> Array:
    """Music features [T, 17] of a song composed on the grid `count` [T], as the analysis hears it, without dynamics.

    Loudness, accents and their normalisation come from the sound itself; the counts are the known ones, because which of eight
    counts is the first is a dancer's choice that no analysis could hear.
    """
    from farandole.data.starter.songs import compose
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


def body_dynamics(motion: Motion) -> Array:
    """How fast a dancer moves from moment to moment, shares of the clip's mean: holds near 0, accents 2 and above, [T]."""
    from scipy.ndimage import gaussian_filter1d

    speed = np.linalg.norm(motion.velocities, axis=-1).mean(axis=1)
    smooth = gaussian_filter1d(speed, DYNAMICS_SECONDS * motion.fps, mode="nearest")
    return np.clip(smooth / max(float(smooth.mean()), 1e-6), 0.0, MOST_DYNAMICS)


def body_energy(motion: Motion) -> Array:
    """How lively a dancer moves, smoothed over 1.5 s, in standard deviations of the clip, [T]."""
    from scipy.ndimage import gaussian_filter1d

    speed = np.linalg.norm(motion.velocities, axis=-1).mean(axis=1)
    smooth = gaussian_filter1d(speed, 0.75 * motion.fps, mode="nearest")
    return np.clip((smooth - smooth.mean()) / max(float(smooth.std()), 1e-6), -2.5, 2.5)
