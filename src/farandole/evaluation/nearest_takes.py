"""Do dances replay the real takes? How near each clip of a folder is to the nearest second of a reference folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from farandole.errors import DataError
from farandole.evaluation.dance_clips import find_clips
from farandole.evaluation.metrics.nearest_window import WindowCorpus, nearest_distance
from farandole.evaluation.reference_file import find_reference


def nearest_takes(
    sources: Sequence[str | Path], reference: str | Path, *, progress: Callable[[int, int], None] | None = None
) -> dict[str, dict[str, float]]:
    """Distance from every clip to the nearest second of the reference: source -> clip -> mean over its seconds, cm.

    Args:
        sources: Folders of motion.
        reference: Folder of real motion.
        progress: Called with clips done and clips in all.

    Raises:
        DataError: If a folder holds no motion, or the reference holds figures and no motion.
    """
    if find_reference(reference) is not None:
        raise DataError(
            f"the reference '{reference}' holds no motion to look for the nearest second in: name a folder of it"
        )
    corpus = WindowCorpus(clip.load()[0] for clip in find_clips(reference))
    sets = {str(source): find_clips(source) for source in sources}
    total, done = sum(map(len, sets.values())), 0
    distances: dict[str, dict[str, float]] = {}
    for source, clips in sets.items():
        distances[source] = {}
        for clip in clips:
            distances[source][clip.name] = nearest_distance(clip.load()[0], corpus)
            done += 1
            if progress:
                progress(done, total)
    return distances


def nearest_lines(distances: Mapping[str, dict[str, float]], reference: str | Path) -> list[str]:
    """What to tell a person of `nearest_takes`, a line per source."""
    return [
        f"{source}: {fmean(clips.values()):.1f} cm from the nearest second of {reference}, the nearest clip "
        f"{min(clips, key=clips.__getitem__)} {min(clips.values()):.1f} cm"
        for source, clips in distances.items()
    ]
