"""Dancing on: what comes after a motion ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.errors import AudioError, MotionError
from farandole.generation.dance import STYLES, Dancer, DanceScore, style_token
from farandole.motion.interpolation import resample_smoothly
from farandole.motion.motion import Motion

if TYPE_CHECKING:
    from farandole.music.song import Song

STOOD = 4.0
"""Seconds before its end that tell on what level a motion stands."""

STEADY_TEMPI = {"salsa": 180.0, "groove": 110.0}
"""Counts per minute without a song."""


def extend(
    motion: Motion,
    song: Song | None = None,
    *,
    seconds: float,
    seed: int = 0,
    style: str = "auto",
    temperature: float = 1.0,
    energy: float = 1.0,
    model: str | Path = "starter",
    engine: str = "onnx",
    progress: Callable[[int, int], None] | None = None,
) -> Motion:
    """A motion and what its dancer does next, on the motion's own skeleton and at its frame rate.

    The end of the motion (its last 1.6 s) is what the model goes on from; the join is smoothed over 0.3 s after it. The dancer
    stays on the level where the motion's feet stood, and parts the model does not know (fingers) stay as they ended.

    Args:
        motion: Any humanoid motion.
        song: Music that begins with the motion; without it a steady count.
        seconds: How much to add, s.
        seed: Same arguments, same continuation.
        style, temperature, energy, model, engine, progress: As for `dance`.

    Raises:
        MotionError: If `seconds` is not positive or the style is unknown.
        AudioError: If the song ends before the motion does.
        RetargetError: If the skeleton is not humanoid.
    """
    from farandole.motion.edit import concatenate
    from farandole.motion.retarget import retarget

    if seconds <= 0:
        raise MotionError(f"extending by {seconds:g} s: need a positive length")
    dancer = Dancer(model, engine=engine)
    added = max(2, round(seconds * dancer.fps))
    if song is None:
        score = steady_score(added, dancer.fps, style, seed)
    else:
        if song.seconds <= motion.seconds:
            raise AudioError(
                f"{song.name} ends after {song.seconds:.1f} s, before the motion does ({motion.seconds:.1f} s): give a longer song"
            )
        whole = dancer.score(song, seconds=motion.seconds + seconds, style=style, energy=energy, role=seed)
        score = whole.last(added)
    (made,) = dancer.dance([score], seed=seed, temperature=temperature, start=motion, progress=progress)
    if motion.skeleton != made.skeleton:
        made = _hold_the_rest(retarget(made, motion), motion)
    made = replace(_on_the_level_of(motion, resample_smoothly(made, motion.fps)), layout=motion.layout)
    return replace(concatenate([replace(motion, translations=None), made], blend=0.3), name=motion.name)


def _hold_the_rest(made: Motion, motion: Motion) -> Motion:
    """Joints that retargeting leaves at rest, as they are at the end of `motion`."""
    still = np.abs(made.rotations[..., 1:]).max(axis=(0, 2)) < 1e-9
    still[0] = False
    rotations = made.rotations.copy()
    rotations[:, still] = motion.rotations[-1, still]
    return replace(made, rotations=rotations)


def _on_the_level_of(motion: Motion, made: Motion) -> Motion:
    """Moved up or down so that feet stand as high as in the last seconds of `motion`, wherever its file has the floor."""
    from farandole.motion import names
    from farandole.motion.edit import move

    roles = names.humanoid_roles(motion.skeleton)
    ankles = [roles[f"{side}Foot"] for side in names.SIDES]
    last = motion.slice(-round(STOOD * motion.fps), None) if len(motion) > STOOD * motion.fps else motion
    low, other = (float(np.quantile(m.positions[:, ankles, 1].min(axis=1), 0.1)) for m in (last, made))
    return move(made, (0.0, low - other, 0.0))


def steady_score(frames: int, fps: float, style: str, seed: int) -> DanceScore:
    """A score of even counts and middling energy. Raises MotionError for an unknown style."""
    if style not in STYLES:
        raise MotionError(f"no style '{style}': there are {', '.join(STYLES)}")
    family = "groove" if style == "auto" else style.split("-")[0]
    token = style_token(style, family, seed)
    bpm = STEADY_TEMPI[family]
    return DanceScore(
        token, np.arange(frames) / fps * bpm / 60.0, np.full(frames, bpm), np.zeros(frames), np.zeros((frames, 4))
    )
