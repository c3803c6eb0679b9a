"""Figures of a set of clips against a reference set: means with intervals, Frechet distances, diversity, typical clips."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from farandole.evaluation.bootstrap import Interval, difference_interval, mean_interval
from farandole.evaluation.clip_figures import ClipFigures
from farandole.evaluation.figures import CLIP_FIGURES
from farandole.evaluation.metrics.diversity import diversity, multimodality
from farandole.evaluation.metrics.frechet_distance import (
    Moments,
    frechet_between,
    frechet_distance,
    standardise,
    vectors_needed,
)
from farandole.motion.rotations import Array

RESAMPLES = 100
"""Bootstrap draws for set figures, each of which needs a matrix decomposition."""

CONSTANT = 1e-6
"""Relative deviation under which a feature counts as constant."""

_SPAN = 3  # poses side by side in the movement distance


@dataclass(frozen=True)
class SetFigures:
    """A run's figures.

    Attributes:
        values: Figure name -> estimate with interval over clips.
        reasons: Figure name -> why it is missing.
    """

    values: dict[str, Interval]
    reasons: dict[str, str]


def table(clips: Sequence[ClipFigures], name: str) -> Array:
    """One figure of every clip, [N]; NaN where a clip has none."""
    return np.array([clip.all_numbers().get(name, np.nan) for clip in clips], dtype=float)


def clip_means(clips: Sequence[ClipFigures], *, seed: int = 0) -> dict[str, Interval]:
    """Mean over clips of every figure that at least one clip has."""
    means = {figure.name: mean_interval(table(clips, figure.name), seed=seed) for figure in CLIP_FIGURES}
    return {name: mean for name, mean in means.items() if mean.count}


def set_figures(clips: Sequence[ClipFigures], reference: Sequence[ClipFigures] | None, *, seed: int = 0) -> SetFigures:
    """Everything about one run.

    Args:
        clips: Of the run.
        reference: Real clips; None for the reference set's own line, whose Frechet distances are then those between its halves.
        seed: Of the bootstrap.
    """
    values, reasons = clip_means(clips, seed=seed), {}
    own = reference is None
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(clips))
    against = clips if reference is None else reference
    for name, pick in (("fid_k", _kinetic), ("fid_k_fixed", _mended), ("fid_g", _geometric)):
        if (own and len(clips) < 4) or min(len(clips), len(against)) < 2:
            reasons[name] = "needs at least two clips on either side"
            continue
        real, made = _standardised(pick, against, clips)
        if own:
            half = len(clips) // 2
            value = frechet_distance(real[order[:half]], real[order[half:]], variant="raw")
            values[name] = Interval(value, np.nan, np.nan, len(clips))
        else:
            values[name] = _frechet_interval(real, made, seed)
    for name, pick in (("dist_k", _kinetic), ("dist_g", _geometric)):
        if min(len(clips), len(against)) < 2:
            reasons[name] = "needs at least two clips on either side"
            continue
        values[name] = _diversity_interval(_standardised(pick, against, clips)[1], rng)
    for name, pick in (("multimodality_k", _kinetic), ("multimodality_g", _geometric)):
        groups = _groups(clips)
        if not groups or len(against) < 2:
            reasons[name] = "needs at least two takes of one song"
            continue
        features = _standardised(pick, against, clips)[1]
        each = np.array([multimodality([features[rows]]) for rows in groups])
        values[name] = mean_interval(each, seed=seed)
    for name, span in (("fpd", 1), ("fmd", _SPAN)):
        if own:
            reasons[name] = "is a distance from the reference itself"
        elif problem := _poses_differ(clips, against):
            reasons[name] = problem
        else:
            values[name] = Interval(_pose_distance(against, clips, span), np.nan, np.nan, len(clips))
    return SetFigures(values, reasons)


Pick = Callable[[Sequence[ClipFigures]], Array]


def _standardised(pick: Pick, reference: Sequence[ClipFigures], clips: Sequence[ClipFigures]) -> tuple[Array, Array]:
    """Features of both sets standardised by the reference, without those that never vary in it, [N, D] and [M, D].

    Published code divides by 1e-10 there: one clip that differs then outweighs everything. See `constant_features`.
    """
    real, made = pick(reference), pick(clips)
    varying = real.std(axis=0) > CONSTANT * np.maximum(np.abs(real).max(axis=0), 1.0)
    return standardise(real[:, varying], real[:, varying]), standardise(made[:, varying], real[:, varying])


def constant_features(reference: Sequence[ClipFigures]) -> int:
    """How many of the 32 geometric features never vary in the reference set; they are left out of FID_g and Dist_g."""
    return int((_geometric(reference).std(axis=0) <= CONSTANT).sum())


def _frechet_interval(x: Array, y: Array, seed: int) -> Interval:
    """Frechet distance of standardised features with the spread that the choice of generated clips gives it."""
    yardstick = Moments.of(x)
    value = frechet_between(yardstick, Moments.of(y))
    rng = np.random.default_rng(seed)
    draws = [frechet_between(yardstick, Moments.of(y[rng.integers(len(y), size=len(y))])) for _ in range(RESAMPLES)]
    # Repeated clips shrink the covariance and so bias every draw alike: keep the width, centre it on the estimate.
    low, high = np.quantile(draws, (0.025, 0.975)) - np.median(draws) + value
    return Interval(value, max(0.0, float(low)), float(high), len(y))


def _diversity_interval(features: Array, rng: np.random.Generator) -> Interval:
    value = diversity(features)
    # Leave-one-out spread (jackknife): resampled pairs of the same clip would count as no diversity at all.
    if len(features) < 3:
        return Interval(value, np.nan, np.nan, len(features))
    some = rng.permutation(len(features))[:200]
    total = value * len(features) * (len(features) - 1) / 2
    rows = np.array([np.linalg.norm(features - features[i], axis=1).sum() for i in some])
    left = (total - rows) / ((len(features) - 1) * (len(features) - 2) / 2)
    deviation = float(np.sqrt((len(features) - 1) * np.mean((left - left.mean()) ** 2)))
    return Interval(value, value - 1.96 * deviation, value + 1.96 * deviation, len(features))


def _groups(clips: Sequence[ClipFigures]) -> list[list[int]]:
    """Rows of the clips made for one song, for songs with several."""
    rows: dict[str, list[int]] = {}
    for i, clip in enumerate(clips):
        rows.setdefault(clip.group, []).append(i)
    return [r for r in rows.values() if len(r) > 1]


def _poses_differ(clips: Sequence[ClipFigures], reference: Sequence[ClipFigures]) -> str:
    """Why pose distances cannot be taken; empty if they can."""
    if not all(len(c.poses) > _SPAN for c in (*clips, *reference)):
        return "clips are too short, or their poses were not collected (a file of figures holds none)"
    kinds = {c.joints for c in (*clips, *reference)}
    return (
        ""
        if len(kinds) == 1
        else "the skeletons differ: retarget one set to the other's (farandole convert --retarget)"
    )


def _pose_distance(reference: Sequence[ClipFigures], clips: Sequence[ClipFigures], span: int) -> float:
    return frechet_between(_pose_moments(reference, span), _pose_moments(clips, span))


def _pose_moments(clips: Sequence[ClipFigures], span: int) -> Moments:
    """Moments over all groups of `span` consecutive poses, clip by clip, so that memory stays that of one clip."""
    count, total, square = 0, 0.0, 0.0
    centre = clips[0].poses.mean(axis=0, dtype=float)  # any point near the mean keeps the difference of squares exact
    for clip in clips:
        x = clip.poses.astype(float) - centre
        rows = np.concatenate([x[k : len(x) - span + 1 + k] for k in range(span)], axis=1)
        count, total, square = count + len(rows), total + rows.sum(axis=0), square + rows.T @ rows
    mean = np.asarray(total) / count
    covariance = (np.asarray(square) - count * np.outer(mean, mean)) / (count - 1)
    return Moments(mean + np.tile(centre, span), covariance, count)


def differences(first: Sequence[ClipFigures], other: Sequence[ClipFigures]) -> dict[str, Interval]:
    """Other minus first for every per-clip figure that both have, with bootstrap intervals: those without 0 differ."""
    result = {}
    for figure in CLIP_FIGURES:
        gap = difference_interval(table(other, figure.name), table(first, figure.name))
        if gap.count:
            result[figure.name] = gap
    return result


TYPICAL = (
    "support_median",
    "support_p90",
    "joint_speed",
    "peak_acceleration",
    "twitch",
    "freeze",
    "penetration",
    "coherence",
)
"""Figures by which clips are ranked."""


def strangeness(clips: Sequence[ClipFigures], reference: Sequence[ClipFigures]) -> Array:
    """How unlike the reference each clip is, [N].

    Mean over `TYPICAL` of the distance from the reference's mean in deviations, each cut at 5. Where lower (higher) is better, only
    the worse side counts; a deviation is taken as at least a tenth of the mean.
    """
    better = {figure.name: figure.better for figure in CLIP_FIGURES}
    parts = []
    for name in TYPICAL:
        real, made = table(reference, name), table(clips, name)
        real = real[np.isfinite(real)]
        if not len(real) or not np.isfinite(made).any():
            continue
        z = (made - real.mean()) / max(float(real.std()), 0.1 * abs(float(real.mean())), 1e-6)
        z = {"low": np.maximum(z, 0), "high": np.maximum(-z, 0), "real": np.abs(z)}[better[name]]
        parts.append(np.minimum(np.where(np.isfinite(z), z, 0), 5))
    return np.mean(parts, axis=0) if parts else np.zeros(len(clips))


def kinetic_map(reference: Sequence[ClipFigures], runs: Sequence[Sequence[ClipFigures]]) -> list[Array]:
    """Two principal components of the (mended) kinetic features, reference first: one [N, 2] per set.

    Axes are those of all sets together, after standardising by the reference (by all clips if it has only one).
    """
    sets = [_mended(reference), *(_mended(run) for run in runs)]
    everything = np.concatenate(sets)
    yardstick = sets[0] if len(sets[0]) > 2 else everything
    # Logarithms: energies are positive and skewed, and one wild clip would otherwise set the scale of the whole plot.
    scaled = standardise(np.log(everything + 1e-6), np.log(yardstick + 1e-6))
    centred = scaled - scaled.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    points = centred @ axes[:2].T
    if points.shape[1] < 2:
        points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
    return np.split(points, np.cumsum([len(s) for s in sets])[:-1])


def small_set_warnings(sizes: Mapping[str, int]) -> list[str]:
    """What to keep in mind about Frechet distances over few clips.

    Args:
        sizes: Name of each set -> number of its clips.
    """
    needed = vectors_needed(72)
    small = [f"{name} has {count} clips" for name, count in sizes.items() if count < needed]
    if not small:
        return []
    singular = " (below 72 clips the covariance of FID_k is singular)" if min(sizes.values()) < 72 else ""
    return [
        f"{', '.join(small)}: Frechet distances over few clips are biased upward{singular}. Compare only runs with as many "
        f"clips, or cut them into more (--cut SECONDS): about {needed} are needed for FID_k, {vectors_needed(32)} for FID_g"
    ]


def _kinetic(clips: Sequence[ClipFigures]) -> Array:
    return np.stack([clip.kinetic[0] for clip in clips])


def _mended(clips: Sequence[ClipFigures]) -> Array:
    return np.stack([clip.kinetic[1] for clip in clips])


def _geometric(clips: Sequence[ClipFigures]) -> Array:
    return np.stack([clip.geometric for clip in clips])
