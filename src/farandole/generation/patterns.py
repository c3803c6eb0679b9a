"""Which frames of a motion are kept, as people say it: every n-th, these, or all but these gaps."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from farandole.errors import MotionError


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
