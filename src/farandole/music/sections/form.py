"""Sections from novelty and repetition of timbre and harmony, bar by bar.

Novelty: J. Foote, Automatic audio segmentation using a measure of audio novelty (ICME 2000). The boundaries are chosen
together, by dynamic programming over bars, with a preference for lengths of four, eight and sixteen bars.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from farandole.music.beats.pulse import Rows, sums_before

if TYPE_CHECKING:
    from farandole.music.onsets import FrameFeatures
    from farandole.music.song import Song

_KERNELS = (2, 4, 8)  # bars on each side over which novelty is measured
_PENALTY = 0.55  # novelty, in deviations over the mean, that a boundary must bring
_LENGTHS = {4: 0.15, 8: 0.3, 12: 0.15, 16: 0.3}  # bars: what a section of such a length gains
_SHORTEST, _LONGEST = 2, 32  # bars
_ALIKE = 0.62  # correlation of timbre and harmony from which two sections bear one letter
_FEWEST_BARS = 6
_COMPARED = 1024  # bars that are compared with each other at a time: those of half an hour
_FLOOR_DB = -60.0
_FOUND: WeakKeyDictionary[Song, tuple[Section, ...]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Section:
    """A stretch of a song.

    Attributes:
        begin, end: s; the end is the next section's begin.
        label: "A", "B", ...: sections that sound alike bear one letter.
        bars: Its length in bars.
        energy: Mean of `conditioning.energy`, about -2.5 to 2.5.
    """

    begin: float
    end: float
    label: str
    bars: int
    energy: float


def find_sections(song: Song) -> tuple[Section, ...]:
    """Sections of a song, in order, from its begin to its end.

    Boundaries lie on downbeats of `song.beats`, as far as those are right; a short or even song is one section.
    """
    if song not in _FOUND:
        _FOUND[song] = _sections(song)
    return _FOUND[song]


def _sections(song: Song) -> tuple[Section, ...]:
    from farandole.music.conditioning import energy

    edges = _bars(song)
    if len(edges) - 1 < _FEWEST_BARS or song.frames.silent:
        parts, labels = np.array([0, len(edges) - 1]), ["A"]
    else:
        timbre, harmony = _timbre(song, edges), _harmony(song, edges)
        parts = _boundaries(_novelty(timbre, harmony))
        labels = _labels(timbre, harmony, parts) if len(parts) > 2 else ["A"]
    level = energy(song.frames)
    times = np.concatenate([[0.0], edges[parts[1:-1]], [song.seconds]])
    sections = []
    for k, label in enumerate(labels):
        inside = (song.frames.times >= times[k]) & (song.frames.times < times[k + 1])
        mean = float(level[inside].mean()) if inside.any() else 0.0
        sections.append(Section(float(times[k]), float(times[k + 1]), label, int(parts[k + 1] - parts[k]), mean))
    return tuple(sections)


def _bars(song: Song) -> np.ndarray:
    """Begins of the bars within the song and the end of the last, [N + 1] s."""
    beats = song.beats
    whole = np.arange(np.ceil(beats.counts[0] / beats.beats_per_bar), beats.counts[-1] // beats.beats_per_bar + 1)
    times = beats.time_of(whole * beats.beats_per_bar)
    inside = times[(times > 0.25 * beats.beats_per_bar * 60 / beats.tempo) & (times < song.seconds - 0.5)]
    return np.concatenate([[0.0], inside, [song.seconds]])


def _timbre(song: Song, edges: np.ndarray) -> np.ndarray:
    """Mean log spectrum and onset strength of each bar, normalised over the song, [N, 44]."""
    frames = song.frames
    floor = 10 ** (_FLOOR_DB / 10) * float(np.percentile(frames.mel.max(axis=1), 99)) + 1e-12
    means = _means(_LogSpectra(frames, floor), edges * frames.fps)
    return (means - means.mean(axis=0)) / np.maximum(means.std(axis=0), 1.0)


class _LogSpectra:
    """Log spectrum and onset strength of a song's frames, float32 [T, 44]; of those that are asked for."""

    def __init__(self, frames: FrameFeatures, floor: float) -> None:
        self._frames, self._floor = frames, floor

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, some: slice) -> np.ndarray:
        mel, onsets = self._frames.mel[some], self._frames.onsets[some]
        return np.concatenate([10 * np.log10(mel + self._floor), 20 * onsets], axis=1)


def _harmony(song: Song, edges: np.ndarray) -> np.ndarray:
    """Chroma of the two halves of each bar, [N, 24]."""
    values, fps = song.chroma
    middles = (edges[1:] + edges[:-1]) / 2
    halves = np.sort(np.concatenate([edges, middles]))
    means = _means(values, halves * fps)
    return means.reshape(len(edges) - 1, -1)


def _means(values: Rows, edges: np.ndarray) -> np.ndarray:
    """Means of rows between edges (in rows), [len(edges) - 1, D]."""
    at = np.clip(np.round(edges).astype(int), 0, len(values))
    stop = np.maximum(at[1:], at[:-1] + 1).clip(max=len(values))
    start = np.minimum(at[:-1], stop - 1)
    before, through = sums_before(values, start, stop)
    return (through - before) / (stop - start)[:, None]


def _unit(features: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9)


def _novelty(timbre: np.ndarray, harmony: np.ndarray) -> np.ndarray:
    """How much bar k differs from what is before it, against the song's own measure, [N]."""
    colour, chords = _unit(timbre), _unit(harmony - harmony.mean(axis=0))
    count = len(timbre)
    sizes = [size for size in _KERNELS if count >= 2 * size]
    curves = np.zeros((len(sizes), count))
    for begin in range(0, count, _COMPARED):  # only bars near each other are compared
        first, last = max(0, begin - max(_KERNELS)), min(count, begin + _COMPARED + max(_KERNELS))
        near = slice(first, last)
        similarity = colour[near] @ colour[near].T + 0.5 * (chords[near] @ chords[near].T)
        for curve, size in zip(curves, sizes, strict=True):
            for k in range(max(begin, 1), min(begin + _COMPARED, count)):
                before = slice(max(0, k - size) - first, k - first)
                after = slice(k - first, min(count, k + size) - first)
                own = 0.5 * (similarity[before, before].mean() + similarity[after, after].mean())
                shared = np.sqrt(min(k, size, count - k) / size)  # less is known near the ends
                curve[k] = shared * (own - similarity[before, after].mean())
    out = np.zeros(count)
    for curve in curves:
        out += curve / (curve[1:].std() + 0.05)
    return (out - out[1:].mean()) / (out[1:].std() + 1e-9)


def _boundaries(novelty: np.ndarray) -> np.ndarray:
    """First bars of the sections and the number of bars, int [S + 1]."""
    count = len(novelty)
    best, source = np.full(count + 1, -np.inf), np.zeros(count + 1, int)
    best[0] = 0.0
    for end in range(1, count + 1):
        gain = novelty[end] - _PENALTY if end < count else 0.0
        for begin in range(max(0, end - _LONGEST), end):
            size = end - begin
            if size < _SHORTEST and begin and end < count:
                continue
            value = best[begin] + gain + _LENGTHS.get(size, -0.3 if size % 2 else 0.0)
            if value > best[end]:
                best[end], source[end] = value, begin
    parts = [count]
    while parts[-1]:
        parts.append(int(source[parts[-1]]))
    return np.array(parts[::-1])


def _labels(timbre: np.ndarray, harmony: np.ndarray, parts: np.ndarray) -> list[str]:
    """A letter for each section: that of the earlier section it is most like, if it is like enough, else a new one."""
    spans = [slice(a, b) for a, b in pairwise(parts)]
    colour = np.stack([timbre[span].mean(axis=0) for span in spans])
    chords = harmony - harmony.mean(axis=0)
    groups: list[list[int]] = []
    labels = []
    for k in range(len(spans)):
        scores = []
        for group in groups:
            pairs = [
                0.6 * _cosine(colour[k], colour[j]) + 0.4 * _course(chords[spans[k]], chords[spans[j]]) for j in group
            ]
            scores.append(max(pairs))
        nearest = int(np.argmax(scores)) if scores else -1
        if scores and scores[nearest] > _ALIKE:
            groups[nearest].append(k)
        else:
            groups.append([k])
            nearest = len(groups) - 1
        labels.append(_letter(nearest))
    return labels


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-9))


def _course(a: np.ndarray, b: np.ndarray) -> float:
    """Likeness of two courses of harmony, bar by bar over the shorter, at the best of the first four shifts."""
    size = min(len(a), len(b))
    shifts = range(min(4, max(1, len(a) - size + 1)))
    return max(_cosine(a[s : s + size].ravel(), b[: min(size, len(a) - s)].ravel()) for s in shifts)


def _letter(index: int) -> str:
    """0 -> A ... 25 -> Z, 26 -> A2 ..."""
    return chr(ord("A") + index % 26) + (str(index // 26 + 1) if index >= 26 else "")
