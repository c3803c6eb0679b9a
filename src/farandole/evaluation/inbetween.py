"""In-betweening: L2P, L2Q and NPSS, the baselines, and the LAFAN1 protocol (Harvey et al., 2020, arXiv:2102.04942)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from farandole.errors import MotionError
from farandole.motion import kinematics
from farandole.motion import rotations as rot
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

PAST = 10
"""Frames given before the gap."""

GAPS = (5, 15, 30, 45)
"""Lengths of the gap in the published tables, frames at 30 fps."""

TEST_WINDOW, TEST_STRIDE = 65, 40
"""Windows of the test subject, frames; the same for every gap length."""

STATISTICS_WINDOW, STATISTICS_STRIDE = 50, 20
"""Windows of the training subjects from which L2P's deviations come, frames."""

POWER_FLOOR = 1e-8
"""A channel with less spectral power than this counts as empty in NPSS."""


@dataclass(frozen=True)
class Clips:
    """A batch of windows of one skeleton.

    Attributes:
        rotations: Local unit quaternions, [B, T, J, 4].
        root_positions: World position of the root, [B, T, 3]; published L2P figures are made in centimetres, but the unit cancels.
    """

    rotations: Array
    root_positions: Array

    def __len__(self) -> int:
        return len(self.rotations)

    def frames(self, start: int, stop: int) -> Clips:
        """The same windows, cut in time."""
        return Clips(self.rotations[:, start:stop], self.root_positions[:, start:stop])

    def forward(self, skeleton: Skeleton) -> tuple[Array, Array]:
        """Global positions [B, T, J, 3] and quaternions [B, T, J, 4]."""
        return kinematics.forward(skeleton, self.rotations, self.root_positions)


# The metrics, on arrays


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


# Preparing windows


def cut_windows(motion_rotations: Array, motion_roots: Array, window: int, stride: int) -> Clips:
    """Windows of one file, [T, J, 4] and [T, 3]; signs are made continuous over the whole file first.

    The last aligned window is left out when it ends exactly at the file's end, as the published loop does.
    """
    starts = np.arange(0, max(len(motion_rotations) - window, 0), stride)
    take = starts[:, None] + np.arange(window)
    return Clips(rot.unroll(motion_rotations)[take], motion_roots[take])


def centre(clips: Clips) -> Clips:
    """Windows whose mean of root x and z is 0; heights stay."""
    middle = clips.root_positions.mean(axis=1, keepdims=True) * np.array([1.0, 0.0, 1.0])
    return Clips(clips.rotations, clips.root_positions - middle)


def face(clips: Clips, frame: int = PAST - 1) -> Clips:
    """Windows turned about the vertical so that at `frame` the root's local y axis, laid on the floor, points along +x.

    The LAFAN1 skeleton's hips carry their forward direction along local y.
    """
    facing = rot.rotate(clips.rotations[:, frame, 0], np.array([0.0, 1.0, 0.0])) * np.array([1.0, 0.0, 1.0])
    turn = rot.between(rot.normalize(facing), np.broadcast_to(np.array([1.0, 0.0, 0.0]), facing.shape))[:, None]
    local = clips.rotations.copy()
    local[:, :, 0] = rot.multiply(np.broadcast_to(turn, local[:, :, 0].shape), local[:, :, 0])
    return Clips(local, rot.rotate(turn, clips.root_positions))


def align(clips: Clips) -> Clips:
    """The benchmark's preparation of windows: `centre`, then `face`."""
    return face(centre(clips))


def position_deviation(clips: Clips, skeleton: Skeleton) -> Array:
    """Population deviation of every global coordinate over windows and frames, [J, 3]: the yardstick of `l2p`."""
    positions, _ = clips.forward(skeleton)
    return positions.std(axis=(0, 1))


# Baselines


def hold(clips: Clips, gap: int, past: int = PAST) -> Clips:
    """Zero velocity: the last known local pose and root position, repeated over the gap."""
    repeat = lambda x: np.repeat(x[:, past - 1 : past], gap, axis=1)  # noqa: E731
    return Clips(repeat(clips.rotations), repeat(clips.root_positions))


def interpolate(clips: Clips, gap: int, past: int = PAST) -> Clips:
    """Straight lines for the root, arcs for local rotations, between the last known frame and the target frame."""
    t = np.linspace(0.0, 1.0, gap + 2)[1:-1]
    first, target = past - 1, past + gap
    a, b = clips.root_positions[:, first, None], clips.root_positions[:, target, None]
    turns = [_arc(clips.rotations[:, first], clips.rotations[:, target], float(s)) for s in t]
    return Clips(np.stack(turns, axis=1), a + (b - a) * t[None, :, None])


def _arc(a: Array, b: Array, t: float) -> Array:
    """Spherical interpolation with the benchmark's switch: linear, then normalised, where the dot product exceeds 0.99."""
    dot = (a * b).sum(axis=-1, keepdims=True)
    a, dot = np.where(dot < 0, -a, a), np.abs(dot)
    linear = 1.0 - dot < 0.01
    angle = np.arccos(np.clip(dot, 0.0, 1.0))
    sine = np.where(linear, 1.0, np.sin(angle))
    wa = np.where(linear, 1.0 - t, np.sin((1.0 - t) * angle) / sine)
    wb = np.where(linear, t, np.sin(t * angle) / sine)
    return rot.normalize(wa * a + wb * b)


# Protocols


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


def keyframe_mask(frames: int, every: int) -> Array:
    """Which frames are given when every `every`-th is a key frame, [T] bool; the last frame is given too."""
    mask = np.arange(frames) % every == 0
    mask[-1] = True
    return mask


def interpolate_keyframes(clips: Clips, given: Array) -> Clips:
    """The interpolation baseline for any pattern of given frames [T] bool, whose first and last frame are given."""
    known = np.flatnonzero(given)
    if not len(known) or known[0] != 0 or known[-1] != len(given) - 1:
        raise MotionError("a key-frame pattern must give the first and the last frame")
    local, roots = clips.rotations.copy(), clips.root_positions.copy()
    for low, high in zip(known[:-1], known[1:], strict=True):
        if high - low > 1:
            part = interpolate(clips.frames(int(low), int(high) + 1), int(high - low - 1), past=1)
            local[:, low + 1 : high], roots[:, low + 1 : high] = part.rotations, part.root_positions
    return Clips(local, roots)


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
