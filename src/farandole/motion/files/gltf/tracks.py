"""Animation tracks of a glTF file: key times and values, sampled at even frames."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import numpy as np

from farandole.errors import FileFormatError
from farandole.motion import rotations as rot
from farandole.motion.files.gltf.container import Container
from farandole.motion.files.gltf.nodes import NodeTree
from farandole.motion.rotations import Array

log = logging.getLogger(__name__)

_DEFAULT_FPS = 30.0
_HIGHEST_FPS = 1000.0
_FEW_VALUES = 2_000_000
_PER_KEY = 200
"""Frames times joints that a file may unfold to: what few keys may always, or so many for every key. Damaged key times ask for more
memory than the file's size can justify."""


class Track(NamedTuple):
    """Keys of one property of one node: times [K] s, values [K, 3 or 4] (three for each key of a CUBICSPLINE), interpolation."""

    times: Array
    values: Array
    interpolation: str


def read_tracks(file: Container, take: dict[str, Any] | None, tree: NodeTree) -> dict[tuple[int, str], Track]:
    """Tracks by (node, "rotation" or "translation").

    Raises:
        FileFormatError: If times do not rise, or times and values do not fit together.
    """
    result: dict[tuple[int, str], Track] = {}
    scaled: set[int] = set()
    for channel in (take or {}).get("channels", []):
        target, sampler = channel["target"], (take or {})["samplers"][channel["sampler"]]
        node, path = target.get("node"), target.get("path")
        if type(node) is not int or path not in ("rotation", "translation", "scale"):
            continue
        if not 0 <= node < len(tree.nodes):
            raise FileFormatError(f"{file.path}: an animation moves node {node}, which does not exist")
        times, values = file.array(sampler["input"])[:, 0], file.array(sampler["output"])
        how = sampler.get("interpolation", "LINEAR")
        what = f"{path} of '{tree.name(node)}'"
        if len(times) == 0 or len(values) != len(times) * (3 if how == "CUBICSPLINE" else 1):
            raise FileFormatError(f"{file.path}: {len(values)} values for {len(times)} keys of the {what}")
        if values.shape[1] != (4 if path == "rotation" else 3) or not np.isfinite(values).all():
            raise FileFormatError(f"{file.path}: the {what} has keys that are no finite numbers")
        if not np.isfinite(times).all() or times[0] < -1e6 or (np.diff(times) < 0).any():
            raise FileFormatError(f"{file.path}: the key times of the {what} are damaged: they must rise")
        if path == "scale":
            scaled |= {node} if np.ptp(values, axis=0).max() > 1e-3 else set()
            continue
        result[node, path] = Track(times, values, how)
    if scaled:
        some = ", ".join(tree.name(node) for node in sorted(scaled)[:3])
        log.warning("%s: the animated scale of %s is ignored: bodies keep their size", file.path, some)
    return result


def frame_rate_and_count(
    file: Container,
    tracks: dict[tuple[int, str], Track],
    take: dict[str, Any] | None,
    fps: float | None,
    joints: int,
) -> tuple[float, int]:
    """Frame rate and number of frames.

    Raises:
        FileFormatError: If the key times ask for far more frames than there are keys.
    """
    ends = [track.times[-1] for track in tracks.values()]
    if not ends:
        return fps or _DEFAULT_FPS, 1
    if fps is None:
        extras = (take or {}).get("extras")
        noted = extras.get("fps") if isinstance(extras, dict) else None
        fps = float(noted) if isinstance(noted, (int, float)) and 0 < noted <= _HIGHEST_FPS else None
    if not fps:
        steps = np.concatenate([np.diff(track.times) for track in tracks.values()])
        step = float(np.median(steps[steps > 1e-6])) if (steps > 1e-6).any() else 1.0 / _DEFAULT_FPS
        rate = 1.0 / step
        # Sparse keys say nothing about the rate they were made at; dense ones are whole frames, but for 32-bit rounding.
        fps = _DEFAULT_FPS if rate < 10.0 else (round(rate) if abs(rate - round(rate)) < 0.01 * rate**0.5 else rate)
        fps = fps if fps <= _HIGHEST_FPS else _DEFAULT_FPS
    keys = sum(len(track.times) for track in tracks.values())
    seconds = max(0.0, float(max(ends)))
    if (seconds * fps + 1.0) * joints > max(_FEW_VALUES, _PER_KEY * keys):
        raise FileFormatError(f"{file.path}: {keys} keys over {seconds:.3g} s: its key times are damaged")
    return float(fps), round(seconds * float(fps)) + 1


def sample(track: Track, at: Array) -> Array:
    """Values at times [T] (glTF specification, appendix C); quaternions are recognised by their width 4."""
    times, values, how = track
    turning = values.shape[1] == 4
    if how == "CUBICSPLINE":
        values = values.reshape(len(times), 3, -1)
        tangent_in, points, tangent_out = values[:, 0], values[:, 1], values[:, 2]
    else:
        tangent_in = tangent_out = points = values
    at = np.clip(at, times[0], times[-1])
    if len(times) == 1:
        return np.repeat(points, len(at), axis=0)
    low = np.clip(np.searchsorted(times, at + 1e-6, side="right") - 1, 0, len(times) - 2)
    span = np.maximum(times[low + 1] - times[low], 1e-9)
    t = np.clip((at - times[low]) / span, 0.0, 1.0)
    if how == "STEP":
        result = points[np.where(t > 1.0 - 1e-6, low + 1, low)]
    elif how == "CUBICSPLINE":
        t, d = t[:, None], span[:, None]
        result = (
            (2 * t**3 - 3 * t**2 + 1) * points[low]
            + (t**3 - 2 * t**2 + t) * d * tangent_out[low]
            + (-2 * t**3 + 3 * t**2) * points[low + 1]
            + (t**3 - t**2) * d * tangent_in[low + 1]
        )
    elif turning:
        return rot.slerp(points[low], points[low + 1], t)
    else:
        result = points[low] + t[:, None] * (points[low + 1] - points[low])
    return rot.normalize(result) if turning else result
