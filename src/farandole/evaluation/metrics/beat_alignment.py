"""Does the dance follow the music's beats? Beat alignment in its two published forms, coverage, hit rate, correlation.

Everything is in seconds; published constants in frames are converted at the 60 fps they were made for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from farandole.errors import MotionError
from farandole.motion.rotations import Array

BeatVariant = Literal["mint", "bailando"]

SIGMA = 3 / 60
"""Width of the alignment kernel, s (three frames at 60 fps)."""

SMOOTHING = 5 / 60
"""Width of Bailando's Gaussian over the speed curve, s."""

NEIGHBOURHOOD = 10 / 60
"""mint: a motion beat is slower than everything this near, s."""

HIT_TOLERANCE = 12 / 60
"""Greatest distance of a motion beat from the music beat it hits, s."""


def speed_curve(positions: Array, fps: float, *, variant: BeatVariant = "bailando") -> Array:
    """The curve whose minima are motion beats.

    Args:
        positions: World joint positions, [..., T, J, 3] m; the published scores use the 24 SMPL joints.
        fps: Frames per second.
        variant: "mint": sum over joints of the step that led to each frame, 0 at frame 0, [..., T]. "bailando": mean over joints of
            the step that leaves each frame, smoothed by a Gaussian of `SMOOTHING`, [..., T - 1].

    Returns:
        Metres per frame (sum or mean over joints).
    """
    steps = np.linalg.norm(np.diff(np.asarray(positions, dtype=float), axis=-3), axis=-1)
    if variant == "mint":
        total = steps.sum(axis=-1)
        return np.concatenate((np.zeros((*total.shape[:-1], 1)), total), axis=-1)
    if variant == "bailando":
        from scipy.ndimage import gaussian_filter1d

        return gaussian_filter1d(steps.mean(axis=-1), SMOOTHING * fps, axis=-1)
    raise ValueError(f"unknown variant {variant!r} of the motion beats: need 'mint' or 'bailando'")


def motion_beats(positions: Array, fps: float, *, variant: BeatVariant = "bailando") -> Array:
    """Times of the motion beats of one clip, [K] s: strict local minima of `speed_curve` of positions [T, J, 3]."""
    curve = speed_curve(positions, fps, variant=variant)
    order = max(1, round(NEIGHBOURHOOD * fps)) if variant == "mint" else 1
    return minima(curve, order) / fps


def minima(curve: Array, order: int = 1) -> NDArray[np.intp]:
    """Indices at which a curve [T] is smaller than all `order` neighbours on either side, which must exist at least once."""
    at = np.arange(len(curve))
    lower = np.ones(len(curve), dtype=bool)
    for k in range(1, order + 1):
        lower &= curve < curve[np.minimum(at + k, len(curve) - 1)]
        lower &= curve < curve[np.maximum(at - k, 0)]
    return np.flatnonzero(lower)


def alignment(of: Array, to: Array, sigma: float = SIGMA) -> float:
    """Mean over the beats `of` of exp(-d^2 / 2 sigma^2), d the distance to the nearest beat in `to`, s. 0 without beats."""
    if not len(of) or not len(to):
        return 0.0
    gap = nearest_gap(of, to)
    return float(np.exp(-(gap**2) / (2 * sigma**2)).mean())


def nearest_gap(of: Array, to: Array) -> Array:
    """Distance of every time in `of` [K] to the nearest of the sorted times `to` [M], s."""
    of, to = np.asarray(of, dtype=float), np.asarray(to, dtype=float)
    right = np.clip(np.searchsorted(to, of), 1, max(len(to) - 1, 1))
    return np.minimum(np.abs(of - to[np.minimum(right, len(to) - 1)]), np.abs(of - to[right - 1]))


@dataclass(frozen=True)
class Rhythm:
    """Beat figures of one clip.

    Attributes:
        alignment: Beat Alignment Score of the variant.
        precision: Alignment averaged over motion beats (what "mint" reports).
        recall: Alignment averaged over music beats (what "bailando" reports).
        coverage: Motion beats per music beat.
        hit_rate: Share of motion beats that hit a music beat of their own within `HIT_TOLERANCE`.
        motion_beats: Number of motion beats.
        music_beats: Number of music beats within the clip.
    """

    alignment: float
    precision: float
    recall: float
    coverage: float
    hit_rate: float
    motion_beats: int
    music_beats: int


def beat_alignment(
    positions: Array, fps: float, music_beats: Array, *, variant: BeatVariant = "bailando", sigma: float = SIGMA
) -> Rhythm:
    """Score one clip against its music.

    The two published scores do not compare: "mint" (Li et al., 2021, eq. 8) averages over motion beats, unsmoothed, and rewards
    few exact beats; "bailando" (Siyao et al., 2022, eq. 7, and most later papers) averages over music beats and rewards many.

    Args:
        positions: World joint positions, [T, J, 3] m.
        fps: Frames per second; kernels are in seconds, so 30 fps is scored like 60.
        music_beats: Sorted times, [K] s from the first frame; those outside the clip are left out.
        variant: Which definition.
        sigma: Kernel width, s.
    """
    if np.ndim(positions) != 3 or len(positions) < 3:
        raise MotionError(
            f"beat alignment needs positions [T, J, 3] of at least 3 frames, got shape {np.shape(positions)}"
        )
    moving = motion_beats(positions, fps, variant=variant)
    # Bailando cuts the beats at the length of its speed curve, which is one frame shorter than the clip.
    end = (len(positions) - (variant == "bailando")) / fps
    music = np.asarray(music_beats, dtype=float)
    music = music[(music >= 0) & (music < end - 1e-9)]
    precision, recall = alignment(moving, music, sigma), alignment(music, moving, sigma)
    return Rhythm(
        alignment=precision if variant == "mint" else recall,
        precision=precision,
        recall=recall,
        coverage=len(moving) / len(music) if len(music) else 0.0,
        hit_rate=hit_rate(moving, music),
        motion_beats=len(moving),
        music_beats=len(music),
    )


def hit_rate(motion: Array, music: Array, tolerance: float = HIT_TOLERANCE) -> float:
    """Share of motion beats [K] s that get a music beat [M] s: in time order, each takes the nearest unused one in reach."""
    free = np.array(music, dtype=float)
    hits = 0
    for time in motion:
        if not len(free):
            break
        best = int(np.abs(free - time).argmin())
        if abs(free[best] - time) <= tolerance + 1e-9:
            hits += 1
            free = np.delete(free, best)
    return hits / len(motion) if len(motion) else 0.0


def beat_energy(positions: Array, fps: float, music_beats: Array) -> tuple[float, float]:
    """Older figures: mean speed of the joints, m/s, and how sharply it turns upward at the music's beats, m/s^3.

    The second is the mean second derivative of the smoothed mean joint speed at the beats; positive when beats are stops.
    """
    curve = speed_curve(positions, fps) * fps
    bend = np.gradient(np.gradient(curve, 1 / fps), 1 / fps)
    frames = np.round(np.asarray(music_beats, dtype=float) * fps).astype(int)
    frames = frames[(frames >= 0) & (frames < len(curve))]
    return float(curve.mean()), float(bend[frames].mean()) if len(frames) else 0.0


def music_motion_correlation(speed: Array, loudness: Array, fps: float, *, reach: float = 0.25) -> float:
    """Greatest correlation between a motion curve and a music curve when one is shifted by up to `reach` s.

    Papers call the beat alignment itself "motion-music correlation" (FACT) or MMC (AIOZ-GDANCE); this is the plain reading of the
    words, for music without clear beats.

    Args:
        speed: Mean joint speed or another motion curve, [T].
        loudness: Energy or onset strength of the music at the same frames, [T].
        fps: Frames per second.
        reach: Greatest shift, s.

    Returns:
        Pearson correlation within [-1, 1]; 0 when a curve is constant.
    """
    if np.shape(speed) != np.shape(loudness):
        raise MotionError(f"motion curve of {len(speed)} frames, music curve of {len(loudness)}")
    best = -1.0
    for shift in range(-round(reach * fps), round(reach * fps) + 1):
        a = speed[max(0, shift) : len(speed) + min(0, shift)]
        b = loudness[max(0, -shift) : len(speed) + min(0, -shift)]
        if len(a) < 3 or a.std() < 1e-12 or b.std() < 1e-12:
            return 0.0
        best = max(best, float(np.corrcoef(a, b)[0, 1]))
    return best
