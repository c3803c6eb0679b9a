"""Dancing on: what comes after a motion ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.errors import AudioError, MotionError
from farandole.generation.completion import DANCER, complete
from farandole.generation.partial import PartialMotion
from farandole.motion.files import load_motion
from farandole.motion.motion import Motion
from farandole.music.song import as_song

if TYPE_CHECKING:
    from farandole.generation.completer import Completer
    from farandole.music.song import Song


def extend(
    motion: Motion | str | Path,
    song: Song | str | Path | None = None,
    *,
    seconds: float,
    seed: int = 0,
    style: str = "auto",
    temperature: float = 1.0,
    energy: float = 1.0,
    model: str | Path | Completer = DANCER,
    engine: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> Motion:
    """A motion and what its dancer does next, on the motion's own skeleton and at its frame rate.

    Args:
        motion: Any humanoid motion, or the path of a motion file.
        song: Music that begins with the motion, or the path of a sound file; without it a steady count.
        seconds: How much to add, s.
        seed: Same arguments, same continuation.
        style: As for `dance`, and so are the others below.
        temperature: Scale of the randomness.
        energy: How big the dance is.
        model: Shipped name, checkpoint folder, run, or opened model.
        engine: "onnx", "torch" or "auto".
        progress: Called with (done, total).

    Raises:
        MotionError: If `seconds` is not positive or the style is unknown.
        AudioError: If the song ends before the motion does.
        AbilityError: If the model cannot go on from a motion.
        RetargetError: If the skeleton is not humanoid.
    """
    past = load_motion(motion) if isinstance(motion, str | Path) else motion
    if not (np.isfinite(seconds) and seconds > 0):
        raise MotionError(f"extending by {seconds:g} s: need a positive length")
    music = None if song is None else as_song(song)
    if music is not None and music.seconds <= past.seconds:
        raise AudioError(
            f"{music.name} ends after {music.seconds:.1f} s, before the motion does ({past.seconds:.1f} s): give a longer song"
        )
    options = {"song": music, "style": style, "temperature": temperature, "energy": energy, "seed": seed}
    return complete(PartialMotion.after(past, seconds, **options), model, engine=engine, progress=progress)
