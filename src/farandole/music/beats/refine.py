"""Beat times below the precision of a frame."""

from __future__ import annotations

import numpy as np

from farandole.music.onsets import RISE_DELAY


def refined(path: np.ndarray, z: np.ndarray, fps: float) -> np.ndarray:
    """Beat times below frame precision, [K] s: onset peaks near the path, smoothed by robust local lines.

    Args:
        path: Frames of the beats, int [K].
        z: See `pulse`, [T].
        fps: Frames per second.
    """
    reach = max(1, round(0.035 * fps))
    offsets = np.arange(-reach, reach + 1)
    index = np.clip(path[:, None] + offsets, 0, len(z) - 1)
    near = z[index] - 0.02 * np.abs(offsets)
    best = near.argmax(axis=1)
    peak = np.clip(path + offsets[best], 1, max(1, len(z) - 2))
    left, middle, right = z[peak - 1], z[peak], z[np.minimum(peak + 1, len(z) - 1)]
    curve = left - 2 * middle + right
    shift = np.where(curve < 0, 0.5 * (left - right) / np.where(curve < 0, curve, -1.0), 0.0)
    weight = np.clip(middle, 0.0, 3.0)
    times = (np.where(weight > 0.3, peak + np.clip(shift, -0.5, 0.5), path)) / fps - RISE_DELAY
    return _smooth_line(times, weight + 0.05)


def _smooth_line(times: np.ndarray, weight: np.ndarray, half: int = 8) -> np.ndarray:
    """Beat times on lines fitted robustly around (or, at jumps of tempo, before or after) each beat."""
    count = len(times)
    if count < 4:
        return times
    smooth = times.copy()
    spread = np.full(count, np.inf)
    for before, after in ((half, half), (0, half), (half, 0)):
        low, high = np.arange(count) - before, np.arange(count) + after
        window = np.clip(low[:, None] + np.arange(before + after + 1), 0, count - 1)
        inside = (low[:, None] + np.arange(before + after + 1) == window) & (window <= high[:, None])
        x = window - np.arange(count)[:, None]
        y = times[window] - times[:, None]
        w = weight[window] * inside
        fit, residual = np.zeros(count), y
        fit, residual = np.zeros(count), np.abs(y)
        for _ in range(3):
            fit, slope = _line(x, y, w)
            residual = np.abs(y - fit[:, None] - slope[:, None] * x)
            w = weight[window] * inside / (1 + (residual / 0.012) ** 2)
        error = np.sqrt(
            (inside * weight[window] * np.minimum(residual, 0.05) ** 2).sum(1) / (inside * weight[window]).sum(1)
        )
        error = error + (0.0 if before == after else 0.002)  # a one-sided fit only where it is clearly better
        better = (error < spread) & (inside.sum(1) >= 4)
        smooth = np.where(better, times + fit, smooth)
        spread = np.where(better, error, spread)
    gaps = np.diff(smooth)
    return smooth if (gaps > 0.02).all() else times


def _line(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted straight lines, one per row: value at x = 0 and slope."""
    total = w.sum(1) + 1e-12
    mx, my = (w * x).sum(1) / total, (w * y).sum(1) / total
    slope = (w * (x - mx[:, None]) * (y - my[:, None])).sum(1) / ((w * (x - mx[:, None]) ** 2).sum(1) + 1e-12)
    return my - slope * mx, slope
