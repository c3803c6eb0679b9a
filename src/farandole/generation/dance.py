"""A song in, a dance out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from farandole.errors import MotionError
from farandole.generation.completion import DANCER, completions, continuation, open_model
from farandole.generation.partial import PartialMotion
from farandole.generation.required_abilities import require
from farandole.generation.stages import STAGE, Stage
from farandole.motion.files import load_motion
from farandole.motion.interpolation import resample_smoothly
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
        progress: Called with (done, total).

    Returns:
        One motion per take; frame t belongs to the song's time t / fps.

    Raises:
        FarandoleError: If an argument, the song or the model cannot be used.
    """
    if takes < 1:
        raise MotionError(f"{takes} takes: need at least 1")
    music = as_song(song)
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
    if start is None:
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
) -> Motion:
    """One dance to a song; `dances` makes several takes at once and describes the arguments.

    Raises:
        FarandoleError: If an argument, the song or the model cannot be used.
    """
    (motion,) = dances(
        song, seed=seed, seconds=seconds, style=style, style_changes=style_changes, temperature=temperature,
        energy=energy, start=start, stage=stage, fps=fps, model=model, engine=engine,
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
