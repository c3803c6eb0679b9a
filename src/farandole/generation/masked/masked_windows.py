"""Windows of features with hidden frames, filled by a masked model; a motion continued block by block. Arrays in, arrays out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from farandole.errors import DataError
from farandole.generation.window_plan import forward_windows
from farandole.models.abilities import Masked, later
from farandole.motion.rotations import Array

if TYPE_CHECKING:
    from collections.abc import Callable

    from farandole.checkpoints.session import Session

NETWORK = "model"
ROOT = 3
"""Last columns of the motion features: the root's position."""
HEIGHT = -2
"""Column of its height."""


@dataclass(frozen=True)
class Chance:
    """How hidden frames are drawn instead of filled with what is likely on average.

    Attributes:
        random: Source of the noise.
        temperature: Factor on it; 1 is as trained.
    """

    random: np.random.Generator
    temperature: float = 1.0


def fill_window(
    session: Session,
    facts: Masked,
    motion: Array,
    hidden: np.ndarray,
    music: Array | None = None,
    chance: Chance | None = None,
) -> Array:
    """One window with its hidden frames filled.

    Args:
        session: Runs the network.
        facts: What windows the model takes.
        motion: Features [T, 9 J + 3] in the model's numbers; hidden frames are not looked at.
        hidden: Frames to fill, [T] bool, or joints of frames, [T, J + 1] bool (the root's position last).
        music: [T, A] in the model's numbers.
        chance: For models with rounds: draw; None: one pass, without chance.

    Returns:
        [T, 9 J + 3] float32; visible frames are those of `motion`.

    Raises:
        DataError: If no frame is visible, or the window is longer than the model's.
    """
    at = hidden[:, None] if hidden.ndim == 1 else hidden
    if at.all(axis=0).any():
        raise DataError("nothing is visible: at least one frame must be known")
    frames = len(motion)
    if frames > facts.window:
        raise DataError(f"a window of {frames} frames is longer than the model's {facts.window}")
    values = np.where(_by_column(at, motion.shape[1]), 0.0, motion)
    missing = facts.window - frames if facts.fixed_length else 0
    if missing:  # an empty tail, hidden too
        values = np.concatenate((values, np.zeros((missing, values.shape[1]))))
        at = np.concatenate((at, np.ones((missing, at.shape[1]), bool)))
        music = None if music is None else music[np.minimum(np.arange(frames + missing), len(music) - 1)]
    place = None
    if facts.canonical:
        moved, place = to_canonical(values, int((~at[:, 0]).argmax()))  # the root's rotation tells the heading
        values = np.where(_by_column(at, motion.shape[1]), 0.0, moved)
    inputs = {"motion": values[None].astype(np.float32), "hidden": at[None].astype(np.float32)}
    if music is not None:
        inputs["music"] = music[None].astype(np.float32)
    filled = (_rounds(session, facts, inputs, chance) if facts.rounds else session.run(NETWORK, inputs)[0])[0, :frames]
    if place is not None:
        filled = from_canonical(filled, place)
    return np.where(_by_column(at[:frames], motion.shape[1]), filled, motion)


def _rounds(session: Session, facts: Masked, inputs: dict[str, Array], chance: Chance | None) -> Array:
    """Windows [B, T, 9 J + 3] filled by a model that sees a guess: in one pass without one, or in rounds from noise on.

    A round takes some of the noise out of the guess: the model tells what it would be without any, and as much of the difference
    as the next round is to see is put back. What it tells is carried on from the round before, by the logarithm of signal to noise
    (DPM-Solver++ 2M, Lu et al., 2022, arXiv:2211.01095): as it is, it lags behind, and motions stay too near to their mean.
    """
    batch, frames, columns = inputs["motion"].shape
    guess = np.zeros((batch, frames, 6 * (columns - ROOT) // 9 + ROOT), np.float32)
    share = lambda value: np.full((batch, 1), value, np.float32)  # noqa: E731
    if chance is None:
        return session.run(NETWORK, inputs | {"guess": guess, "noise": share(1.0)})[0]
    guess = (chance.temperature * chance.random.standard_normal(guess.shape)).astype(np.float32)
    filled, before, gain = inputs["motion"], None, 0.0
    for now, then in pairwise(later(np.linspace(1.0, 0.0, facts.rounds + 1), facts.shift)):
        filled, clean = session.run(NETWORK, inputs | {"guess": guess, "noise": share(now)})
        last, gain = gain, math.log((1 - then) / then * now / (1 - now)) if then > 0 and now < 1 else 0.0
        told = clean if before is None or not (last and gain) else clean + 0.5 * gain / last * (clean - before)
        guess = ((1 - then) * told + then * (guess - (1 - now) * told) / now).astype(np.float32)
        before = clean
    return filled


def continue_features(
    session: Session,
    facts: Masked,
    motion: Array,
    frames: int,
    music: Array | None = None,
    *,
    chance: Chance | None = None,
    heights: tuple[float, float] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Array:
    """The motion goes on: the last known frames are shown, hidden ones behind them filled, the first of these kept.

    Rotations are made rotations (nearest by SVD) and kept frames continue where the motion stands, so that errors do not grow
    from step to step by rounding.

    Args:
        session: Runs the network.
        facts: How many frames are shown, filled and kept in every step.
        motion: Features so far [T, 9 J + 3], T >= 1.
        frames: Frames to add.
        music: [T + frames, A]; beyond its end the last frame is repeated.
        chance: See `fill_window`.
        heights: Least and greatest height of the root in added frames, m: windows tell it only by a number among hundreds, and what
            runs free for a minute would rise from the floor. None: free.
        progress: Called with frames done and frames in all.

    Returns:
        The frames added, [frames, 9 J + 3].

    Raises:
        DataError: If there is no motion, or the music is shorter than it.
    """
    if not len(motion):
        raise DataError("nothing is known: a motion cannot be continued from no frame")
    if music is not None and len(music) < len(motion):
        raise DataError(f"music of {len(music)} frames is shorter than the motion of {len(motion)}")
    given, total = len(motion), len(motion) + frames
    made = np.concatenate((np.asarray(motion, np.float32), np.zeros((frames, motion.shape[1]), np.float32)))
    for step in forward_windows(given, total, window=facts.known + facts.block, context=facts.known, keep=facts.keep):
        shown = step.done - step.first
        length = shown + facts.block
        values = np.zeros((length, made.shape[1]), np.float32)
        values[:shown] = made[step.first : step.done]
        heard = None
        if music is not None:
            heard = music[np.minimum(np.arange(step.first, step.first + length), len(music) - 1)]
        filled = fill_window(session, facts, values, np.arange(length) >= shown, heard, chance)
        added = orthonormal(filled[shown : shown + step.end - step.done])
        if heights is not None:
            added[:, HEIGHT] = added[:, HEIGHT].clip(*heights)
        made[step.done : step.end] = added
        if progress is not None:
            progress(step.end - given, frames)
    return made[given:]


@dataclass(frozen=True)
class Placement:
    """Where a window stood before it was moved to the origin: heading in rad about +y, and a point on the floor [3] m."""

    yaw: float
    origin: Array


def to_canonical(features: Array, reference: int) -> tuple[Array, Placement]:
    """A window [T, 9 J + 3] moved and turned so that in frame `reference` the root stands above the origin, its heading 0.

    The heading is the turn about the vertical in the root's rotation (swing-twist), whatever axes the skeleton's root has.
    """
    m = features[reference, :9].reshape(3, 3)
    place = Placement(
        float(np.arctan2(m[0, 2] - m[2, 0], m[0, 0] + m[2, 2])), features[reference, -3:] * [1.0, 0.0, 1.0]
    )
    moved = np.concatenate((features[:, :-3], features[:, -3:] - place.origin), axis=1)
    return _turned(moved, -place.yaw), place


def from_canonical(features: Array, place: Placement) -> Array:
    """The inverse of `to_canonical`."""
    turned = _turned(features, place.yaw)
    return np.concatenate((turned[:, :-3], turned[:, -3:] + place.origin), axis=1)


def _turned(features: Array, angle: float) -> Array:
    """Root's matrix and path turned about +y by an angle in rad."""
    sin, cos = np.sin(angle), np.cos(angle)
    turn = np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
    root = (turn @ features[:, :9].reshape(-1, 3, 3)).reshape(-1, 9)
    return np.concatenate((root, features[:, 9:-3], features[:, -3:] @ turn.T), axis=1)


def orthonormal(features: Array) -> Array:
    """Features [T, 9 J + 3] with every matrix made the nearest rotation (SVD, determinant 1)."""
    u, _, vt = np.linalg.svd(features[:, :-3].reshape(len(features), -1, 3, 3))
    u[..., 2] *= np.sign(np.linalg.det(u @ vt))[..., None]
    return np.concatenate(((u @ vt).reshape(len(features), -1), features[:, -3:]), axis=1).astype(np.float32)


def _by_column(hidden: np.ndarray, columns: int) -> np.ndarray:
    """Flags [T, 1] or [T, J + 1] for every column of 9 J + 3."""
    if hidden.shape[1] == 1:
        return hidden
    return np.repeat(hidden, [9] * (hidden.shape[1] - 1) + [columns - 9 * (hidden.shape[1] - 1)], axis=1)
