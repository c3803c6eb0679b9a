"""Feet between kept frames: they stand where they bear weight, stay out of the floor, and meet every kept frame where it has them.

Works on any humanoid skeleton; `feet` does the same for whole dances of the house skeleton, where the root may move too.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from farandole.motion import kinematics, names
from farandole.motion import rotations as rot
from farandole.motion.feet import CleanupConfig, planted_feet, runs
from farandole.motion.ik import reach
from farandole.motion.interpolation import Gaps, vanishing, without_jumps
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

SLOW = 0.7
"""Speed at which a foot surely bears no weight, m/s on a body with legs of 0.9 m (as all lengths below)."""
LOW = 0.06
"""Height of the ball over its lowest kept place at which the foot hardly bears weight, m."""
LEG = 0.9
POP = 30.0
"""Acceleration of a knee or ankle that is no snap, m/s^2."""
SHARES = (0.6, 0.3, 0.0)
"""Shares of the planting that are tried in turn where a knee snaps."""


def plant_between(motion: Motion, kept: np.ndarray, config: CleanupConfig | None = None) -> Motion:
    """A filled motion whose missing frames have feet that do not slip. Kept frames, and all but the legs, stay as they are.

    A foot counts as standing where it is low and slow. It then rests where the nearest kept frames of the same stand have it, or,
    in a stand without any, at its median place; in between corrections pass smoothly into one another.

    Args:
        motion: Filled, any humanoid skeleton.
        kept: [T] bool.
        config: Thresholds; `drift` is how far apart two kept frames of one stand may have a foot before it counts as travelling.

    Raises:
        RetargetError: If the skeleton is not humanoid.
    """
    config = config or CleanupConfig()
    roles = names.humanoid_roles(motion.skeleton)
    ball = [roles.get(f"{side}ToeBase", roles[f"{side}Foot"]) for side in names.SIDES]
    scale = _leg_length(motion, roles) / LEG
    paths = motion.positions[:, ball]
    planted = planted_feet(_scores(paths, kept, motion.fps, scale), motion.fps, config)
    planted |= _held(paths, kept, config.drift * scale, LOW * scale)
    rotations = motion.rotations
    for foot, side in enumerate(names.SIDES):
        path = paths[:, foot]
        shift = _corrections(path, planted[:, foot], kept, motion.fps, config, scale)
        if not shift.any():
            continue
        leg = (roles[f"{side}UpLeg"], roles[f"{side}Leg"], roles[f"{side}Foot"])
        target = motion.positions[:, leg[2]] + shift
        turned = reach(motion.skeleton, rotations, motion.root_positions, leg, target, translations=motion.translations)
        rotations = np.where(kept[:, None, None], rotations, turned)
    legs = [roles[f"{side}{part}"] for side in names.SIDES for part in ("Leg", "Foot")]
    return _without_pops(motion, rotations, kept, legs, POP * scale)


def _without_pops(motion: Motion, rotations: Array, kept: np.ndarray, joints: list[int], most: float) -> Motion:
    """A motion with planted feet, and in gaps where a knee would snap only as much of that as it bears.

    Args:
        motion: Before feet were planted.
        rotations: With planted feet, [T, J, 4].
        kept: [T] bool.
        joints: Knees and ankles.
        most: Acceleration that is no snap in any case, m/s^2.
    """
    gaps = Gaps.of(kept)
    if not len(gaps.missing):
        return motion
    _, number = np.unique(gaps.before, return_inverse=True)
    peak = lambda m: _peaks(m, gaps, number, joints)  # noqa: E731
    limit = np.maximum(1.5 * peak(motion), most)
    share = np.ones(number.max() + 1)
    made = replace(motion, rotations=rotations)
    for smaller in SHARES:
        snaps = peak(made) > limit
        if not snaps.any():
            return made
        share[snaps] = smaller
        weight = np.zeros(len(motion))
        weight[gaps.missing] = share[number]
        turns = rot.slerp(motion.rotations, rotations, np.broadcast_to(weight[:, None], rotations.shape[:2]))
        made = replace(motion, rotations=np.where((weight == 1.0)[:, None, None], rotations, turns))
    return replace(made, rotations=np.where(kept[:, None, None], motion.rotations, made.rotations))


def _peaks(motion: Motion, gaps: Gaps, number: np.ndarray, joints: list[int]) -> Array:
    """Greatest acceleration of some joints in each gap and at its ends, [G] m/s^2."""
    places = motion.positions[:, joints]
    size = np.zeros(len(motion))
    size[1:-1] = np.linalg.norm(np.diff(places, n=2, axis=0), axis=-1).max(axis=1) * motion.fps**2
    result = np.zeros(number.max() + 1)
    for frames in (gaps.missing, gaps.before, gaps.after):
        np.maximum.at(result, number, size[frames])
    return result


def _scores(paths: Array, kept: np.ndarray, fps: float, scale: float) -> Array:
    """How likely each foot bears weight, from its height and speed, [T, 2] in 0..1."""
    above = np.maximum(paths[..., 1] - _floor(paths, kept), 0.0)
    speed = np.linalg.norm(kinematics.velocity(paths, fps), axis=-1)
    return np.clip(1.1 - speed / (SLOW * scale), 0.0, 1.0) * np.exp(-((above / (LOW * scale)) ** 2))


def _held(paths: Array, kept: np.ndarray, drift: float, low: float) -> np.ndarray:
    """Frames of gaps that have a ball low and in one place at both ends, and hardly off it in between, [T, 2] bool."""
    gaps = Gaps.of(kept)
    on_floor = paths[..., 1] < _floor(paths, kept) + 0.5 * low
    apart = np.linalg.norm(paths[gaps.after] - paths[gaps.before], axis=-1)
    away = np.linalg.norm(paths[gaps.missing] - paths[gaps.before], axis=-1)
    farthest = np.zeros(paths.shape[:2])
    np.maximum.at(farthest, gaps.before, away)
    still = (apart < 0.5 * drift) & on_floor[gaps.before] & on_floor[gaps.after] & (farthest[gaps.before] < drift)
    result = np.zeros(paths.shape[:2], bool)
    result[gaps.missing] = still
    for end in (gaps.before, gaps.after):
        np.logical_or.at(result, end, still)
    return result


def _floor(paths: Array, kept: np.ndarray) -> Array:
    """Nearly the lowest height of each ball in kept frames, [2] m: ground may be uneven, and single frames may dip."""
    return np.quantile(paths[kept][..., 1], 0.05, axis=0)


def _corrections(
    path: Array, planted: np.ndarray, kept: np.ndarray, fps: float, config: CleanupConfig, scale: float
) -> Array:
    """Offsets [T, 3] m, nothing at kept frames, that bring a ball's path [T, 3] to rest in every stand."""
    offset = np.full_like(path, np.nan)
    for first, last in runs(planted):
        offset[first:last] = _rest(path[first:last], kept[first:last], config.drift * scale) - path[first:last]
    lowest = path[kept][:, 1].min()
    offset[:, 1] += np.maximum(lowest - (path[:, 1] + np.nan_to_num(offset[:, 1])), 0.0)
    offset[kept] = 0.0
    eased = _ease(offset)
    eased[:, 1] = np.maximum(eased[:, 1], np.minimum(lowest, path[:, 1].max()) - path[:, 1])
    eased[kept] = 0.0
    from farandole.motion.filters import gaussian_filter1d

    width = config.blend * fps / 4.0
    smooth = gaussian_filter1d(eased, width, axis=0, mode="nearest")
    return without_jumps(vanishing(smooth, kept), kept, 4.0 * width)


def _rest(path: Array, kept: np.ndarray, drift: float) -> Array:
    """Where a ball stands during one stand, [N, 3]; NaN where it travels between two kept places."""
    known = np.flatnonzero(kept)
    if not len(known):
        return np.broadcast_to(np.median(path, axis=0), path.shape)
    frames = np.arange(len(path))
    at = np.clip(np.searchsorted(known, frames, side="right") - 1, 0, len(known) - 1)
    low, high = known[at], known[np.minimum(at + 1, len(known) - 1)]
    share = np.clip((frames - low) / np.maximum(high - low, 1), 0.0, 1.0)[:, None]
    rest = path[low] + (path[high] - path[low]) * share * share * (3.0 - 2.0 * share)
    travels = np.linalg.norm(path[high] - path[low], axis=-1) > drift
    return np.where((travels & (frames > low) & (frames < high))[:, None], np.nan, rest)


def _ease(offset: Array) -> Array:
    """NaN rows of [T, 3] filled from the known one before to the one after, starting and landing gently."""
    frames = np.arange(len(offset))
    known = np.flatnonzero(np.isfinite(offset[:, 0]))
    after = np.minimum(np.searchsorted(known, frames), len(known) - 1)
    before = np.maximum(np.searchsorted(known, frames, side="right") - 1, 0)
    low, high = known[before], known[after]
    t = np.clip((frames - low) / np.maximum(high - low, 1), 0.0, 1.0)[:, None]
    ease = t * t * t * (t * (6.0 * t - 15.0) + 10.0)
    return offset[low] * (1.0 - ease) + offset[high] * ease


def _leg_length(motion: Motion, roles: dict[str, int]) -> float:
    """Hip to ankle along the bones in the first frame, mean of both sides, m."""
    p = motion.positions[0]
    bones = [(f"{s}{a}", f"{s}{b}") for s in names.SIDES for a, b in (("UpLeg", "Leg"), ("Leg", "Foot"))]
    return 0.5 * float(sum(np.linalg.norm(p[roles[a]] - p[roles[b]]) for a, b in bones))
