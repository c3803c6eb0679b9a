"""Recordings of free motion as clips: put on a beat where one fits, mirrored and at several tempi."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np

from farandole.data.starter.beat_fit import fit_beat, retimed
from farandole.data.starter.clips import FPS, Clip
from farandole.data.starter.recordings import Recording, read_take
from farandole.data.starter.songs import genres
from farandole.data.starter.steady_head import with_steady_head
from farandole.motion.dance_codec import foot_contacts
from farandole.motion.edit import mirror
from farandole.motion.feet import CleanupConfig, clean_feet
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

FREE_TEMPI = (0.92, 1.0, 1.09)
"""Speeds at which recordings are danced."""
FREELY = CleanupConfig(pull=0.0)
"""Feet stand, and the dancer travels as far as the recording does."""


def free_clips(recording: Recording) -> list[Clip]:
    """A recording with its feet planted, mirrored and at every tempo; a held-out one once, as it was recorded.

    Where a beat fits, the movement is re-timed by less than 6 % so that it keeps that beat. Where none does, `on_beat` is false
    among the clip's facts: it can teach style and in-betweening, and its beat must not be taught.

    Raises:
        FarandoleError: As `recordings.read_take`.
    """
    take = read_take(recording)
    body = with_steady_head(take.motion, take.unknown_joints)
    motion = clean_feet(body, foot_contacts(body).astype(float), FREELY)
    fit = fit_beat(motion)
    if fit.good:
        first = fit.count_at(np.zeros(1))[0]
        motion = retimed(motion, fit)
    else:
        first = 0.0
    facts = {
        "beat_fit": round(fit.fit, 2),
        "on_beat": fit.good,
        "unknown_joints": list(take.unknown_joints),
        "source": recording.path.name,
    }
    if recording.split == "test":
        return [_clip(recording, motion, float(first), fit.bpm, facts, 1.0, mirrored=False)]
    return [
        _clip(recording, motion, float(first), fit.bpm, facts, scale, mirrored=mirrored)
        for scale in FREE_TEMPI
        for mirrored in (False, True)
    ]


def _clip(
    recording: Recording, motion: Motion, first: float, bpm: float, facts: dict, scale: float, *, mirrored: bool
) -> Clip:
    body = replace(motion.resample(motion.fps / scale), fps=FPS)
    name = f"{recording.path.stem}_x{round(100 * scale):03d}{'_mirrored' if mirrored else ''}"
    seed = zlib.crc32(name.encode())
    count: Array = first + np.arange(len(body)) / FPS * bpm * scale / 60.0
    precision = np.full(len(body), 1.0 if facts["on_beat"] else 0.0)
    return Clip(
        name,
        recording.style,
        recording.split,
        mirror(body) if mirrored else body,
        count,
        bpm * scale,
        genres()[seed % len(genres())],
        seed,
        precision,
        song_follows=True,
        facts=facts,
    )
