"""How a dancer does before and after it was taught: losses of its old styles, dances beside the recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from farandole.evaluation.measuring import measure_for_lines
from farandole.evaluation.metrics.window_features import WindowFeatures
from farandole.evaluation.real_range import RealRange
from farandole.models.objectives.objective import Draw
from farandole.motion.motion import Motion
from farandole.music.song import Song
from farandole.training.recipe import Recipe, make_data, objective_of

if TYPE_CHECKING:
    from farandole.data.feature_folder import FeatureFolder
    from farandole.data.scaler import Scaler
    from farandole.generation.latent_flow.dancer import LatentDancer
    from farandole.models.model import Model
    from farandole.training.teaching.lessons import Lesson

SPEED_SHIFTS = (-1.0, 0.0, 1.0)
"""Energies at which a new style is tried to find the one at which it moves as fast as its recordings, standard deviations."""
MOST_SHIFT = 1.5
BATCHES = 2
"""Held-out batches of each style that are looked at."""


@dataclass(frozen=True)
class StyleDistance:
    """Frechet distances of a model's dances from recordings, in the principal directions of windows of 5 s.

    Attributes:
        kinetic: Of energies.
        geometric: Of poses.
        joint_speed: Mean over joints and time, m/s.
    """

    kinetic: float
    geometric: float
    joint_speed: float

    @property
    def total(self) -> float:
        """Both distances together."""
        return self.kinetic + self.geometric


def held_out_losses(
    model: Model, recipe: Recipe, corpus: FeatureFolder, styles: Sequence[str], scalers: Mapping[str, Scaler]
) -> dict[str, float]:
    """Loss of the last stage on the held-out dances of each style that has some.

    The windows, noise and masks are the same for every model, so differences are those of the weights.
    """
    import torch

    stage = recipe.plan.stages[-1]
    split = set(corpus.split("test"))
    there = {corpus.sequences[name].get("style") for name in split}
    losses = {}
    for style in (s for s in styles if s in there):
        alone = dict.fromkeys(styles, 0.0) | {style: 1.0}
        one = replace(recipe, windows=replace(recipe.windows, style_weights=alone))
        data = make_data(one, model, corpus)
        data.adopt(scalers)
        objective = objective_of(recipe.model)(model, recipe.objective, data.facts())
        batches = data.held_out(stage.batch_size, stage.options)
        with torch.no_grad():
            found = [
                float(objective.losses(model, batches[n], stage.options, Draw(0, n, held_out=True))["loss"])
                for n in range(min(BATCHES, len(batches)))
            ]
        losses[style] = float(np.mean(found))
    return losses


def forgetting(before: Mapping[str, float], after: Mapping[str, float], styles: Sequence[str]) -> float:
    """Greatest relative rise of the loss among styles, 0 where none rises."""
    rises = [after[s] / before[s] - 1.0 for s in styles if s in before and s in after]
    return max([0.0, *rises])


def recorded(lessons: Sequence[Lesson]) -> RealRange:
    """The recordings as a yardstick."""
    clips = [measure_for_lines(lesson.motion, lesson.count, name=lesson.name) for lesson in lessons]
    return RealRange("recordings", tuple(clips))


def distance_from(real: RealRange, motions: Sequence[Motion]) -> StyleDistance:
    """How far dances are from recordings; NaN where recordings are too short for two windows."""
    clips = [measure_for_lines(motion) for motion in motions]
    speed = float(np.mean([clip.quality.numbers()["joint_speed"] for clip in clips]))
    if real.space is None:
        return StyleDistance(float("nan"), float("nan"), speed)
    windows = WindowFeatures.of([clip.windows for clip in clips])
    return StyleDistance(
        real.space.kinetic.distance(windows.kinetic), real.space.geometric.distance(windows.geometric), speed
    )


def dances_in(
    dancer: LatentDancer, songs: Sequence[Song], style: str, seconds: float, *, seed: int = 0
) -> list[Motion]:
    """One dance to each song; `style` as a user writes it."""
    made = []
    for number, song in enumerate(songs):
        frames = round(min(seconds, song.seconds) * dancer.fps)
        score = dancer.score(song, frames, style=style)
        made += dancer.dance([score], seed=seed + number)
    return made


def mean_speed(motions: Sequence[Motion]) -> float:
    """Mean joint speed as `joint_speed` of the scorecard, m/s."""
    return float(np.mean([measure_for_lines(motion).quality.numbers()["joint_speed"] for motion in motions]))


def fitting_liveliness(dancer: LatentDancer, songs: Sequence[Song], style: str, seconds: float, speed: float) -> float:
    """Energy to add so that dances in a style move at a mean joint speed (m/s), standard deviations."""
    speeds = []
    for shift in SPEED_SHIFTS:
        motions: list[Motion] = []
        for number, song in enumerate(songs):
            score = dancer.score(song, round(min(seconds, song.seconds) * dancer.fps), style=style)
            motions += dancer.dance([replace(score, energy=score.energy + shift)], seed=50 + number)
        speeds.append(mean_speed(motions))
    order = np.argsort(speeds)
    shift = float(np.interp(speed, np.array(speeds)[order], np.array(SPEED_SHIFTS)[order]))
    return float(np.clip(shift, -MOST_SHIFT, MOST_SHIFT))
