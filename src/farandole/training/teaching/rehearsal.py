"""Dances of a model itself, on which it rehearses its old styles while it learns a new one.

The recordings behind shipped weights do not come with them, so what a model knows is taught to it again by its own dances
(self-distillation: Li and Hoiem, Learning without Forgetting, 2016).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from farandole.data.starter.songs import compose, genres
from farandole.generation.latent_flow.dance_score import DanceScore
from farandole.generation.latent_flow.dancer import LatentDancer
from farandole.music.song import Song
from farandole.training.teaching.lessons import LessonPart

TEMPI = (78.0, 88.0, 98.0, 108.0, 118.0, 130.0, 93.0, 124.0)
"""Beats per minute of the songs; styles dance at double or half of it where that is theirs."""
HELD_OUT = 2
"""Songs at the end of `TEMPI` whose dances are only measured on."""


@dataclass(frozen=True)
class RehearsalPlan:
    """How much is rehearsed.

    Attributes:
        songs: Songs that every style dances to for training; as many as `TEMPI` has but for the held-out ones at most.
        seconds: Length of each dance.
        seed: Another number, other songs and dances.
    """

    songs: int = 2
    seconds: float = 24.0
    seed: int = 0


def rehearsal_songs(plan: RehearsalPlan) -> list[tuple[str, Song]]:
    """Synthesised songs and the split that dances to them belong to."""
    known = len(TEMPI) - HELD_OUT
    chosen = [*range(min(plan.songs, known)), *range(known, len(TEMPI))]
    return [("train" if k < known else "test", song_at(TEMPI[k], plan.seconds, plan.seed + k)) for k in chosen]


def song_at(bpm: float, seconds: float, seed: int) -> Song:
    """A synthesised song of a tempo."""
    kinds = genres()
    made = compose(bpm, seconds + 1.0, genre=kinds[seed % len(kinds)], seed=seed)
    return Song.from_samples(made.samples, made.sample_rate, name=f"{kinds[seed % len(kinds)]} {bpm:.0f}")


def rehearse(
    dancer: LatentDancer, plan: RehearsalPlan, *, progress: Callable[[int, int], None] | None = None
) -> Iterator[tuple[str, LessonPart]]:
    """Style tokens and dances in them, to every song."""
    songs, styles = rehearsal_songs(plan), list(dancer.facts.styles)
    frames = round(plan.seconds * dancer.fps)
    for done, (split, song) in enumerate(songs):
        scores = [score_of(dancer, song, frames, token) for token in styles]
        motions = dancer.dance(scores, seed=plan.seed + done)
        for token, score, motion in zip(styles, scores, motions, strict=True):
            name = f"rehearsal_{token.replace(' ', '_')}_{done}"
            pose = dancer.codec.encode(motion)
            yield token, LessonPart(name, split, pose, dancer.music(score), float(np.median(score.tempo)))
        if progress:
            progress(done + 1, len(songs))


def score_of(dancer: LatentDancer, song: Song, frames: int, token: str) -> DanceScore:
    """What a song asks for in the style of a token."""
    style = dancer.facts.styles[token]
    tokens = [name for name, other in dancer.facts.styles.items() if other.family == style.family]
    for role in range(len(tokens)):
        score = dancer.score(song, frames, style=style.family, role=role)
        if score.style == token:
            return score
    return replace(dancer.score(song, frames, style=style.family), style=token)
