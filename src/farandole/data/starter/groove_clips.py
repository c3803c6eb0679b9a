"""Clips of procedural groove, each danced to a song that is composed first."""

from __future__ import annotations

import numpy as np

from farandole.data.starter.clips import FPS, Clip, song_features
from farandole.data.starter.groove.dancer import groove
from farandole.data.starter.songs import genres
from farandole.motion.edit import mirror
from farandole.music import dance_features

GROOVE_TEMPI = (75.0, 145.0)
GROOVE_CLIPS = 64
GROOVE_HELD_OUT = 4
GROOVE_SECONDS = 30.0


def groove_clip(number: int, *, mirrored: bool = False) -> Clip:
    """One clip of procedural groove: a song is composed first, then danced to."""
    rng = np.random.default_rng([20261, number])
    bpm = float(rng.uniform(*GROOVE_TEMPI))
    genre = genres()[number % len(genres())]
    frames = int(GROOVE_SECONDS * FPS)
    count = rng.integers(8) + np.arange(frames) / FPS * bpm / 60.0
    seed = 1000 + number
    strict = np.ones(frames)  # choreographed on the beat
    energy = song_features(count, bpm, genre, seed, strict, None)[:, dance_features.ENERGY]
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
