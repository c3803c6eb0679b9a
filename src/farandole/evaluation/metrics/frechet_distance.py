"""Frechet distance between sets of features, in its published variants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from farandole.errors import DataError
from farandole.motion.rotations import Array

FrechetVariant = Literal["normalised", "raw", "uncentred"]


@dataclass(frozen=True)
class Moments:
    """Mean [D] and covariance [D, D] of a set of N features."""

    mean: Array
    covariance: Array
    count: int

    @classmethod
    def of(cls, features: Array, *, centred: bool = True) -> Moments:
        """Moments of features [N, D]: covariance with N - 1, or the raw second moment F'F / N where not `centred`."""
        x = feature_table(features)
        if centred and len(x) < 2:
            raise DataError("a covariance needs at least two feature vectors")
        covariance = np.cov(x, rowvar=False).reshape(x.shape[1], -1) if centred else x.T @ x / len(x)
        return cls(x.mean(axis=0), covariance, len(x))


def standardise(features: Array, reference: Array) -> Array:
    """(f - mean) / (std + 1e-10) with mean and population deviation of the reference set alone, [N, D]."""
    reference = feature_table(reference)
    return (feature_table(features) - reference.mean(axis=0)) / (reference.std(axis=0) + 1e-10)


def frechet_between(a: Moments, b: Moments) -> float:
    """|m1 - m2|^2 + tr C1 + tr C2 - 2 tr (C1 C2)^(1/2) (Frechet, 1957; Heusel et al., 2017, arXiv:1706.08500, eq. 6).

    The last trace is the sum of singular values of C1^(1/2) C2^(1/2), from symmetric eigen-decompositions: real, never negative
    and exact for rank-deficient covariances, where the general matrix square root of the public scripts is only approximate.
    """
    product = _root(a.covariance) @ _root(b.covariance).T
    overlap = np.linalg.svd(product, compute_uv=False).sum()
    gap = a.mean - b.mean
    return float(gap @ gap + np.trace(a.covariance) + np.trace(b.covariance) - 2.0 * overlap)


def frechet_distance(reference: Array, generated: Array, *, variant: FrechetVariant = "normalised") -> float:
    """Frechet distance of two sets of features, [N, D] and [M, D].

    Args:
        reference: Features of real motion.
        generated: Features of generated motion.
        variant: "normalised": both sets standardised by the reference (FID_k and FID_g of mint, Bailando and most papers);
            "raw": as they are; "uncentred": as they are, with second moments F'F / N in place of covariances.

    Returns:
        A number >= 0 up to rounding. With fewer vectors than dimensions it is biased upward: see `vectors_needed`.
    """
    x, y = feature_table(reference), feature_table(generated)
    if x.shape[1] != y.shape[1]:
        raise DataError(f"reference features have {x.shape[1]} numbers each, generated ones {y.shape[1]}")
    if variant == "normalised":
        x, y = standardise(x, x), standardise(y, x)
    elif variant not in ("raw", "uncentred"):
        raise ValueError(f"unknown Frechet variant {variant!r}: need 'normalised', 'raw' or 'uncentred'")
    centred = variant != "uncentred"
    return frechet_between(Moments.of(x, centred=centred), Moments.of(y, centred=centred))


def vectors_needed(dimensions: int) -> int:
    """Least number of clips in either set for which a Frechet distance in `dimensions` means something.

    Ten per dimension keep the upward bias, which falls as 1/N, to a few per cent of tr C for well-conditioned features; fewer than
    `dimensions` leave the covariance singular.
    """
    return 10 * dimensions


def pose_distance(
    reference: Array, generated: Array, *, frames: int = 1, variant: Literal["paper", "script"] = "paper"
) -> float:
    """Frechet pose (frames = 1) or movement (frames = 3) distance (Valle-Perez et al., 2021, arXiv:2106.13871, section 5.2).

    Not standardised, so the scale of the features matters.

    Args:
        reference: Pose features of all real frames one after another, [N, D] (published: 65 numbers at 20 fps).
        generated: The same of generated frames, [M, D].
        frames: Consecutive frames that are put side by side.
        variant: "paper": covariances, a group begins at every frame. "script", as the released analysis computes: second moments
            that are not centred, and groups that do not overlap, a remainder dropped.
    """
    if variant not in ("paper", "script"):
        raise ValueError(f"unknown variant {variant!r} of the pose distance: need 'paper' or 'script'")
    step, kind = (1, "raw") if variant == "paper" else (frames, "uncentred")
    return frechet_distance(_grouped(reference, frames, step), _grouped(generated, frames, step), variant=kind)


def _grouped(x: Array, frames: int, step: int) -> Array:
    """Groups of consecutive rows side by side, one beginning every `step` rows, [N, D] -> [G, frames * D]."""
    x = feature_table(x)
    starts = np.arange(0, len(x) - frames + 1, step)
    return x[starts[:, None] + np.arange(frames)].reshape(len(starts), frames * x.shape[1])


def _root(covariance: Array) -> Array:
    """A [D, D] with A'A = covariance, for symmetric positive semidefinite matrices."""
    values, vectors = np.linalg.eigh(covariance)
    return np.sqrt(np.clip(values, 0.0, None))[:, None] * vectors.T


def feature_table(features: Array) -> Array:
    """Features as float64 [N, D]. Raises DataError if they are no table, empty or not finite."""
    x = np.asarray(features, dtype=float)
    if x.ndim != 2 or not x.size:
        raise DataError(f"features must be a non-empty table [N, D], got shape {x.shape}")
    if not np.isfinite(x).all():
        raise DataError("features hold NaN or infinite numbers")
    return x
