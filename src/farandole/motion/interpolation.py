"""Motion between kept frames by formula: straight lines and arcs, or cubic curves that keep the speed at every kept frame.

Rotations of the cubic live in the tangent space at the gap's first frame (exponential map), where the curve leads from nothing to
the other end's rotation; its end slopes are the angular velocities carried there by the inverse right Jacobian of SO(3)
(Chirikjian, Stochastic Models, Information Theory, and Lie Groups 2, 2012, section 10.8).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from farandole.errors import MotionError
from farandole.motion import rotations as rot
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

REACH = 0.8
"""Seconds within which a kept frame's own speed gives way to the line to the next one. In gaps longer than that, limbs would swing
too far: of 0.15 to 3 s this came nearest to dances and everyday motion over gaps of 0.5, 1 and 1.5 s."""
SHARP = 0.25
"""Seconds between key frames up to which curves have no jump of acceleration at them either; fades out at twice that."""


@dataclass(frozen=True)
class Gaps:
    """Where the missing frames M of a motion lie.

    Attributes:
        kept: Which frames are kept, [T] bool.
        missing: Indices of the missing frames between the first and the last kept one, [M].
        before: Nearest kept frame before each missing one, [M].
        after: And after it, [M].
    """

    kept: np.ndarray
    missing: np.ndarray
    before: np.ndarray
    after: np.ndarray

    @staticmethod
    def of(kept: np.ndarray) -> Gaps:
        """Gaps of a pattern [T] bool. Frames before the first and after the last kept one belong to none.

        Raises:
            MotionError: If fewer than two frames are kept.
        """
        known = np.flatnonzero(kept)
        if len(known) < 2:
            raise MotionError(f"{len(known)} of {len(kept)} frames kept: need at least 2 to go between")
        missing = np.setdiff1d(np.arange(known[0], known[-1]), known)
        at = np.searchsorted(known, missing)
        return Gaps(np.asarray(kept, bool), missing, known[at - 1], known[at])

    @property
    def share(self) -> Array:
        """How far along its gap each missing frame lies, [M] within (0, 1)."""
        return (self.missing - self.before) / (self.after - self.before)


def slerp_between(motion: Motion, kept: np.ndarray) -> Motion:
    """Missing frames by arcs of even speed for rotations and straight lines for positions; corners at the kept frames.

    Args:
        motion: Its frames that are not kept do not matter.
        kept: [T] bool.

    Raises:
        MotionError: If fewer than two frames are kept.
    """
    gaps = Gaps.of(kept)
    q, u = motion.rotations, gaps.share
    turns = rot.slerp(q[gaps.before], q[gaps.after], np.broadcast_to(u[:, None], (len(u), q.shape[1])))
    line = lambda x: x[gaps.before] + (x[gaps.after] - x[gaps.before]) * _beside(u, x)  # noqa: E731
    return _with_missing(motion, gaps, turns, line)


def hermite_between(motion: Motion, kept: np.ndarray) -> Motion:
    """Missing frames by Hermite cubics, smooth through every kept frame; by a line between two cubics in gaps longer than `REACH`.

    Speeds at a kept frame are those from its kept neighbour where it has one; at a lone key frame the slope of the parabola through
    it and the key frames on either side, held back where that would overshoot (Fritsch and Carlson, 1980).

    Args:
        motion: Its frames that are not kept do not matter.
        kept: [T] bool.

    Raises:
        MotionError: If fewer than two frames are kept.
    """
    gaps = Gaps.of(kept)
    reach, sharp = REACH * motion.fps, SHARP * motion.fps
    turns = hermite_turns(motion.rotations, gaps, reach, sharp)
    return _with_missing(motion, gaps, turns, lambda x: hermite_line(x, gaps, reach, sharp))


METHODS: dict[str, Callable[[Motion, np.ndarray], Motion]] = {"slerp": slerp_between, "hermite": hermite_between}
"""Ways to fill without a model."""


def vanishing(added: Array, kept: np.ndarray) -> Array:
    """An addition [T, ...] to missing frames less what it has at the kept frames around, so that it is nothing there."""
    gaps = Gaps.of(kept)
    u = _beside(gaps.share, added)
    ease = u * u * (3.0 - 2.0 * u)
    result = np.zeros_like(added)
    result[gaps.missing] = added[gaps.missing] - added[gaps.before] * (1.0 - ease) - added[gaps.after] * ease
    return result


def without_jumps(added: Array, kept: np.ndarray, reach: float) -> Array:
    """An addition [T, ...] that vanishes at kept frames, with no jump of speed there.

    Beside a kept neighbour its slope becomes nothing; at a lone key frame, the mean of both sides; the first and last frame of all
    keep their own. The change fades within `reach` frames or half the gap.
    """
    gaps = Gaps.of(kept)
    result = added.copy()
    slope_after, slope_before = (
        np.zeros_like(added),
        np.zeros_like(added),
    )  # per kept frame, from the gap after and before it
    lone = np.zeros(len(kept), bool)
    slope_after[:-1][kept[:-1]] = added[1:][kept[:-1]]
    slope_before[1:][kept[1:]] = -added[:-1][kept[1:]]
    lone[1:-1] = kept[1:-1] & ~kept[:-2] & ~kept[2:]
    wanted = 0.5 * (slope_after + slope_before) * lone.reshape(-1, *[1] * (added.ndim - 1))
    for end, slope in ((0, slope_after), (-1, slope_before)):
        if kept[end]:
            wanted[end] = slope[end]
    span = (gaps.after - gaps.before).astype(float)
    fade = np.clip(reach, 1.0, 0.5 * span)
    for change, since, sign in (
        ((wanted - slope_after)[gaps.before], gaps.missing - gaps.before, 1.0),
        ((wanted - slope_before)[gaps.after], gaps.after - gaps.missing, -1.0),
    ):
        t = np.minimum(since / np.maximum(fade, 1.0), 1.0)
        pulse = sign * since * (1.0 - t) ** 2
        # The first step, not the slope at the frame itself, is what is seen: scale so that it comes out right.
        first = (1.0 - np.minimum(1.0 / np.maximum(fade, 1.0), 1.0)) ** 2
        gain = np.where(first > 0.05, pulse / np.maximum(first, 0.05), 0.0)
        result[gaps.missing] += gain.reshape(-1, *[1] * (added.ndim - 1)) * change
    return result


def weakened(curves: Motion, made: Motion, kept: np.ndarray, *, strength: float, fade: float = 0.0) -> Motion:
    """A fill part of the way from curves to what a model made.

    Args:
        curves: Filled by a formula.
        made: Filled by a model; the same skeleton and length.
        kept: [T] bool.
        strength: Share of the way in the middle of gaps, 0 to 1.
        fade: Frames within which it grows from nothing at kept frames, without a jump of speed.
    """
    gaps = Gaps.of(kept)
    share = np.zeros(len(kept))
    near = np.minimum(gaps.missing - gaps.before, gaps.after - gaps.missing).astype(float)
    t = np.minimum(near / fade, 1.0) if fade > 0 else np.ones(len(near))
    share[gaps.missing] = strength * t * t * (3.0 - 2.0 * t)
    line = lambda a, b: a + (b - a) * _beside(share, a)  # noqa: E731
    turns = rot.slerp(curves.rotations, made.rotations, np.broadcast_to(share[:, None], made.rotations.shape[:2]))
    translations = made.translations
    if translations is not None and curves.translations is not None:
        translations = line(curves.translations, translations)
    return replace(
        made,
        rotations=np.where(kept[:, None, None], made.rotations, turns),
        root_positions=line(curves.root_positions, made.root_positions),
        translations=translations,
    )


def resample_smoothly(motion: Motion, fps: float) -> Motion:
    """`Motion.resample` by curves instead of lines: speeds do not jump at the old frames."""
    if len(motion) < 2 or fps <= 0 or np.isclose(fps, motion.fps, rtol=1e-9):
        return motion.resample(fps)
    frames = np.arange(int(np.floor((len(motion) - 1) / motion.fps * fps + 1e-6)) + 1)
    where = np.minimum(frames * (motion.fps / fps), len(motion) - 1)
    low = np.minimum(where.astype(int), len(motion) - 2)
    # Every frame as a lone key frame, two apart.
    apart = lambda x: np.repeat(x, 2, axis=0)[:-1]  # noqa: E731
    gaps = Gaps(np.arange(2 * len(motion) - 1) % 2 == 0, 2.0 * where, 2 * low, 2 * low + 2)
    translations = motion.translations
    return replace(
        motion,
        rotations=hermite_turns(apart(motion.rotations), gaps),
        root_positions=hermite_line(apart(motion.root_positions), gaps),
        translations=None if translations is None else hermite_line(apart(translations), gaps),
        fps=float(fps),
    )


def hermite_line(x: Array, gaps: Gaps, reach: float = np.inf, sharp: float = 0.0) -> Array:
    """Smooth curves through kept values x [T, ..., D]: those of the missing frames, [M, ..., D].

    Args:
        reach: Frames within which a kept frame's own speed gives way to the line to the next.
        sharp: Distance of key frames up to which accelerations are continuous too, frames.
    """
    speed = _speeds(lambda a, b: x[b] - x[a], x, gaps.kept, sharp)
    step = x[gaps.after] - x[gaps.before]
    return x[gaps.before] + _curve(gaps, step, speed[gaps.before, 1], speed[gaps.after, 0], reach)


def hermite_turns(q: Array, gaps: Gaps, reach: float = np.inf, sharp: float = 0.0) -> Array:
    """The same for local quaternions [T, J, 4]: [M, J, 4]."""
    arc = lambda a, b: rot.to_rotvec(rot.multiply(rot.inverse(q[a]), q[b]))  # noqa: E731
    speed = _speeds(arc, q[..., 1:], gaps.kept, sharp)
    step = arc(gaps.before, gaps.after)
    arrive = inverse_right_jacobian(step, speed[gaps.after, 0])
    return rot.multiply(q[gaps.before], rot.from_rotvec(_curve(gaps, step, speed[gaps.before, 1], arrive, reach)))


def _curve(gaps: Gaps, step: Array, leave: Array, arrive: Array, reach: float) -> Array:
    """From 0 to `step` [M, ..., D] with these slopes per frame at the ends: a line, and at each end a cubic fading within `reach`.

    Where the gap is no longer than `reach` this is the Hermite cubic.
    """
    span = _beside((gaps.after - gaps.before).astype(float), step)
    fade = np.minimum(span, reach)
    pulse = lambda t: fade * t * np.maximum(1.0 - t, 0.0) ** 2  # noqa: E731
    since = _beside((gaps.missing - gaps.before).astype(float), step)
    slope = step / span
    return since * slope + pulse(since / fade) * (leave - slope) - pulse((span - since) / fade) * (arrive - slope)


def inverse_right_jacobian(v: Array, w: Array) -> Array:
    """Rate of change of the rotation vector v [..., 3] of a rotation that turns, in its own axes, at w [..., 3]."""
    angle = np.linalg.norm(v, axis=-1, keepdims=True)
    small = angle < 1e-3
    safe = np.where(small, 1.0, np.minimum(angle, np.pi - 1e-6))
    # 1/a^2 - (1 + cos a) / (2 a sin a), by its series near zero.
    scale = np.where(small, 1.0 / 12.0, 1.0 / safe**2 - (1.0 + np.cos(safe)) / (2.0 * safe * np.sin(safe)))
    turn = rot.cross(v, w)
    return w + 0.5 * turn + scale * rot.cross(v, turn)


def _sharpened(speed: Array, before: np.ndarray, after: np.ndarray, sharp: float) -> Array:
    """Slopes of parabolas [K, ..., D] as those of the spline with a continuous second derivative would be, where keys are near.

    On even keys the spline's slopes v fulfil (v[-1] + 4 v + v[1]) / 6 = parabola; v = parabola - (its second difference) / 6 solves
    that to fourth order, and looks no farther than the next keys.

    Args:
        before: Frames to the key frame before, [K].
        after: And to the one after, [K].
        sharp: Distance of key frames up to which this is done in full, frames; from twice that on not at all.
    """
    if len(speed) < 3 or not sharp > 0:
        return speed
    second = np.zeros_like(speed)
    second[1:-1] = speed[2:] - 2.0 * speed[1:-1] + speed[:-2]
    longest, shortest = np.maximum(before, after), np.minimum(before, after)
    near = np.clip(2.0 - longest / sharp, 0.0, 1.0) * (longest <= 2 * shortest)
    return speed - _beside(near, speed) * second / 6.0


def _speeds(
    step: Callable[[np.ndarray, np.ndarray], Array], like: Array, kept: np.ndarray, sharp: float = 0.0
) -> Array:
    """Change per frame at every kept frame as the gaps before and after it see it, [T, 2, ..., D].

    Args:
        step: Change from frames a to frames b, each [K]; turns are told in the axes of a.
        like: Array of the shape of the result without its second axis.
        kept: [T] bool.
        sharp: See `_sharpened`.
    """
    known = np.flatnonzero(kept)
    result = np.zeros((len(kept), 2, *like.shape[1:]))
    length = np.diff(known)
    slope = step(known[:-1], known[1:]) / _beside(length.astype(float), like)
    # Ends know one slope only.
    into, out = np.concatenate((slope[:1], slope)), np.concatenate((slope, slope[-1:]))
    before, after = np.append(length[:1], length), np.append(length, length[-1:])
    weigh = lambda n: _beside(n.astype(float), like)  # noqa: E731
    parabola = (weigh(after) * into + weigh(before) * out) / weigh(before + after)
    parabola = _sharpened(parabola, before, after, sharp)
    size = lambda v: np.linalg.norm(v, axis=-1, keepdims=True)  # noqa: E731
    most = 3.0 * np.minimum(size(into), size(out))
    parabola = parabola * np.minimum(1.0, most / np.maximum(size(parabola), 1e-12))
    beside = lambda n: (n == 1).reshape(-1, *[1] * (like.ndim - 1))  # noqa: E731
    result[known, 0] = np.where(beside(after), out, parabola)  # a gap before: the kept neighbour after tells the speed
    result[known, 1] = np.where(beside(before), into, parabola)
    return result


def _beside(x: np.ndarray, like: Array) -> Array:
    """x [M] shaped to multiply arrays [M, ...] of as many axes as `like`."""
    return x.reshape(-1, *[1] * (like.ndim - 1))


def _with_missing(motion: Motion, gaps: Gaps, turns: Array, line: Callable[[Array], Array]) -> Motion:
    rotations, roots = motion.rotations.copy(), motion.root_positions.copy()
    rotations[gaps.missing], roots[gaps.missing] = turns, line(motion.root_positions)
    translations = motion.translations
    if translations is not None:
        filled = line(translations)
        translations = translations.copy()
        translations[gaps.missing] = filled
    return replace(motion, rotations=rotations, root_positions=roots, translations=translations)
