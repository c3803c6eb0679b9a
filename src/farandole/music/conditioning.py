"""What a dance model is told of a song, frame by frame: few, normalised, independent of style and recording.

Beat count (from which a model makes its phases), tempo, energy, accents and onsets in four bands. A model trained on
synthesised music meets the same ranges in real songs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.errors import AudioError
from farandole.music.beats import Beats
from farandole.music.beats.pulse import moving_mean, pulse
from farandole.music.onsets import FLUX_DELAY, RISE_DELAY, FrameFeatures
from farandole.music.song import Song

ENERGY_LIMIT = 2.5
SILENT_ENERGY = -2.0
"""Energy of silence."""
ENERGY_SECONDS = 1.5
"""Width of the energy's smoothing, s."""
_QUIET_DB = -45.0  # below the song's loud level: counts as silence
_LEAST_SPREAD_DB = 2.0  # a song of even loudness is not stretched to look lively


@dataclass(frozen=True, eq=False)
class Conditions:
    """Frame t is the instant t / fps; T = round(song.seconds * fps), at least 1.

    Attributes:
        fps: Frames per second.
        count: Continuous beat count, [T]; whole on beats, `count % beats_per_bar == 0` on downbeats.
        tempo: Beats per minute over about four beats, [T].
        energy: Loudness and density of onsets over 1.5 s against the rest of the song, [T] in -2.5..2.5, about zero
            mean and unit deviation in songs with loud and soft parts; near 0 throughout in songs without; -2 in
            silence.
        accents: How much the frame sounds like a beat or accent, [T] in 0..3; 1 = a strong one.
        bands: Onset strength in bass, low mid, mid and high, [T, 4] in 0..3; 1 = a strong one of this song.
        clarity: How far count can be trusted, 0 (steady guess) to 1.
        beats_per_bar: 4 or 3.
        sounding: 0 in silence, 1 where there is music, however soft, [T]: music far softer than the rest of its song has the
            energy of silence, or less.
    """

    fps: float
    count: np.ndarray
    tempo: np.ndarray
    energy: np.ndarray
    accents: np.ndarray
    bands: np.ndarray
    clarity: float
    beats_per_bar: int
    sounding: np.ndarray

    def __len__(self) -> int:
        return len(self.count)


def conditions(
    song: Song, fps: float, *, tempo_range: tuple[float, float] | None = None, beats: Beats | None = None
) -> Conditions:
    """Conditions of a whole song.

    Args:
        song: The music.
        fps: Frames per second of the result.
        tempo_range: A dance style's tempi (low, high) in beats per minute: the octave that suits it is taken
            (`Song.beats_for`).
        beats: Use these beats instead of the song's own; folded into `tempo_range` if that is given.

    Raises:
        AudioError: If `fps` or `tempo_range` is not positive.
    """
    if not 0 < fps <= 1000:
        raise AudioError(f"{fps:g} frames per second: accepted is more than 0 and at most 1000")
    if beats is not None:
        grid = beats if tempo_range is None else beats.folded(*tempo_range)
    else:
        grid = song.beats if tempo_range is None else song.beats_for(*tempo_range)
    times = frame_times(song.seconds, fps)
    frames = song.frames
    return Conditions(
        fps=fps,
        count=grid.count_at(times),
        tempo=grid.tempo_at(times),
        energy=np.interp(times, frames.times, energy(frames)),
        accents=pooled(_scaled(np.clip(pulse(frames), 0, None)), frames.fps, times + RISE_DELAY, fps),
        bands=pooled(_scaled(frames.onsets), frames.fps, times + FLUX_DELAY, fps),
        clarity=grid.clarity,
        beats_per_bar=grid.beats_per_bar,
        sounding=np.interp(times, frames.times, sounding(frames)),
    )


def frame_times(seconds: float, fps: float) -> np.ndarray:
    """Times t / fps of the round(seconds * fps) frames of a song (at least one), s."""
    return np.arange(max(1, round(seconds * fps))) / fps


def energy(frames: FrameFeatures) -> np.ndarray:
    """Energy at the analysis frames, [T] in -2.5..2.5; see `Conditions.energy`."""
    if frames.silent:
        return np.full(len(frames), SILENT_ENERGY)
    width, loudness = round(ENERGY_SECONDS * frames.fps), _loudness(frames)
    # music that thickens without growing louder (compressed masters) shows in its onsets: 0.5 of the range of loudness at most
    onset = frames.onset.copy()
    onset[:4] = np.minimum(onset[:4], np.median(onset))  # that the song begins is no sign of energy
    onset = _smooth(onset, 2 * width)
    loud = loudness > _QUIET_DB
    if not loud.any():
        return np.full(len(frames), SILENT_ENERGY)
    density = 10 * np.log10(np.maximum(onset / (np.median(onset[loud]) + 1e-9), 0.1))
    level = np.maximum(loudness, _QUIET_DB) + 0.5 * density
    low, middle, high = np.percentile(level[loud], (16, 50, 84))
    centre = 0.5 * (middle + 0.5 * (low + high))
    value = (level - centre) / max(0.5 * (high - low), _LEAST_SPREAD_DB)
    heard = sounding(frames)
    value = np.clip(value, -ENERGY_LIMIT, ENERGY_LIMIT)
    return np.where(heard < 1, heard * np.maximum(value, SILENT_ENERGY) + (1 - heard) * SILENT_ENERGY, value)


def sounding(frames: FrameFeatures) -> np.ndarray:
    """Whether anything sounds at the analysis frames, [T] in 0..1; see `Conditions.sounding`."""
    if frames.silent:
        return np.zeros(len(frames))
    return _smooth(np.clip((_loudness(frames) - _QUIET_DB) / 10, 0, 1), round(ENERGY_SECONDS * frames.fps) // 2)


def _loudness(frames: FrameFeatures) -> np.ndarray:
    """Power over 1.5 s against the loud level of the song, [T] dB."""
    power = _smooth(frames.power, round(ENERGY_SECONDS * frames.fps))
    return 10 * np.log10(np.maximum(power / frames.level, 1e-9))


def pooled(values: np.ndarray, source_fps: float, times: np.ndarray, fps: float) -> np.ndarray:
    """Analysis frames at other times: the largest within each frame, so that a short onset is not lost between two.

    Args:
        values: [S] or [S, B] at k / source_fps s.
        source_fps: Analysis frames per second.
        times: [T] s.
        fps: Rate of `times`.
    """
    at = times * source_fps
    reach = 0.5 * source_fps / fps
    grid = np.arange(len(values))
    columns = values.reshape(len(values), -1).T

    def interpolate(x: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(x, grid, column) for column in columns], axis=1)

    best = interpolate(at)
    steps = int(np.ceil(2 * reach))
    for offset in np.linspace(-reach, reach, 2 * steps + 1) if steps > 1 else ():
        best = np.maximum(best, interpolate(at + offset))
    return best.reshape(len(times), *values.shape[1:])


def _scaled(values: np.ndarray) -> np.ndarray:
    """Divided by a song's strong values (98th percentile of those above zero), 0..3."""
    flat = values.reshape(len(values), -1)
    strong = np.array([np.percentile(column[column > 0], 98) if (column > 0).any() else 1.0 for column in flat.T])
    return np.clip(flat / np.maximum(strong, 1e-6), 0, 3).reshape(values.shape)


def _smooth(values: np.ndarray, width: int) -> np.ndarray:
    """Two moving means in turn: a triangle of about `width` frames at half height."""
    return np.maximum(moving_mean(moving_mean(values, width), width), 0)
