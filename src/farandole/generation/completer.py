"""What every way of completing offers: features for prepared inputs, motions from nothing or from a past, filled gaps."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

import numpy as np

from farandole.errors import AbilityError, DataError
from farandole.models.abilities import InputWindow
from farandole.motion.free_feet import put_on_feet
from farandole.motion.names import is_humanoid

if TYPE_CHECKING:
    from farandole.checkpoints.checkpoint import Checkpoint
    from farandole.checkpoints.session import Session
    from farandole.generation.partial import PartialMotion
    from farandole.motion.motion import Motion
    from farandole.motion.rotations import Array
    from farandole.motion.skeleton import Skeleton
    from farandole.music.song import Song

Progress = Callable[[int, int], None]
F = TypeVar("F")

MOTION = "motion"
"""Modality that models make."""


@dataclass(frozen=True)
class FeatureJob:
    """One motion to be made, in a model's own numbers.

    Attributes:
        name: Of the sequence or song; the random numbers depend on it.
        arrays: Scaled features by modality, float32 [T, D], labels int64 [1]; of the motion the beginning.
        seed: Of its random numbers; None: that of the settings.
    """

    name: str
    arrays: Mapping[str, Any]
    seed: int | None = None

    def own_seed(self, settings: GenerationSettings) -> list[int]:
        """What its random numbers begin with."""
        return [settings.seed if self.seed is None else self.seed, zlib.crc32(self.name.encode())]


@dataclass(frozen=True)
class GenerationSettings:
    """How motions are drawn.

    Attributes:
        seed: Another number, other motions.
        temperature: Factor on the random numbers; 1 is as trained.
        keep: Frames kept of each prediction; None: as the checkpoint says.
        feet: Whether people are put on their feet at the end (`motion.free_feet`); None: as the checkpoint says.
    """

    seed: int = 0
    temperature: float = 1.0
    keep: int | None = None
    feet: bool | None = None


class Completer(ABC, Generic[F]):
    """A checkpoint, ready to complete partial motions; each kind of completion has its own class and facts F.

    What a kind does not override, it cannot do: the call raises AbilityError.

    Args:
        checkpoint: The model.
        session: What runs its networks.
    """

    kind: ClassVar[str]
    networks: ClassVar[tuple[str, ...]] = ()
    """Those that every completion runs."""

    def __init__(self, checkpoint: Checkpoint, session: Session) -> None:
        self.checkpoint, self.session = checkpoint, session

    def get_ready(self) -> None:
        """Begin to open its networks, beside what is to be done before they run: reading a song."""
        self.session.open_ahead(*self.networks)

    @property
    def facts(self) -> F:
        """What the checkpoint says of this kind of completion; `completion.open_model` chose the class by it."""
        return cast("F", self.checkpoint.completion)

    @property
    def fps(self) -> float:
        """Frame rate of the model."""
        return self.checkpoint.fps

    @property
    def skeleton(self) -> Skeleton:
        """The model's body."""
        return self.checkpoint.body()

    @property
    @abstractmethod
    def reads(self) -> tuple[InputWindow, ...]:
        """Inputs, with the frames of each that are needed at least; the one called "motion" is the beginning."""

    @property
    def begins(self) -> int:
        """Frame of the music that the first generated frame belongs to."""
        own = next((w for w in self.reads if w.name == MOTION), None)
        return 0 if own is None else own.offset + own.frames

    def reach(self, lengths: Mapping[str, int], settings: GenerationSettings) -> int:
        """Frames that can be made of inputs of these lengths: as far as the music goes.

        Raises:
            DataError: If no input could end the motion, or a setting is out of range.
        """
        moving = [lengths[w.name] for w in self.reads if not w.fixed and w.name != MOTION]
        if not moving:
            raise DataError(
                f"the model {self.checkpoint.name} hears no music that could end the dance: say how many seconds"
            )
        return max(0, min(moving) - self.begins)

    def generate(
        self, jobs: Sequence[FeatureJob], frames: int, settings: GenerationSettings, progress: Progress | None = None
    ) -> Array:
        """Scaled features behind the beginning of each job, [B, frames, D] float32.

        A job's features depend on it, the settings and its name alone, not on what else is made with it (up to rounding).
        """
        raise self._cannot("continues no motion")

    def further(self, job: FeatureJob, made: Array, settings: GenerationSettings) -> dict[str, Array]:
        """What the model predicts beside the motion `made` (scaled, [frames, D]) of a job, by modality, in its own units.

        None for most models, and for those that were exported: such outputs are not part of the sampling step.
        """
        return {}

    def continue_motion(
        self,
        partial: PartialMotion,
        frames: int,
        *,
        start: Motion | None = None,
        takes: int = 1,
        progress: Progress | None = None,
    ) -> list[Motion]:
        """Motions of `frames` frames on the model's body at its frame rate, from nothing or going on from `start`.

        Args:
            partial: Music, style, energy, temperature and seed; the music's time `song_begin` is that of the first frame.
            frames: How many.
            start: Any humanoid motion; its end is what the model goes on from.
            takes: How many motions.
            progress: Called with (done, total).
        """
        raise self._cannot("continues no motion")

    def loop(
        self, partial: PartialMotion, seconds: float, *, takes: int = 1, progress: Progress | None = None
    ) -> list[Motion]:
        """Dances to a song of which the first frame follows the last, on the model's body, at a frame rate near its own.

        Args:
            partial: Music from the loop's begin on, style, energy, temperature, seed and stage.
            seconds: Length of a round, s.
            takes: How many.
            progress: Called with (done, total).
        """
        raise self._cannot("dances no loops")

    def fill(
        self, baseline: Motion, partial: PartialMotion, *, takes: int = 1, progress: Progress | None = None
    ) -> list[Motion]:
        """A motion of any body with its gaps filled; `baseline` has them filled by curves.

        Models without the ability `future` do not.
        """
        raise self._cannot("completes no gaps")

    def _cannot(self, what: str) -> AbilityError:
        return AbilityError(f"the model {self.checkpoint.name} ({self.kind}) {what}")

    def scale(self, modality: str, values: Array) -> Array:
        """A feature in the model's numbers, float32 [T, D]."""
        scaler = self.checkpoint.scaler(modality, values.shape[1])
        return ((values - scaler.mean) / scaler.std).astype(np.float32)

    def unscale(self, features: Array) -> Array:
        """Generated features in their own units, [..., D]."""
        scaler = self.checkpoint.scaler(MOTION, features.shape[-1])
        return features * scaler.std + scaler.mean

    def finished(self, features: Array, settings: GenerationSettings) -> Motion:
        """The motion of generated features in their own units [T, D], smoothed and on its feet where that is asked for."""
        from scipy.ndimage import gaussian_filter1d

        width = getattr(self.checkpoint.completion, "smooth", 0.0) * self.fps
        if width:
            features = gaussian_filter1d(np.asarray(features, dtype=float), width, axis=0, mode="nearest")
        motion = self.checkpoint.codec.decode(features)
        feet = getattr(self.checkpoint.completion, "feet", False) if settings.feet is None else settings.feet
        return put_on_feet(motion) if feet and is_humanoid(motion.skeleton) else motion

    def label(self, style: str) -> int:
        """Number of a style. Raises DataError listing those that the model knows."""
        labels = self.checkpoint.config.labels
        if style not in labels:
            raise DataError(f"no style '{style}': the model knows {', '.join(labels) or 'none'}")
        return labels.index(style)


def music_rows(song: Song, name: str, fps: float, begin: float, frames: int) -> np.ndarray:
    """A music feature from the song's time `begin` (s, may be negative) on, [frames, D]; held beyond the song's ends."""
    from farandole.music.features import features

    rows = features(song, name, fps)
    return rows[np.clip(round(begin * fps) + np.arange(frames), 0, len(rows) - 1)]
