"""Measures of beats, as mir_eval and MIREX define them (Davies, Degara, Plumbley, 2009), and of live locking.

F at 70 ms; CMLt and AMLt with 17.5 % of phase and period, all after the first five seconds.
"""

from __future__ import annotations

import numpy as np

TRIM = 5.0


def f_measure(found: np.ndarray, true: np.ndarray, tolerance: float = 0.07, trim: float = TRIM) -> float:
    """F-measure, each beat matched at most once."""
    found, true = found[found >= trim], true[true >= trim]
    hits = i = j = 0
    while i < len(found) and j < len(true):
        if abs(found[i] - true[j]) <= tolerance:
            hits, i, j = hits + 1, i + 1, j + 1
        elif found[i] < true[j]:
            i += 1
        else:
            j += 1
    return 2 * hits / (len(found) + len(true)) if len(found) + len(true) else 0.0


def continuity(found: np.ndarray, true: np.ndarray, trim: float = TRIM) -> tuple[float, float]:
    """CMLt and AMLt."""
    found, true = found[found >= trim], true[true >= trim]
    if len(found) < 2 or len(true) < 2:
        return 0.0, 0.0
    middle = np.interp(np.arange(2 * len(true) - 1) / 2, np.arange(len(true)), true)
    grids = (true, middle[1::2], middle, true[::2], true[1::2])
    shares = [_correct(found, grid) for grid in grids]
    return shares[0], max(shares)


def _correct(found: np.ndarray, true: np.ndarray, phase: float = 0.175, period: float = 0.175) -> float:
    """Share of beats near an annotation nobody used, at the right distance from the beat before."""
    if len(true) < 2:
        return 0.0
    used, right = np.zeros(max(len(found), len(true)), bool), 0
    for m, beat in enumerate(found):
        nearest = int(np.abs(beat - true).argmin())
        gap = abs(beat - true[nearest])
        if used[nearest]:
            continue
        if m == 0 or nearest == 0:
            near = min(nearest, len(true) - 2)
            own, theirs = true[near + 1] - true[near], found[min(m, len(found) - 2) + 1] - found[min(m, len(found) - 2)]
        else:
            own, theirs = true[nearest] - true[nearest - 1], beat - found[m - 1]
        if gap < phase * own and abs(1 - theirs / own) < period:
            used[nearest], right = True, right + 1
    return right / max(len(found), len(true))


def offset(found: np.ndarray, true: np.ndarray) -> float:
    """Median of found minus true over the pairs within 70 ms, s; NaN without any."""
    if not len(found) or not len(true):
        return float("nan")
    nearest = found[np.abs(found[:, None] - true).argmin(axis=0)] - true
    near = np.abs(nearest) < 0.07
    return float(np.median(nearest[near])) if near.any() else float("nan")


def local_tempo(found: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Share of true beats after 5 s where the local tempo is within 4 %: at its level (Acc1), or at 2, 3, 1/2, 1/3 too (Acc2)."""
    if len(found) < 4 or len(true) < 4:
        return 0.0, 0.0
    at = true[(true > TRIM) & (true < true[-1] - 1)]
    own, theirs = _period(true, at), _period(found, at)
    ratio = theirs / own
    one = np.abs(ratio - 1) < 0.04
    two = np.any([np.abs(ratio / k - 1) < 0.04 for k in (1, 2, 3, 0.5, 1 / 3)], axis=0)
    return (float(one.mean()), float(two.mean())) if len(at) else (0.0, 0.0)


def _period(beats: np.ndarray, at: np.ndarray) -> np.ndarray:
    gaps = np.diff(beats)
    smooth = np.array([np.median(gaps[max(0, k - 2) : k + 3]) for k in range(len(gaps))])
    return np.interp(at, (beats[1:] + beats[:-1]) / 2, smooth)


def lock_time(found: np.ndarray, true: np.ndarray, run: int = 8) -> float:
    """First true beat from which `run` in a row are hit within 70 ms, none too many; half and double allowed; inf if never."""
    if len(true) < run + 1:
        return float("inf")
    middle = np.interp(np.arange(2 * len(true) - 1) / 2, np.arange(len(true)), true)
    best = float("inf")
    for grid in (true, middle, true[::2], true[1::2]):
        for k in range(len(grid) - run + 1):
            if grid[k] >= best:
                break
            span = grid[k : k + run]
            margin = 0.07
            inside = found[(found > span[0] - margin) & (found < span[-1] + margin)]
            if len(inside) == run and (np.abs(inside - span) <= margin).all():
                best = float(span[0])
                break
    return best


def table(title: str, head: list[str], rows: dict[str, np.ndarray], mean: bool = True) -> None:
    """Print a table, the mean of its rows last."""
    print(title)
    print(f"{head[0]:22s}" + "".join(f"{column:>9s}" for column in head[1:]))
    for name, values in rows.items():
        print(f"{name:22s}" + "".join(f"{value:9.3f}" for value in values))
    if mean:
        with np.errstate(all="ignore"):
            print(f"{'mean':22s}" + "".join(f"{v:9.3f}" for v in np.nanmean(np.stack(list(rows.values())), axis=0)))
    print(flush=True)
