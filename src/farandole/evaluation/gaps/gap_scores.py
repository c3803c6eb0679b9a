"""How well gaps are filled: L2P, L2Q and NPSS, per gap length or key-frame pattern.

Definitions: Harvey et al., 2020, arXiv:2102.04942, section 5. Only missing frames count.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from farandole.errors import MotionError
from farandole.evaluation.gaps.benchmark_windows import GAPS, PAST, Clips, hold, interpolate
from farandole.motion import rotations as rot
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

POWER_FLOOR = 1e-8
"""A channel with less spectral power than this counts as empty in NPSS."""


def l2q(predicted: Array, truth: Array) -> Array:
    """Norm of the difference of all global quaternions of a frame, averaged over frames: [..., T, J, 4] twice -> [...].

    Not a geodesic distance and not blind to signs: choose them by `continue_signs`, never by looking at the truth.
    """
    difference = np.asarray(predicted, dtype=float) - truth
    return np.sqrt((difference**2).sum(axis=(-2, -1))).mean(axis=-1)


def l2p(predicted: Array, truth: Array, deviation: Array) -> Array:
    """Norm of the difference of all global positions of a frame in deviations, averaged over frames: [..., T, J, 3] -> [...].

    Args:
        predicted: Global positions.
        truth: The same of the real frames.
        deviation: Population deviation of each coordinate over the training windows, [J, 3], same unit. (The mean would cancel.)
    """
    difference = (np.asarray(predicted, dtype=float) - truth) / deviation
    return np.sqrt((difference**2).sum(axis=(-2, -1))).mean(axis=-1)


@dataclass(frozen=True)
class SpectralSum:
    """Numerator and denominator of NPSS, so that batches add up to the figure over all windows.

    Attributes:
        weighted: Sum over windows and channels of power times distance.
        power: Sum of power.
        empty: Channels without power in the truth or the prediction, which published code turns into NaN.
    """

    weighted: float = 0.0
    power: float = 0.0
    empty: int = 0

    def __add__(self, other: SpectralSum) -> SpectralSum:
        return SpectralSum(self.weighted + other.weighted, self.power + other.power, self.empty + other.empty)

    @property
    def value(self) -> float:
        """Normalised power spectrum similarity; 0 is equal, NaN if the truth has no power at all."""
        return self.weighted / self.power if self.power > 0 else float("nan")


def npss(predicted: Array, truth: Array) -> SpectralSum:
    """Normalised Power Spectrum Similarity (Gopalakrishnan et al., 2019, arXiv:1809.03036, section 4.2).

    As published, power is the squared *real part* of the Fourier transform over time, all T bins; earth mover's distances of
    the normalised spectra are averaged with the truth's total power as weights.

    Args:
        predicted: Any channels, [B, T, D] (LAFAN1: global quaternions, D = 88).
        truth: The same of the real frames.
    """
    true, made = (np.fft.fft(np.asarray(x, dtype=float), axis=1).real ** 2 for x in (truth, predicted))
    true_total, made_total = true.sum(axis=1), made.sum(axis=1)
    empty = (true_total < POWER_FLOOR) | (made_total < POWER_FLOOR)
    shares = [
        spectrum / np.where(total < POWER_FLOOR, np.inf, total)[:, None]
        for spectrum, total in ((true, true_total), (made, made_total))
    ]
    distance = np.abs(np.cumsum(shares[1] - shares[0], axis=1)).sum(axis=1)
    return SpectralSum(float((distance * true_total).sum()), float(true_total.sum()), int(empty.sum()))


def continue_signs(predicted: Array, before: Array) -> Array:
    """Quaternion signs of a filled gap [B, T, J, 4] that continue from the last known frame [B, J, 4]."""
    joined = np.concatenate((before[:, None], predicted), axis=1)
    return rot.unroll(joined, axis=1)[:, 1:]


@dataclass(frozen=True)
class GapScore:
    """Figures of one gap length (or key-frame spacing).

    Attributes:
        l2q: Mean over windows.
        l2p: Mean over windows.
        npss: Over all windows.
        windows: Their number.
        empty_channels: Channels without spectral power, see `SpectralSum`.
        l2q_each: One value per window, [B].
        l2p_each: One value per window, [B].
    """

    l2q: float
    l2p: float
    npss: float
    windows: int
    empty_channels: int = 0
    l2q_each: Array = field(default_factory=lambda: np.empty(0), repr=False)
    l2p_each: Array = field(default_factory=lambda: np.empty(0), repr=False)


def score_gap(
    predicted: Clips, truth: Clips, gap: int, skeleton: Skeleton, deviation: Array, *, past: int = PAST
) -> GapScore:
    """Score filled gaps.

    Args:
        predicted: The `gap` missing frames of every window; their quaternion signs are continued from the last known frame.
        truth: Whole windows, prepared by `align`.
        gap: Missing frames.
        skeleton: Bone offsets, the same for truth and prediction.
        deviation: From `position_deviation` of the training windows.
        past: Frames before the gap.
    """
    if predicted.rotations.shape[1] != gap or len(predicted) != len(truth):
        raise MotionError(
            f"{len(predicted)} windows of {predicted.rotations.shape[1]} predicted frames for {len(truth)} gaps of {gap} frames"
        )
    made_p, made_q = predicted.forward(skeleton)
    true_p, true_q = truth.frames(past - 1, past + gap).forward(skeleton)
    made_q = continue_signs(made_q, true_q[:, 0])
    return _score(made_p, made_q, true_p[:, 1:], true_q[:, 1:], deviation)


def _score(made_p: Array, made_q: Array, true_p: Array, true_q: Array, deviation: Array) -> GapScore:
    flat = lambda q: q.reshape(*q.shape[:2], -1)  # noqa: E731
    spectrum = npss(flat(made_q), flat(true_q))
    by_q, by_p = l2q(made_q, true_q), l2p(made_p, true_p, deviation)
    return GapScore(float(by_q.mean()), float(by_p.mean()), spectrum.value, len(by_q), spectrum.empty, by_q, by_p)


def baselines(
    truth: Clips, skeleton: Skeleton, deviation: Array, gaps: tuple[int, ...] = GAPS
) -> dict[str, dict[int, GapScore]]:
    """Zero velocity and interpolation on aligned windows: baseline -> gap length -> score. Report them beside every model."""
    fills = {"zero velocity": hold, "interpolation": interpolate}
    return {
        name: {gap: score_gap(fill(truth, gap), truth, gap, skeleton, deviation) for gap in gaps}
        for name, fill in fills.items()
    }


def score_keyframes(predicted: Clips, truth: Clips, given: Array, skeleton: Skeleton, deviation: Array) -> GapScore:
    """Score the frames that were not given, for whole predicted windows [B, T]. Not comparable with the gap tables.

    Signs of the prediction are made continuous from the first frame, whose sign is the truth's. NPSS sees whole windows, since
    spectra need unbroken time.
    """
    made_p, made_q = predicted.forward(skeleton)
    true_p, true_q = truth.forward(skeleton)
    true_q = rot.unroll(true_q, axis=1)
    made_q = continue_signs(made_q, true_q[:, 0])
    missing = ~np.asarray(given, dtype=bool)
    if not missing.any():
        raise MotionError("every frame is given: there is nothing to score")
    whole = _score(made_p, made_q, true_p, true_q, deviation)
    by_q, by_p = l2q(made_q[:, missing], true_q[:, missing]), l2p(made_p[:, missing], true_p[:, missing], deviation)
    return GapScore(float(by_q.mean()), float(by_p.mean()), whole.npss, len(by_q), whole.empty_channels, by_q, by_p)
