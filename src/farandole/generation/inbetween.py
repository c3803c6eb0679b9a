"""Frames between kept ones: an animator's gaps filled on their own skeleton, at their own frame rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.checkpoints.checkpoint import shipped_models
from farandole.errors import MotionError
from farandole.generation.completion import DANCER, INBETWEENER, completions, keep_known
from farandole.generation.frame_times import FrameTimes
from farandole.generation.partial import PartialMotion
from farandole.generation.patterns import kept_frames, laid_out
from farandole.motion.files import load_motion
from farandole.motion.goals import Goal, check_goals, meet_goals
from farandole.motion.interpolation import METHODS as CURVES
from farandole.motion.interpolation import weakened
from farandole.motion.joint_names import chosen_joints
from farandole.motion.motion import Motion
from farandole.music.song import as_song

if TYPE_CHECKING:
    from farandole.music.song import Song

METHODS = (*CURVES, "model", "dance")
"""Ways to fill. All but "dance" give the same answer every time."""


@dataclass(frozen=True)
class FillOptions:
    """How gaps are filled, beside which.

    Attributes:
        method: One of `METHODS`, or "auto".
        model: Shipped model, checkpoint folder or run.
        seed: Of models that draw at random.
        takes: How many fills.
        style: Of the dance model, as for `dance`.
        energy: Of the dance model.
        temperature: Of the dance model.
        strength: How much of what the model adds to plain curves is kept, 0 to 1.
        blend: Seconds within which that grows from nothing at the edges of a gap.
        feet: Keep feet that bear weight from sliding.
        joints: Joints that are filled, in words (see `joint_names.chosen_joints`); None: all.
        keep_joints: Joints that are kept of those; None: none.
        goals: Hands and feet that must be somewhere.
    """

    method: str = "auto"
    model: str | Path | None = None
    seed: int = 0
    takes: int = 1
    style: str = "auto"
    energy: float = 1.0
    temperature: float = 1.0
    strength: float = 1.0
    blend: float = 0.0
    feet: bool = True
    joints: str | None = None
    keep_joints: str | None = None
    goals: tuple[Goal, ...] = field(default=())

    def __post_init__(self) -> None:
        if not 0.0 <= self.strength <= 1.0:
            raise MotionError(f"strength {self.strength:g}: need 0 (curves alone) to 1 (all that the model adds)")
        if not 0.0 <= self.blend <= 10.0:
            raise MotionError(f"blend {self.blend:g}: need 0 to 10 seconds")


def inbetween(
    motion: Motion | str | Path,
    *,
    keep: Iterable[int] | str | None = None,
    every: int | str | None = None,
    gaps: Iterable[tuple[int, int] | str] | None = None,
    at: Sequence[float | tuple[float, float]] | None = None,
    fps: float | None = None,
    method: str = "auto",
    song: Song | str | Path | None = None,
    seed: int = 0,
    strength: float = 1.0,
    blend: float = 0.0,
    joints: str | None = None,
    goals: Sequence[Goal] = (),
    feet: bool = True,
    model: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Motion:
    """Fill the frames between those that are kept; kept frames stay exactly as they are.

    Args:
        motion: Any motion, or the path of a motion file; its frames that are not kept do not matter.
        keep: Frames to keep, or words: "0,1.2s,75:80,3bar". What lies before the first and after the last stays as it is.
        every: Or keep frames 0, n, 2n ... and the last; or "0.5s", "2beats", "1bar".
        gaps: Or fill these only: first and last missing frame of each, both included; or words: "40:80", "1.2s:2s", "9:16bars".
        at: Or take the motion's frames for poses, each at a time, s; (from, to) where one is held.
        fps: Frame rate of poses that are laid out with `at`; 30 by default.
        method: "model" (a network trained on motion), "hermite" (curves that keep the speed at kept frames), "slerp" (arcs and
            straight lines), "dance" (the dance model, to the song if there is one; gaps of any length) or "auto": the model where
            one is shipped or named, else hermite.
        song: What to dance to, from the motion's first frame on, or the path of a sound file; curves do not listen.
        seed: Of models that draw at random: another number, another fill.
        strength: How much of what a model adds to plain curves is kept, 0 to 1.
        blend: Seconds within which that grows from nothing at the edges of a gap.
        joints: Fill these alone and keep all others: "RightArm+" (with what hangs from it), "arms,Head" ...
        goals: Hands and feet that must be somewhere in frames that are filled.
        feet: Keep feet that bear weight from sliding, and feet out of the floor. Without effect on skeletons that are not human.
        model: Shipped model, checkpoint folder or run.
        progress: Called with (done, total).

    Returns:
        A motion of the same skeleton, frame rate and length.

    Raises:
        MotionError: If not exactly one of keep, every, gaps and at is given, they do not fit the motion, a gap is longer than the
            model's window, or an argument is unknown or out of range.
        AbilityError: If the model cannot fill gaps.
        RetargetError: If the model is to fill the gaps of a skeleton that is not human.
        CheckpointError: If the model does not exist.
    """
    clip = load_motion(motion) if isinstance(motion, str | Path) else motion
    music = None if song is None else as_song(song)
    clip, kept = pattern_of(clip, music, keep=keep, every=every, gaps=gaps, at=at, fps=fps)
    options = FillOptions(
        method=method, model=model, seed=seed, strength=strength, blend=blend, feet=feet, joints=joints, goals=tuple(goals)
    )  # fmt: skip
    (made,) = fill(clip, kept, options, song=music, progress=progress)
    return made


def pattern_of(
    motion: Motion,
    song: Song | None = None,
    *,
    keep: Iterable[int] | str | None = None,
    every: int | str | None = None,
    gaps: Iterable[tuple[int, int] | str] | None = None,
    at: Sequence[float | tuple[float, float]] | None = None,
    fps: float | None = None,
    name: str | None = None,
) -> tuple[Motion, np.ndarray]:
    """The motion to be filled and which of its frames are kept, [T] bool; arguments as for `inbetween`, and a name for messages."""
    name = name or motion.name
    given = [n for n, v in (("keep", keep), ("every", every), ("gap", gaps), ("at", at)) if v is not None]
    if at is not None and len(given) == 1:
        return laid_out(motion, at, fps or 30.0, name=name)
    if at is not None:
        raise MotionError(f"{' and '.join(given)} given: poses at times leave nothing else to keep")
    if fps is not None:
        raise MotionError("a frame rate belongs to poses that are laid out in time: give their times, or leave it out")
    times = FrameTimes(len(motion), motion.fps, song, name)
    frames = times.listed(keep) if isinstance(keep, str) else keep
    spans = None if gaps is None else [times.span(g) if isinstance(g, str) else g for g in gaps]
    step = None if every is None else times.every(every)
    if isinstance(step, list):
        frames, step = step, None
    return motion, kept_frames(len(motion), every=step, keep=frames, gaps=spans, name=name)


def fill(
    motion: Motion,
    kept: np.ndarray,
    options: FillOptions | None = None,
    *,
    song: Song | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Motion]:
    """A motion with its missing frames filled, as many times as the options want takes.

    Args:
        motion: Any.
        kept: Frames that are kept, [T] bool.
        options: How; None: by the defaults.
        song: Music that begins with the motion.
        progress: Called with (done, total).
    """
    options = options or FillOptions()
    method = choose_method(options.method, options.model, takes=options.takes)
    if options.takes > 1 and method in CURVES:
        raise MotionError(f"the method {method} gives the same motion every time: several takes need the method dance")
    if method in CURVES and (options.strength < 1.0 or options.blend > 0.0):
        raise MotionError(f"the method {method} is plain curves: strength and blend are of models")
    check_goals(motion, kept, options.goals)
    chosen = {"model": options.model or INBETWEENER, "dance": options.model or DANCER}.get(method, method)
    known = kept if options.joints is None else kept[:, None] | ~chosen_joints(motion.skeleton, options.joints)
    if options.keep_joints is not None:
        known = known.reshape(len(motion), -1) | chosen_joints(motion.skeleton, options.keep_joints)
    partial = PartialMotion(
        motion,
        known,
        song=song,
        seed=options.seed,
        style=options.style,
        energy=options.energy,
        temperature=options.temperature,
    )
    made = completions(partial, chosen, takes=options.takes, feet=options.feet, progress=progress)
    if options.strength < 1.0 or options.blend > 0.0:
        curves = completions(partial, "hermite", feet=options.feet)[0]
        fade = options.blend * motion.fps
        made = [weakened(curves, take, kept, strength=options.strength, fade=fade) for take in made]
    if options.goals:
        made = [meet_goals(take, motion, kept, options.goals) for take in made]
        made = [keep_known(partial, take) for take in made]
    return made


def fill_kept(
    motion: Motion,
    kept: np.ndarray,
    *,
    method: str = "auto",
    song: Song | None = None,
    seed: int = 0,
    takes: int = 1,
    feet: bool = True,
    model: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Motion]:
    """`fill` with its commonest options as arguments."""
    options = FillOptions(method=method, model=model, seed=seed, takes=takes, feet=feet)
    return fill(motion, kept, options, song=song, progress=progress)


def choose_method(method: str, model: str | Path | None = None, *, takes: int = 1) -> str:
    """What "auto" means here; raises MotionError for a method that does not exist or does not use the model that is named.

    Several takes need chance, so without a named model "auto" is then the dance model.
    """
    if method == "auto":
        if takes > 1 and model is None:
            return "dance"
        return "model" if model is not None or INBETWEENER in shipped_models() else "hermite"
    if method not in METHODS:
        raise MotionError(f"no method '{method}': there are {', '.join(METHODS)}")
    if model is not None and method in CURVES:
        raise MotionError(f"the method {method} uses no model: leave the model out, or use the method model")
    return method
