"""Diversity and multimodality: how far the clips of a set are from one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from farandole.errors import DataError
from farandole.evaluation.metrics.frechet_distance import feature_table
from farandole.motion.rotations import Array


def diversity(features: Array) -> float:
    """Mean Euclidean distance over all unordered pairs of N >= 2 feature vectors [N, D] (Dist_k, Dist_g).

    Standardise by the reference first. Close to the real set's value is good; larger is not better, noise raises it.
    """
    x = feature_table(features)
    if len(x) < 2:
        raise DataError("diversity needs at least two feature vectors")
    total = sum(np.linalg.norm(x[i + 1 :] - x[i], axis=1).sum() for i in range(len(x) - 1))
    return float(total / (len(x) * (len(x) - 1) / 2))


def multimodality(groups: Sequence[Array]) -> float:
    """Mean over songs of the `diversity` of the takes made for one song; each group [N_g, D], groups of one are left out."""
    values = [diversity(group) for group in groups if len(group) > 1]
    if not values:
        raise DataError("multimodality needs at least two takes of one song")
    return float(np.mean(values))
