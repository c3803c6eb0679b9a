"""The music features shipped models are conditioned on: place in beat, bar and phrase, tempo, loudness, accents.

All are independent of genre, timbre and mastering, so a model trained on synthesised songs meets nothing new in a real one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

PERIODS = (1, 2, 4, 8)
"""Beats per turn of each phase column pair."""

COLUMNS = (
    *(f"{f} of {p}-beat phase" for p in PERIODS for f in ("sin", "cos")),
    "tempo (bpm - 120) / 60",
    "energy, standard deviations of the song's loudness",
    *(f"onsets in band {b}, 1 at the song's strong onsets" for b in range(4)),
    "precision of the steps, standard deviations of the corpus",
    "dynamics: speed of the body, 1 is its mean",
    "1 where the dynamics are given",
)

NAME = "dance17"
ENERGY = COLUMNS.index("energy, standard deviations of the song's loudness")


DYNAMICS = slice(15, 17)


def dance_music_features(
    count: Array, tempo: Array, energy: Array, bands: Array, precision: Array, dynamics: Array | None = None
) -> Array:
    """Features of a song and of how it is to be danced, [T, 17] float32.

    Args:
        count: Continuous beat count of every frame, a multiple of 4 on downbeats, [T].
        tempo: Beats per minute, [T].
        energy: Loudness, zero mean and unit deviation over the song, [T].
        bands: Onset strength in four frequency bands, normalised over the song, [T, 4].
        precision: How strictly the feet follow the count: 0 is how people dance, 1 a strict dancer, [T].
        dynamics: How fast the body is to move from moment to moment, [T] shares of its mean speed: holds are near 0, accents
            at 2 and above. None leaves it to the dancer.
    """
    turns = np.asarray(count, dtype=float)[:, None] / np.array(PERIODS)
    phase = np.stack((np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)), axis=-1).reshape(len(turns), -1)
    columns = (phase, (np.asarray(tempo)[:, None] - 120.0) / 60.0, np.asarray(energy)[:, None])
    given = np.zeros((len(turns), 2))
    if dynamics is not None:
        given[:] = np.stack((dynamics, np.ones(len(turns))), axis=1)
    return np.concatenate((*columns, bands, np.asarray(precision)[:, None], given), axis=1).astype(np.float32)
