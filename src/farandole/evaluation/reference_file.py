"""Figures of real takes in a file: what is measured of motion, and no motion.

The package comes with the figures of takes that no shipped weight was trained on (`starter_reference`);
benchmarks/starter_reference.py makes the file from a folder of takes.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import IO, Any

import numpy as np

from farandole._io import atomic_path
from farandole.errors import DataError
from farandole.evaluation.clip_figures import ClipFigures
from farandole.evaluation.metrics.window_features import WindowFeatures
from farandole.evaluation.quality import DanceQuality
from farandole.evaluation.real_range import RealRange

STARTER = "starter"
"""Name that stands for the figures that come with the package."""

VERSION = 1
_FILE = "starter_reference.npz"


def write_reference(reference: RealRange, path: str | Path, *, sources: str, force: bool = False) -> Path:
    """Write the figures of real takes.

    Args:
        reference: From `real_range`, or of clips that were measured otherwise.
        path: An .npz file.
        sources: Where the takes are from and under which terms, in a sentence or two.
        force: Replace an existing file.

    Raises:
        OutputError: If the file exists and not `force`, or cannot be written.
    """
    facts = {
        "version": VERSION,
        "name": reference.name,
        "sources": sources,
        "clips": [
            {
                "name": clip.name,
                "group": clip.group,
                "style": clip.style,
                "fps": clip.fps,
                "quality": asdict(clip.quality),
                "numbers": clip.numbers,
            }
            for clip in reference.clips
        ],
    }
    arrays: dict[str, Any] = {"facts": np.array(json.dumps(facts))}
    for i, clip in enumerate(reference.clips):
        parts = {
            "kinetic": clip.kinetic,
            "geometric": clip.geometric,
            "window_kinetic": clip.windows.kinetic,
            "window_geometric": clip.windows.geometric,
            "speed": clip.speed,
            "beats": clip.beats,
        }
        arrays |= {f"{i}/{key}": np.asarray(value, dtype=np.float32) for key, value in parts.items()}
    with atomic_path(Path(path), force=force) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)
    return Path(path)


def read_reference(path: str | Path) -> RealRange:
    """Read what `write_reference` wrote. Raises DataError if it is no such file."""
    try:
        with open(path, "rb") as file:
            return _read(file)
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise DataError(
            f"{path} is no file of reference figures (benchmarks/starter_reference.py makes them)"
        ) from error


@lru_cache(maxsize=1)
def starter_reference() -> RealRange:
    """Figures of the held-out real takes that come with the package."""
    with resources.files("farandole.evaluation").joinpath(_FILE).open("rb") as file:
        return _read(file)


def find_reference(source: str | Path) -> RealRange | None:
    """The figures that `STARTER` or a file names; None for anything else (a folder of motion, a motion file).

    Raises:
        DataError: If the file is one of figures and cannot be read.
    """
    if str(source) == STARTER:
        return starter_reference()
    path = Path(source)
    if path.suffix != ".npz" or not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        return read_reference(path) if "facts.npy" in archive.namelist() else None


def _read(file: IO[bytes]) -> RealRange:
    with np.load(file, allow_pickle=False) as arrays:
        facts = json.loads(str(arrays["facts"]))
        if facts["version"] != VERSION:
            raise ValueError(f"version {facts['version']}")
        clips = []
        for i, clip in enumerate(facts["clips"]):
            part = {key: arrays[f"{i}/{key}"].astype(float) for key in ("kinetic", "geometric", "beats")}
            windows = WindowFeatures(*(arrays[f"{i}/window_{key}"].astype(float) for key in ("kinetic", "geometric")))
            clips.append(
                ClipFigures(
                    name=clip["name"],
                    group=clip["group"],
                    style=clip["style"],
                    fps=clip["fps"],
                    quality=DanceQuality(**clip["quality"]),
                    numbers=clip["numbers"],
                    windows=windows,
                    speed=arrays[f"{i}/speed"],
                    **part,
                )
            )
    return RealRange(facts["name"], tuple(clips))
