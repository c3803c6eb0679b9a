"""A song in, a dance out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.errors import MotionError
from farandole.generation.completion import DANCER, completions, continuation, open_model
from farandole.generation.partial import PartialMotion
from farandole.generation.required_abilities import require
from farandole.generation.song_parts import whole_bars
from farandole.generation.stages import STAGE, Stage
from farandole.motion.files import load_motion
from farandole.motion.interpolation import resample_smoothly
from farandole.motion.joint_names import chosen_joints
from farandole.motion.motion import Motion
from farandole.music.song import as_song

if TYPE_CHECKING:
    from farandole.generation.completer import Completer
    from farandole.music.song import Song


def dances(
    song: Song | str | Path,
    *,
    seed: int = 0,
    seconds: float | None = None,
    style: str = "auto",
    style_changes: Sequence[tuple[float, str]] = (),
    temperature: float = 1.0,
    energy: float = 1.0,
    start: Motion | str | Path | None = None,
    stage: Stage | None = STAGE,
    fps: float = 30.0,
    model: str | Path | Completer = DANCER,
    engine: str = "auto",
    takes: int = 1,
    loop: bool = False,
    keep_joints: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Motion]:
    """Dances to a song, on the model's skeleton.

    Args:
        song: The music, or the path of a sound file.
        seed: Same arguments, same dances.
        seconds: Length, s; the song's by default.
        style: A style of the model, several with weights ("salsa:0.7,modern:0.3"), or "auto": what suits the song.
        style_changes: Times in the song (s) from which on it is another style.
        temperature: Scale of the randomness; 1 is as varied as people are, 0.7 is plainer.
        energy: 1 follows the song; below calmer, above livelier.
        start: Motion to go on from, or the path of a motion file; its end is what counts, and the song begins with the dance.
        stage: Width and depth of the stage, m: the hips never leave it, and the dancer turns back to the audience, whom they face
            first. None: they go and turn as they like.
        fps: Frame rate of the result.
        model: Shipped name, checkpoint folder, run, or opened model.
        engine: "onnx", "torch" or "auto".
        takes: Number of different dances.
        loop: Make dances that can be repeated without a seam: to whole bars, from the first one on (`song_parts.whole_bars` tells
            which part of the song that is), about `seconds` long.
        keep_joints: Joints of `start`, in words ("legs"), that move as they do there, while all others dance; the song begins with
            it, and the result has its body, length and frame rate.
        progress: Called with (done, total).

    Returns:
        One motion per take; frame t belongs to the song's time t / fps.

    Raises:
        FarandoleError: If an argument, the song or the model cannot be used.
    """
    if takes < 1:
        raise MotionError(f"{takes} takes: need at least 1")
    music = as_song(song)
    if loop:
        if start is not None:
            raise MotionError("a loop goes on from its own end: it has no start")
        music = whole_bars(music, seconds)
        seconds = music.seconds
    seconds = music.seconds if seconds is None else seconds
    options = {
        "song": music,
        "style": style,
        "temperature": temperature,
        "energy": energy,
        "seed": seed,
        "stage": stage,
    }
    options["style_changes"] = tuple(style_changes)
    completer = open_model(model, engine=engine) if isinstance(model, str | Path) else model
    require(completer.checkpoint, ["music"], "dancing to a song")
    wanted = PartialMotion.unknown(seconds, fps, completer.skeleton, **options)
    if keep_joints is not None:
        made = _around_joints(start, keep_joints, wanted, completer, takes, progress)
    elif loop:
        looped = completer.loop(wanted, seconds, takes=takes, progress=progress)
        made = [_at_rate(motion, fps) for motion in looped]
    elif start is None:
        made = completions(wanted, completer, takes=takes, progress=progress)
    else:
        made = _from_start(start, wanted, seconds, completer, takes, progress)
    return [replace(m, name=f"{music.name} take {n}") for n, m in enumerate(made, 1)]


def dance(
    song: Song | str | Path,
    *,
    seed: int = 0,
    seconds: float | None = None,
    style: str = "auto",
    style_changes: Sequence[tuple[float, str]] = (),
    temperature: float = 1.0,
    energy: float = 1.0,
    start: Motion | str | Path | None = None,
    stage: Stage | None = STAGE,
    fps: float = 30.0,
    model: str | Path | Completer = DANCER,
    engine: str = "auto",
    loop: bool = False,
    keep_joints: str | None = None,
) -> Motion:
    """One dance to a song; `dances` makes several takes at once and describes the arguments.

    Raises:
        FarandoleError: If an argument, the song or the model cannot be used.
    """
    (motion,) = dances(
        song, seed=seed, seconds=seconds, style=style, style_changes=style_changes, temperature=temperature,
        energy=energy, start=start, stage=stage, fps=fps, model=model, engine=engine,
        loop=loop, keep_joints=keep_joints,
    )  # fmt: skip
    return motion


def _from_start(
    start: Motion | str | Path,
    wanted: PartialMotion,
    seconds: float,
    completer: Completer,
    takes: int,
    progress: Callable[[int, int], None] | None,
) -> list[Motion]:
    """Dances that go on from a motion, without it; the song begins with them."""
    past = load_motion(start) if isinstance(start, str | Path) else start
    require(completer.checkpoint, ["past", *(["random"] if takes > 1 else [])], "going on from a motion")
    partial = PartialMotion.after(
        past,
        seconds,
        song=wanted.song,
        song_begin=-past.seconds,
        style=wanted.style,
        style_changes=wanted.style_changes,
        temperature=wanted.temperature,
        energy=wanted.energy,
        seed=wanted.seed,
        stage=wanted.stage,
    )
    frames, fps = len(wanted.motion), wanted.motion.fps
    made = continuation(partial, completer, frames, fps, takes=takes, progress=progress)
    return [resample_smoothly(motion, fps).slice(0, frames) for motion in made]


def _around_joints(
    start: Motion | str | Path | None,
    joints: str,
    wanted: PartialMotion,
    completer: Completer,
    takes: int,
    progress: Callable[[int, int], None] | None,
) -> list[Motion]:
    """A motion's own movement of some joints, danced with the others; its first and last frame stay."""
    if start is None:
        raise MotionError(f"to keep {joints} there must be a motion that has them: give it as the start")
    clip = load_motion(start) if isinstance(start, str | Path) else start
    if len(clip) < 3:
        raise MotionError(f"{clip.name} has {len(clip)} frames: need 3 or more")
    frames = min(len(clip), max(3, round(wanted.motion.seconds * clip.fps)))
    clip = clip.slice(0, frames)
    ends = np.isin(np.arange(frames), (0, frames - 1))
    known = ends[:, None] | chosen_joints(clip.skeleton, joints)
    if known.all():
        raise MotionError(f"keeping {joints} leaves no joint of {clip.name} to dance with")
    return completions(replace(wanted, motion=clip, known=known), completer, takes=takes, progress=progress)


def _at_rate(motion: Motion, fps: float) -> Motion:
    """A loop at another frame rate, as long to the nearest frame; the first frame follows the last."""
    frames = max(2, round(motion.seconds * fps))
    thrice = np.tile(np.arange(len(motion)), 3)
    rounds = replace(motion, rotations=motion.rotations[thrice], root_positions=motion.root_positions[thrice])
    fitting = replace(rounds, fps=len(motion) * fps / frames)
    return resample_smoothly(fitting, fps).slice(frames, 2 * frames)
