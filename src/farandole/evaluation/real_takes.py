"""Real takes from wherever they are, as a yardstick."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from farandole.evaluation.clip_figures import Settings, measure_clips
from farandole.evaluation.dance_clips import find_clips
from farandole.evaluation.real_range import RealRange
from farandole.evaluation.reference_file import find_reference

SETTINGS = Settings(poses=False)


def read_real_takes(
    source: str | Path, *, workers: int | None = 1, progress: Callable[[int, int], None] | None = None
) -> RealRange:
    """The range of real takes.

    Args:
        source: "starter", a file of figures that `write_reference` wrote, or a folder of motion files (with beats beside them, a
            folder per style or styles.json, as `find_clips` reads them).
        workers: Processes; None for one per processor.
        progress: Called with clips done and clips in all.

    Raises:
        DataError: If there is no such thing, or no motion in it.
        RetargetError: If a skeleton is no humanoid that we know.
    """
    known = find_reference(source)
    if known is not None:
        return known
    measured = measure_clips(find_clips(source), SETTINGS, workers=workers, progress=progress)
    return RealRange(Path(source).name, tuple(piece for pieces in measured for piece in pieces))
