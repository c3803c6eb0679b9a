"""A motion with holes, and the music it goes with: what every command asks a model to complete."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from farandole.errors import MotionError
from farandole.generation.stages import STAGE, Stage, check_stage
from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion

if TYPE_CHECKING:
    from farandole.motion.skeleton import Skeleton
    from farandole.music.song import Song

Pattern = Literal["nothing", "past", "gaps"]


@dataclass(frozen=True, eq=False)
class PartialMotion:
    """A motion of which some frames, or some joints of them, are known.

    Attributes:
        motion: Any skeleton, T frames; what is not known of it does not matter.
        known: Known frames, [T] bool, or known joints of every frame, [T, J] bool (the root's position counts with the root).
        song: The music; None for none.
        song_begin: Time in the song of frame 0, s; negative where the music begins later.
        style: Name of a style, several with weights ("salsa:0.7,modern:0.3"), or "auto": what suits the song.
        style_changes: Times in the song (s) from which on it is another style.
        energy: 1 follows the music; below calmer, above livelier.
        temperature: Scale of the randomness; 1 is as trained.
        seed: Another number, another completion.
        stage: Width and depth of the stage that a dance keeps to, m, facing as it begins; None: it is free.

    Raises:
        MotionError: If the pattern does not fit the motion, or a number is out of range.
    """

    motion: Motion
    known: np.ndarray
    song: Song | None = None
    song_begin: float = 0.0
    style: str = "auto"
    style_changes: tuple[tuple[float, str], ...] = ()
    energy: float = 1.0
    temperature: float = 1.0
    seed: int = 0
    stage: Stage | None = STAGE

    def __post_init__(self) -> None:
        known = np.asarray(self.known, dtype=bool)
        accepted = ((len(self.motion),), (len(self.motion), len(self.motion.skeleton)))
        if known.shape not in accepted:
            raise MotionError(f"known has shape {known.shape}; accepted are {accepted[0]} and {accepted[1]}")
        if known.all():
            raise MotionError(f"{self.motion.name}: everything is known, there is nothing to complete")
        if known.ndim == 2 and (known.all(axis=1) == known.any(axis=1)).all():
            known = known.all(axis=1)  # whole frames after all
        object.__setattr__(self, "known", known)
        if not (np.isfinite(self.temperature) and self.temperature >= 0):
            raise MotionError(f"temperature {self.temperature:g}: need 0 or more")
        if not np.isfinite(self.energy):
            raise MotionError(f"energy {self.energy:g}: need a number")
        for begin, style in self.style_changes:
            if not (np.isfinite(begin) and begin >= 0):
                raise MotionError(f"style {style} from {begin:g} s on: need a time in the song")
        check_stage(self.stage)
        if not np.isfinite(self.song_begin):
            raise MotionError(f"song_begin {self.song_begin:g}: need a time in seconds")

    @classmethod
    def unknown(cls, seconds: float, fps: float, skeleton: Skeleton | None = None, **options: Any) -> PartialMotion:
        """Nothing is known: `seconds` at `fps` on a skeleton (the default one). `options` are other attributes."""
        if not (np.isfinite(seconds) and seconds > 0):
            raise MotionError(f"a dance of {seconds:g} s: need a positive length")
        if not (np.isfinite(fps) and fps > 0):
            raise MotionError(f"{fps:g} fps: need a positive frame rate")
        body = skeleton or house_skeleton()
        frames = max(2, round(seconds * fps))
        pose = np.broadcast_to(rot.identity(len(body)), (frames, len(body), 4))  # one pose, whatever the length
        still = Motion(body, pose, np.zeros((frames, 3)), fps, name="dance")
        return cls(still, np.zeros(frames, bool), **options)

    @classmethod
    def after(cls, motion: Motion, seconds: float, **options: Any) -> PartialMotion:
        """A motion is known, and `seconds` after it are not."""
        if not (np.isfinite(seconds) and seconds > 0):
            raise MotionError(f"extending by {seconds:g} s: need a positive length")
        added = max(1, round(seconds * motion.fps))
        held = np.minimum(np.arange(len(motion) + added), len(motion) - 1)
        longer = replace(
            motion,
            rotations=motion.rotations[held],
            root_positions=motion.root_positions[held],
            translations=None if motion.translations is None else motion.translations[held],
        )
        return cls(longer, np.arange(len(longer)) < len(motion), **options)

    @property
    def frames(self) -> np.ndarray:
        """Frames that are known whole, [T] bool."""
        return self.known if self.known.ndim == 1 else np.asarray(self.known.all(axis=1))

    @property
    def by_joint(self) -> bool:
        """Whether some joints are known in frames whose other joints are not."""
        return self.known.ndim == 2

    @property
    def pattern(self) -> Pattern:
        """Where the unknown frames lie: everywhere, only behind the known ones, or before or between them."""
        frames = self.frames
        if not frames.any():
            return "nothing"
        return "past" if not (np.diff(frames.astype(int)) > 0).any() and frames[0] else "gaps"

    @property
    def past(self) -> Motion:
        """The known beginning. Only for the pattern "past"."""
        return self.motion.slice(0, int(self.frames.sum()))
