"""What a live dance costs and how punctual it is."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from farandole._io import atomic_path

if TYPE_CHECKING:
    from farandole.live.live import LiveFrame

_LOCKED = 0.5
_BIN_MS, _BINS = 0.05, 4000  # histogram of milliseconds: memory does not grow with time


class Histogram:
    """Values in milliseconds, counted in bins of 0.05 ms up to 200 ms."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS + 1, np.int64)
        self._sum, self.largest = 0.0, 0.0

    def add(self, ms: float) -> None:
        """Count a value."""
        self._counts[min(int(ms / _BIN_MS), _BINS)] += 1
        self._sum += ms
        self.largest = max(self.largest, ms)

    @property
    def mean(self) -> float | None:
        """Mean; None without values."""
        total = int(self._counts.sum())
        return self._sum / total if total else None

    def percentile(self, share: float) -> float | None:
        """Upper end of the bin below which `share` percent lie; None without values."""
        total = np.cumsum(self._counts)
        if not total[-1]:
            return None
        bin_ = int(np.searchsorted(total, share / 100 * total[-1]))
        return min((bin_ + 1) * _BIN_MS, self.largest)


class LiveStats:
    """Counted frame by frame.

    CPU time is that of the whole process between two frames: hearing, dancing, sending, decoding.

    Args:
        fps: Frames per second that are wanted.
    """

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self.frames = self.late_frames = 0
        self._cpu, self._jitter = Histogram(), Histogram()
        self._used: float | None = None
        self._sound_at: float | None = None
        self.lock_seconds: float | None = None
        self._first = self._last = 0.0
        self._tempo = 0.0
        self._begun = time.perf_counter()

    def sound(self, time_: float) -> None:
        """Sound that is no silence is heard at a time, s."""
        if self._sound_at is None:
            self._sound_at = time_

    def begin(self) -> None:
        """Work for frames begins: what was used before, to open models and files, is no frame's."""
        self._used, self._begun = time.process_time(), time.perf_counter()

    def frame(self, frame: LiveFrame, late: float = 0.0) -> None:
        """A frame was sent, `late` s after it was due."""
        used = time.process_time()
        if self._used is not None:
            self._cpu.add(1e3 * (used - self._used))
        self._used = used
        self._jitter.add(1e3 * abs(late))
        self._first = frame.time if not self.frames else self._first
        self._last = frame.time
        self.frames += 1
        self._tempo = frame.tempo
        if self.lock_seconds is None and self._sound_at is not None and frame.sure >= _LOCKED and not frame.standing:
            self.lock_seconds = frame.time - self._sound_at

    def dropped(self, frames: int) -> None:
        """Frames were not made because they would have come too late."""
        self.late_frames += frames

    def as_dict(self, **more: Any) -> dict[str, Any]:
        """Plain values for JSON."""
        seconds = self._last - self._first
        rounded = lambda x: None if x is None else round(x, 3)  # noqa: E731
        return {
            "frames": self.frames,
            "seconds": rounded(seconds),
            "fps": rounded((self.frames - 1) / seconds) if seconds > 0 else None,
            "cpu_ms_mean": rounded(self._cpu.mean),
            "cpu_ms_p99": rounded(self._cpu.percentile(99)),
            "cpu_ms_max": rounded(self._cpu.largest),
            "jitter_ms_p99": rounded(self._jitter.percentile(99)),
            "late_frames": self.late_frames,
            "lock_s": rounded(self.lock_seconds),
            "tempo": rounded(self._tempo),
            "peak_mb": rounded(peak_megabytes()),
            "wall_s": rounded(time.perf_counter() - self._begun),
            **more,
        }

    def write(self, path: Path, *, force: bool = False, **more: Any) -> None:
        """Write `as_dict` as JSON, whole or not at all.

        Raises:
            OutputError: If the file exists and not `force`, or cannot be written.
        """
        with atomic_path(path, force=force) as temporary:
            temporary.write_text(json.dumps(self.as_dict(**more), indent=2) + "\n", encoding="utf-8")


def peak_megabytes() -> float | None:
    """Most memory this process has had, MB; None where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
