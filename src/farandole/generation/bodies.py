"""A model fills the gaps of a motion of any body, length and frame rate.

The model knows one skeleton, one frame rate and windows of limited length. What it adds to a plain fill (the baseline) is carried
back to the motion's own skeleton as a rotation of every joint and a shift of the hips, and fades out at every kept frame: kept
frames stay exact, parts the model does not know (fingers, twist bones) keep the baseline, and speeds stay continuous.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeAlias

import numpy as np

from farandole.generation.window_plan import blend_weights, gap_windows
from farandole.motion import rotations as rot
from farandole.motion.codecs.bodies import plain_body
from farandole.motion.filters import gaussian_filter1d
from farandole.motion.interpolation import vanishing, without_jumps
from farandole.motion.motion import Motion
from farandole.motion.names import find_roles
from farandole.motion.retarget import retarget
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

FADE = 0.2
"""Seconds within which a jump of speed at a kept frame is taken out."""
CALM = 0.05
"""Deviation of the Gaussian over time that takes the trembling out of additions, s."""


Weigh: TypeAlias = Callable[[Motion, Motion, np.ndarray], Array]
"""(curves, with the whole correction, kept frames [T] bool) -> share of it that is kept of every joint, [T, J]."""


class GapFiller(Protocol):
    """A network that fills missing frames of its own skeleton.

    Attributes:
        skeleton: Its body, J joints.
        fps: Its frame rate.
        window: Greatest number of frames T at once.
    """

    @property
    def skeleton(self) -> Skeleton:
        """Its body."""
        ...

    @property
    def fps(self) -> float:
        """Its frame rate."""
        ...

    @property
    def window(self) -> int:
        """Greatest number of frames at once."""
        ...

    def fill_gaps(
        self, rotations: Array, root_positions: Array, known: np.ndarray, *, first: int = 0
    ) -> tuple[Array, Array]:
        """Local quaternions [T, J, 4] and root positions [T, 3] m, filled where `known` [T] bool is not set; its ends always are.

        `first` is the number of the window's first frame in the motion.
        """
        ...


def fill_with(
    filler: GapFiller,
    baseline: Motion,
    kept: np.ndarray,
    *,
    weigh: Weigh | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Motion:
    """Missing frames as the network would have them.

    Args:
        filler: The network.
        baseline: Filled by a formula; any humanoid skeleton.
        kept: [T] bool.
        weigh: Tells how much of the correction is kept; None: all.
        progress: Called with (windows done, windows in all).

    Raises:
        MotionError: If a gap is longer than the network's window.
        RetargetError: If the skeleton is not humanoid.
    """

    def make(body: Motion, given: np.ndarray) -> list[Motion]:
        turn, shift = added_by(filler, body, given, progress)
        turned = rot.multiply(body.rotations, rot.from_rotvec(turn))
        return [replace(body, rotations=turned, root_positions=body.root_positions + shift)]

    (made,) = carry(baseline, kept, filler.skeleton, filler.fps, make, weigh)
    return made


def carry(
    baseline: Motion,
    kept: np.ndarray,
    skeleton: Skeleton,
    fps: float,
    make: Callable[[Motion, np.ndarray], list[Motion]],
    weigh: Weigh | None = None,
) -> list[Motion]:
    """What is made on another body at another frame rate, as additions to a baseline that vanish at kept frames.

    Args:
        baseline: Filled by a formula; any humanoid skeleton.
        kept: [T] bool.
        skeleton: The other body.
        fps: The other frame rate.
        make: Given the baseline there and the frames that are kept of it, other motions of the same body and length.
        weigh: Tells how much of an addition is kept; None: all.

    Returns:
        One motion like the baseline for each that was made.

    Raises:
        RetargetError: If a skeleton is not humanoid.
    """
    plain = plain_body(baseline)
    same = same_body(plain.skeleton, skeleton)
    body = _resampled(plain if same else retarget(plain, skeleton), fps)
    given = kept_at(kept, baseline.fps, fps, len(body))
    if given.all():
        return [baseline]  # gaps of single frames at a high frame rate: the baseline is as good
    before = body if same else retarget(body, plain)
    above = len(baseline.skeleton) - len(plain.skeleton)  # still joints over the hips
    result = []
    for made in make(body, given):
        turn, shift = _difference(before, made if same else retarget(made, plain))
        turn = np.pad(turn, ((0, 0), (above, 0), (0, 0)))
        turn, shift = _at_rate(turn, fps, baseline), _at_rate(shift, fps, baseline)
        if weigh is not None:
            share = weigh(baseline, _add(baseline, kept, turn, shift), kept)
            hips = find_roles(baseline.skeleton).get("Hips", 0)
            turn, shift = turn * share[..., None], shift * share[:, hips, None]
        result.append(_add(baseline, kept, turn, shift))
    return result


def same_body(a: Skeleton, b: Skeleton) -> bool:
    """Whether joints have the same names and places, to 2 mm."""
    same = a.names == b.names and np.array_equal(a.parents, b.parents)
    return same and np.allclose(a.offsets[1:], b.offsets[1:], atol=2e-3)


def _resampled(motion: Motion, fps: float) -> Motion:
    """A motion at another frame rate, up to its last frame or just beyond, where that is held."""
    if np.isclose(fps, motion.fps, rtol=1e-9):
        return motion
    count = int(np.ceil((len(motion) - 1) / motion.fps * fps - 1e-6)) + 1
    hold = lambda x: np.concatenate((x, np.repeat(x[-1:], int(np.ceil(motion.fps / fps)), axis=0)))  # noqa: E731
    longer = replace(motion, rotations=hold(motion.rotations), root_positions=hold(motion.root_positions))
    return longer.resample(fps).slice(0, count)


def kept_at(kept: np.ndarray, fps: float, other: float, frames: int) -> np.ndarray:
    """A pattern [T] bool at another frame rate, [frames] bool: frames nearest to kept ones, and all between two kept neighbours."""
    result = np.zeros(frames, bool)
    nearest = np.rint(np.flatnonzero(kept) * (other / fps)).astype(int)
    result[np.minimum(nearest, frames - 1)] = True
    where = np.minimum(np.arange(frames) * (fps / other), len(kept) - 1)
    result |= kept[np.floor(where + 1e-6).astype(int)] & kept[np.ceil(where - 1e-6).astype(int)]
    return result


def added_by(
    filler: GapFiller, body: Motion, kept: np.ndarray, progress: Callable[[int, int], None] | None
) -> tuple[Array, Array]:
    """What the network adds to a motion of its own skeleton: rotation vectors [T, J, 3] and root shifts [T, 3].

    Windows are averaged with weights that rise from their ends.
    """
    turn, shift = np.zeros((*body.rotations.shape[:2], 3)), np.zeros((len(body), 3))
    total = np.zeros(len(body))
    pieces = gap_windows(kept, filler.window, filler.fps)
    for done, (first, last) in enumerate(pieces, 1):
        part = slice(first, last + 1)
        rotations, roots = filler.fill_gaps(body.rotations[part], body.root_positions[part], kept[part], first=first)
        weight = blend_weights(last - first + 1)
        turn[part] += weight[:, None, None] * rot.to_rotvec(rot.multiply(rot.inverse(body.rotations[part]), rotations))
        shift[part] += weight[:, None] * (roots - body.root_positions[part])
        total[part] += weight
        if progress:
            progress(done, len(pieces))
    share = np.where(kept, 0.0, 1.0 / np.maximum(total, 1e-12))
    return turn * share[:, None, None], shift * share[:, None]


def _difference(before: Motion, after: Motion) -> tuple[Array, Array]:
    """Rotation vectors [T, J, 3] and root shifts [T, 3] from one motion to another of the same skeleton."""
    turn = rot.to_rotvec(rot.multiply(rot.inverse(before.rotations), after.rotations))
    return turn, after.root_positions - before.root_positions


def _at_rate(added: Array, fps: float, motion: Motion) -> Array:
    """An addition at `fps` at the frames of a motion, by cubic splines over time, [T, ...]."""
    if np.isclose(fps, motion.fps, rtol=1e-9) and len(added) == len(motion):
        return added
    from scipy.interpolate import CubicSpline

    known = np.arange(len(added)) / fps
    if len(added) < 2:
        return np.zeros((len(motion), *added.shape[1:]))
    return CubicSpline(known, added, axis=0)(np.minimum(np.arange(len(motion)) / motion.fps, known[-1]))


def _add(baseline: Motion, kept: np.ndarray, turn: Array, shift: Array) -> Motion:
    """The baseline with an addition whose remainder at kept frames, left by another frame rate, is taken out."""
    reach = FADE * baseline.fps
    # Networks answer frame by frame, and their answers tremble. Turns beyond half a circle have no vectors to average.
    width = CALM * baseline.fps
    turns = gaussian_filter1d(rot.unroll(rot.from_rotvec(turn)), width, axis=0, mode="nearest")
    calm = rot.to_rotvec(rot.normalize(turns)), gaussian_filter1d(shift, width, axis=0, mode="nearest")
    turn, shift = (without_jumps(vanishing(x, kept), kept, reach) for x in calm)
    rotations = rot.multiply(baseline.rotations, rot.from_rotvec(turn))
    rotations = np.where(kept[:, None, None], baseline.rotations, rot.normalize(rotations))
    moved = replace(baseline, rotations=rotations)
    hips = find_roles(baseline.skeleton).get("Hips", 0)
    if baseline.translations is None or hips == 0:
        return replace(moved, root_positions=baseline.root_positions + shift)
    # The file moves its hips, not its root: so does the fill.
    parent = moved.global_rotations[:, baseline.skeleton.parents[hips]]
    translations = baseline.translations.copy()
    translations[:, hips] += rot.rotate(rot.inverse(parent), shift)
    return replace(moved, translations=translations)


def end_of(motion: Motion, skeleton: Skeleton, fps: float, frames: int) -> Motion:
    """The last frames of a humanoid motion on another body at another frame rate; its first frame is held where it is short.

    Raises:
        RetargetError: If a skeleton is not humanoid.
    """
    body = motion if motion.skeleton == skeleton else retarget(motion, skeleton)
    body = replace(body, translations=None).resample(fps)
    index = np.maximum(np.arange(len(body) - frames, len(body)), 0)
    return replace(body, rotations=body.rotations[index], root_positions=body.root_positions[index])


def joined(past: Motion, whole: Motion, frames: int) -> Motion:
    """What comes after a motion's first `frames` frames, moved and turned to go on from the end of `past`."""
    last = whole.rotations[frames - 1, 0], whole.root_positions[frames - 1]
    around = rot.from_yaw(np.asarray(rot.yaw(past.rotations[-1, 0]) - rot.yaw(last[0])))
    flat = np.array([1.0, 0.0, 1.0])
    rotations = whole.rotations[frames:].copy()
    rotations[:, 0] = rot.multiply(around, rotations[:, 0])
    path = past.root_positions[-1] * flat + rot.rotate(around, whole.root_positions[frames:] - last[1] * flat)
    return replace(whole, rotations=rotations, root_positions=path)
