"""Judged by dancing: a model dances whole songs on its own, and its dances stand beside real takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from farandole.errors import DataError, MotionError
from farandole.evaluation.measuring import Count
from farandole.evaluation.metrics.nearest_window import motion_distance
from farandole.evaluation.plain_values import plain
from farandole.evaluation.real_range import RealRange
from farandole.evaluation.scorecard import Scorecard, score
from farandole.motion import Motion

SongT = TypeVar("SongT")

PAIRS = 100
"""Pairs of dances that are compared at most."""


@dataclass(frozen=True, eq=False)
class FreeDance(Generic[SongT]):
    """One dance of a run.

    Attributes:
        name: Of the song, with the seed.
        song: What it was danced to.
        seed: Of the draw.
        motion: The dance; None if the model broke.
        beats: Of the song, if known.
        failure: Why there is no motion, empty otherwise.
    """

    name: str
    song: SongT
    seed: int
    motion: Motion | None
    beats: Count
    failure: str = ""


@dataclass(frozen=True, eq=False)
class FreeRun(Generic[SongT]):
    """Dances of one model and how good they are.

    Attributes:
        dances: In the order of songs, then seeds.
        scorecard: All of them beside real takes.
    """

    dances: tuple[FreeDance[SongT], ...]
    scorecard: Scorecard

    @property
    def motions(self) -> list[Motion]:
        """The dances that could be made."""
        return [dance.motion for dance in self.dances if dance.motion is not None]

    @cached_property
    def between_songs(self) -> float:
        """Mean distance of dances to different songs with one seed, cm: small if a model does not listen. NaN for one song."""
        return self._distance(lambda a, b: a.seed == b.seed and a.song is not b.song)

    @cached_property
    def between_seeds(self) -> float:
        """Mean distance of dances to one song with different seeds, cm; NaN for one seed."""
        return self._distance(lambda a, b: a.song is b.song and a.seed != b.seed)

    def _distance(self, pick: Callable[[FreeDance[SongT], FreeDance[SongT]], bool]) -> float:
        """Mean of `motion_distance` over the first pairs that are picked."""
        distances = []
        for a, b in combinations(self.dances, 2):
            if a.motion is not None and b.motion is not None and pick(a, b) and len(distances) < PAIRS:
                distances.append(motion_distance(a.motion, b.motion))
        return float(np.mean(distances)) if distances else float("nan")

    def as_dict(self) -> dict[str, Any]:
        """Scorecard, distances between dances and the reasons of those that could not be made, plain types."""
        distances = {"between_songs": self.between_songs, "between_seeds": self.between_seeds}
        failures = {dance.name: dance.failure for dance in self.dances if dance.failure}
        return {**self.scorecard.as_dict(), **plain(distances), "failures": failures}

    def save(self, folder: str | Path, *, force: bool = False) -> list[Path]:
        """Write every dance as NAME.npz into a folder; returns the files. Raises OutputError as `Motion.save` does."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for dance in self.dances:
            if dance.motion is not None:
                paths.append(folder / f"{dance.name.replace('/', '_')}.npz")
                dance.motion.save(paths[-1], force=force)
        return paths


def free_running(
    dance: Callable[[SongT, float, int], Motion],
    songs: Sequence[SongT],
    reference: RealRange,
    *,
    seconds: float = 60.0,
    seeds: Sequence[int] = (0,),
    beats: Callable[[SongT], Count] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FreeRun[SongT]:
    """Let a model dance to songs and judge the dances.

    A model whose numbers are no numbers any more (MotionError) has broken: its dance fails every line. Other errors pass through.

    Args:
        dance: song, seconds, seed -> a dance of that length on any humanoid, floor at y = 0.
        songs: What `dance` takes: `Song` objects, or sequences of a feature folder.
        reference: Real takes, from `real_range` or `reference_file`.
        seconds: Length of every dance, s.
        seeds: Every song is danced with each.
        beats: song -> its beats, or the beat count per frame of the dance [T], or None; by default `song.beats` where there is
            such a thing.
        progress: Called with dances done and dances in all.

    Raises:
        DataError: If there are no songs.
    """
    if not songs or not seeds:
        raise DataError("nothing to dance to: needs at least one song and one seed")
    beats_of = beats or (lambda song: getattr(song, "beats", None))
    dances: list[FreeDance[SongT]] = []
    for number, song in enumerate(songs, 1):
        for seed in seeds:
            motion, failure = None, ""
            try:
                motion = dance(song, seconds, seed)
            except MotionError as error:
                failure = str(error)
            title = song if isinstance(song, str) else getattr(song, "name", f"song {number}")
            name = f"{title} seed {seed}"
            dances.append(FreeDance(name, song, seed, motion, beats_of(song), failure))
            if progress:
                progress(len(dances), len(songs) * len(seeds))
    card = score([d.motion for d in dances], [d.beats for d in dances], reference, names=[d.name for d in dances])
    return FreeRun(tuple(dances), card)
