"""Do styles differ, and does a dance have the style it should? A classifier of takes, and distances between styles.

Both see the window features of takes (`metrics.window_features`): energies and poses of 5 s, no music and no names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from farandole.errors import DataError
from farandole.evaluation.clip_figures import ClipFigures
from farandole.evaluation.feature_space import SMALLEST_DEVIATION, FeatureSpace
from farandole.evaluation.metrics.frechet_distance import Moments, frechet_between
from farandole.evaluation.metrics.window_features import WindowFeatures
from farandole.motion.rotations import Array

SHRINKAGE = 0.3
"""Share of the within-style covariance that is replaced by its mean variance: there are more features than a style has takes."""

SPLITS = 20
"""Random halves over which the distance within a style is averaged."""


@dataclass(frozen=True, eq=False)
class StyleClassifier:
    """Linear discriminant analysis (Fisher, 1936) with a shrunk covariance: the nearest centroid in the within-style metric.

    Attributes:
        styles: Names, S of them.
        centre: Mean of all training windows, [D].
        scale: Their deviations, [D].
        white: Whitens the variation within styles, [D, D].
        centroids: Whitened mean of each style, [S, D].
    """

    styles: tuple[str, ...]
    centre: Array
    scale: Array
    white: Array
    centroids: Array

    @classmethod
    def fit(cls, takes: Sequence[ClipFigures]) -> StyleClassifier:
        """Learn from takes with styles; every style weighs alike, whatever its minutes.

        Raises:
            DataError: If there are fewer than two styles.
        """
        labelled = [take for take in takes if take.style and len(take.windows)]
        styles = tuple(sorted({take.style for take in labelled}))
        if len(styles) < 2:
            raise DataError(f"telling styles apart needs takes of at least two styles, there are {len(styles)}")
        groups = [np.concatenate([_table(t.windows) for t in labelled if t.style == style]) for style in styles]
        centre = np.mean([group.mean(axis=0) for group in groups], axis=0)
        smallest = np.repeat(list(SMALLEST_DEVIATION.values()), (72, 32))
        scale = np.maximum(np.sqrt(np.mean([((g - centre) ** 2).mean(axis=0) for g in groups], axis=0)), smallest)
        standard = [(group - centre) / scale for group in groups]
        within = np.mean([_scatter(group) for group in standard], axis=0)
        size = np.trace(within) / len(within)
        within = (1 - SHRINKAGE) * within + SHRINKAGE * size * np.eye(len(within))
        values, vectors = np.linalg.eigh(within)
        white = vectors / np.sqrt(np.maximum(values, 1e-9))
        centroids = np.stack([group.mean(axis=0) @ white for group in standard])
        return cls(styles, centre, scale, white, centroids)

    def distances(self, clip: ClipFigures) -> dict[str, float]:
        """Squared distance of a clip from each style, mean over its windows: the nearest is its style."""
        x = ((_table(clip.windows) - self.centre) / self.scale) @ self.white
        gaps = ((x[:, None] - self.centroids) ** 2).sum(axis=-1).mean(axis=0)
        return dict(zip(self.styles, gaps.tolist(), strict=True))

    def recognise(self, clip: ClipFigures) -> str:
        """The nearest style. Raises DataError for a clip without a window."""
        if not len(clip.windows):
            raise DataError(f"{clip.name} is too short to tell its style")
        distances = self.distances(clip)
        return min(distances, key=distances.__getitem__)


@dataclass(frozen=True, eq=False)
class Recognition:
    """How well styles are told.

    Attributes:
        styles: Names, S of them.
        confusion: How many clips of each style (rows) were taken for each (columns), [S, S].
    """

    styles: tuple[str, ...]
    confusion: Array

    @property
    def accuracy(self) -> float:
        """Share of clips that were told right, every style weighing alike; chance is 1 / S."""
        totals = self.confusion.sum(axis=1)
        return float((np.diag(self.confusion)[totals > 0] / totals[totals > 0]).mean())

    def table(self) -> str:
        """Confusion as a Markdown table."""
        rows = [f"| style | clips | {' | '.join(self.styles)} |", f"|---|---:|{'---:|' * len(self.styles)}"]
        for style, row in zip(self.styles, self.confusion, strict=True):
            rows.append(f"| {style} | {row.sum():.0f} | {' | '.join(f'{n:.0f}' for n in row)} |")
        return "\n".join(rows)


def recognise_styles(classifier: StyleClassifier, clips: Sequence[ClipFigures]) -> Recognition:
    """Do clips have the style they are labelled with, in the eyes of a classifier of real takes?

    Raises:
        DataError: If a clip has a style that the classifier does not know.
    """
    confusion = np.zeros((len(classifier.styles), len(classifier.styles)))
    for clip in clips:
        if clip.style not in classifier.styles:
            raise DataError(f"{clip.name}: unknown style '{clip.style}'; known: {', '.join(classifier.styles)}")
        guess = classifier.recognise(clip)
        confusion[classifier.styles.index(clip.style), classifier.styles.index(guess)] += 1
    return Recognition(classifier.styles, confusion)


def leave_one_out(takes: Sequence[ClipFigures]) -> Recognition:
    """Tell every take by a classifier of the others.

    Takes of one `group` (both partners of a couple, pieces of one recording) are left out together. A style with one group alone
    cannot be recognised and is left out.

    Raises:
        DataError: If fewer than two styles have two groups.
    """
    groups: dict[str, set[str]] = {}
    for take in takes:
        groups.setdefault(take.style, set()).add(take.group)
    usable = [take for take in takes if take.style and len(groups[take.style]) > 1 and len(take.windows)]
    styles = tuple(sorted({take.style for take in usable}))
    if len(styles) < 2:
        raise DataError("leaving one out needs at least two styles with two takes each")
    confusion = np.zeros((len(styles), len(styles)))
    for group in sorted({take.group for take in usable}):
        classifier = StyleClassifier.fit([take for take in usable if take.group != group])
        for take in usable:
            if take.group == group:
                guess = classifier.recognise(take)
                confusion[styles.index(take.style), styles.index(guess)] += 1
    return Recognition(styles, confusion)


@dataclass(frozen=True, eq=False)
class StyleDistances:
    """Frechet distances between styles beside those within them.

    Attributes:
        styles: Names, S of them.
        between: Distance of each pair of styles, [S, S], 0 on the diagonal.
        within: Distance of two halves of each style, mean over random halves of its takes, [S]; NaN for one take.
    """

    styles: tuple[str, ...]
    between: Array
    within: Array

    @property
    def ratio(self) -> float:
        """Mean distance of different styles divided by the mean distance of two halves of one style."""
        pairs = self.between[~np.eye(len(self.styles), dtype=bool)]
        return float(pairs.mean() / np.nanmean(self.within))

    def table(self) -> str:
        """Distances as a Markdown table."""
        rows = [f"| | {' | '.join(self.styles)} | two halves |", f"|---|{'---:|' * (len(self.styles) + 1)}"]
        for style, row, own in zip(self.styles, self.between, self.within, strict=True):
            cells = ["-" if name == style else f"{value:.1f}" for name, value in zip(self.styles, row, strict=True)]
            rows.append(f"| {style} | {' | '.join(cells)} | {'-' if np.isnan(own) else f'{own:.1f}'} |")
        return "\n".join(rows)


def style_distances(takes: Sequence[ClipFigures], *, seed: int = 0) -> StyleDistances:
    """Frechet distances between the windows of styles, in the principal directions of all takes together.

    Halves are of takes (of `group`s), never of the windows of one take, which are alike. Distances over few windows are biased
    upward, and halves have fewer: the ratio is on the safe side.

    Raises:
        DataError: If there are fewer than two styles.
    """
    styles = tuple(sorted({take.style for take in takes if take.style}))
    if len(styles) < 2:
        raise DataError(f"distances between styles need takes of at least two, there are {len(styles)}")
    space = FeatureSpace.of(WindowFeatures.of([take.windows for take in takes if take.style]))
    points = [[space.coordinates(t.windows) for t in takes if t.style == style] for style in styles]
    names = [[t.group for t in takes if t.style == style] for style in styles]
    moments = [Moments.of(np.concatenate(parts)) for parts in points]
    between = np.array([[frechet_between(a, b) if a is not b else 0.0 for b in moments] for a in moments])
    rng = np.random.default_rng(seed)
    within = np.array([_halves(parts, groups, rng) for parts, groups in zip(points, names, strict=True)])
    return StyleDistances(styles, between, within)


def _halves(parts: Sequence[Array], groups: Sequence[str], rng: np.random.Generator) -> float:
    """Mean distance of two random halves of the groups of one style; NaN where there are not two with enough windows."""
    distinct, distances = sorted(set(groups)), []
    for _ in range(SPLITS if len(distinct) > 1 else 0):
        first = set(rng.permutation(distinct)[: len(distinct) // 2])
        halves = [[p for p, g in zip(parts, groups, strict=True) if (g in first) == side] for side in (True, False)]
        a, b = (np.concatenate(half) for half in halves)
        if min(len(a), len(b)) > 1:
            distances.append(frechet_between(Moments.of(a), Moments.of(b)))
    return float(np.mean(distances)) if distances else float("nan")


def _table(windows: WindowFeatures) -> Array:
    return np.concatenate((windows.kinetic, windows.geometric), axis=1)


def _scatter(x: Array) -> Array:
    centred = x - x.mean(axis=0)
    return centred.T @ centred / len(x)
