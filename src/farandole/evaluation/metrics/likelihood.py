"""How well a likelihood model explains held-out motion: bits per dimension and nats per frame, with confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from farandole.errors import DataError
from farandole.evaluation.bootstrap import Interval, mean_interval
from farandole.motion.rotations import Array


@dataclass(frozen=True)
class Likelihood:
    """Fit to held-out data; lower is better.

    Attributes:
        bits_per_dimension: Mean negative log-likelihood per number, bits.
        nats_per_frame: The same per frame, nats.
        sequences: Independent sequences the interval was drawn over.
        windows: Windows that were scored.
    """

    bits_per_dimension: Interval
    nats_per_frame: Interval
    sequences: int
    windows: int


def summarise_likelihood(
    log_prob: Array,
    frames: int,
    dimensions: int,
    *,
    scale: Array | None = None,
    groups: Sequence[object] | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Likelihood:
    """Bits per dimension of held-out windows.

    -log p / (T D ln 2). Densities depend on the units of the data: models compare only on the same features, and a density of
    standardised features says more when brought back to raw units with `scale`.

    Args:
        log_prob: Log-density of each window in nats, [N], of windows of `frames` x `dimensions` numbers.
        frames: Frames T per window.
        dimensions: Numbers D per frame.
        scale: Deviations [D] by which the data was divided; given, the density is that of the raw features:
            log p(raw) = log p(standardised) - T sum log scale.
        groups: Sequence (take, song) of each window, [N]. Windows of one sequence resemble each other, so whole sequences are
            resampled; without groups windows are, and the interval is too narrow if they overlap.
        level: Probability of the interval.
        resamples: Bootstrap draws.
        seed: Of the draws.

    Raises:
        DataError: If there are no windows, numbers are not finite, or shapes disagree.
    """
    log_prob = np.asarray(log_prob, dtype=float)
    if log_prob.ndim != 1 or not len(log_prob):
        raise DataError(f"need the log-density of at least one window, [N], got shape {log_prob.shape}")
    if not np.isfinite(log_prob).all():
        raise DataError(f"{int((~np.isfinite(log_prob)).sum())} of {len(log_prob)} windows have no finite log-density")
    if groups is not None and len(groups) != len(log_prob):
        raise DataError(f"{len(log_prob)} windows, but {len(groups)} group labels")
    nats = -log_prob / frames
    if scale is not None:
        if np.shape(scale) != (dimensions,):
            raise DataError(f"scale has shape {np.shape(scale)}, need [{dimensions}]")
        nats = nats + np.log(np.asarray(scale, dtype=float)).sum()
    labels = np.arange(len(nats)) if groups is None else np.unique([str(g) for g in groups], return_inverse=True)[1]
    count = np.bincount(labels)
    per_group = np.bincount(labels, weights=nats) / count
    frame = mean_interval(per_group, count.astype(float), level=level, resamples=resamples, seed=seed)
    to_bits = 1.0 / (dimensions * np.log(2.0))
    bits = Interval(frame.value * to_bits, frame.low * to_bits, frame.high * to_bits, frame.count, level)
    return Likelihood(bits, frame, len(count), len(nats))


def gaussian_log_prob(train: Array, held_out: Array, *, ridge: float = 1e-6) -> Array:
    """The floor every density model must beat: one Gaussian with full covariance over all frames, frames independent.

    Args:
        train: Feature frames, [N, D].
        held_out: Windows, [B, T, D].
        ridge: Added to the covariance's diagonal, relative to its mean.

    Returns:
        Log-density of each window in nats, [B].
    """
    mean = train.mean(axis=0)
    covariance = np.cov(train, rowvar=False).reshape(train.shape[1], -1)
    covariance = covariance + np.eye(len(covariance)) * ridge * np.trace(covariance) / len(covariance)
    factor = np.linalg.cholesky(covariance)
    white = np.linalg.solve(factor, (held_out - mean).reshape(-1, train.shape[1]).T).reshape(
        train.shape[1], *held_out.shape[:2]
    )
    log_det = np.log(np.diag(factor)).sum()
    per_frame = -0.5 * (white**2).sum(axis=0) - log_det - 0.5 * train.shape[1] * np.log(2 * np.pi)
    return per_frame.sum(axis=1)
