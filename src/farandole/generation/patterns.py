"""Which frames of a motion are kept, as people say it: every n-th, these, or all but these gaps; and poses laid out in time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from farandole.errors import MotionError
from farandole.motion.motion import Motion


def kept_frames(
    frames: int,
    *,
    every: int | None = None,
    keep: Iterable[int] | None = None,
    gaps: Iterable[tuple[int, int]] | None = None,
    name: str = "motion",
) -> np.ndarray:
    """Pattern of kept frames, [T] bool; exactly one of the three ways to say it must be given.

    Args:
        frames: Length of the motion.
        every: Frames 0, n, 2n ... and the last one are kept.
        keep: These are kept. What lies before the first and after the last of them stays as it is.
        gaps: All are kept but first to last of each gap, both included.
        name: What to call the motion in messages.

    Raises:
        MotionError: If none or several ways are given, a frame lies outside the motion, nothing would be kept on one side of a gap,
            or there is nothing to fill.
    """
    given = [way for way, value in (("every", every), ("keep", keep), ("gap", gaps)) if value is not None]
    if len(given) != 1:
        raise MotionError(
            f"{' and '.join(given) or 'no pattern'} given: say with one of every, keep and gap which frames are kept"
        )
    if frames < 3:
        raise MotionError(f"{name} has {frames} frames: need at least 3, so that something lies between two")
    if every is not None:
        kept = _every(frames, every, name)
    elif keep is not None:
        kept = _listed(frames, sorted(set(keep)), name)
    else:
        kept = _without(frames, list(gaps or ()), name)
    if kept.all():
        raise MotionError(f"{name}: every frame is kept, there is nothing to fill")
    return kept


def _every(frames: int, every: int, name: str) -> np.ndarray:
    if every < 2:
        raise MotionError(f"every {every}: need 2 or more, or there is nothing to fill")
    if every >= frames:
        raise MotionError(f"every {every}: {name} has only {frames} frames, so nothing but its two ends would be kept")
    kept = np.arange(frames) % every == 0
    kept[-1] = True
    return kept


def _listed(frames: int, listed: list[int], name: str) -> np.ndarray:
    outside = [f for f in listed if not 0 <= f < frames]
    if outside:
        raise MotionError(f"cannot keep frame {outside[0]}: {name} has frames 0 to {frames - 1}")
    if len(listed) < 2:
        raise MotionError(f"{len(listed)} frames to keep: need at least 2, so that something lies between them")
    kept = np.ones(frames, bool)
    kept[listed[0] : listed[-1] + 1] = False
    kept[listed] = True
    return kept


def _without(frames: int, gaps: list[tuple[int, int]], name: str) -> np.ndarray:
    if not gaps:
        raise MotionError("no gap given: there is nothing to fill")
    kept = np.ones(frames, bool)
    for first, last in gaps:
        if first > last:
            raise MotionError(f"gap {first}:{last} ends before it begins")
        if first < 0 or last >= frames:
            raise MotionError(f"gap {first}:{last} lies outside {name}, which has frames 0 to {frames - 1}")
        kept[first : last + 1] = False
    if not kept.any():
        raise MotionError(f"the gaps leave no frame of {name} to go by")
    if not kept[0]:
        raise MotionError(f"a gap begins with {name}: keep at least its first frame")
    if not kept[-1]:
        raise MotionError(f"a gap ends with {name}: keep at least its last frame, or continue the motion with extend")
    return kept


def laid_out(
    poses: Motion, times: Sequence[float | tuple[float, float]], fps: float, *, name: str = "motion"
) -> tuple[Motion, np.ndarray]:
    """Poses put at times, with nothing known between them.

    Args:
        poses: A pose per frame, K of them.
        times: When each is, s: K moments, or (from, to) where a pose is held; ascending.
        fps: Frame rate of the result.
        name: What to call the poses in messages.

    Returns:
        A motion from time 0 to the last pose, and which of its frames hold a pose, [T] bool. What comes before the first pose
        holds it.

    Raises:
        MotionError: If there are not as many times as poses, they do not ascend, or two poses fall on one frame.
    """
    if not (np.isfinite(fps) and fps > 0):
        raise MotionError(f"{fps:g} fps: need a positive frame rate")
    spans = [(t, t) if isinstance(t, int | float) else (t[0], t[1]) for t in times]
    if len(spans) != len(poses):
        raise MotionError(f"{name} has {len(poses)} poses, but {len(spans)} times are given: need one for each")
    if len(spans) < 2:
        raise MotionError(f"{name} has {len(poses)} pose: need at least 2, so that something lies between them")
    flat = [moment for span in spans for moment in span]
    if not np.isfinite(flat).all() or flat[0] < 0 or any(b < a for a, b in pairwise(flat)):
        raise MotionError(
            f"times {', '.join(f'{t:g}' for t in flat)}: must not be negative, and each later than the one before"
        )
    frames = [(round(a * fps), round(b * fps)) for a, b in spans]
    length = frames[-1][1] + 1
    source = np.zeros(length, int)
    kept = np.zeros(length, bool)
    for pose, (first, last) in enumerate(frames):
        if kept[first]:
            raise MotionError(f"two poses fall on frame {first} at {fps:g} fps: put them farther apart")
        source[first:] = pose
        kept[first : last + 1] = True
    kept[: frames[0][0]] = True
    translations = None if poses.translations is None else poses.translations[source]
    roots, rotations = poses.root_positions[source], poses.rotations[source]
    laid = replace(poses, rotations=rotations, root_positions=roots, translations=translations, fps=float(fps))
    if kept.all():
        raise MotionError(f"{name}: no frame lies between the poses at {fps:g} fps, there is nothing to fill")
    return laid, kept
