"""Synthesised songs on an exact beat grid: music that anyone may ship weights from, and beats whose times are known."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from farandole.data.starter.songs.band import BEATS_PER_BAR, Band, Section
from farandole.data.starter.songs.genres import GENRES
from farandole.data.starter.songs.mix import Mix, master
from farandole.errors import DataError


@dataclass(frozen=True, eq=False)
class ComposedSong:
    """A synthesised song and what is known of it.

    Attributes:
        samples: Mono sound, float32 [N], peak below 1.
        sample_rate: Samples per second.
        beat_times: Times of the beats within the song, [K] s, ascending.
        downbeats: Which beats begin a bar of four, bool [K].
        bpm: Tempo, beats per minute (the mean one where the grid changes tempo).
        genre: Key of `genres.GENRES`.
        energy: Planned loudness at each beat, [K] in 0..1.
        counts: Count of each beat, int [K]; `counts % 4 == 0` on downbeats.
    """

    samples: np.ndarray
    sample_rate: int
    beat_times: np.ndarray
    downbeats: np.ndarray
    bpm: float
    genre: str
    energy: np.ndarray
    counts: np.ndarray

    @cached_property
    def seconds(self) -> float:
        """Length, s."""
        return len(self.samples) / self.sample_rate


def genres() -> tuple[str, ...]:
    """Names of the genres `compose` knows."""
    return tuple(GENRES)


def compose(
    bpm: float,
    seconds: float,
    *,
    genre: str = "house",
    seed: int = 0,
    sample_rate: int = 22050,
    first_count: float = 0.0,
    steady: bool = False,
) -> ComposedSong:
    """A song at a steady tempo; the same arguments give the same samples.

    Args:
        bpm: Beats per minute, 30 to 300. Salsa is counted as dancers count it: 150 to 230.
        seconds: Length, at least 1 s.
        genre: One of `genres()`.
        seed: Everything drawn: key, chords, patterns, instruments, form, mix. A change of tempo alone keeps the draws.
        sample_rate: Samples per second of the result.
        first_count: Count at t = 0, so that beat k is at (k - first_count) * 60 / bpm: puts a song on a given grid.
        steady: No form: the whole song at the energy of a chorus.

    Raises:
        DataError: If the genre is unknown or tempo or length are out of range.
    """
    if not 30 <= bpm <= 300:
        raise DataError(f"bpm {bpm:g}: a song needs 30 to 300 beats per minute")
    first = int(np.floor(first_count)) - 1
    last = int(np.ceil(first_count + max(seconds, 0) * bpm / 60)) + 1
    grid = (np.arange(first, last + 1) - first_count) * 60.0 / bpm
    return compose_on_grid(
        grid, seconds, genre=genre, seed=seed, sample_rate=sample_rate, first_count=first, steady=steady
    )


def compose_on_grid(
    grid: Sequence[float] | np.ndarray,
    seconds: float,
    *,
    genre: str = "house",
    seed: int = 0,
    sample_rate: int = 22050,
    first_count: int = 0,
    steady: bool = False,
) -> ComposedSong:
    """A song on any grid of beats: tempo may drift or jump.

    Args:
        grid: Times of consecutive beats, [K] s, ascending; extended at the tempo of its ends to cover the song.
        seconds: Length, at least 1 s.
        genre, seed, sample_rate, steady: As for `compose`.
        first_count: Count of grid[0]; counts divisible by 4 are downbeats.

    Raises:
        DataError: If the genre is unknown, the grid does not ascend, or tempo or length are out of range.
    """
    if genre not in GENRES:
        raise DataError(f"unknown genre '{genre}': known are {', '.join(GENRES)}")
    if not seconds >= 1:
        raise DataError(f"a song of {seconds:g} s: at least 1 s is needed")
    known = np.asarray(grid, dtype=float)
    if known.ndim != 1 or len(known) < 2 or not (np.diff(known) > 0.1).all():
        raise DataError("a grid needs at least two ascending beat times, at least 0.1 s apart")
    before = max(0, int(np.ceil(known[0] / (known[1] - known[0]))) + 1)
    after = max(0, int(np.ceil((seconds - known[-1]) / (known[-1] - known[-2]))) + 2)
    times = np.concatenate([
        known[0] + (known[1] - known[0]) * np.arange(-before, 0),
        known,
        known[-1] + (known[-1] - known[-2]) * np.arange(1, after + 1),
    ])  # fmt: skip
    counts = first_count - before + np.arange(len(times))

    rng = np.random.default_rng([seed & 0xFFFFFFFF, zlib.crc32(genre.encode())])
    first_bar = int(np.floor(counts[0] / BEATS_PER_BAR))
    sounding = times[(times >= 0) & (times < seconds)]
    bpm = 60.0 / float(np.mean(np.diff(times if len(sounding) < 2 else sounding)))
    bars = int(np.ceil(counts[-1] / BEATS_PER_BAR)) - first_bar
    sections = _form(bars, bpm, rng, steady)
    band = Band(GENRES[genre], first_bar, times, counts, rng, Mix(seconds, sample_rate))
    for index, section in enumerate(sections):
        band.play(section, following=sections[index + 1] if index + 1 < len(sections) else None)
    samples = master(band.mix, rng)

    inside = (times >= -1e-9) & (times < seconds - 1e-9)
    plan = np.interp(
        counts[inside] / BEATS_PER_BAR - first_bar,
        np.array([[s.first_bar, s.first_bar + s.bars - 1e-6] for s in sections]).ravel(),
        np.repeat([s.energy for s in sections], 2),
    )
    return ComposedSong(
        samples,
        sample_rate,
        np.maximum(times[inside], 0.0),
        counts[inside] % BEATS_PER_BAR == 0,
        bpm,
        genre,
        plan,
        counts[inside],
    )


def _form(bars: int, bpm: float, rng: np.random.Generator, steady: bool) -> list[Section]:
    """Intro, then verses, choruses and breaks until the bars are used up; sections last about 8 to 16 s, at least two bars."""
    if steady:
        return [Section(0, bars, 0.8, "chorus")]
    bar_seconds = BEATS_PER_BAR * 60.0 / bpm
    length = lambda seconds: max(2, 2 * round(seconds / bar_seconds / 2))  # noqa: E731
    levels = {
        "intro": (0.3, 0.55),
        "verse": (0.45, 0.65),
        "chorus": (0.8, 1.0),
        "break": (0.2, 0.4),
        "build": (0.55, 0.75),
    }
    order = ["intro", "verse", "chorus", "verse", "chorus", "break", "build", "chorus"]
    if rng.random() < 0.3:
        order = ["verse", "chorus", "break", "chorus"]
    sections, at, index = [], 0, 0
    while at < bars:
        kind = order[index] if index < len(order) else ("chorus", "verse", "break", "build")[int(rng.integers(4))]
        long = {"intro": (4, 9), "break": (5, 9), "build": (4, 8)}.get(kind, (10, 18))
        count = min(length(rng.uniform(*long)), bars - at)
        sections.append(Section(at, count, float(rng.uniform(*levels[kind])), kind))
        at, index = at + count, index + 1
    return sections
