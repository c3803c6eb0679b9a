"""The few functions of `farandole` itself: what most people need, with a path or an object alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from farandole.motion import Motion
    from farandole.music import Song


def dance(
    song: Song | str | Path,
    *,
    seed: int = 0,
    seconds: float | None = None,
    style: str = "auto",
    temperature: float = 1.0,
    energy: float = 1.0,
    start: Motion | str | Path | None = None,
    fps: float = 30.0,
    model: str | Path = "starter",
    engine: str = "onnx",
) -> Motion:
    """One dance to a song; `farandole.generation.dance.dance` makes several takes at once.

    Args:
        song: The music, or the path of a sound file.
        seed: Same arguments, same dance.
        seconds: Length, s; the song's by default.
        style: "auto", "salsa", "salsa-lead", "salsa-follow" or "groove".
        temperature: Scale of the randomness; 1 is as trained.
        energy: 1 follows the song; below calmer, above livelier.
        start: Motion to continue from, or the path of a motion file.
        fps: Frames per second of the result.
        model: Shipped model or checkpoint folder.
        engine: "onnx" or "torch".

    Returns:
        A motion of the house skeleton; frame t belongs to the song's time t / fps.

    Raises:
        FarandoleError: If an argument, the song or the model cannot be used.
    """
    from farandole.generation.dance import dance as make
    from farandole.motion.files import load_motion

    (motion,) = make(
        song,
        seed=seed,
        seconds=seconds,
        style=style,
        temperature=temperature,
        energy=energy,
        start=load_motion(start) if isinstance(start, (str, Path)) else start,
        fps=fps,
        model=model,
        engine=engine,
    )
    return motion
